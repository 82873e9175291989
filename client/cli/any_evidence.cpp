#include "client/cli/any_evidence.h"

#include <algorithm>
#include <ostream>

#include "client/sdk/collateral_store.h"
#include "client/sdk/files.h"
#include "common/attest/verifier/annotate.h"
#include "common/attest/verifier/explain.h"
#include "common/base/encoding.h"

namespace redoubt::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxPolicyFile = std::size_t{1} << 20;
constexpr std::size_t kMaxCollateralFile = std::size_t{4} << 20;

// Asked: everything that a verification needs, read.
struct Asked {
  Bytes evidence;
  std::vector<verifier::NamedFile> files;
  std::optional<appraise::Policy> policy;
  std::optional<Bytes> nonce;
  Instant now;

  const appraise::Policy& used() const { return policy ? *policy : verifier::strict_policy(); }
};

Result<Bytes> read_nonce(const std::string& text) {
  constexpr std::size_t kMaxNonce = 1024;
  if (text.starts_with('@')) {
    REDOUBT_TRY(const std::string content, sdk::read_file(text.substr(1), kMaxNonce).context("--nonce"));
    return to_bytes(content);
  }
  std::string lower = text;
  for (char& c : lower) c = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  const auto bytes = hex_decode(lower);
  if (!bytes.ok()) return Error(Code::usage, "--nonce: expected hexadecimal or @file: " + bytes.error().message());
  return *bytes;
}

Result<Asked> read_all(Session& session, const AnyEvidenceOptions& options) {
  Asked asked;
  REDOUBT_TRY(asked.evidence, read_evidence(options.file));
  if (!options.policy.empty() && options.policy != "strict") {
    REDOUBT_TRY(asked.policy, read_policy(options.policy));
  }
  asked.now = session.world().now();
  if (!options.time.empty()) {
    const auto time = Instant::parse(options.time);
    if (!time.ok()) return Error(Code::usage, "--time: expected a time such as 2026-11-21T17:00:00Z: " + time.error().message());
    asked.now = *time;
  }
  if (!options.nonce.empty()) {
    REDOUBT_TRY(asked.nonce, read_nonce(options.nonce));
  }
  if (options.collateral.empty()) {
    REDOUBT_TRY(asked.files, sdk::CollateralStore(session.state() / "collateral").files());
  } else {
    REDOUBT_TRY(asked.files, read_folder(options.collateral));
  }
  if (!options.tpm_root.empty()) {
    REDOUBT_TRY(const auto roots, read_folder({options.tpm_root}));
    asked.files.insert(asked.files.end(), roots.begin(), roots.end());
  }
  return asked;
}

// repeated: the options as one would type them again.
std::string repeated(const AnyEvidenceOptions& options) {
  std::string text = options.file;
  for (const std::string& one : options.collateral) text += " --collateral " + one;
  if (!options.policy.empty()) text += " --policy " + options.policy;
  if (!options.time.empty()) text += " --time " + options.time;
  if (!options.nonce.empty()) text += " --nonce " + options.nonce;
  return text;
}

void head(Session& session, const Asked& asked, const appraise::Appraisal& appraisal) {
  const auto format = verifier::detect(asked.evidence);
  session.out() << "evidence: " << (format.ok() ? verifier::format_text(*format) : appraisal.format) << ", " << asked.evidence.size() << " bytes\n";
  session.out() << "policy: " << shown(asked.used().name) << " (" << asked.used().id().hex() << ")" << (asked.policy ? "" : ", built in") << '\n';
  session.out() << "time: " << asked.now.text() << "\n\n";
}

// print_checks: every check with both values, each on a line of its own where it is long.
void print_checks(Session& session, const appraise::Appraisal& appraisal) {
  constexpr std::size_t kColumn = 48;
  const auto cut = [](const std::string& text) { return text.size() <= kColumn ? text : text.substr(0, kColumn - 3) + "..."; };
  Table table{{"check", "outcome", "what", "expected", "found"}, {}};
  for (const attest::Check& check : appraisal.checks) {
    table.rows.push_back({std::string(id_text(check.id)), std::string(outcome_text(check.outcome)), std::string(title(check.id)), cut(check.expected), cut(check.found)});
  }
  print_table(session.out(), table);
  for (const attest::Check& check : appraisal.checks) {
    if (check.outcome != attest::Outcome::failed || (check.expected.size() <= kColumn && check.found.size() <= kColumn)) continue;
    session.out() << '\n' << id_text(check.id) << " expected: " << shown(check.expected) << '\n' << id_text(check.id) << " found:    " << shown(check.found) << '\n';
  }
}

