#include "common/jobs/cleanroom/approval.h"

#include <algorithm>
#include <functional>

namespace redoubt::jobs {
namespace {

constexpr ApprovalRule kRules[] = {ApprovalRule::unanimous, ApprovalRule::majority, ApprovalRule::owners, ApprovalRule::k_of_n};

// check_itself: what can be said of a rule without its participants; one meaning has one spelling.
Status check_itself(const Approval& approval) {
  if (std::ranges::adjacent_find(approval.veto, std::ranges::greater_equal()) != approval.veto.end()) {
    return Error(Code::malformed, "approval: the names with a veto must be sorted, each once");
  }
  if (approval.rule == ApprovalRule::unanimous && !approval.veto.empty()) {
    return Error(Code::malformed, "approval: with unanimous every voter has a veto; expected none by name");
  }
  return {};
}

}  // namespace

std::string_view name_of(ApprovalRule rule) {
  switch (rule) {
    case ApprovalRule::unanimous: return "unanimous";
    case ApprovalRule::majority: return "majority";
    case ApprovalRule::owners: return "owners";
    case ApprovalRule::k_of_n: return "k_of_n";
  }
  return "";
}

Result<ApprovalRule> parse_approval_rule(std::string_view name) {
  for (const ApprovalRule rule : kRules) {
    if (name == name_of(rule)) return rule;
  }
  return Error(Code::malformed, "approval rule: expected unanimous, majority, owners or k_of_n, found \"" + std::string(name) + "\"");
}

json::Value Approval::to_json() const {
  if (*this == Approval()) return json::Value(name_of(rule));
  json::Array names;
  for (const std::string& name : veto) names.emplace_back(name);
  json::Object out{{"rule", name_of(rule)}, {"submitter_counts", submitter_counts}, {"veto", std::move(names)}};
  if (rule == ApprovalRule::k_of_n) out.emplace("k", k);
  return out;
}

Result<Approval> Approval::from_json(const json::Value& value) {
  Approval approval;
  if (const std::string* name = value.string(); name != nullptr) {
    if (*name == name_of(ApprovalRule::unanimous)) return approval;
    return Error(Code::malformed, "approval: expected \"unanimous\" or an object, found \"" + *name + "\"");
  }
  json::ObjectReader reader(value, "approval");
  const std::string rule = reader.string("rule");
  approval.submitter_counts = reader.boolean("submitter_counts");
  const json::Array& names = reader.array("veto", kMaxVoters);
  if (rule == name_of(ApprovalRule::k_of_n)) approval.k = static_cast<int>(reader.integer("k", 1, kMaxVoters));
  REDOUBT_CHECK(reader.finish());
  REDOUBT_TRY(approval.rule, parse_approval_rule(rule));
  REDOUBT_TRY(approval.veto, json::strings(json::Value(names), "veto", kMaxVoters));
  REDOUBT_CHECK(check_itself(approval));
  if (approval == Approval()) return Error(Code::malformed, "approval: expected the spelling \"unanimous\" for this rule");
  return approval;
}

std::string Approval::text() const {
  std::string out;
  switch (rule) {
    case ApprovalRule::unanimous: out = "unanimous: every voter"; break;
    case ApprovalRule::majority: out = "majority: more than half of the voters"; break;
    case ApprovalRule::owners: out = "owners: every owner of a dataset that the query reads"; break;
    case ApprovalRule::k_of_n: out = "k_of_n: any " + std::to_string(k) + " of the voters"; break;
  }
  if (!veto.empty()) {
    out += "; never without";
    for (std::size_t i = 0; i < veto.size(); ++i) out += (i == 0 ? " " : ", ") + veto[i];
  }
  if (!submitter_counts) out += "; the submitter's own approval does not count";
  if (!submitter_counts && !veto.empty()) out += ", and yet is needed of one with a veto";
  return out;
}

}  // namespace redoubt::jobs
