// SGX and TDX Evidence: a DCAP quote with Intel's collateral, held against the policy's sections "sgx" and "tdx".
#include <limits>

#include "common/attest/appraise/findings.h"
#include "common/attest/appraise/scratch.h"
#include "common/attest/appraise/wants.h"
#include "common/attest/evidence/dcap/evidence.h"
#include "common/base/concat.h"

namespace redoubt::appraise {
namespace {

using attest::Check;
using attest::CheckId;
using endorse::TcbStatus;

// Roots: keys that are trusted, and certificates of theirs as the policy names them.
class Roots {
 public:
  explicit Roots(const TcbPolicy& policy) {
    if (!policy.roots) return;
    keys_.reserve(policy.roots->size());
    certificates_.reserve(policy.roots->size());
    for (const VendorRoot& root : *policy.roots) {
      keys_.push_back(root.spki);
      certificates_.push_back(root.certificate);
    }
    keys = keys_;
    certificates = certificates_;
  }
  Roots(const Roots&) = delete;
  Roots& operator=(const Roots&) = delete;

  // Views of this, or Intel's own where the policy names none.
  std::span<const endorse::RootPin> keys{&endorse::intel_sgx_root(), 1};
  std::span<const crypto::Sha256Digest> certificates{&endorse::intel_sgx_root_certificate(), 1};

