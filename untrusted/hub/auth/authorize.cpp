#include "untrusted/hub/auth/authorize.h"

#include <cstdlib>

namespace redoubt::hub {
namespace {

bool takes_part(const Caller& caller, const Object& object) {
  return caller.admin || std::ranges::find(object.participants, caller.subject) != object.participants.end();
}

Status authorize_key(const Caller& caller, Action action, const Object& object) {
  if (!caller.admin && object.owner != caller.subject) return absent(object.kind);
  // Whoever rotates a key gets all that it may do; whoever ends one takes the place of its holder. A key may always end itself.
  if (action == Action::read || object.id == caller.key || caller.covers(object.scopes, object.expires)) return {};
  return Error(Code::auth, "an API key cannot give scopes or a lifetime that it has not itself");
}

}  // namespace

std::string_view scope_of(Action action) {
  switch (action) {
    case Action::read: return kReadScope;
    case Action::submit: return kSubmitScope;
    case Action::approve: return kApproveScope;
    case Action::upload: return kUploadScope;
    case Action::keys: return kKeysScope;
  }
  std::abort();
}

Object Object::of_key(const ApiKey& key) {
  return {.kind = Kind::api_key, .owner = key.subject, .id = key.id, .scopes = key.scopes, .expires = key.expires};
}

Error absent(Object::Kind kind) {
  switch (kind) {
    case Object::Kind::hub: break;
    case Object::Kind::environment: return {Code::not_found, "no such environment"};
    case Object::Kind::dataset: return {Code::not_found, "no such dataset in this environment"};
    case Object::Kind::query: return {Code::not_found, "no such query in this environment"};
    case Object::Kind::api_key: return {Code::not_found, "no such API key"};
  }
  return {Code::not_found, "no such thing"};
}

Status authorize(const Caller& caller, Action action, const Object& object) {
  if (!caller.allows(scope_of(action))) return Error(Code::auth, "this API key has no scope \"" + std::string(scope_of(action)) + "\"");
  switch (object.kind) {
    case Object::Kind::hub: return {};
    case Object::Kind::environment:
    case Object::Kind::query:
      if (!takes_part(caller, object)) return absent(object.kind);
      return {};
    case Object::Kind::dataset:
      if (!takes_part(caller, object)) return absent(object.kind);
      if (action == Action::upload && !caller.admin && object.owner != caller.subject) {
        return Error(Code::auth, "content: only " + object.owner + " uploads it");
      }
      return {};
    case Object::Kind::api_key: return authorize_key(caller, action, object);
  }
  return absent(object.kind);
}

}  // namespace redoubt::hub
