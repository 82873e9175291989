// Pairs of cases with the same quote and time, and collateral of another evaluation number: who picks the collateral picks the verdict,
// unless a minimum stands against it.
#include "client/sdk/conformance/entry.h"

namespace redoubt::conformance {
namespace {

Result<Entry> side(const Entry& pair, const Book& book, std::string_view key) {
  const auto found = book.find(pair.text(key));
  if (found == book.end()) return Error(Code::usage, "pair: \"" + std::string(key) + "\" is not in cases.json");
  Entry entry{pair.folder, found->second, {}};
  for (const char* shared : {"quote", "at"}) {
    if (pair.has(shared)) entry.members[shared] = pair.members.at(shared);
  }
  return entry;
}

json::Value of(const Facts& facts, const std::string& key) { return member_or_null(json::Value(facts), key); }

}  // namespace

Result<Facts> choice_facts(const Entry& pair, const Book& book) {
  REDOUBT_TRY(const Entry higher, side(pair, book, "case_with_higher_evaluation_number"));
  REDOUBT_TRY(Entry lower, side(pair, book, "case_with_lower_evaluation_number"));
  REDOUBT_TRY(const Facts with_higher, dcap_facts(higher));
  REDOUBT_TRY(const Facts with_lower, dcap_facts(lower));
  const json::Value minimum = member_or_null(json::Value(pair.members), "evaluation_number");
  if (minimum.integer() == nullptr) return Error(Code::usage, "pair: expected the number \"evaluation_number\"");
  lower.members["minimum_evaluation_number"] = minimum;
  REDOUBT_TRY(const Facts refused, dcap_facts(lower));

  Facts facts{{"status", of(with_higher, "tcb_status")}, {"lower_status", of(with_lower, "tcb_status")}};
  // What the pair says in prose, clause by clause.
  const json::Value accept("accept");
  std::string differs;
  const auto must = [&](bool holds, const std::string& otherwise) {
    if (!holds) differs += (differs.empty() ? "" : "; ") + otherwise;
  };
  must(of(refused, "verdict") == json::Value("reject"), "with the minimum the lower collateral is accepted");
  must(of(with_higher, "verdict") == accept && of(with_lower, "verdict") == accept, "without a minimum one of them is refused");
  for (const char* key : {"status", "lower_status"}) {
    if (!pair.has(key)) continue;
    must(facts.at(key) == pair.members.at(key), std::string(key) + " is " + json::canonical(facts.at(key)));
  }
  const json::Value expect = member_or_null(json::Value(pair.members), "expect");
  facts.emplace("verdict", differs.empty() && expect.string() != nullptr ? *expect.string() : differs);
  return facts;
}

}  // namespace redoubt::conformance
