// UvmEndorsement: Microsoft's signed word that a launch measurement is one of its utility VMs for confidential containers (ACI).
//
// A COSE_Sign1 (tag 18, PS384) with the signer's certificates (x5chain), the signer's name as a did:x509 issuer and a feed in the
// protected header, over a JSON payload with launch measurement and security version number. It comes with a SEV-SNP report and
// is distrusted in every byte: the chain must lead to a pinned root and satisfy the issuer's name. Signing certificates live for a
// year and endorsements are used for longer, so time is a fact here (validity, signing_time) and not a check: the caller decides.
// The countersignature in the unprotected header (an RFC 3161 token) is not read. Pure and thread-safe. docs/specs/azure-uvm.md.
#pragma once

#include <memory>
#include <optional>

#include "common/attest/evidence/check.h"
#include "common/attest/evidence/type_state.h"
#include "common/base/instant.h"
#include "common/base/json.h"
#include "common/crypto/cose_sign1.h"
#include "common/crypto/root_pin.h"

namespace redoubt::azure_uvm {

inline constexpr std::size_t kMaxEndorsement = 64 * 1024;
inline constexpr std::size_t kMaxChain = 8;
inline constexpr std::size_t kMaxPayload = 16 * 1024;

// Microsoft Supply Chain RSA Root CA 2022, valid 2022-02-17 to 2047-02-17.
inline constexpr crypto::RootPin kMicrosoftSupplyChainRoot2022{
    "Microsoft Supply Chain RSA Root CA 2022",
    crypto::digest_literal("23ffe2b8bdb9a1711515d4cffda04bc7f793d513c76c243f1020507d8669b7db"),
    crypto::digest_literal("84ce862a73b73d63b1cdbde1d30559eaab4040f6a63638c83e8357fe2250e5d3")};

using LaunchMeasurement = FixedBytes<struct UvmLaunchMeasurementTag, 48>;

struct UvmEndorsement {
  using Authenticator = class UvmAuthenticator;

  std::shared_ptr<const Bytes> bytes;  // the endorsement
  crypto::CoseSign1 cose;
  std::vector<Bytes> chain;            // DER, leaf first, root last
  std::string issuer;                  // did:x509
  std::string feed;
  std::optional<Instant> signing_time;  // the signer's own word
  LaunchMeasurement measurement;
  std::uint64_t svn = 0;
};

// parse: `malformed`, or an endorsement whose fields are within bounds. Members of the payload that are not known are let be.
Result<attest::Parsed<UvmEndorsement>> parse(ByteView endorsement);

// describe: the fields for people; nothing in it was verified.
json::Value describe(const attest::Parsed<UvmEndorsement>& parsed);

struct Outcome {
  Status status;  // why it is not authentic: `chain`, `malformed` or `freshness` (signed outside of its certificates' validity)
  std::optional<attest::Authentic<UvmEndorsement>> authentic;
  Interval validity;  // what the certificates have in common; empty when the chain was not accepted
};

// authenticate: the signature verifies under the first certificate, each certificate is issued by the next, the last is one of
// `roots`, the chain satisfies the issuer's name, and signing_time, where present, lies within the validity of all.
Outcome authenticate(const attest::Parsed<UvmEndorsement>& parsed, std::span<const crypto::RootPin> roots);

// AcceptedFeed: a line of endorsements that a policy accepts, from a security version number on.
struct AcceptedFeed {
  std::string issuer;
  std::string feed;
  std::uint64_t minimum_svn = 0;
};
// check_endorsed: check N16 for a report with this measurement. Borrows for the call.
attest::Check check_endorsed(const Outcome& outcome, const LaunchMeasurement& measurement, std::span<const AcceptedFeed> accepted);

}  // namespace redoubt::azure_uvm