 private:
  Scratch<1024> scratch_;  // sixteen roots of the policy
  std::pmr::vector<endorse::RootPin> keys_{scratch_.memory()};
  std::pmr::vector<crypto::Sha256Digest> certificates_{scratch_.memory()};
};

// judge_with_best: the quote with each piece of collateral at hand; of those that it is authentic with, the one with the highest
// evaluation number counts, so that nobody gains by adding an older one. With none of them: the outcome that failed least.
struct Judged {
  dcap::Outcome outcome;
  std::shared_ptr<const endorse::VerifiedCollateral> collateral;
};

std::size_t failures(const dcap::Outcome& outcome) {
  return static_cast<std::size_t>(std::ranges::count(outcome.checks, attest::Outcome::failed, &Check::outcome));
}

Judged judge_with_best(const attest::Parsed<dcap::Quote>& parsed, const Endorsements& endorsements, dcap::Inputs inputs) {
  const auto judge_with = [&](const std::shared_ptr<const endorse::VerifiedCollateral>& verified, const endorse::RawCollateral* raw) {
    inputs.collateral = verified.get();
    inputs.raw_collateral = raw;
    Judged one{dcap::authenticate(parsed, inputs), verified};
    if (raw != nullptr) one.collateral = one.outcome.collateral;
    return one;
  };
  // An outcome of some kilobytes is not moved where there is none to compare it with.
  const auto& known = endorsements.verified_intel;
  const auto& raws = endorsements.intel;
  if (known.size() + raws.size() <= 1) return judge_with(known.empty() ? nullptr : known.front(), raws.empty() ? nullptr : &raws.front());
  std::optional<Judged> best;
  const auto better = [&](const Judged& one) {
    if (!best) return true;
    const bool authentic = one.outcome.authentic.has_value();
    if (authentic != best->outcome.authentic.has_value()) return authentic;
    if (!authentic) return failures(one.outcome) < failures(best->outcome);
    return one.collateral->evaluation_number() > best->collateral->evaluation_number();
  };
  const auto consider = [&](Judged one) {
    if (better(one)) best = std::move(one);
  };
  for (const auto& verified : known) consider(judge_with(verified, nullptr));
  for (const endorse::RawCollateral& raw : raws) consider(judge_with(nullptr, &raw));
  return std::move(*best);
}

// AR4SI "hardware" (draft-ietf-rats-ar4si section 2.3.2).
std::int64_t hardware_claim(TcbStatus status) {
  switch (status) {
    case TcbStatus::up_to_date: return 2;
    case TcbStatus::sw_hardening_needed:
    case TcbStatus::td_relaunch_advised: return 32;
    case TcbStatus::configuration_needed:
    case TcbStatus::configuration_and_sw_hardening_needed:
    case TcbStatus::td_relaunch_advised_configuration_needed:
    case TcbStatus::out_of_date:
    case TcbStatus::out_of_date_configuration_needed: return 33;
    case TcbStatus::revoked:
    case TcbStatus::not_supported: return 96;
  }
  return 96;
}

constexpr std::int64_t kSecondsPerDay = 86400;
constexpr std::uint64_t kMaxGraceDays = 36500;

// minimum_of: evaluation numbers have 32 bits; a policy that asks for more than that asks for what no collateral has.
std::optional<std::uint32_t> minimum_of(const TcbPolicy& policy) {
  if (!policy.minimum_evaluation_number) return std::nullopt;
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::min(*policy.minimum_evaluation_number, kMax));
}

// end_of_grace: until when a platform that is only out of date is taken.
std::optional<Instant> end_of_grace(const TcbPolicy& policy, const endorse::VerifiedCollateral& collateral) {
  const auto newest = collateral.tcb_info().newest_level_date();
  if (!newest || policy.grace_days == 0) return std::nullopt;
  return newest->plus_seconds(static_cast<std::int64_t>(std::min(policy.grace_days, kMaxGraceDays)) * kSecondsPerDay);
}

// check_status: T6. The converged status is one of the policy's, or only out of date within the grace; the level is not too old.
Check check_status(const TcbPolicy& policy, const endorse::TcbVerdict& tcb, const endorse::VerifiedCollateral& collateral, Instant now,
                   Appraisal& appraisal) {
  const std::string_view status = endorse::status_text(tcb.tcb_status);
  std::string found = tcb.matched_level_date ? concat(status, " of ", *tcb.matched_level_date) : std::string(status);
  std::string expected = joined(policy.statuses);
  if (policy.minimum_level_date) {
    expected += ", level of " + policy.minimum_level_date->text() + " or later";
    if (!tcb.matched_level_date || *tcb.matched_level_date < *policy.minimum_level_date) return attest::failed(CheckId::t6, Code::tcb, expected, found);
  }
  // Whatever a list says: these two are never accepted.
  const bool hopeless = tcb.tcb_status == TcbStatus::revoked || tcb.tcb_status == TcbStatus::not_supported;
  const bool listed = std::ranges::find(policy.statuses, endorse::status_text(tcb.tcb_status)) != policy.statuses.end();
  if (listed && !hopeless) return attest::passed(CheckId::t6, std::move(expected), std::move(found));
  const auto grace = end_of_grace(policy, collateral);
  if (tcb.tcb_status == TcbStatus::out_of_date && grace && now <= *grace) {
    appraisal.remarks.emplace_back("the platform is out of date; the policy's grace of " + std::to_string(policy.grace_days) +
                                   " days ends at " + grace->text());
    appraisal.validity.end = std::min(appraisal.validity.end, *grace);
    return attest::passed(CheckId::t6, expected + ", or out of date in the grace", found);
  }
  return attest::failed(CheckId::t6, Code::tcb, expected, found);
}

Check check_relaunch(const TcbPolicy& policy, const endorse::TcbVerdict& tcb, bool is_td) {
  if (!is_td) return attest::not_applicable(CheckId::t7, "an enclave is not relaunched");
  if (!tcb.relaunch_advised) return attest::passed(CheckId::t7, "no relaunch advised", "no relaunch advised");
  const bool listed = std::ranges::find(policy.statuses, endorse::status_text(tcb.tcb_status)) != policy.statuses.end();
  return judged(CheckId::t7, Code::tcb, listed, joined(policy.statuses), std::string(endorse::status_text(tcb.tcb_status)));
}

Check check_advisories(const TcbPolicy& policy, const endorse::TcbVerdict& tcb) {
  if (!policy.advisories) return attest::passed(CheckId::t8, "any", joined(tcb.advisories));
  std::vector<std::string> unwanted;
  for (const std::string& advisory : tcb.advisories) {
    if (std::ranges::find(*policy.advisories, advisory) == policy.advisories->end()) unwanted.push_back(advisory);
  }
  return judged(CheckId::t8, Code::tcb, unwanted.empty(), joined(*policy.advisories, "only "), unwanted.empty() ? joined(tcb.advisories) : joined(unwanted));
}

std::string_view on_off(bool value) { return value ? "on" : "off"; }

Check check_enclave(const SgxPolicy& policy, const sgx::Report& report, bool debug) {
  Wants wants;
  wants.want(policy.accept_debug || !debug, "debug", "off", "on");
  wants.want(report.attributes.init() && report.attributes.mode64(), "init and mode64", "on", "off");
  wants.want(!report.attributes.provision_key() && !report.attributes.einittoken_key(), "provisioning and launch keys", "off", "on");
  wants.want(report.attributes.reserved() == 0 && report.reserved_zero, "reserved bits", "zero", "not zero");
  wants.any_of("MRENCLAVE", policy.mrenclave, report.mr_enclave.view());
  if (policy.signers) {
    const bool known = std::ranges::any_of(*policy.signers, [&](const SgxSigner& one) {
      return equal(one.mrsigner.view(), report.mr_signer.view()) && one.product == report.isv_prod_id && one.minimum_svn <= report.isv_svn;
    });
    std::string expected;
    for (const SgxSigner& one : *policy.signers) {
      expected += (expected.empty() ? "" : " or ") + one.mrsigner.hex() + " product " + std::to_string(one.product) + " svn >= " + std::to_string(one.minimum_svn);
    }
    wants.want(known, "signer", expected,
               report.mr_signer.hex() + " product " + std::to_string(report.isv_prod_id) + " svn " + std::to_string(report.isv_svn));
  }
  return wants.check(CheckId::p1, report.attributes.debug() && !policy.accept_debug ? Code::policy : Code::measurement,
                     concat("MRENCLAVE ", Hex{report.mr_enclave.view()}, ", debug ", on_off(debug)));
}

Check check_trust_domain(const TdxPolicy& policy, const tdx::Report& report, bool debug) {
  Wants wants;
  wants.want(policy.accept_debug || !debug, "debug", "off", "on");
  wants.want(policy.accept_migratable || !report.attributes.migratable(), "migration", "off", "on");
  wants.want(!policy.require_sept_ve_disable || report.attributes.sept_ve_disable(), "SEPT_VE_DISABLE", "on", "off");
  wants.want(report.attributes.reserved() == 0, "reserved attributes", "zero", "not zero");
  const bool service = report.v15 && report.v15->mr_service_td != tdx::Measurement();
  wants.want(policy.accept_service_td || !service, "service TD", "none", service ? report.v15->mr_service_td.hex() : "none");
  wants.any_of("MRTD", policy.mrtd, report.mr_td.view());
  if (policy.rtmrs) {
    for (const auto& [index, value] : *policy.rtmrs) {
      const auto at = static_cast<std::size_t>(index);
      const bool known = at < report.rtmr.size();
      wants.want(known && equal(value.view(), report.rtmr[at].view()), "RTMR" + std::to_string(index), value.hex(),
                 known ? report.rtmr[at].hex() : "no such register");
    }
  }
  const auto same = [&](const std::optional<Hash48>& wanted, const std::string& name, ByteView found) {
    if (wanted) wants.want(equal(wanted->view(), found), name, wanted->hex(), hex_encode(found));
  };
  same(policy.mr_config_id, "MRCONFIGID", report.mr_config_id.view());
  same(policy.mr_owner, "MROWNER", report.mr_owner.view());
  same(policy.mr_owner_config, "MROWNERCONFIG", report.mr_owner_config.view());
  return wants.check(CheckId::p2, debug && !policy.accept_debug ? Code::policy : Code::measurement,
                     concat("MRTD ", Hex{report.mr_td.view()}, ", debug ", on_off(debug)));
}

json::Object measured_of(const dcap::Quote& quote) {
  json::Object out;  // filled in the order of the names, so that each is put at the end
  const auto add = [&](std::string_view name, json::Value value) { out.emplace_hint(out.end(), name, std::move(value)); };
  const sgx::Report* enclave = quote.enclave();
  const tdx::Report* td = quote.trust_domain();
  if (quote.tcb) add("advisories", json::Array(quote.tcb->advisories.begin(), quote.tcb->advisories.end()));
  add("debug", quote.debug());
  if (quote.pck) add("fmspc", quote.pck->extension().fmspc.hex());
  if (enclave != nullptr) {
    add("isvprodid", static_cast<std::int64_t>(enclave->isv_prod_id));
    add("isvsvn", static_cast<std::int64_t>(enclave->isv_svn));
    add("mrenclave", enclave->mr_enclave.hex());
    add("mrsigner", enclave->mr_signer.hex());
  }
  if (td != nullptr) {
    add("mrconfigid", td->mr_config_id.hex());
    add("mrtd", td->mr_td.hex());
  }
  if (quote.pck) add("pceid", quote.pck->extension().pce_id.hex());
  add("report_data", hex_encode(quote.report_data()));
  for (std::size_t i = 0; td != nullptr && i < td->rtmr.size(); ++i) add(concat("rtmr", i), td->rtmr[i].hex());
  if (quote.tcb && quote.tcb->matched_level_date) add("tcb_date", quote.tcb->matched_level_date->text());
  if (quote.tcb) add("tcb_status", endorse::status_text(quote.tcb->tcb_status));
  return out;
}

Result<Findings> find_dcap(const Evidence& evidence, const Endorsements& endorsements, const Challenge& challenge, const TcbPolicy& policy,
                           endorse::Tee tee, Instant now, auto check_body) {
  REDOUBT_TRY(const auto parsed, dcap::parse_in_place(evidence.bytes).context("parsing evidence"));
  if (const endorse::Tee found = dcap::unverified_tee(parsed); found != tee) {
    return Error(Code::malformed, "evidence: expected a quote of " + std::string(endorse::tee_text(tee)) + ", found one of " +
                                      std::string(endorse::tee_text(found)));
  }
  const Roots roots(policy);
  Judged judged = judge_with_best(parsed, endorsements,
                                  {.roots = roots.keys,
                                   .root_certificates = roots.certificates,
                                   .now = now,
                                   .pck_chain = endorsements.pck_chain,
                                   .minimum_evaluation_number = minimum_of(policy),
                                   .known_chain = endorsements.verified_pck.get()});
  dcap::Outcome& outcome = judged.outcome;
  Findings findings;
  Appraisal& appraisal = findings.appraisal;
  appraisal.validity = outcome.validity;
  findings.checks = std::move(outcome.checks);
  if (!outcome.authentic || !(**outcome.authentic).tcb) {
    const std::string why = outcome.authentic ? "no collateral" : "the Evidence is not authentic";
    for (const CheckId id : {CheckId::t6, CheckId::t7, CheckId::t8, tee == endorse::Tee::sgx ? CheckId::p1 : CheckId::p2, CheckId::p3}) {
      findings.checks.push_back(attest::not_applicable(id, why));
    }
    appraisal.host_asserted = false;
    return findings;
  }
  const dcap::Quote& quote = **outcome.authentic;
  appraisal.host_asserted = false;
  appraisal.hardware = hardware_claim(quote.tcb->tcb_status);
  appraisal.measured = measured_of(quote);
  findings.checks.push_back(check_status(policy, *quote.tcb, *judged.collateral, now, appraisal));
  findings.checks.push_back(check_relaunch(policy, *quote.tcb, tee == endorse::Tee::tdx));
  findings.checks.push_back(check_advisories(policy, *quote.tcb));
  findings.checks.push_back(check_body(quote));
  findings.checks.push_back(check_report_data(CheckId::p3, challenge, quote.report_data(), appraisal));
  const bool status_taken = std::ranges::any_of(findings.checks, [](const Check& check) { return check.id == CheckId::t6 && check.outcome == attest::Outcome::passed; });
  if (status_taken && quote.tcb->tcb_status != TcbStatus::up_to_date) {
    appraisal.remarks.emplace_back("TCB status " + std::string(endorse::status_text(quote.tcb->tcb_status)) + ", accepted by the policy");
  }
  findings.quote = std::move(outcome.authentic);
  return findings;
}

}  // namespace

Result<Findings> find_sgx(const Evidence& evidence, const Endorsements& endorsements, const Challenge& challenge, const Policy& policy, Instant now) {
  if (!policy.platforms.sgx) return Error(Code::policy, "the policy accepts no SGX Evidence");
  const SgxPolicy& section = *policy.platforms.sgx;
  return find_dcap(evidence, endorsements, challenge, section.tcb, endorse::Tee::sgx, now,
                   [&](const dcap::Quote& quote) { return check_enclave(section, *quote.enclave(), quote.debug()); });
}

Result<Findings> find_tdx(const Evidence& evidence, const Endorsements& endorsements, const Challenge& challenge, const Policy& policy, Instant now) {
  if (!policy.platforms.tdx) return Error(Code::policy, "the policy accepts no TDX Evidence");
  const TdxPolicy& section = *policy.platforms.tdx;
  return find_dcap(evidence, endorsements, challenge, section.tcb, endorse::Tee::tdx, now,
                   [&](const dcap::Quote& quote) { return check_trust_domain(section, *quote.trust_domain(), quote.debug()); });
}

}  // namespace redoubt::appraise
