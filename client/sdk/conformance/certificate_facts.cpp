// RA-TLS certificates with SGX quotes inside, as the folder ra-tls lists them.
#include "client/sdk/conformance/entry.h"
#include "common/attest/evidence/cert/container.h"
#include "common/attest/evidence/cert/evidence_certificate.h"
#include "common/attest/evidence/dcap/evidence.h"

namespace redoubt::conformance {
namespace {

constexpr der::Oid kSha1WithRsa = der::oid("1.2.840.113549.1.1.5");

// when: a time at which the quote's own chain is valid; the folder gives the time of the certificate alone.
std::optional<Instant> when(const attest::Parsed<dcap::Quote>& parsed) {
  const auto certificates = dcap::PckCertificates::from_pem(dcap::certification_data(parsed));
  if (!certificates.ok()) return std::nullopt;
  return (*certificates)->leaf().validity.begin;
}

struct Judged {
  Facts facts;
  cert::ReportData report_data;
  bool authentic = false;
};

Judged judge_quote(ByteView quote) {
  Judged out;
  const auto parsed = dcap::parse(quote);
  const auto now = parsed.ok() ? when(*parsed) : std::nullopt;
  if (now) {
    const dcap::Outcome outcome = dcap::authenticate(*parsed, {.now = *now});
    out.authentic = outcome.authentic.has_value();
    if (out.authentic) {
      const dcap::Quote& authentic = **outcome.authentic;
      std::ranges::copy(authentic.report_data(), out.report_data.array().begin());
      out.facts.emplace("debug", authentic.debug());
      if (authentic.pck) out.facts.emplace("fmspc", authentic.pck->extension().fmspc.hex());
      if (const auto* enclave = authentic.enclave()) {
        out.facts.emplace("mrenclave", enclave->mr_enclave.hex());
        out.facts.emplace("mrsigner", enclave->mr_signer.hex());
      }
      if (const auto* td = authentic.trust_domain()) out.facts.emplace("mrtd", td->mr_td.hex());
    }
  }
  out.facts.emplace("quote_authentic", out.authentic);
  return out;
}

std::string_view binding_name(cert::KeyBinding binding) {
  switch (binding) {
    case cert::KeyBinding::claims: return "sha256(claims)";
    case cert::KeyBinding::sha256_spki: return "sha256(spki)";
    case cert::KeyBinding::sha256_pkcs1: return "sha256(PKCS#1 public key)";
    case cert::KeyBinding::dstack: return "sha512(ratls-cert: spki)";
  }
  return "";
}

bool is_sha256_of(const cert::ReportData& data, ByteView of) {
  cert::ReportData expected;
  std::ranges::copy(crypto::sha256(of).view(), expected.array().begin());
  return data == expected;
}

void add_tagged(const cert::TaggedEvidence& tagged, const cert::ReportData& data, ByteView spki, Facts& facts) {
  json::Array keys{"pubkey-hash"};
  if (tagged.nonce) keys.emplace_back("nonce");
  for (const std::string& other : tagged.others) keys.emplace_back(other);
  constexpr int kRegistry[] = {1, 7, 8};  // of sha256, sha384, sha512 in "Named Information Hash Algorithm"
  facts.emplace("cbor_tag", "0xea60");
  facts.emplace("claims_keys", std::move(keys));
  facts.emplace("pubkey_hash_alg", kRegistry[static_cast<std::size_t>(tagged.key_hash.algorithm)]);
  facts.emplace("pubkey_hash_matches_spki", crypto::hash(tagged.key_hash.algorithm, spki) == tagged.key_hash.value);
  facts.emplace("report_data_is_sha256_of_claims", is_sha256_of(data, tagged.claims));
}

}  // namespace

Result<Facts> certificate_facts(const Entry& entry) {
  REDOUBT_TRY(Bytes file, entry.evidence("cert"));
  REDOUBT_TRY(const Bytes der, first_certificate(std::move(file)));
  REDOUBT_TRY(const auto parsed, cert::parse(der));
  REDOUBT_TRY(const auto container, cert::Container::parse(der));
  const std::vector<cert::Embedded> embedded = cert::unverified_embedded(parsed);
  std::vector<Judged> judged;
  std::vector<cert::JudgedQuote> believed;
  for (const cert::Embedded& one : embedded) {
    judged.push_back(judge_quote(one.quote));
    if (judged.back().authentic) believed.push_back({one.quote, judged.back().report_data});
  }
  const cert::Outcome outcome = cert::authenticate(parsed, {.judged = believed, .now = container.validity.begin});
  Facts facts{{"verdict", outcome.authentic ? "accept" : "reject"}};
  for (std::size_t i = 0; i < embedded.size(); ++i) {
    Facts& one = judged[i].facts;
    if (embedded[i].tagged) {
      add_tagged(*embedded[i].tagged, judged[i].report_data, container.spki, one);
    } else {
      one.emplace("report_data", judged[i].report_data.hex());
      one.emplace("report_data_is_sha256_of_spki", is_sha256_of(judged[i].report_data, container.spki));
      json::Array bindings;
      if (i < outcome.bindings.size()) bindings.emplace_back(binding_name(outcome.bindings[i]));
      one.emplace("binding", std::move(bindings));
    }
    facts.emplace(embedded[i].tagged ? "tagged" : "legacy", one);
  }
  const bool sha1 = !container.scheme && container.signature_algorithm == kSha1WithRsa;
  facts.emplace("self_signature", sha1 ? json::Value("SHA-1 RSA: not checked, refuse by policy") : json::Value(outcome.signature_verified));
  // A certificate shows where its key was made and nothing about the platform's state: the strict policy asks for collateral, which it
  // does not carry.
  facts.emplace("accept_under_strict_policy", false);
  return facts;
}

}  // namespace redoubt::conformance
