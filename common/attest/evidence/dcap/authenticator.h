// DcapAuthenticator: one run of authenticate() over one quote. Private to this room: it is the one class that may make
// Authentic<Quote> (type_state.h). Every check is recorded, whether or not an earlier one failed. One object, one thread, one
// run.
#pragma once

#include "common/attest/evidence/dcap/evidence.h"

namespace redoubt::dcap {

class DcapAuthenticator {
 public:
  DcapAuthenticator(const attest::Parsed<Quote>& parsed, const Inputs& inputs) : raw_(parsed.value_.raw), inputs_(inputs) {}

  Outcome run();

  static const RawQuote& raw(const attest::Parsed<Quote>& parsed) { return parsed.value_.raw; }

 private:
  // read_chain finds the certificates, or the proof that covers them; nothing is verified.
  void read_chain();
  // verify_collateral makes C1 to C7, before the chain, which it may spare signatures.
  void verify_collateral();
  void check_form();             // Q1 to Q5
  void check_quote_signature();  // S1
  void check_key_binding();      // S2
  void check_qe_signature();     // S3
  void check_chain();            // S4, S5
  void check_tcb();              // T1 to T5

  // certificates: those of the quote, or the caller's where the quote has none.
  Result<std::shared_ptr<const PckCertificates>> certificates() const;

  void pass(attest::CheckId id, std::string expected, std::string found) {
    checks_.push_back(attest::passed(id, std::move(expected), std::move(found)));
  }
  void fail(attest::CheckId id, Code code, std::string expected, std::string found) {
    checks_.push_back(attest::failed(id, code, std::move(expected), std::move(found)));
  }
  void judge(attest::CheckId id, std::string expected, std::string found, const Status& status);

  const RawQuote& raw_;
  const Inputs& inputs_;
  std::vector<attest::Check> checks_;
  // Of the chain as it stands, verified or not, so that later checks are made either way.
  std::shared_ptr<const PckCertificates> certificates_;
  std::optional<PckExtension> extension_;
  std::optional<Error> unreadable_;        // why there are no certificates
  std::optional<VerifiedPckChain> chain_;  // by proof, or when S4 and S5 passed
  std::shared_ptr<const endorse::VerifiedCollateral> verified_;  // in this run
  const endorse::VerifiedCollateral* collateral_ = nullptr;      // the caller's or verified_
  std::optional<endorse::TcbVerdict> verdict_;
};

}  // namespace redoubt::dcap
