// Confidential Space tokens: what Google Cloud Attestation (or Intel Trust Authority in its place) says of a workload in a
// Confidential VM, as typed claims.
//
// The bearer sends the token and may lie in every byte: parse() believes nothing, and claims are read only from
// Authentic<ConfidentialSpace>, which authenticate() makes from an authentic token (common/attest/evidence/token: J1, J2, J4).
// Comparing the claims with a policy (J3) is the business of a floor above. Note what a claim is worth: image_reference, env and
// service accounts are the operator's choice; image_digest is what ran. Pure and thread-safe.
// Claims: "Attestation token claims" of the Confidential Space reference; docs/specs/cloud-tokens.md.
#pragma once

#include <map>

#include "common/attest/evidence/token/token.h"

namespace redoubt::gcp {

using ImageDigest = crypto::Sha256Digest;
using Texts = std::vector<std::string>;
using Environment = std::map<std::string, std::string>;

struct ImageSignature {
  std::string key_id;
  std::string algorithm;
  std::string signature;
};

struct Container {
  std::string image_reference;  // a name; it may point to another image tomorrow
  ImageDigest image_digest;     // of the manifest: what ran
  std::optional<ImageDigest> image_id;
  std::string restart_policy;
  Texts args;
  Texts cmd_override;           // what the operator put in the place of the image's command
  Environment env;
  Environment env_override;     // what the operator added to the image's environment
  std::vector<ImageSignature> image_signatures;
};

struct Instance {  // names of Compute Engine; identities only together with project_number and instance_id
  std::string zone, project_id, project_number, instance_name, instance_id;
};

struct TdxTcb {
  std::optional<std::string> gcp_attester_tcb_status;  // of Google's firmware
  std::optional<Instant> gcp_attester_tcb_date;
  std::optional<std::string> attester_tcb_status;      // of the platform, where Intel judges it
  std::optional<Instant> attester_tcb_date;
};

enum class DebugStatus { enabled, disabled_since_boot, other };

struct Claims {
  std::string subject;
  std::string eat_profile;
  std::optional<bool> secboot;
  std::optional<std::int64_t> oemid;
  std::string hwmodel;                 // GCP_AMD_SEV, GCP_AMD_SEV_ES, GCP_INTEL_TDX, GCP_SHIELDED_VM, ...; empty: not said
  std::string swname;                  // CONFIDENTIAL_SPACE; "GCE" tokens describe a machine only
  Texts swversion;
  std::string dbgstat;                 // as written
  DebugStatus debug = DebugStatus::other;  // anything but "disabled-since-boot" must be taken for a debug image
  Texts attester_tcb;                  // INTEL, AMD: who vouches for the hardware
  std::optional<Texts> support_attributes;  // LATEST, STABLE, USABLE, EXPERIMENTAL; absent for debug images
  std::optional<bool> memory_monitoring;
  std::optional<Container> container;
  std::optional<Instance> instance;
  std::optional<TdxTcb> tdx;
  std::optional<std::string> gpu_cc_mode;   // nvidia_gpu.cc_mode: ON, OFF, DEVTOOLS
  Texts service_accounts;              // who may act for the workload; they do not identify it
  std::size_t unknown_claims = 0;      // names, at any level read here, that this verifier does not know; their values are left out
};

struct ConfidentialSpace {
  using Authenticator = class ConfidentialSpaceAuthenticator;

  attest::Parsed<token::Token> parsed;
  Claims claims;
  std::optional<attest::Authentic<token::Token>> token;  // always there in Authentic<ConfidentialSpace>
};

// parse: form only: a token whose known claims have their types. `malformed` names the claim.
Result<attest::Parsed<ConfidentialSpace>> parse(std::string_view token);
// describe: header and claims for people, marked as unverified.
json::Value describe(const attest::Parsed<ConfidentialSpace>& parsed);

// unverified_audience: whom the token says it is for, or an empty text: for a verifier that takes tokens for anybody and must say so.
std::string unverified_audience(const attest::Parsed<ConfidentialSpace>& parsed);

struct Outcome {
  std::vector<attest::Check> checks;  // J1, J2, J4: each once, in this order
  std::optional<attest::Authentic<ConfidentialSpace>> authentic;
  Interval validity{Instant(1), Instant(0)};
};

// authenticate: as token::authenticate; `inputs.issuer` is token::google_oidc(), token::google_pki() or an Intel issuer.
Outcome authenticate(const attest::Parsed<ConfidentialSpace>& parsed, const token::Inputs& inputs);

// read_claims: the payload as typed claims; for authenticate's own use and for tests. `malformed` names the claim.
Result<Claims> read_claims(const json::Value& payload);

}  // namespace redoubt::gcp
