// TpmAuthenticator: one run of authenticate() over one piece of Evidence. Private to this room: it is the one class that may
// make Authentic<TpmEvidence> (type_state.h). Every check is recorded, whether or not an earlier one failed. One object, one
// thread, one run.
#pragma once

#include "common/attest/evidence/tpm/evidence.h"
#include "common/attest/evidence/tpm/pcr.h"

namespace redoubt::tpm {

class TpmAuthenticator {
 public:
  // Borrows both. run() changes `parsed`, and hands what is inside on to the outcome when that is authentic.
  TpmAuthenticator(attest::Parsed<TpmEvidence>& parsed, const Inputs& inputs)
      : evidence_(parsed.value_), raw_(evidence_.raw), inputs_(inputs) {}

  Outcome run();

 private:
  // authenticate_quote.cpp
  void check_form();
  void check_signature();
  void check_quoted_pcrs();
  Status check_attributes() const;
  void check_enrolled_ak();
  void check_ek();
  void check_certified_ak();
  Result<KeyChain> chain_without_usage(ByteView leaf, std::span<const Bytes> between, std::span<const ByteView> anchors) const;
  // ek_certificate: the digest of the EK's certificate, from the caller's proof where it is of the same bytes.
  crypto::Sha256Digest ek_certificate() const;
  // known_ek: the caller's proof, where it is of this certificate, of these anchors and of this time; none where revocation counts.
  const VerifiedEk* known_ek() const;
  Status enrolled() const;
  // ak_key: the attestation key, from a proof that holds the key of this name, or decoded.
  Result<crypto::PublicKey> ak_key() const;

  // authenticate_logs.cpp: every log replays in the bank that was quoted, and in no other.
  eventlog::Replay quoted() const;
  void check_event_log();
  void check_replay(const eventlog::Replay& quoted);
  void check_secure_boot(const eventlog::EventLog& log, const eventlog::Bank& bank);
  ima::PcrValues boot_pcrs() const;
  void check_ima_log();
  void check_violations(std::size_t count);
  void check_application_log();

  void pass(attest::CheckId id, std::string expected, std::string found) {
    checks_.push_back(attest::passed(id, std::move(expected), std::move(found)));
  }
  void fail(attest::CheckId id, Code code, std::string expected, std::string found) {
    checks_.push_back(attest::failed(id, code, std::move(expected), std::move(found)));
  }
  void skip(attest::CheckId id, std::string why) { checks_.push_back(attest::not_applicable(id, std::move(why))); }
  // judge records a Status: passed with `expected`, or failed with the error's code and message.
  void judge(attest::CheckId id, std::string expected, const Status& status);

  TpmEvidence& evidence_;  // becomes the authentic value
  RawParts& raw_;
  const Inputs& inputs_;
  std::vector<attest::Check> checks_;
  eventlog::Replay firmware_;  // what the event log gives in the bank of the quote; empty without one
  Interval validity_{Instant(1), Instant(0)};
};

}  // namespace redoubt::tpm
