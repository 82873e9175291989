// The edges of the composite and the checks over them.
#include "common/attest/evidence/azure/authenticator.h"

namespace redoubt::azure {
namespace {

using attest::CheckId;

// The virtual TPM makes one kind of attestation key; its scheme is part of this format and not of the signature.
constexpr crypto::SignatureScheme kScheme = crypto::SignatureScheme::rsa_pkcs1_sha256;
constexpr std::size_t kBoundSize = crypto::Sha256Digest::size;  // the first half of REPORT_DATA

}  // namespace

Result<ByteView> AzureAuthenticator::report_data() const {
  if (evidence_.hardware == Hardware::snp) {
    if (inputs_.snp == nullptr) return Error(Code::chain, "no authentic SEV-SNP report");
    const snp::SnpEvidence& report = **inputs_.snp;
    const auto hcl = HclReport::parse(evidence_.raw.hcl_report);
    if (!hcl.ok() || !equal(hcl->hardware_report, report.bytes)) return Error(Code::binding, "the report of another composite");
    return report.report.report_data.view();
  }
  if (inputs_.tdx == nullptr) return Error(Code::chain, "no authentic TD quote");
  const dcap::Quote& quote = **inputs_.tdx;
  const ByteView covered = quote.raw.signed_bytes();
  const ByteView here = evidence_.raw.td_quote;
  if (quote.trust_domain() == nullptr || here.size() < covered.size() || !equal(here.first(covered.size()), covered)) {
    return Error(Code::binding, "the quote of another composite");
  }
  return quote.report_data();
}

void AzureAuthenticator::bind_runtime_data() {
  const crypto::Sha256Digest expected = crypto::sha256(evidence_.runtime_data);
  const auto data = report_data();
  bind(Node::hardware_report, Node::runtime_data, data.ok() && equal(data->first(kBoundSize), expected.view()), expected.hex(),
       data.ok() ? hex_encode(data->first(kBoundSize)) : data.error().message());
  // The key is read from these very bytes and taken from nowhere else.
  const std::string key = "SHA-256 of the key " + crypto::sha256(evidence_.runtime.attestation_key.spki()).hex();
  bind(Node::runtime_data, Node::attestation_key, true, "one key HCLAkPub", key);
}

void AzureAuthenticator::bind_quote() {
  const tpm::Attest& quote = evidence_.attest;
  checks_.push_back(tpm::check_quote(quote, {}));
  if (inputs_.expected_extra_data) {
    checks_.push_back(tpm::check_extra_data(*inputs_.expected_extra_data, quote.extra_data));
  } else {
    checks_.push_back(attest::not_applicable(CheckId::m2, "no challenge was sent"));
  }
  const attest::Check fresh = checks_.back();

  const Status verified = tpm::verify_quote(evidence_.runtime.attestation_key, kScheme, evidence_.raw.attest, evidence_.raw.signature);
  const std::string expected = std::string(crypto::scheme_text(kScheme)) + " by HCLAkPub";
  checks_.push_back(verified.ok() ? attest::passed(CheckId::m3, expected, "as expected")
                                  : attest::failed(CheckId::m3, verified.error().code(), expected, verified.error().message()));
  bind(Node::attestation_key, Node::tpm_quote, verified.ok(), expected, verified.ok() ? "as expected" : verified.error().message());

  tpm::QuotedPcrs quoted;
  for (const auto& [pcr, value] : evidence_.raw.pcrs) quoted.values.emplace_back(pcr, value.view());
  attest::Check digest = tpm::check_pcrs(quote, quoted, inputs_.required_pcrs, crypto::hash_of(kScheme));
  bind(Node::tpm_quote, Node::pcrs, digest.outcome == attest::Outcome::passed, digest.expected, digest.found);
  checks_.push_back(std::move(digest));
  if (fresh.outcome != attest::Outcome::not_applicable) {
    bind(Node::challenge, Node::tpm_quote, fresh.outcome == attest::Outcome::passed, fresh.expected, fresh.found);
  }
}

// check_chain: N15, from the hardware to the PCRs.
void AzureAuthenticator::check_chain() {
  std::string expected;
  std::string found;
  for (const Edge& edge : evidence_.graph.edges) {
    if (edge.from == Node::challenge || edge.bound) continue;
    const std::string name = std::string(node_text(edge.from)) + " -> " + std::string(node_text(edge.to)) + ": ";
    expected += (expected.empty() ? "" : "; ") + name + edge.expected;
    found += (found.empty() ? "" : "; ") + name + edge.found;
  }
  if (evidence_.graph.chained()) {
    const std::string all = "hardware report -> runtime data -> attestation key -> TPM quote -> PCRs";
    checks_.push_back(attest::passed(CheckId::n15, all, all));
  } else {
    checks_.push_back(attest::failed(CheckId::n15, Code::binding, expected, found));
  }
}

// check_certificate: M5 and M6 for a composite: the AK's certificates, where they are there.
void AzureAuthenticator::check_certificate() {
  const std::string of_key = "a certificate of HCLAkPub";
  const std::string to_anchor = "an AK certificate (2.23.133.8.3) under one of " + std::to_string(inputs_.ak_roots.size()) + " anchors";
  const auto unmade = [&](CheckId id, const std::string& expected, const std::string& why) {
    checks_.push_back(inputs_.ak_certificate_required ? attest::failed(id, Code::chain, expected, why) : attest::not_applicable(id, why));
  };
  const std::vector<Bytes>& certificates = evidence_.raw.ak_certificates;
  if (certificates.empty()) {
    unmade(CheckId::m5, of_key, "no AK certificate: the paravisor vouches for the key (N15)");
    unmade(CheckId::m6, to_anchor, "no AK certificate");
    return;
  }
  const auto leaf = crypto::CertificateView::parse(certificates.front());
  const std::string wanted = crypto::sha256(evidence_.runtime.attestation_key.spki()).hex();
  const std::string found = leaf.ok() ? crypto::sha256(leaf->spki).hex() : leaf.error().message();
  const bool same = leaf.ok() && equal(leaf->spki, evidence_.runtime.attestation_key.spki());
  // A certificate of another key is a lie and never let be.
  checks_.push_back(same ? attest::passed(CheckId::m5, of_key + " " + wanted, found) : attest::failed(CheckId::m5, Code::binding, of_key + " " + wanted, found));

  std::vector<ByteView> roots;
  const auto consider = [&](ByteView der) {
    const auto view = crypto::CertificateView::parse(der);
    if (view.ok() && crypto::find_pin(inputs_.ak_roots, *view) != nullptr) roots.push_back(der);
  };
  for (const ByteView der : inputs_.candidates) consider(der);
  for (const Bytes& der : certificates) consider(der);
  const auto above = std::span(certificates).subspan(1);
  auto chain = tpm::verify_chain(certificates.front(), above, roots, inputs_.now, &tpm::kAkUsage);
  const bool leads_to_an_anchor = chain.ok();
  // Whether it leads to an anchor is one question, and whether its authority has taken it back another: a certificate that was is refused,
  // though one that leads nowhere may do no harm.
  if (leads_to_an_anchor && (inputs_.revocation.required || !inputs_.revocation.lists.empty())) {
    chain = tpm::verify_chain(certificates.front(), above, roots, inputs_.now, &tpm::kAkUsage, inputs_.revocation);
  }
  bind(Node::ak_certificate, Node::attestation_key, same && chain.ok(), to_anchor, chain.ok() ? "anchor " + chain->anchor.hex() : chain.error().message());
  if (!chain.ok() && leads_to_an_anchor) {
    checks_.push_back(attest::failed(CheckId::m6, chain.error().code(), to_anchor, chain.error().message()));
    return;
  }
  if (!chain.ok()) return unmade(CheckId::m6, to_anchor, chain.error().message());
  validity_ = chain->validity;
  evidence_.ak_anchor = chain->anchor;
  checks_.push_back(attest::passed(CheckId::m6, to_anchor, "anchor " + chain->anchor.hex() + ", " + chain->revocation));
}

Outcome AzureAuthenticator::run() {
  bind_runtime_data();
  bind_quote();
  check_chain();
  check_certificate();
  std::ranges::sort(checks_, {}, &attest::Check::id);  // N15 stands before M1
  Outcome outcome{std::move(checks_), evidence_.graph, std::nullopt, validity_};
  const bool accepted =
      std::ranges::none_of(outcome.checks, [](const attest::Check& check) { return check.outcome == attest::Outcome::failed; });
  if (accepted) outcome.authentic = attest::Authentic<AzureEvidence>(std::move(evidence_));
  return outcome;
}

}  // namespace redoubt::azure
