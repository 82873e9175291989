#include "client/sdk/votes.h"

#include "client/sdk/members.h"
#include "common/net/problem.h"

namespace redoubt::sdk {
namespace {

constexpr std::size_t kMaxVotesText = 4096;

Result<std::vector<std::string>> voters(json::ObjectReader& reader, std::string_view member) {
  REDOUBT_TRY(auto names, json::strings(json::Value(reader.array(member, jobs::Contract::kMaxParticipants)), member, jobs::Contract::kMaxParticipants));
  for (const std::string& name : names) REDOUBT_CHECK(jobs::check_name(name, member));
  return names;
}

}  // namespace

Result<VotesView> read_votes(const json::Value& answer) {
  const json::Value known = members_of(answer, {"approved", "lapsed", "missing", "reason", "rejected", "state"});
  json::ObjectReader reader(known, "votes");
  VotesView votes;
  REDOUBT_TRY(votes.approved, voters(reader, "approved"));
  REDOUBT_TRY(votes.rejected, voters(reader, "rejected"));
  REDOUBT_TRY(votes.lapsed, voters(reader, "lapsed"));
  REDOUBT_TRY(votes.missing, voters(reader, "missing"));
  votes.state = net::printable(reader.nonempty("state", 64), 64);
  votes.reason = net::printable(reader.nonempty("reason", kMaxVotesText), 400);
  REDOUBT_CHECK(reader.finish());
  return votes;
}

}  // namespace redoubt::sdk