json::Value verdict_json(const Asked& asked, const appraise::Appraisal& appraisal) {
  json::Object out = *appraisal_json(appraisal).object();
  out.insert_or_assign("accepted", appraisal.accepted().ok());
  out.insert_or_assign("format", appraisal.format);
  out.insert_or_assign("measured", appraisal.measured);
  out.insert_or_assign("policy_name", asked.used().name);
  out.insert_or_assign("time", asked.now.text());
  if (appraisal.accepted().ok()) out.insert_or_assign("valid_until", appraisal.validity.end.text());
  return out;
}

// bring: the next step where something is missing, by what the Evidence is.
std::string bring(const AnyEvidenceOptions& options, const appraise::Appraisal& appraisal) {
  std::string text = "give what is missing: --collateral DIR, or keep it with `redoubt collateral add`";
  const bool intel = appraisal.format == "sgx" || appraisal.format == "tdx" || appraisal.format == "certificate";
  if (intel) text += "; for Intel's: `redoubt collateral fetch --for " + options.file + "`";
  return text;
}

bool lacks_collateral(const appraise::Appraisal& appraisal) {
  return appraisal.status == appraise::Tier::contraindicated &&
         std::ranges::any_of(appraisal.remarks, [](const std::string& remark) { return remark.starts_with("no ") && !remark.starts_with("no measurement"); });
}

// next_step: for an error before there is a verdict.
void next_step(Session& session, const AnyEvidenceOptions& options, const Error& error) {
  if (error.code() == Code::policy) session.next("give a policy that speaks of this platform: redoubt policy show strict -o json > policy.json, then edit it");
  if (error.code() == Code::malformed) session.next("get the file again in its binary form; `redoubt evidence show " + options.file + "` tells what can be read");
  if (error.code() == Code::usage) session.next("give what is named: certificates and lists with --collateral DIR, the challenge with --nonce; see `redoubt evidence verify --help`");
}

}  // namespace

void add_any_evidence_options(CLI::App* verb, AnyEvidenceOptions& options) {
  verb->add_option("--policy", options.policy, "policy file; without one the built-in policy \"strict\"");
  verb->add_option("--collateral", options.collateral, "folder or file of collateral, certificates, revocation lists, key sets; without one those of `collateral add`");
  verb->add_option("--time", options.time, "judge at this time (2026-11-21T17:00:00Z) instead of now");
  verb->add_option("--nonce", options.nonce, "the challenge that you sent: hexadecimal, or @file");
}

Result<Bytes> read_evidence(const std::string& file) {
  REDOUBT_TRY(const std::string content, sdk::read_file(file, verifier::kMaxEvidence));
  return to_bytes(content);
}

Result<appraise::Policy> read_policy(const std::string& file) {
  if (file == "strict") return verifier::strict_policy();
  REDOUBT_TRY(const std::string text, sdk::read_file(file, kMaxPolicyFile));
  REDOUBT_TRY(const json::Value value, json::parse(text, {.max_bytes = kMaxPolicyFile, .max_depth = 16}).context(file));
  return appraise::Policy::from_json(value).context(file);
}

Result<std::vector<verifier::NamedFile>> read_folder(const std::vector<std::string>& paths) {
  std::vector<fs::path> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::exists(path, error)) return Error(Code::not_found, "no folder or file " + path);
    if (!fs::is_directory(path, error)) {
      files.emplace_back(path);
      continue;
    }
    for (fs::recursive_directory_iterator at(path, error), end; at != end && !error; at.increment(error)) {
      if (at->is_directory()) continue;
      files.push_back(at->path());
      if (files.size() > verifier::kMaxFiles) return Error(Code::malformed, path + ": expected at most " + std::to_string(verifier::kMaxFiles) + " files");
    }
    if (error) return Error(Code::unavailable, path + ": " + error.message());
  }
  std::ranges::sort(files);
  std::vector<verifier::NamedFile> out;
  std::size_t total = 0;
  for (const fs::path& file : files) {
    REDOUBT_TRY(const std::string content, sdk::read_file(file, kMaxCollateralFile));
    total += content.size();
    if (total > verifier::kMaxHeap) return Error(Code::malformed, "collateral: expected at most " + std::to_string(verifier::kMaxHeap) + " bytes");
    out.push_back({file.string(), to_bytes(content)});
  }
  return out;
}

