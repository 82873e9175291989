// TPM Evidence: a quote with everything needed to judge it, and authenticate(), which judges its authenticity.
//
// The attester sends it and may lie in every byte. authenticate() runs every check of the list in check.h that starts with
// tpm, log, ima or app, whether or not an earlier one failed, and gives measurements (Authentic<TpmEvidence>) only if all
// that are mandatory have passed. What the measurements must be is the policy's business, on a floor above. Pure and
// thread-safe. TPM 2.0 Library Part 2 (structures), TCG PC Client Platform Firmware Profile section 10 (event log).
// Encoding: docs/specs/tpm-evidence.md.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "common/attest/evidence/check.h"
#include "common/attest/evidence/eventlog/boot.h"
#include "common/attest/evidence/ima/ima_list.h"
#include "common/attest/evidence/tpm/application_log.h"
#include "common/attest/evidence/tpm/certificates.h"
#include "common/attest/evidence/tpm/enrolment.h"
#include "common/attest/evidence/tpm/pcr_values.h"
#include "common/attest/evidence/tpm/quote.h"
#include "common/attest/evidence/tpm/structures.h"
#include "common/attest/evidence/type_state.h"
#include "common/base/instant.h"
#include "common/crypto/x509.h"

namespace redoubt::tpm {

// The wire form: raw parts, nothing believed.
struct RawEvidence {
  static constexpr std::size_t kMaxEventLog = 256 * 1024;
  static constexpr std::size_t kMaxImaLog = 1024 * 1024;

  Bytes attest;      // TPMS_ATTEST
  Bytes signature;   // TPMT_SIGNATURE
  Bytes ak_public;   // TPMT_PUBLIC of the AK
  // What vouches for the AK: either an EK, whose certificate is here and to which somebody enrolled the AK ...
  Bytes ek_public;   // TPMT_PUBLIC of the EK
  Bytes ek_certificate;                  // DER
  std::vector<Bytes> ek_intermediates;   // DER, at most 4; anchors are never taken from here
  // ... or the AK's own certificates, DER, leaf first, at most 5; then the three above are empty.
  std::vector<Bytes> ak_certificates;
  std::map<int, PcrValue> pcrs;          // the quoted ones, where the quote is over the SHA-256 bank
  std::uint16_t bank = kAlgSha256;       // of the quote
  std::map<int, Bytes> wide_pcrs;        // the quoted ones of another bank (SHA-384, SHA-512); then pcrs is empty
  Bytes event_log;                       // TCG crypto-agile, or empty
  Bytes ima_log;                         // binary list, or empty
  std::optional<ApplicationLog> application_log;

  Bytes encode() const;
  // decode bounds every part and refuses trailing bytes; parts stay raw.
  static Result<RawEvidence> decode(ByteView bytes);
};

// The same as views of the bytes that were decoded. What has no view of them is a copy.
struct RawParts {
  static constexpr std::size_t kMaxIntermediates = 4;
  static constexpr std::size_t kMaxAkCertificates = 5;

  ByteView attest, signature, ak_public;
  ByteView ek_public, ek_certificate;
  ShortList<ByteView, kMaxIntermediates> ek_intermediates;
  ShortList<ByteView, kMaxAkCertificates> ak_certificates;
  std::uint16_t bank = kAlgSha256;
  PcrEntries pcrs;  // the quoted ones, of that bank
  ByteView event_log, ima_log;
  std::optional<ApplicationLog> application_log;

  // decode: as that of RawEvidence. Borrows.
  static Result<RawParts> decode(ByteView bytes);
  // read: the same, into parts that were made before: a value of this size is moved less. After a failure they mean nothing.
  Status read(ByteView bytes);
  // follow: every view of `from`, which was decoded, becomes the same view of `to`, a copy of it.
  void follow(ByteView from, ByteView to);
  // copies: certificates as verify_ek takes them.
  static std::vector<Bytes> copies(std::span<const ByteView> certificates);
};

// What authentic Evidence says.
struct TpmEvidence {
  using Authenticator = class TpmAuthenticator;

