#include "common/attest/evidence/cert/evidence_certificate.h"

#include "common/attest/evidence/cert/container.h"
#include "common/attest/evidence/cert/embedded.h"

namespace redoubt::cert {

using attest::CheckId;

std::string_view form_text(Form form) {
  switch (form) {
    case Form::tagged: return "tagged";
    case Form::legacy: return "legacy";
    case Form::dstack: return "dstack";
  }
  std::abort();
}

std::string_view binding_text(KeyBinding binding) {
  switch (binding) {
    case KeyBinding::claims: return "sha256(claims with the hash of the spki)";
    case KeyBinding::sha256_spki: return "sha256(spki)";
    case KeyBinding::sha256_pkcs1: return "sha256(PKCS#1 public key)";
    case KeyBinding::dstack: return "sha512(ratls-cert: spki)";
  }
  std::abort();
}

class CertificateAuthenticator {
 public:
  static const EvidenceCertificate& value(const attest::Parsed<EvidenceCertificate>& parsed) { return parsed.value_; }

  CertificateAuthenticator(const attest::Parsed<EvidenceCertificate>& parsed, const Inputs& inputs)
      : value_(parsed.value_), inputs_(inputs), container_(Container::parse(value_.der)) {}

  Outcome run() {
    Outcome outcome;
    const Status form = value_.form_error ? Status(*value_.form_error) : Status();
    if (form.ok()) {
      outcome.checks.push_back(attest::passed(CheckId::r1, "one piece of Evidence", forms()));
    } else {
      outcome.checks.push_back(attest::failed(CheckId::r1, Code::malformed, "one piece of Evidence", form.error().message()));
    }
    const Status bound = check_key(outcome);
    std::string expected = "a certificate that is signed and valid at " + inputs_.now.text() + ", whose key the Evidence binds";
    if (bound.ok()) {
      std::string found;
      for (const KeyBinding binding : outcome.bindings) found += (found.empty() ? "" : ", ") + std::string(binding_text(binding));
      outcome.checks.push_back(attest::passed(CheckId::r2, std::move(expected), std::move(found)));
    } else {
      outcome.checks.push_back(attest::failed(CheckId::r2, bound.error().code(), std::move(expected), bound.error().message()));
    }
    outcome.checks.push_back(attest::not_applicable(
        CheckId::r3, "a certificate answers no challenge and binds no session: it shows only where its key was generated"));
    if (!form.ok() || !bound.ok()) return outcome;
    outcome.validity = container_->validity;
    value_.spki = to_bytes(container_->spki);
    value_.bindings = outcome.bindings;
    outcome.authentic = attest::Authentic<EvidenceCertificate>(std::move(value_));
    return outcome;
  }

 private:
  std::string forms() const {
    std::string text;
    for (const Embedded& embedded : value_.embedded) {
      text += (text.empty() ? "" : " and ") + std::string(form_text(embedded.form)) + ", quote of " +
              std::to_string(embedded.quote.size()) + " bytes";
    }
    return text;
  }

  // R2. Every part runs; the first that fails is told.
  Status check_key(Outcome& outcome) const {
    Status first = value_.form_error ? Status(Error(Code::binding, "no Evidence to bind the key")) : Status();
    const auto keep = [&](Status status) {
      if (first.ok() && !status.ok()) first = status;
    };
    const Status signature = check_signature();
    outcome.signature_verified = signature.ok();
    keep(signature);
    if (!container_->validity.contains(inputs_.now)) {
      keep(Error(Code::freshness, "certificate valid from " + container_->validity.begin.text() + " to " +
                                      container_->validity.end.text()));
    }
    for (const Embedded& embedded : value_.embedded) {
      const Result<KeyBinding> binding = check_binding(embedded);
      if (!binding.ok()) {
        keep(binding.error().context(form_text(embedded.form)));
        continue;
      }
      outcome.bindings.push_back(*binding);
      if (*binding == KeyBinding::sha256_pkcs1 && !inputs_.accept_pkcs1_key_hash) {
        keep(Error(Code::binding, "report data is sha256(PKCS#1 public key), not of the SubjectPublicKeyInfo"));
      }
    }
    return first;
  }

  Status check_signature() const {
    if (!container_->scheme) {
      return Error(Code::chain, "signature algorithm " + der::oid_text(container_->signature_algorithm) +
                                    " is not ecdsa or rsa with at least sha-256");
    }
    if (inputs_.issuer == nullptr && !equal(container_->issuer, container_->subject)) {
      return Error(Code::chain, "the certificate is not self-signed and no key of its issuer was given");
    }
    REDOUBT_TRY(const crypto::PublicKey own, crypto::PublicKey::from_spki(container_->spki));
    const crypto::PublicKey& issuer = inputs_.issuer != nullptr ? *inputs_.issuer : own;
    return issuer.verify(*container_->scheme, container_->tbs, container_->signature);
  }

  Result<KeyBinding> check_binding(const Embedded& embedded) const {
    const auto judged = std::ranges::find_if(
        inputs_.judged, [&](const JudgedQuote& candidate) { return equal(candidate.quote, embedded.quote); });
    if (judged == inputs_.judged.end()) return Error(Code::binding, "the quote was not found authentic");
    switch (embedded.form) {
      case Form::tagged: return check_claims(*embedded.tagged, judged->report_data);
      case Form::legacy: return check_legacy(judged->report_data);
      case Form::dstack: return check_dstack(judged->report_data);
    }
    std::abort();
  }

