// AWS Nitro Evidence: an attestation document, held against the policy's section "nitro".
#include "common/attest/appraise/findings.h"
#include "common/attest/appraise/scratch.h"
#include "common/attest/appraise/wants.h"

namespace redoubt::appraise {
namespace {

using attest::Check;
using attest::CheckId;

// roots_of: with names that are borrowed from the policy.
std::pmr::vector<crypto::RootPin> roots_of(const NitroPolicy& policy, std::pmr::memory_resource* memory) {
  std::pmr::vector<crypto::RootPin> pins(memory);
  pins.reserve(policy.roots ? policy.roots->size() : 1);
  if (!policy.roots) pins.push_back(nitro::kAwsRootG1);
  if (policy.roots) {
    for (const VendorRoot& root : *policy.roots) pins.push_back({root.name, root.certificate, root.spki});
  }
  return pins;
}

constexpr std::uint64_t kMaxAgeSeconds = 100ULL * 366 * 86400;  // beyond a century all ages are alike

std::int64_t maximum_age(const NitroPolicy& policy) {
  return static_cast<std::int64_t>(std::min(policy.maximum_age_seconds, kMaxAgeSeconds));
}

std::string pcr_text(const std::optional<ByteView>& pcr) { return pcr ? hex_encode(*pcr) : "absent"; }

// A3: age, challenge, debug and measurements. A document without a challenge is fresh only by its own clock.
Check check_document(const NitroPolicy& policy, const nitro::NitroEvidence& document, const Challenge& challenge, Instant now, Appraisal& appraisal) {
  Wants wants;
  Code code = Code::measurement;
  // Texts are made where something differs, and only there.
  const auto stale = [&](std::string_view name, const std::string& wanted, const std::string& is) {
    code = Code::freshness;
    wants.want(false, name, wanted, is);
  };
  const Instant oldest = now.plus_seconds(-maximum_age(policy));
  if (document.time() < oldest || now < document.time()) stale("time", "from " + oldest.text() + " to " + now.text(), document.time().text());
  if (const auto expected = expected_report_data(challenge, crypto::Sha512Digest::size)) {
    const bool answers = document.nonce && equal(*document.nonce, expected->view());
    if (!answers) stale("nonce", hex_encode(expected->view()), document.nonce ? hex_encode(*document.nonce) : "absent");
  } else {
    appraisal.remarks.emplace_back("nobody sent a challenge: this Evidence may be another's");
  }
  if (document.debug() && !policy.accept_debug) code = Code::policy;
  wants.want(policy.accept_debug || !document.debug(), "debug", "off", "on");
  if (policy.pcrs) {
    for (const auto& [index, value] : *policy.pcrs) {
      const auto at = static_cast<std::size_t>(index);
      const std::optional<ByteView> found = at < document.pcrs.size() ? document.pcrs[at] : std::nullopt;
      if (!found || !equal(*found, value.view())) wants.want(false, concat("PCR", index), value.hex(), pcr_text(found));
    }
  }
  return wants.check(CheckId::a3, code, concat(document.time(), ", debug ", document.debug() ? "on" : "off"));
}

json::Object measured_of(const nitro::NitroEvidence& document) {
  json::Object out;
  out.emplace("module_id", document.module_id);
  out.emplace("time", document.time().text());
  out.emplace("debug", document.debug());
  for (std::size_t i = 0; i < document.pcrs.size(); ++i) {
    const auto& pcr = document.pcrs[i];
    const bool zero = pcr && std::ranges::all_of(*pcr, [](std::byte byte) { return byte == std::byte{0}; });
    if (pcr && (!zero || i < 3)) out.emplace("pcr" + std::to_string(i), hex_encode(*pcr));
  }
  if (document.nonce) out.emplace("nonce", hex_encode(*document.nonce));
  if (document.user_data) out.emplace("user_data", hex_encode(*document.user_data));
  if (document.public_key) out.emplace("public_key", hex_encode(*document.public_key));
  return out;
}

}  // namespace

Result<Findings> find_nitro(const Evidence& evidence, const Endorsements& endorsements, const Challenge& challenge, const Policy& policy, Instant now) {
  if (!policy.platforms.nitro) return Error(Code::policy, "the policy accepts no Nitro Evidence");
  const NitroPolicy& section = *policy.platforms.nitro;
  REDOUBT_TRY(const auto parsed, nitro::parse_in_place(evidence.bytes).context("parsing evidence"));
  Scratch<1024> scratch;  // twelve roots of the policy
  const auto roots = roots_of(section, scratch.memory());
  nitro::Outcome outcome = nitro::authenticate(parsed, {.roots = roots, .now = now, .verified_chain = endorsements.verified_nitro.get()});
  Findings findings;
  findings.appraisal.validity = outcome.validity;
  findings.appraisal.host_asserted = false;
  findings.checks = std::move(outcome.checks);
  if (!outcome.authentic) {
    findings.checks.push_back(attest::not_applicable(CheckId::a3, "the Evidence is not authentic"));
    return findings;
  }
  const nitro::NitroEvidence& document = **outcome.authentic;
  findings.appraisal.measured = measured_of(document);
  findings.appraisal.hardware = 2;
  const Instant stale = document.time().plus_seconds(maximum_age(section));
  findings.appraisal.validity = findings.appraisal.validity.intersect({document.time(), stale});
  findings.checks.push_back(check_document(section, document, challenge, now, findings.appraisal));
  return findings;
}

}  // namespace redoubt::appraise
