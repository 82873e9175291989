#include "common/attest/verifier/verifier.h"

#include <algorithm>

#include "common/attest/evidence/cert/evidence_certificate.h"
#include "common/attest/verifier/text.h"

namespace redoubt::verifier {
namespace {

using appraise::Appraisal;
using attest::CheckId;

// What accept_under_strict_policy means in files of test vectors: TCB up to date, no debug, VMPL 0; it says nothing of the workload's own
// settings, which are for a policy that knows the workload.
appraise::Policy make_strict() {
  appraise::Policy policy{.name = "strict", .workload = "any", .programs = std::nullopt, .accept_host_asserted = false, .accept_software_tpm = false, .platforms = {}};
  appraise::TcbPolicy tcb;
  tcb.statuses = {"UpToDate"};
  policy.platforms.sgx.emplace().tcb = tcb;
  policy.platforms.tdx.emplace().tcb = tcb;
  policy.platforms.tdx->require_sept_ve_disable = false;
  appraise::SnpPolicy& snp = policy.platforms.snp.emplace();
  snp.products = {"milan", "genoa", "turin"};
  snp.keys = {"VCEK", "VLEK"};
  snp.accept_masked_chip_id = true;
  snp.accept_provisional_firmware = true;
  constexpr std::uint64_t kNitroAge = 4 * 3600;  // longer than the certificate of a document lives
  policy.platforms.nitro.emplace().maximum_age_seconds = kNitroAge;
  appraise::TokenPolicy& token = policy.platforms.token.emplace();
  token.issuer = token::google_oidc().name;
  token.accept_overrides = true;
  token.software_names = {"CONFIDENTIAL_SPACE"};
  // TPMs have many vendors and no root is compiled in: a TPM's Evidence gets every check made and is never accepted. Whoever names an
  // authority names Reference Values with it, or the measurement is the host's word.
  policy.platforms.tpm.emplace().secure_boot_required = true;
  // The hardware of a composite as strictly as the hardware alone; the virtual TPM's key is vouched for by it, with or without certificates.
  appraise::AzurePolicy& azure = policy.platforms.azure.emplace();
  azure.snp = policy.platforms.snp;
  azure.tdx = policy.platforms.tdx;
  azure.secure_boot_required = true;
  return policy;
}

// Without what the Evidence came in: the text around a token, the PEM around a certificate.
Result<Bytes> unwrapped(ByteView bytes, Format format) {
  if (format == Format::token) return to_bytes(trimmed(as_text(bytes)));
  if (format != Format::certificate || bytes.front() == std::byte{0x30}) return to_bytes(bytes);
  constexpr std::size_t kContainer = std::size_t{128} << 10;
  REDOUBT_TRY(auto blocks, crypto::pem_decode(as_text(bytes), "CERTIFICATE", 8, kContainer));
  return std::move(blocks.front());  // the others are a chain, which says nothing about Evidence
}

struct Asked {
  const AtHand& at_hand;
  std::span<const Item> more;
  const appraise::Policy& policy;
  const std::optional<Bytes>& nonce;
  Instant now;
};

// intel_section: what the policy says of TCBs for Evidence of that form, if it is Intel's and the policy speaks of it.
const appraise::TcbPolicy* intel_section(Format format, const appraise::PlatformPolicies& platforms) {
  if (format == Format::sgx) return platforms.sgx ? &platforms.sgx->tcb : nullptr;
  if (format == Format::tdx) return platforms.tdx ? &platforms.tdx->tcb : nullptr;
  if (format == Format::azure_tdx) return platforms.azure && platforms.azure->tdx ? &platforms.azure->tdx->tcb : nullptr;
  return nullptr;
}

// use_verified: collateral that verifies by itself in the place of the raw parts; the appraiser makes the same checks of it, without the
// signatures. What does not verify stays raw, and the appraiser says why.
void use_verified(Format format, const Asked& asked, appraise::Endorsements& endorsements) {
  const appraise::TcbPolicy* const section = intel_section(format, asked.policy.platforms);
  if (section == nullptr) return;
  std::vector<endorse::RootPin> roots;
  if (section->roots) {
    for (const appraise::VendorRoot& root : *section->roots) roots.push_back(root.spki);
  } else {
    roots.push_back(endorse::intel_sgx_root());
  }
  std::vector<endorse::RawCollateral> unverified;
  for (endorse::RawCollateral& raw : endorsements.intel) {
    if (auto verified = asked.at_hand.verified(raw, roots, asked.now, asked.more.empty())) {
      endorsements.verified_intel.push_back(std::move(verified));
    } else {
      unverified.push_back(std::move(raw));
    }
  }
  endorsements.intel = std::move(unverified);
}

Result<Appraisal> judge(Format format, const Bytes& evidence, const Asked& asked) {
  REDOUBT_TRY(Gathered gathered, gather(asked.at_hand, asked.more, format, evidence, asked.now));
  use_verified(format, asked, gathered.endorsements);
  appraise::Challenge challenge;
  challenge.unchallenged = !asked.nonce;
  if (asked.nonce) {
    REDOUBT_TRY(challenge.report_data, report_data(format, *asked.nonce));
  }
  auto appraisal = appraise::appraise({std::string(format_name(format)), evidence}, gathered.endorsements, challenge, asked.policy, asked.now);
  if (!appraisal.ok()) {
    std::string lacks;
    for (const std::string& one : gathered.missing) lacks += "; " + one;
    return Error(appraisal.error().code(), appraisal.error().message() + lacks);
  }
  // Remarks lower an accepted result; what lacks explains one that was not accepted.
  if (appraisal->status == appraise::Tier::contraindicated) {
    appraisal->remarks.insert(appraisal->remarks.end(), gathered.missing.begin(), gathered.missing.end());
  }
  return appraisal;
}

// judge_certificate: each quote inside, then R1 to R3. The Appraisal is that of the first quote, with the certificate's checks after it.
Result<Appraisal> judge_certificate(const Bytes& der, const Asked& asked) {
  if (asked.nonce) return Error(Code::usage, "an RA-TLS certificate answers no nonce: its Evidence commits to its key");
  REDOUBT_TRY(const auto parsed, cert::parse(der).context("parsing evidence"));
  const std::vector<ByteView> quotes = cert::unverified_quotes(parsed);
  std::vector<cert::JudgedQuote> judged;
  std::optional<Appraisal> out;
  for (const ByteView quote : quotes) {
    REDOUBT_TRY(const Format format, detect(quote).context("the Evidence in the certificate"));
    if (format != Format::sgx && format != Format::tdx) {
      return Error(Code::malformed, "the Evidence in the certificate: expected a quote of SGX or TDX, found a " + std::string(format_text(format)));
    }
    REDOUBT_TRY(Appraisal one, judge(format, to_bytes(quote), asked));
    const auto data = one.measured.find("report_data");
    if (data != one.measured.end() && data->second.string() != nullptr) {
      REDOUBT_TRY(const auto report_data, cert::ReportData::from_hex(*data->second.string(), "report data"));
      judged.push_back({quote, report_data});
    }
    // Two quotes speak of one enclave (R1); whichever is worse is shown.
    if (!out || out->accepted().ok()) out = std::move(one);
  }
  const cert::Outcome outcome = cert::authenticate(parsed, {.judged = judged, .now = asked.now});
  if (!out) {
    const attest::Check& form = outcome.checks.front();
    return Error(Code::malformed, "certificate: " + form.found + ": expected " + form.expected);
  }
  // A quote that could not be judged for want of what endorses it binds nothing, and yet nothing was found to differ.
  const bool unjudged = judged.empty() && std::ranges::none_of(out->checks, [](const attest::Check& check) { return check.outcome == attest::Outcome::failed; });
  for (const attest::Check& check : outcome.checks) {
    const bool unmade = unjudged && check.id == CheckId::r2 && check.outcome == attest::Outcome::failed && check.code == Code::binding;
    out->checks.push_back(unmade ? attest::not_applicable(CheckId::r2, "the Evidence inside could not be judged: " + check.found) : check);
  }
  for (const CheckId needed : {CheckId::r1, CheckId::r2}) {
    const attest::Check* check = out->find(needed);
    if (check == nullptr || check->outcome != attest::Outcome::passed) out->status = appraise::Tier::contraindicated;
  }
  out->format = "certificate";
  out->validity = out->validity.intersect(outcome.validity);
  out->remarks.emplace_back("a certificate shows where its key was made; it shows nothing of the connection that it is used for");
  if (out->status == appraise::Tier::affirming) out->status = appraise::Tier::warning;
  return std::move(*out);
}

}  // namespace

const appraise::Policy& strict_policy() {
  static const appraise::Policy policy = make_strict();
  return policy;
}

Result<Bytes> report_data(Format format, ByteView nonce) {
  if (nonce.empty()) return Error(Code::usage, "nonce: expected at least one byte");
  Bytes data = to_bytes(nonce);
  if (format == Format::sgx || format == Format::tdx || format == Format::snp) {
    constexpr std::size_t kReportData = 64;
    if (data.size() > kReportData) return Error(Code::usage, "nonce: expected at most 64 bytes, found " + std::to_string(data.size()));
    data.resize(kReportData);
  }
  return data;
}

Result<Appraisal> verify(ByteView evidence, std::span<const NamedFile> files, const std::optional<appraise::Policy>& policy,
                         const std::optional<Bytes>& nonce, Instant now) {
  // What is wrong with the Evidence comes before what is wrong with the files.
  if (const auto format = detect(evidence); !format.ok()) return format.error();
  REDOUBT_TRY(const auto at_hand, AtHand::read(files));
  return verify(evidence, *at_hand, {}, policy, nonce, now);
}

Result<Appraisal> verify(ByteView evidence, const AtHand& at_hand, std::span<const NamedFile> more, const std::optional<appraise::Policy>& policy,
                         const std::optional<Bytes>& nonce, Instant now) {
  REDOUBT_TRY(const Format format, detect(evidence));
  if (format == Format::evidence_file) {
    return Error(Code::usage, "a file of Identity Evidence is judged against the contract that you hold, not against a policy alone");
  }
  if (format == Format::hcl_report) {
    return Error(Code::malformed, "evidence: an HCL report says nothing fresh by itself: expected the composite \"redoubt/azure-evidence/1\", which holds it with the "
                                  "virtual TPM's quote (docs/specs/azure.md)");
  }
  REDOUBT_TRY(const Bytes bytes, unwrapped(evidence, format));
  REDOUBT_TRY(const std::vector<Item> items, read_heap(more));
  const Asked asked{at_hand, items, policy ? *policy : strict_policy(), nonce, now};
  REDOUBT_TRY(Appraisal appraisal, format == Format::certificate ? judge_certificate(bytes, asked) : judge(format, bytes, asked));
  if (!policy) {
    appraisal.remarks.emplace_back("no measurement was asked for: the built-in policy \"strict\" takes any program on a sound platform");
    if (appraisal.status == appraise::Tier::affirming) appraisal.status = appraise::Tier::warning;
  }
  return appraisal;
}

}  // namespace redoubt::verifier