Status verify_any(Session& session, const AnyEvidenceOptions& options) {
  REDOUBT_TRY(const Asked asked, read_all(session, options));
  const auto appraisal = verifier::verify(asked.evidence, asked.files, asked.policy, asked.nonce, asked.now);
  if (!appraisal.ok()) {
    next_step(session, options, appraisal.error());
    return appraisal.error();
  }
  if (session.output == "ear") {
    print_json(session.out(), appraise::ear(*appraisal, asked.now));
  } else if (session.json()) {
    print_json(session.out(), verdict_json(asked, *appraisal));
  } else {
    head(session, asked, *appraisal);
    print_checks(session, *appraisal);
    session.out() << "\nstatus: " << appraise::tier_text(appraisal->status) << '\n';
    for (const std::string& remark : appraisal->remarks) session.out() << "remark: " << shown(remark) << '\n';
    if (appraisal->accepted().ok()) session.out() << "valid until: " << appraisal->validity.end.text() << '\n';
  }
  session.next(lacks_collateral(*appraisal) ? bring(options, *appraisal)
                                            : "see what refused it and what would change that: redoubt evidence explain " + repeated(options));
  return appraisal->accepted();
}

Status explain_any(Session& session, const AnyEvidenceOptions& options) {
  REDOUBT_TRY(const Asked asked, read_all(session, options));
  const auto explained = verifier::explain(asked.evidence, asked.files, asked.policy, asked.nonce, asked.now);
  if (!explained.ok()) {
    next_step(session, options, explained.error());
    return explained.error();
  }
  if (session.json()) {
    json::Array items;
    for (const verifier::Explanation& one : explained->failed) {
      items.emplace_back(json::Object{{"change", json::Array(one.change.begin(), one.change.end())}, {"expected", one.check.expected}, {"found", one.check.found},
                                      {"id", id_text(one.check.id)}, {"rule", one.rule}});
    }
    json::Array remarks(explained->appraisal.remarks.begin(), explained->appraisal.remarks.end());
    print_json(session.out(), json::Object{{"failed", std::move(items)}, {"remarks", std::move(remarks)}, {"status", appraise::tier_text(explained->appraisal.status)}});
  } else {
    head(session, asked, explained->appraisal);
    for (const verifier::Explanation& one : explained->failed) {
      session.out() << id_text(one.check.id) << " failed\n  rule:     " << one.rule << "\n  expected: " << shown(one.check.expected) << "\n  found:    " << shown(one.check.found) << '\n';
      if (one.change.empty()) session.out() << "  change:   no policy can accept this\n";
      for (const std::string& line : one.change) session.out() << "  change:   " << shown(line) << '\n';
      session.out() << '\n';
    }
    session.out() << "status: " << appraise::tier_text(explained->appraisal.status) << (explained->failed.empty() ? ": no check failed\n" : "\n");
    for (const std::string& remark : explained->appraisal.remarks) session.out() << "remark: " << shown(remark) << '\n';
  }
  session.next(lacks_collateral(explained->appraisal) ? bring(options, explained->appraisal)
                                                      : "change the policy only if you mean to accept what is named; the policy is yours");
  return explained->appraisal.accepted();
}

Status show_any(Session& session, const std::string& file) {
  REDOUBT_TRY(const Bytes evidence, read_evidence(file));
  const auto annotated = verifier::annotate(evidence);
  if (!annotated.ok()) {
    session.next("get the file again in its binary form");
    return annotated.error();
  }
  if (session.json()) {
    json::Array fields;
    for (const verifier::Field& field : annotated->fields) {
      fields.emplace_back(json::Object{{"field", field.name}, {"length", static_cast<std::int64_t>(field.length)}, {"offset", static_cast<std::int64_t>(field.offset)},
                                       {"value", shown(field.value)}});
    }
    print_json(session.out(), json::Object{{"described", annotated->description}, {"fields", std::move(fields)}, {"format", verifier::format_name(annotated->format)}});
    return {};
  }
  session.out() << verifier::format_text(annotated->format) << ", " << evidence.size() << " bytes; nothing here was verified\n\n";
  if (!annotated->fields.empty()) {
    Table table{{"offset", "length", "field", "value"}, {}};
    for (const verifier::Field& field : annotated->fields) {
      table.rows.push_back({std::to_string(field.offset), std::to_string(field.length), field.name, field.value});
    }
    print_table(session.out(), table);
    session.out() << '\n';
  }
  session.out() << shown(json::pretty(annotated->description), true) << '\n';
  return {};
}

}  // namespace redoubt::cli
