// Results by a link that expires, in ranges.
#include "common/net/byte_range.h"
#include "common/net/problem.h"
#include "untrusted/hub/api/api.h"
#include "untrusted/hub/api/result_link.h"

namespace redoubt::hub {
namespace {

constexpr std::uint64_t kPieceBytes = 4U << 20;  // read from the database at once

// Why a link does not count is not told.
net::HttpResponse invalid_link() { return net::problem(403, Code::auth, "this link is not valid, or not any more: ask for another"); }

// tag_of: the ETag. It names a package, not a place: another run of the query, in a database that was set back, has another.
std::string tag_of(const ResultLink& link, const ResultFacts& facts) {
  Fields fields("redoubt/hub-result/1");
  fields.text(link.query).text(link.recipient).field(facts.instance.view()).number(facts.sequence).number(facts.size);
  return '"' + crypto::sha256(fields.view()).hex().substr(0, 32) + '"';
}

// link_of reads what the address of a download says.
Result<ResultLink> link_of(const net::HttpRequest& request, std::string& signature) {
  const Error wrong(Code::usage, "query: expected api_key, expires and signature, as the link has them");
  if (request.query.size() != 3 || !request.query.contains("api_key") || !request.query.contains("expires") || !request.query.contains("signature")) return wrong;
  const std::string& expires = request.query.find("expires")->second;
  if (expires.empty() || expires.size() > 12 || !std::ranges::all_of(expires, [](char c) { return c >= '0' && c <= '9'; })) return wrong;
  ResultLink link;
  link.query = request.params.at("query");
  link.recipient = request.params.at("recipient");
  link.api_key = request.query.find("api_key")->second;
  link.expires = Instant(std::stoll(expires));
  signature = request.query.find("signature")->second;
  return link;
}

}  // namespace

Result<net::HttpResponse> HubApi::get_result_link(const Call& call) {
  REDOUBT_TRY(const Environment environment, load_environment(call));
  REDOUBT_TRY(const Query query, load_query(call, environment));
  if (query.state != QueryState::done) return conflict("query: is " + std::string(shown_name(query.state)) + ", expected done");
  const ResultLink link{query.id, call.param("recipient"), call.caller.key, parts_.now().plus_seconds(ResultLink::kLifeSeconds)};
  REDOUBT_TRY(const ResultFacts facts, parts_.store.read([&](Transaction& transaction) { return get_result_facts(transaction, link.query, link.recipient); }));
  return json_answer(200, json::Object{{"etag", tag_of(link, facts)},
                                       {"expires", link.expires.text()},
                                       {"size", static_cast<std::int64_t>(facts.size)},
                                       {"url", link.target(parts_.link_secret)}});
}

// may_download: whether whom the link's API key stands for may read the query now.
Status HubApi::may_download(Transaction& transaction, const ResultLink& link) {
  REDOUBT_TRY(const ApiKey key, get_api_key(transaction, link.api_key));
  if (!key.valid(parts_.now())) return Error(Code::auth, "this API key is not valid");
  const Caller caller{key.id, key.subject, key.allows(kAdminScope), key.scopes, key.expires};
  REDOUBT_TRY(const Query query, hub::get_query(transaction, link.query));
  Object object{.kind = Object::Kind::query};
  REDOUBT_TRY(const auto participants, get_participants(transaction, query.environment));
  for (const ParticipantRecord& participant : participants) object.participants.push_back(participant.name);
  return authorize(caller, Action::read, object);
}

net::HttpResponse HubApi::download(const net::HttpRequest& request) {
  std::string signature;
  const auto link = link_of(request, signature);
  // Nothing is looked up for who has no link of ours, and trying others' is limited by address. A good link is not held up by them.
  if (!link.ok() || !link->signed_by(parts_.link_secret, signature)) {
    if (const auto limited = parts_.authenticator.wrong(request)) {
      return too_many(Error(Code::unavailable, "too many links that are not valid from this address"), *limited);
    }
    return link.ok() ? invalid_link() : net::problem(link.error());
  }
  if (!link->alive(parts_.now())) return invalid_link();
  if (const auto limited = parts_.authenticator.admit(link->api_key)) {
    return too_many(Error(Code::unavailable, "this API key has used up its share of requests, try again in a moment"), *limited);
  }
  const auto facts = parts_.store.read([&](Transaction& transaction) -> Result<ResultFacts> {
    REDOUBT_CHECK(may_download(transaction, *link));
    return get_result_facts(transaction, link->query, link->recipient);
  });
  if (!facts.ok()) {
    const bool ours = facts.error().code() == Code::unavailable || facts.error().code() == Code::internal;
    return ours ? net::problem(facts.error()) : invalid_link();
  }

  const std::string tag = tag_of(*link, *facts);
  const net::RangeAnswer asked = net::range_of(request, facts->size, tag);
  net::HttpResponse response;
  if (const auto* const none = std::get_if<net::NoRange>(&asked)) {
    response = net::problem(416, Code::usage, "range: outside the " + std::to_string(facts->size) + " bytes of the result");
    response.headers.set("content-range", net::content_range(*none, facts->size));
    return response;
  }
  net::ByteRange part{0, facts->size};
  if (const auto* const range = std::get_if<net::ByteRange>(&asked)) {
    part = *range;
    response.status = 206;
    response.headers.set("content-range", net::content_range(part, facts->size));
  }
  response.headers.set("content-type", "application/octet-stream");
  response.headers.set("accept-ranges", "bytes");
  response.headers.set("etag", tag);
  // Each piece is read for a key that is valid then: a download that goes on for long ends with it, cut off.
  auto given = std::make_shared<std::uint64_t>(0);
  response.body = net::PullBody{[this, link = *link, part, given]() -> Result<Bytes> {
                                  const std::uint64_t size = std::min(part.size - *given, kPieceBytes);
                                  if (size == 0) return Bytes();
                                  auto piece = parts_.store.read([&](Transaction& transaction) -> Result<Bytes> {
                                    REDOUBT_CHECK(may_download(transaction, link));
                                    return get_result_piece(transaction, link.query, link.recipient, part.first + *given, size);
                                  });
                                  if (piece.ok() && piece->size() != size) return Error(Code::internal, "result: a piece is missing");
                                  *given += size;
                                  return piece;
                                },
                                part.size};
  return response;
}

}  // namespace redoubt::hub
