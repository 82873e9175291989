#include "client/sdk/conformance/conformance.h"

#include "client/sdk/conformance/entry.h"
#include "client/sdk/files.h"

namespace redoubt::conformance {
namespace {

constexpr json::Limits kLimits{.max_bytes = std::size_t{64} << 20, .max_depth = 32};

struct Platform {
  std::string_view evidence;  // member that names the Evidence
  std::string_view also;      // member that tells it from others
  Result<Facts> (*facts)(const Entry&);
};

constexpr Platform kPlatforms[] = {
    {"quote", "tcb_info", dcap_facts},  {"report", "ark", snp_facts},      {"file", "module_id", nitro_facts},
    {"file", "feed", uvm_facts},        {"token", "window", token_facts},   {"cert", "window_certificate", certificate_facts},
    {"attest", "pcr_digest_hash", tpm_quote_facts}, {"kind", "vm_configuration", azure_facts},
    {"file", "replayed_pcrs", eventlog_facts},
    {"file", "replayed", rtmr_facts},
    {"file", "expect", ima_facts},  // the last: nothing else tells these entries from others
};

// kStated: members of an entry that say what must come out, beside its "expect".
constexpr std::string_view kStated[] = {"events", "expected_pcrs_from_origin_tests", "replayed", "replayed_pcrs"};

// stated: the expectation of an entry that states values. A log whose reader must refuse it has no events to count.
json::Object stated(const json::Object& members) {
  json::Object out;
  for (const std::string_view key : kStated) {
    const auto found = members.find(key);
    if (found == members.end()) continue;
    const bool no_registers = members.contains("replayed") && members.at("replayed") == json::Value(json::Object{});
    if (key != "events" || !no_registers) out.emplace(key, found->second);
  }
  return out;
}

// asks_refusal: prose that is a verdict: "refuse: malformed line", "digest algorithm unknown: refuse the entries".
bool asks_refusal(std::string_view text) { return text.starts_with("refuse") || text.find(": refuse") != std::string_view::npos; }

bool is_verdict(std::string_view text) { return text == "accept" || text == "reject" || text == "reject-or-ignore" || asks_refusal(text); }

const Platform* platform_of(const Entry& entry) {
  for (const Platform& platform : kPlatforms) {
    if (entry.has(platform.evidence) && entry.has(platform.also)) return &platform;
  }
  return nullptr;
}

Result<json::Value> load(const std::filesystem::path& file) {
  REDOUBT_TRY(const std::string text, sdk::read_file(file.string(), kLimits.max_bytes));
  return json::parse(text, kLimits).context(file.filename().string());
}

// base_cases: those of cases.json beside the file.
Result<Book> base_cases(const std::filesystem::path& folder) {
  Book book;
  REDOUBT_TRY(const json::Value value, load(folder / "cases.json"));
  if (value.array() == nullptr) return Error(Code::malformed, "cases.json: expected a list");
  for (const json::Value& one : *value.array()) {
    const json::Value id = member_or_null(one, "id");
    if (id.string() != nullptr) book.emplace(*id.string(), *one.object());
  }
  return book;
}

std::string name_of(const json::Object& entry, const std::string& key) {
  for (const char* member : {"id", "file"}) {
    const json::Value value = member_or_null(json::Value(entry), member);
    if (value.string() != nullptr) return *value.string();
  }
  if (!key.empty()) return key;
  const json::Value quote = member_or_null(json::Value(entry), "quote");
  const json::Value at = member_or_null(json::Value(entry), "at");
  return (quote.string() != nullptr ? *quote.string() : "") + "@" + (at.string() != nullptr ? *at.string() : "");
}

Verdict skip(Verdict verdict, std::string why) {
  verdict.skipped = std::move(why);
  return verdict;
}

Verdict compare(Verdict verdict, const Result<Facts>& facts) {
  json::Object got;
  const bool broken = !facts.ok() && facts.error().code() == Code::usage;
  for (const auto& [key, value] : *verdict.expected.object()) {
    if (broken) {
      got.emplace(key, facts.error().message());
      continue;
    }
    if (!facts.ok()) {
      if (key == "verdict") got.emplace(key, "reject");
      if (key == "authentic" || key == "accept_under_strict_policy") got.emplace(key, false);
      continue;
    }
    const auto found = facts->find(key);
    if (found != facts->end()) got.emplace(key, found->second);
  }
  verdict.got = got;
  verdict.ok = !broken && verdict.got == verdict.expected;
  return verdict;
}

// judge_forgery: an entry that says in prose what is forged.
Verdict judge_forgery(Verdict verdict, const std::filesystem::path& folder, const Book& book) {
  std::vector<Entry> tokens;
  for (const auto& [id, members] : book) {
    const Entry entry{folder, members, {}};
    if (entry.has("token") && entry.has("keys")) tokens.push_back(entry);
  }
  if (verdict.id.starts_with("x5c-")) return skip(std::move(verdict), "needs a token signed under a root of one's own, whose key no file gives");
  if (!is_token_forgery(verdict.id)) return skip(std::move(verdict), "the edit is prose that has no recipe here");
  if (tokens.empty()) return skip(std::move(verdict), "cases.json holds no token to forge");
  const Result<Facts> facts = token_forgery_facts(verdict.id, tokens);
  // A forgery that could not be made was refused by nobody.
  if (!facts.ok()) return compare(std::move(verdict), Facts{{"verdict", facts.error().message()}});
  return compare(std::move(verdict), facts);
}

// change: the base case as a negative entry changes it: its time, members ("override", "swap") and bytes ("edits", "edit"). Why the
// entry cannot be judged: nothing that is known here is changed, so that its verdict would be that of the base case.
std::optional<std::string> change(Entry& entry, const json::Object& base, const json::Object& members) {
  entry.members = base;
  if (const auto at = members.find("at"); at != members.end()) entry.members["at"] = at->second;
  for (const char* name : {"override", "swap"}) {
    const json::Value replaced = member_or_null(json::Value(members), name);
    if (replaced.is_null()) continue;
    if (replaced.object() == nullptr) return "its edit is prose that has no recipe here";
    for (const auto& [key, value] : *replaced.object()) entry.members[key] = value;
  }
  for (const char* name : {"edits", "edit"}) {
    const json::Value edits = member_or_null(json::Value(members), name);
    if (edits.is_null()) continue;
    if (edits.array() != nullptr) {
      entry.edits.insert(entry.edits.end(), edits.array()->begin(), edits.array()->end());
    } else {
      entry.edits.push_back(edits);
    }
  }
  if (auto why = unread_edit(entry.edits)) return why;
  constexpr std::string_view kForms[] = {"at", "override", "swap", "edits", "edit", "how"};
  if (std::ranges::any_of(kForms, [&](std::string_view form) { return members.contains(std::string(form)); })) return std::nullopt;
  return "its edit is prose that has no recipe here";
}

// judge_ek_chain: an entry about certificates of TPM keys.
Verdict judge_ek_chain(Verdict verdict, const Entry& entry) {
  verdict.expected = expected_of_ek_chain(entry);
  if (verdict.id == "@") verdict.id = entry.text(entry.has("crl") ? "crl" : "leaf");
  if (verdict.expected == json::Value(json::Object{})) return skip(std::move(verdict), "nothing is expected of it");
  const Result<Facts> facts = ek_chain_facts(entry);
  const bool undecided = facts.ok() && verdict.expected.object()->contains("verdict") && !facts->contains("verdict");
  return undecided ? skip(std::move(verdict), "the expectation is prose") : compare(std::move(verdict), facts);
}

// judge: one entry that has an expectation.
Verdict judge(const std::filesystem::path& folder, const json::Object& members, const std::string& key, const Book& book) {
  Verdict verdict;
  verdict.id = name_of(members, key);
  if (const Entry entry{folder, members, {}}; is_ek_chain(entry)) return judge_ek_chain(std::move(verdict), entry);
  const json::Value expect = member_or_null(json::Value(members), "expect");
  json::Object expected = stated(members);
  if (const Entry entry{folder, members, {}}; expect.is_null() && expected.empty() && entry.has("file") && entry.has("certification_data_type")) {
    verdict.expected = expected_of_quote(entry);
    return compare(std::move(verdict), quote_facts(entry));
  }
  if (expect.is_null() && expected.empty()) return skip(std::move(verdict), "nothing is expected of it");
  if (expect.string() != nullptr) {
    if (expected.empty() || is_verdict(*expect.string())) expected.emplace("verdict", *expect.string());
  } else if (expect.object() != nullptr) {
    for (const auto& [name, value] : *expect.object()) expected.insert_or_assign(name, value);
  } else if (!expect.is_null()) {
    return skip(std::move(verdict), "the expectation is neither text nor an object");
  }
  verdict.expected = expected;

  Entry entry{folder, members, {}};
  for (const char* name : {"base", "base_case"}) {
    const std::string_view base = entry.text(name);
    if (base.empty()) continue;
    const auto found = book.find(base);
    if (found == book.end()) return skip(std::move(verdict), "its base case is not in cases.json");
    if (auto why = change(entry, found->second, members)) return skip(std::move(verdict), std::move(*why));
    break;
  }
  if (entry.has("case_with_higher_evaluation_number")) return compare(std::move(verdict), choice_facts(entry, book));
  if (entry.has("how")) return judge_forgery(std::move(verdict), folder, book);
  const Platform* platform = platform_of(entry);
  if (platform == nullptr) return skip(std::move(verdict), "its platform is not built");
  const auto asked = expected.find("verdict");
  if (asked != expected.end() && expect.string() != nullptr && !is_verdict(*expect.string())) {
    return skip(std::move(verdict), "the expectation is prose");
  }
  Result<Facts> facts = platform->facts(entry);
  if (!facts.ok() && facts.error().code() == Code::usage) return compare(std::move(verdict), facts);
  if (expect.string() != nullptr && asks_refusal(*expect.string())) {
    const bool refused = !facts.ok() || facts->at("verdict") == json::Value("reject");
    facts = Facts{{"verdict", refused ? *expect.string() : "accept"}};
  }
  if (expect.string() != nullptr && *expect.string() == "reject-or-ignore") {
    // Bytes that nothing covers: refusing them and dropping them are both right; believing them is not.
    const bool ignored = facts.ok() && facts->contains("ignored");
    const bool refused = !facts.ok() || facts->at("verdict") == json::Value("reject");
    facts = Facts{{"verdict", ignored || refused ? "reject-or-ignore" : "accept"}};
  }
  return compare(std::move(verdict), facts);
}

}  // namespace

json::Value verdict_json(const Verdict& verdict) {
  json::Object out{{"expected", verdict.expected}, {"got", verdict.got}, {"id", verdict.id}};
  out.emplace("ok", verdict.ok ? json::Value(*verdict.ok) : json::Value());
  if (!verdict.ok) out.emplace("skipped", verdict.skipped);
  return out;
}

Result<Summary> run(const std::filesystem::path& file, const std::function<void(const Verdict&)>& report) {
  REDOUBT_TRY(const json::Value value, load(file));
  const std::filesystem::path folder = file.parent_path();
  Book book;
  if (auto cases = base_cases(folder); cases.ok()) book = std::move(*cases);
  Summary summary;
  const auto each = [&](const json::Value& one, const std::string& key) {
    if (one.object() == nullptr) return;
    const Verdict verdict = judge(folder, *one.object(), key, book);
    (!verdict.ok ? summary.skipped : *verdict.ok ? summary.passed : summary.failed) += 1;
    report(verdict);
  };
  if (value.array() != nullptr) {
    for (const json::Value& one : *value.array()) each(one, "");
    return summary;
  }
  if (value.object() == nullptr) return Error(Code::malformed, file.filename().string() + ": expected a list of cases or an object");
  for (const auto& [key, member] : *value.object()) {
    if (member.array() != nullptr) {
      for (const json::Value& one : *member.array()) each(one, "");
    } else {
      each(member, key);
    }
  }
  return summary;
}

}  // namespace redoubt::conformance
