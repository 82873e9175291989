// SGX and TDX quotes with their collateral, as the folder intel-dcap lists them.
#include "client/sdk/conformance/entry.h"
#include "common/attest/evidence/dcap/evidence.h"

namespace redoubt::conformance {
namespace {

json::Value status_or_null(const std::optional<endorse::TcbStatus>& status) {
  return status ? json::Value(endorse::status_text(*status)) : json::Value();
}

// certificates_beside: those of every PEM file in the folder of the named one: the root and the PCK authorities stand there. They are
// candidates only: the root is pinned.
std::vector<Bytes> certificates_beside(const Entry& entry, std::string_view name) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator((entry.folder / name).parent_path(), error)) {
    if (file.path().extension() == ".pem") files.push_back(file.path());
  }
  std::ranges::sort(files);
  std::vector<Bytes> out;
  for (const auto& file : files) {
    const auto text = entry.read(std::filesystem::relative(file, entry.folder, error).string());
    if (!text.ok()) continue;
    auto certificates = endorse::certificates(*text);
    if (!certificates.ok()) continue;
    for (Bytes& der : *certificates) out.push_back(std::move(der));
  }
  return out;
}

// chain_of: the certificates of the named file, and the root that stands beside it.
Result<std::vector<Bytes>> chain_of(const Entry& entry, std::string_view key, const std::vector<Bytes>& beside) {
  REDOUBT_TRY(const Bytes text, entry.file(key));
  REDOUBT_TRY(std::vector<Bytes> chain, endorse::certificates(text));
  for (const Bytes& der : beside) {
    const auto view = crypto::CertificateView::parse(der);
    if (view.ok() && view->self_issued()) chain.push_back(der);
  }
  return chain;
}

bool is_authority(const Bytes& der) {
  const auto view = crypto::CertificateView::parse(der);
  return view.ok() && !view->self_issued() && view->is_ca.value_or(false);
}

}  // namespace

Result<Facts> dcap_facts(const Entry& entry) {
  REDOUBT_TRY(const Bytes quote, entry.evidence("quote"));
  REDOUBT_TRY(const Instant now, entry.at());
  const std::vector<Bytes> beside = certificates_beside(entry, entry.text("tcb_signing_cert"));
  endorse::RawCollateral raw;
  REDOUBT_TRY(raw.tcb_info, entry.file("tcb_info"));
  REDOUBT_TRY(raw.qe_identity, entry.file("qe_identity"));
  REDOUBT_TRY(raw.tcb_signing_chain, chain_of(entry, "tcb_signing_cert", beside));
  REDOUBT_TRY(raw.qe_signing_chain, chain_of(entry, "qe_signing_cert", beside));
  REDOUBT_TRY(raw.root_crl, entry.file("root_crl"));
  REDOUBT_TRY(raw.pck_crl, entry.file("pck_crl"));
  for (const Bytes& der : beside) {
    if (is_authority(der)) raw.pck_issuers.push_back(der);
  }

  const auto parsed = dcap::parse(quote);
  if (!parsed.ok()) return parsed.error();
  dcap::Inputs inputs;
  inputs.now = now;
  inputs.raw_collateral = &raw;
  const json::Value minimum = member_or_null(json::Value(entry.members), "minimum_evaluation_number");
  if (minimum.integer() != nullptr) inputs.minimum_evaluation_number = static_cast<std::uint32_t>(*minimum.integer());
  const dcap::Outcome outcome = dcap::authenticate(*parsed, inputs);
  // "Authentic" speaks of signatures, chains and bindings: a platform below every published level is authentic and never accepted.
  bool authentic = true;
  for (const attest::Check& check : outcome.checks) {
    const bool level = attest::CheckId::t1 <= check.id && check.id <= attest::CheckId::t8;
    authentic = authentic && (level || check.outcome != attest::Outcome::failed);
  }
  authentic = authentic && outcome.tcb.has_value();
  const dcap::QuoteFacts claimed = dcap::unverified_facts(*parsed);
  Facts facts{{"authentic", authentic}, {"debug", claimed.debug}};
  if (claimed.unsigned_size != 0) facts.emplace("ignored", static_cast<std::int64_t>(claimed.unsigned_size));
  bool strict = false;
  if (authentic) {
    const endorse::TcbVerdict& tcb = *outcome.tcb;
    facts.emplace("tcb_status", endorse::status_text(tcb.tcb_status));
    facts.emplace("matched_level", status_or_null(tcb.matched_level));
    facts.emplace("matched_level_date", tcb.matched_level_date ? json::Value(tcb.matched_level_date->text()) : json::Value());
    facts.emplace("sgx_level", status_or_null(tcb.sgx_level));
    facts.emplace("tdx_module", status_or_null(tcb.tdx_module));
    facts.emplace("qe", status_or_null(tcb.qe));
    // A platform below every level has no advisories listed against it: unknown, not none.
    facts.emplace("advisories", tcb.matched_level ? json::Value(json::Array(tcb.advisories.begin(), tcb.advisories.end())) : json::Value());
    strict = outcome.authentic && tcb.tcb_status == endorse::TcbStatus::up_to_date && !claimed.debug;
  }
  facts.emplace("accept_under_strict_policy", strict);
  facts.emplace("verdict", authentic && outcome.authentic ? "accept" : "reject");
  return facts;
}

}  // namespace redoubt::conformance
