#include "common/attest/evidence/nitro/evidence.h"

#include "common/attest/evidence/nitro/authenticator.h"
#include "common/base/concat.h"

namespace redoubt::nitro {
namespace {

constexpr Interval kEmpty{Instant(1), Instant(0)};
constexpr auto kAlgorithm = crypto::CoseAlgorithm::es384;

json::Value hex_or_null(const std::optional<ByteView>& bytes) {
  return bytes ? json::Value(hex_encode(*bytes)) : json::Value();
}

json::Value describe_certificate(ByteView der) {
  json::Object out;
  out["sha256"] = crypto::sha256(der).hex();
  const auto certificate = crypto::CertificateView::parse(der);
  if (!certificate.ok()) {
    out["error"] = certificate.error().message();
    return out;
  }
  out["subject"] = crypto::name_text(certificate->subject);
  out["issuer"] = crypto::name_text(certificate->issuer);
  out["not_before"] = certificate->validity.begin.text();
  out["not_after"] = certificate->validity.end.text();
  return out;
}

}  // namespace

void NitroAuthenticator::note(std::string_view part, const Error& error) {
  if (!wrong_.empty()) wrong_ += "; ";
  if (code_ == Code::freshness) code_ = error.code();
  wrong_ += std::string(part) + ": " + error.message();
}

void NitroAuthenticator::check_form() {
  const crypto::CoseMessage& cose = evidence_.cose;
  const std::size_t labels = cose.protected_labels;
  std::string expected = concat("only the algorithm ", crypto::algorithm_text(kAlgorithm), " in the protected header");
  std::string found = "algorithm " + (cose.algorithm ? std::to_string(*cose.algorithm) : std::string("none"));
  if (labels != 1) found += " among " + std::to_string(labels) + " labels";
  if (cose.algorithm == static_cast<std::int64_t>(kAlgorithm) && labels == 1) {
    outcome_.checks.push_back(attest::passed(attest::CheckId::a1, std::move(expected), std::move(found)));
  } else {
    outcome_.checks.push_back(attest::failed(attest::CheckId::a1, Code::malformed, std::move(expected), std::move(found)));
  }
}

void NitroAuthenticator::check_chain() {
  std::optional<VerifiedInstanceChain>& chain = outcome_.chain;
  if (inputs_.verified_chain != nullptr && inputs_.verified_chain->proves(evidence_.cabundle, inputs_.roots, inputs_.now)) {
    chain = *inputs_.verified_chain;
  } else if (auto verified = verify_instance_chain(evidence_.cabundle, inputs_.roots, inputs_.now); verified.ok()) {
    chain = std::move(verified).value();
  } else {
    note("chain", verified.error());
  }

  outcome_.validity = kEmpty;
  const auto leaf = crypto::CertificateView::parse(evidence_.certificate);
  if (!leaf.ok()) {
    note("leaf certificate", leaf.error());
    return;
  }
  if (chain) {
    outcome_.validity = leaf->validity.intersect(chain->validity());
    if (const Status status = chain->check_leaf(*leaf, inputs_.now); !status.ok()) note("leaf certificate", status.error());
  } else {
    outcome_.validity = leaf->validity;
    for (const ByteView der : evidence_.cabundle) {
      const auto certificate = crypto::CertificateView::parse(der);
      outcome_.validity = certificate.ok() ? outcome_.validity.intersect(certificate->validity) : kEmpty;
      if (!certificate.ok()) break;
    }
  }
  const auto key = crypto::UniqueKey::from_spki(leaf->spki);  // for this signature alone
  if (!key.ok()) {
    note("document signature", key.error());
  } else if (const Status status = evidence_.cose.verify(*key, kAlgorithm); !status.ok()) {
    note("document signature", status.error());
  }
}

Outcome NitroAuthenticator::run() {
  outcome_.checks.reserve(8);  // two here; one of the policy and two of the claims follow
  check_form();
  check_chain();
  std::string expected = concat("a document signed by its leaf, under its cabundle, under a pinned root, all valid at ", inputs_.now);
  if (wrong_.empty()) {
    outcome_.checks.push_back(attest::passed(attest::CheckId::a2, std::move(expected), concat("root ", Hex{outcome_.chain->root().view()})));
  } else {
    outcome_.checks.push_back(attest::failed(attest::CheckId::a2, code_, std::move(expected), std::move(wrong_)));
  }
  const bool accepted = std::ranges::all_of(
      outcome_.checks, [](const attest::Check& check) { return check.outcome == attest::Outcome::passed; });
  if (accepted) {
    NitroEvidence value = evidence_;
    value.root = outcome_.chain->root();
    outcome_.authentic = attest::Authentic<NitroEvidence>(std::move(value));
  }
  return std::move(outcome_);
}

json::Value NitroAuthenticator::describe(const attest::Parsed<NitroEvidence>& parsed) {
  const NitroEvidence& evidence = parsed.value_;
  json::Object pcrs;
  for (unsigned i = 0; i < kPcrCount; ++i) {
    if (evidence.pcrs[i]) pcrs[std::to_string(i)] = hex_encode(*evidence.pcrs[i]);
  }
  json::Array bundle;
  for (const ByteView der : evidence.cabundle) bundle.push_back(describe_certificate(der));
  json::Object out;
  out["format"] = "aws-nitro";
  out["verified"] = false;
  out["algorithm"] = evidence.cose.algorithm ? json::Value(*evidence.cose.algorithm) : json::Value();
  out["module_id"] = evidence.module_id;
  out["digest"] = "SHA384";
  out["timestamp_ms"] = static_cast<std::int64_t>(evidence.timestamp_ms);
  out["time"] = evidence.time().text();
  out["pcrs"] = std::move(pcrs);
  out["debug"] = evidence.debug();
  out["certificate"] = describe_certificate(evidence.certificate);
  out["cabundle"] = std::move(bundle);
  out["public_key"] = hex_or_null(evidence.public_key);
  out["user_data"] = hex_or_null(evidence.user_data);
  out["nonce"] = hex_or_null(evidence.nonce);
  return out;
}

Outcome authenticate(const attest::Parsed<NitroEvidence>& parsed, const Inputs& inputs) {
  return NitroAuthenticator(parsed, inputs).run();
}

}  // namespace redoubt::nitro