  static Error mismatch(std::string_view what, ByteView expected, const ReportData& found) {
    return Error(Code::binding, "report data: expected " + std::string(what) + " " + hex_encode(expected) + ", found " + found.hex());
  }

  static ReportData padded(ByteView digest) {
    ReportData out;
    std::ranges::copy(digest, out.array().begin());
    return out;
  }

  Result<KeyBinding> check_claims(const TaggedEvidence& tagged, const ReportData& found) const {
    const ReportData expected = claims_report_data(tagged.claims);
    if (found != expected) return mismatch("sha256(claims)", expected.view(), found);
    const Bytes key = crypto::hash(tagged.key_hash.algorithm, container_->spki);
    if (key != tagged.key_hash.value) {
      return Error(Code::binding, "pubkey-hash: expected " + std::string(hash_text(tagged.key_hash.algorithm)) + " " +
                                      hex_encode(key) + ", found " + hex_encode(ByteView(tagged.key_hash.value).first(
                                                                         std::min<std::size_t>(64, tagged.key_hash.value.size()))));
    }
    return KeyBinding::claims;
  }

  Result<KeyBinding> check_legacy(const ReportData& found) const {
    const ReportData spki = padded(crypto::sha256(container_->spki).view());
    if (found == spki) return KeyBinding::sha256_spki;
    auto key = crypto::PublicKey::from_spki(container_->spki);
    const bool rsa = key.ok() && key->kind() == crypto::KeyKind::rsa;
    if (rsa && found == padded(crypto::sha256(container_->key_bits).view())) return KeyBinding::sha256_pkcs1;
    return mismatch("sha256(spki)", spki.view(), found);
  }

  Result<KeyBinding> check_dstack(const ReportData& found) const {
    Bytes text = to_bytes("ratls-cert:");
    append(text, container_->spki);
    const crypto::Sha512Digest expected = crypto::sha512(text);
    if (!equal(found.view(), expected.view())) return mismatch("sha512(ratls-cert: spki)", expected.view(), found);
    return KeyBinding::dstack;
  }

  EvidenceCertificate value_;  // a copy, which becomes the authentic value
  const Inputs& inputs_;
  const Result<Container> container_;  // read once by parse() already: it cannot fail here
};

Result<attest::Parsed<EvidenceCertificate>> parse(ByteView der) {
  REDOUBT_TRY(const Container container, Container::parse(der));
  EvidenceCertificate value;
  value.der = to_bytes(der);
  if (auto status = read_embedded(container, value); !status.ok()) {
    value.form_error = status.error();
    value.embedded.clear();
    value.event_log.clear();
  }
  return attest::Parsed<EvidenceCertificate>(std::move(value));
}

std::vector<ByteView> unverified_quotes(const attest::Parsed<EvidenceCertificate>& parsed) {
  std::vector<ByteView> quotes;
  for (const Embedded& embedded : CertificateAuthenticator::value(parsed).embedded) quotes.emplace_back(embedded.quote);
  return quotes;
}

std::vector<Embedded> unverified_embedded(const attest::Parsed<EvidenceCertificate>& parsed) {
  return CertificateAuthenticator::value(parsed).embedded;
}

json::Value describe(const attest::Parsed<EvidenceCertificate>& parsed) {
  const EvidenceCertificate& value = CertificateAuthenticator::value(parsed);
  json::Array forms;
  for (const Embedded& embedded : value.embedded) {
    json::Object shown{{"form", form_text(embedded.form)}, {"quote_sha256", crypto::sha256(embedded.quote).hex()},
                       {"quote_size", static_cast<std::int64_t>(embedded.quote.size())}};
    if (embedded.tagged) {
      json::Array names;
      for (const std::string& name : embedded.tagged->others) names.emplace_back(name);
      shown.emplace("pubkey_hash_algorithm", hash_text(embedded.tagged->key_hash.algorithm));
      shown.emplace("pubkey_hash", hex_encode(embedded.tagged->key_hash.value));
      shown.emplace("claims_sha256", crypto::sha256(embedded.tagged->claims).hex());
      shown.emplace("other_claims", std::move(names));
      if (embedded.tagged->nonce) shown.emplace("nonce", hex_encode(*embedded.tagged->nonce));
    }
    forms.emplace_back(std::move(shown));
  }
  const Result<Container> container = Container::parse(value.der);
  json::Object out{{"format", "ra-tls-certificate"}, {"verified", false}, {"evidence", std::move(forms)}};
  if (container.ok()) {
    out.emplace("spki_sha256", crypto::sha256(container->spki).hex());
    out.emplace("not_before", container->validity.begin.text());
    out.emplace("not_after", container->validity.end.text());
    out.emplace("signature_algorithm", der::oid_text(container->signature_algorithm));
  }
  if (value.form_error) out.emplace("error", value.form_error->message());
  if (!value.event_log.empty()) out.emplace("event_log_size", static_cast<std::int64_t>(value.event_log.size()));
  return out;
}

Outcome authenticate(const attest::Parsed<EvidenceCertificate>& parsed, const Inputs& inputs) {
  return CertificateAuthenticator(parsed, inputs).run();
}

}  // namespace redoubt::cert