  std::shared_ptr<const Bytes> kept;  // what the views of `raw` look at; null when it was read in place
  RawParts raw;  // when authentic, its IMA list ends where the quoted PCR 10 ends
  // Its parts, read once: of raw.attest, raw.signature, raw.ak_public and raw.ek_public.
  Attest attest;
  Signature signature;
  Public ak;
  std::optional<Public> ek;  // RSA; absent where the AK has certificates of its own
  AkName ak_name;
  crypto::Sha256Digest ek_certificate;  // of its DER, once authenticate() has looked; zero where the AK has certificates of its own
  crypto::Sha256Digest anchor;       // SHA-256 of the DER of the root that the EK's or the AK's certificate leads to
  bool event_log_present = false;    // and, when authentic, replayed and consistent
  // The list is raw.ima_log, read with ima::List::parse_binary: when authentic it is the quoted part and nothing else.
  bool ima_log_present = false;
  std::size_t ima_violations = 0;
  std::optional<bool> secure_boot;   // from the SecureBoot variable in PCR 7; absent without event log or variable
  // The rest that the event log shows of the boot. Of other PCRs than 7 (Exit Boot Services: PCR 5) only if those are quoted too.
  std::optional<eventlog::BootFacts> boot;
  // Typed; absent when there is no log, when an event is untyped, when the log is of another PCR than kLauncherPcr, and when
  // the firmware log speaks of that PCR too: then the host could call the first application events firmware events, and with
  // them hide a "cap".
  std::optional<std::vector<ApplicationEvent>> application_events;

  // pcrs: a copy of the quoted values where the quote is over the SHA-256 bank; empty for another bank.
  PcrValues pcrs() const { return raw.bank == kAlgSha256 ? PcrValues(raw.pcrs) : PcrValues(); }
};

// parse: the parts are within bounds, and quote, signature and keys have their form; `malformed` otherwise. A certificate or a log
// that has not is a failed check (M6, L1, I1), so that one sees which. Copies the bytes.
Result<attest::Parsed<TpmEvidence>> parse(ByteView evidence);
// parse_in_place: the same without a copy: `evidence` must outlive the value and every TpmEvidence that comes of it.
Result<attest::Parsed<TpmEvidence>> parse_in_place(ByteView evidence);

// VerifiedEk: an EK certificate whose chain was checked once: an immutable proof object for caches, keyed by its digests.
class VerifiedEk {
 public:
  const crypto::Sha256Digest& certificate() const { return certificate_; }
  const crypto::Sha256Digest& anchor() const { return anchor_; }
  const Interval& validity() const { return validity_; }

 private:
  friend Result<VerifiedEk> verify_ek(ByteView, std::span<const Bytes>, std::span<const crypto::Certificate>, Instant, const Revocation&);
  Bytes der_;               // the certificate
  crypto::Sha256Digest certificate_;
  crypto::Sha256Digest anchor_;
  Interval validity_;
  Bytes modulus_;           // of its key; empty where that is not RSA with the exponent 65537, which is nobody's
  std::string revocation_;  // as KeyChain::revocation
  friend class TpmAuthenticator;
};

// verify_ek: certificate (DER) through intermediates to one of `roots` at time `now`; TCG EK usage 2.23.133.8.1. `malformed`,
// `chain` or `freshness`.
Result<VerifiedEk> verify_ek(ByteView certificate, std::span<const Bytes> intermediates,
                             std::span<const crypto::Certificate> roots, Instant now, const Revocation& revocation = {});

// What the verifier brings. Borrowed for the call.
struct Inputs {
  ByteView expected_extra_data;                         // H(statement), 32 bytes
  std::span<const crypto::Certificate> roots;           // trust anchors that the policy names
  // From a cache; used only if its certificate is the Evidence's, its anchor is one of `roots` and now is inside, and no revocation list
  // is to be looked at.
  const VerifiedEk* verified_ek = nullptr;
  std::span<const AkEnrolment> enrolments;              // by anyone
  std::span<const crypto::Ed25519PublicKey> enrollers;  // whose enrolment counts
  std::span<const int> required_pcrs;                   // must be in the quote
  Instant now;
  bool accept_ima_violations = false;                   // I2: the policy takes files that changed while they were measured
  std::span<const VerifiedEnrolment> verified_enrolments = {};  // from a cache; the enrollers' rule holds for them too
  Revocation revocation = {};                           // M6: of EK and AK certificates and of what is above them
  // SHA-256 of the DER of those of `roots` whose AK certificates need no extended key usage (M6): some clouds write none. One that names
  // other usages is refused all the same, and digitalSignature is asked for then.
  std::span<const crypto::Sha256Digest> roots_without_ak_usage = {};
};

struct Outcome {
  std::vector<attest::Check> checks;  // M1..M6, L1..L5, I1, I2, I3, app.log: each once, in this order
  // Present when every check passed or is not applicable (logs that are absent, Secure Boot off is data, not a failure:
  // L5 here says only that the variable, if logged, is covered by its digest and stands before the separator).
  std::optional<attest::Authentic<TpmEvidence>> authentic;
  Interval validity;  // of the chain of the EK's or the AK's certificate; empty when that was not accepted
};

Outcome authenticate(const attest::Parsed<TpmEvidence>& parsed, const Inputs& inputs);
// The same, with the Evidence handed on to the outcome and not copied.
Outcome authenticate(attest::Parsed<TpmEvidence>&& parsed, const Inputs& inputs);

}  // namespace redoubt::tpm
