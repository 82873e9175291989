// EvidenceCertificate: a TLS certificate with a quote inside (RA-TLS), and authenticate(), which judges whether the quote speaks
// for the certificate's key.
//
// The peer sends it and may lie in every byte. The quotes inside are handed out to be judged by the room of their format; its
// answer comes back as JudgedQuote. R1 (exactly one piece of Evidence, well formed) and R2 (it binds the key) run whether or not
// the other failed. R3 (it binds this session) can never hold: no challenge and no session reaches into a certificate, so the
// strongest thing one shows is that its key was generated where the quote was made. Pure and thread-safe.
// docs/specs/ra-tls-certificate.md.
//
// What counts as exactly one piece: one tagged extension; or one legacy extension; or, as Gramine writes it for old readers, a
// tagged and a legacy one whose SGX quotes agree in everything before their report data: then both must be judged and both must
// bind the key, so that a reader of either sees the same enclave and the same key.
#pragma once

#include <span>

#include "common/attest/evidence/cert/tagged_evidence.h"
#include "common/attest/evidence/check.h"
#include "common/attest/evidence/type_state.h"
#include "common/base/instant.h"
#include "common/base/json.h"
#include "common/crypto/digest.h"

namespace redoubt::cert {

enum class Form {
  tagged,  // 2.23.133.5.4.9, TCG DICE
  legacy,  // 1.2.840.113741.1337.6 and 0.6.9.42.840.113741.1337.6 (Gramine, rats-tls), 1.2.840.113741.1.13.1: the bare quote
  dstack,  // 1.3.6.1.4.1.62397.1.1: the quote as an OCTET STRING; .2 is its event log
};
std::string_view form_text(Form form);

// KeyBinding: how a quote's report data commits to the key.
enum class KeyBinding {
  claims,        // SHA-256 of claims that hold a hash of the SubjectPublicKeyInfo
  sha256_spki,   // SHA-256 of the SubjectPublicKeyInfo, then zeros
  sha256_pkcs1,  // SHA-256 of the RSAPublicKey inside, then zeros: says the numbers, not the algorithm they are for
  dstack,        // SHA-512 of "ratls-cert:" and the SubjectPublicKeyInfo
};
std::string_view binding_text(KeyBinding binding);

// One quote of the certificate.
struct Embedded {
  Form form = Form::tagged;
  Bytes quote;
  std::optional<TaggedEvidence> tagged;  // for Form::tagged
};

struct EvidenceCertificate {
  using Authenticator = class CertificateAuthenticator;

  Bytes der;
  std::vector<Embedded> embedded;   // one; or tagged, then legacy
  Bytes event_log;                  // dstack's, as it stands, or empty; nothing covers it but the quote's registers
  std::optional<Error> form_error;  // why R1 fails; never there when authentic
  // Filled by authenticate():
  Bytes spki;                       // of the key that was generated where the quote was made
  std::vector<KeyBinding> bindings;  // one for each of `embedded`
};

// parse: one certificate, DER, without trailing bytes; `malformed` otherwise. Evidence in it that cannot be read is a failed R1.
Result<attest::Parsed<EvidenceCertificate>> parse(ByteView der);

// unverified_quotes: what is to be judged, in the order of `embedded`; empty if R1 fails. Borrows `parsed`.
std::vector<ByteView> unverified_quotes(const attest::Parsed<EvidenceCertificate>& parsed);
// unverified_embedded: the same with their forms and claims, for display and for tests.
std::vector<Embedded> unverified_embedded(const attest::Parsed<EvidenceCertificate>& parsed);
// describe: forms, claims and sizes for people, marked as unverified.
json::Value describe(const attest::Parsed<EvidenceCertificate>& parsed);

// JudgedQuote: a quote that is authentic, and what it says. Whoever makes one must have it from an Authentic<...>.
struct JudgedQuote {
  ByteView quote;
  ReportData report_data;
};

// What the verifier brings. Borrowed for the call.
struct Inputs {
  std::span<const JudgedQuote> judged = {};  // those of unverified_quotes that were found authentic
  // The key of the issuer, if the certificate is not self-signed (dstack lets an authority sign).
  const crypto::PublicKey* issuer = nullptr;
  bool accept_pkcs1_key_hash = false;   // rats-tls; refused by default
  Instant now;
};

struct Outcome {
  std::vector<attest::Check> checks;  // R1, R2, R3: each once, in this order
  // How each judged quote binds the key, whether or not that is accepted.
  std::vector<KeyBinding> bindings;
  bool signature_verified = false;
  std::optional<attest::Authentic<EvidenceCertificate>> authentic;  // R1 and R2 passed; says nothing about a session
  Interval validity{Instant(1), Instant(0)};  // of the certificate; empty when it is not authentic
};

Outcome authenticate(const attest::Parsed<EvidenceCertificate>& parsed, const Inputs& inputs);

}  // namespace redoubt::cert
