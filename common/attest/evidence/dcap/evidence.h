// DCAP Evidence: a quote of an SGX enclave or a TDX trust domain, and authenticate(), which judges its authenticity.
//
// The attester sends it and may lie in every byte. authenticate() runs every check of the lists Q, S, C and T of check.h that
// needs no policy, whether or not an earlier one failed, and gives measurements (Authentic<Quote>) only if none has failed.
// Without collateral the checks C and T are not applicable, and "authentic" speaks of signatures only: whether the platform is
// revoked or out of date is then unknown, and Quote::tcb says so by its absence. Which statuses, attributes and measurements
// are acceptable is the policy's business, on a floor above (C7's minimum comes from there, T6 to T8, P1 to P3 are made there).
// Pure and thread-safe. docs/specs/dcap.md.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "common/attest/endorse/intel/collateral.h"
#include "common/attest/endorse/intel/tcb.h"
#include "common/attest/evidence/check.h"
#include "common/attest/evidence/dcap/pck_chain.h"
#include "common/attest/evidence/dcap/quote.h"
#include "common/attest/evidence/type_state.h"

namespace redoubt::dcap {

// What an authentic quote says.
struct Quote {
  using Authenticator = class DcapAuthenticator;

  RawQuote raw;
  std::optional<VerifiedPckChain> pck;         // when authentic: the platform, as Intel certified it
  std::optional<endorse::TcbVerdict> tcb;      // when authentic and collateral was given

  const Header& header() const { return raw.header; }
  // Exactly one of these is not null.
  const sgx::Report* enclave() const { return std::get_if<sgx::Report>(&raw.body); }
  const tdx::Report* trust_domain() const { return std::get_if<tdx::Report>(&raw.body); }
  const sgx::Report& quoting_enclave() const { return raw.qe_report; }
  bool debug() const { return raw.debug(); }
  // report_data: the 64 bytes that the attester committed to.
  ByteView report_data() const;
};

// parse: the quote has its form; `malformed` otherwise. Copies the bytes.
Result<attest::Parsed<Quote>> parse(ByteView evidence);
// parse_in_place: the same without a copy: `evidence` must outlive the value and every Quote that comes of it.
Result<attest::Parsed<Quote>> parse_in_place(ByteView evidence);

// describe: what the quote claims, decoded for people, with "verified": false. Certificates that cannot be read are told by
// their error.
json::Value describe(const attest::Parsed<Quote>& parsed);

// QuoteFacts: what a caller needs before it can judge, to pick collateral and to say what is missing. Nothing is believed.
struct QuoteFacts {
  endorse::Tee tee = endorse::Tee::sgx;
  std::optional<endorse::Fmspc> fmspc;  // absent when the quote carries no chain, or one that cannot be read
  bool debug = false;
  std::size_t unsigned_size = 0;        // bytes after the quote
  std::optional<std::array<tdx::Rtmr, 4>> rtmrs;  // of a trust domain: what its event log should replay to
};
QuoteFacts unverified_facts(const attest::Parsed<Quote>& parsed);
// unverified_tee: QuoteFacts::tee alone, without a look at the certificates.
endorse::Tee unverified_tee(const attest::Parsed<Quote>& parsed);

// certification_data: the part of the quote that a PCK chain may be cached by. A view into `parsed`; nothing believed.
ByteView certification_data(const attest::Parsed<Quote>& parsed);

// What the verifier brings. Borrowed for the call.
struct Inputs {
  std::span<const endorse::RootPin> roots = std::span(&endorse::intel_sgx_root(), 1);  // trust anchors
  // Certificates of these roots that need not have signed themselves, since the caller knows every byte (CollateralInputs).
  std::span<const crypto::Sha256Digest> root_certificates = std::span(&endorse::intel_sgx_root_certificate(), 1);
  Instant now;
  // For quotes that carry no certificates (certification data 1 to 4): PCK certificate, PCK CA and root, DER, in this order.
  std::span<const Bytes> pck_chain = {};
  // Collateral as it was received, or verified before (then the raw one is not looked at); without both C and T are not applicable.
  const endorse::RawCollateral* raw_collateral = nullptr;
  const endorse::VerifiedCollateral* collateral = nullptr;
  std::optional<std::uint32_t> minimum_evaluation_number = {};  // C7
  // From a cache: any chain verified before. Spares the signatures it has in common with the quote's chain, changes no result.
  const VerifiedPckChain* known_chain = nullptr;
};

struct Outcome {
  std::vector<attest::Check> checks;  // Q1..Q5, S1..S5, C1..C7, T1..T5: each once, in this order
  std::optional<attest::Authentic<Quote>> authentic;  // present when no check failed
  // The verdict on the TCB whether or not a check failed, when there was collateral to use: for explanations, never for trust. Its
  // checks stand above and not here.
  std::optional<endorse::TcbVerdict> tcb;
  Interval validity{Instant(1), Instant(0)};  // of chain and collateral; empty when the chain was not accepted
  std::optional<VerifiedPckChain> chain;      // for caches, when S4 and S5 passed
  std::shared_ptr<const endorse::VerifiedCollateral> collateral;  // for caches, when raw collateral was given and accepted
};

Outcome authenticate(const attest::Parsed<Quote>& parsed, const Inputs& inputs);

}  // namespace redoubt::dcap
