// Goal: one function says who may do what, and a stranger learns of nothing. Method: every action on every kind of object by each kind of
// caller, against a table written by hand.
#include "untrusted/hub/auth/authorize.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace redoubt::hub {
namespace {

constexpr Action kActions[] = {Action::read, Action::submit, Action::approve, Action::upload, Action::keys};
constexpr Object::Kind kKinds[] = {Object::Kind::hub, Object::Kind::environment, Object::Kind::dataset, Object::Kind::query, Object::Kind::api_key};

Caller authorize_caller(std::string subject, std::vector<std::string> scopes) {
  const bool admin = std::ranges::find(scopes, "admin") != scopes.end();
  return {"key-of-" + subject, std::move(subject), admin, std::move(scopes), std::nullopt};
}

Object object_of(Object::Kind kind) {
  return {.kind = kind, .participants = {"analyst", "hospital"}, .owner = "hospital", .id = "key-other", .scopes = {"read"}, .expires = std::nullopt};
}

TEST(Authorize, StrangersFindNothingAndOwnersWhatIsTheirs) {
  const Caller stranger = authorize_caller("tenant", {"participant"});
  const Caller owner = authorize_caller("hospital", {"participant"});
  const Caller colleague = authorize_caller("analyst", {"participant"});
  const Caller admin = authorize_caller("operator", {"admin"});
  for (const Action action : kActions) {
    for (const Object::Kind kind : kKinds) {
      const std::string what = std::string(scope_of(action)) + " on kind " + std::to_string(static_cast<int>(kind));
      EXPECT_OK(authorize(admin, action, object_of(kind))) << what;
      EXPECT_OK(authorize(owner, action, object_of(kind))) << what;
      if (kind == Object::Kind::hub) {
        EXPECT_OK(authorize(stranger, action, object_of(kind))) << what;
        continue;
      }
      EXPECT_ERROR(authorize(stranger, action, object_of(kind)), Code::not_found, absent(kind).message()) << what;
      if (kind == Object::Kind::api_key) {
        EXPECT_ERROR(authorize(colleague, action, object_of(kind)), Code::not_found, "no such API key") << what;
      } else if (kind == Object::Kind::dataset && action == Action::upload) {
        EXPECT_ERROR(authorize(colleague, action, object_of(kind)), Code::auth, "only hospital uploads it");
      } else {
        EXPECT_OK(authorize(colleague, action, object_of(kind))) << what;
      }
    }
  }
}

TEST(Authorize, EachActionNeedsItsScopeBeforeAnythingIsSaidOfTheObject) {
  for (const Action has : kActions) {
    const Caller caller = authorize_caller("hospital", {std::string(scope_of(has))});
    const Caller stranger = authorize_caller("tenant", {std::string(scope_of(has))});
    for (const Action action : kActions) {
      const Object object = object_of(Object::Kind::environment);
      if (action == has) {
        EXPECT_OK(authorize(caller, action, object));
      } else {
        const auto refused = authorize(caller, action, object);
        EXPECT_ERROR(refused, Code::auth, "has no scope \"" + std::string(scope_of(action)) + "\"");
        EXPECT_ERROR(authorize(stranger, action, object), Code::auth, refused.error().message());
      }
    }
  }
}

TEST(Authorize, AKeyEndsItselfAndNoneThatMayMore) {
  Caller weak = authorize_caller("hospital", {"keys", "read"});
  Object strong = object_of(Object::Kind::api_key);
  strong.scopes = {"approve"};
  EXPECT_OK(authorize(weak, Action::read, strong));
  EXPECT_ERROR(authorize(weak, Action::keys, strong), Code::auth, "it has not itself");
  strong.id = weak.key;
  EXPECT_OK(authorize(weak, Action::keys, strong));
  Object lasting = object_of(Object::Kind::api_key);
  EXPECT_OK(authorize(weak, Action::keys, lasting));
  weak.expires = Instant(1000);
  EXPECT_ERROR(authorize(weak, Action::keys, lasting), Code::auth, "lifetime");
  lasting.expires = Instant(1000);
  EXPECT_OK(authorize(weak, Action::keys, lasting));
}

}  // namespace
}  // namespace redoubt::hub
