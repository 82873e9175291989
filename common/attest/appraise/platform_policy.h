// What a Relying Party asks of each platform, as values (docs/specs/policy.md).
//
// A policy speaks of a platform or refuses it: a platform without a section is not accepted. Inside a section every
// requirement must be written; an empty optional is the word "any", written down by somebody. Debug is never accepted by
// absence. All sizes are fixed by the types; lists hold at most 64 items. Values only: no clock, no I/O, no secrets.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/instant.h"
#include "common/crypto/digest.h"
#include "common/crypto/ed25519.h"

namespace redoubt::appraise {

using Hash32 = crypto::Sha256Digest;
using Hash48 = crypto::Sha384Digest;
using Hash64 = crypto::Sha512Digest;
using ReportBytes64 = FixedBytes<struct ReportBytes64Tag, 64>;

struct TrustAnchor {
  crypto::Sha256Digest certificate;  // SHA-256 of the DER certificate
  std::string name;                  // for people
  bool software = false;             // a software TPM stands behind it: the result is never better than warning
  bool ak_without_usage = false;     // its AK certificates need no extended key usage: Google Cloud's have none
  friend bool operator==(const TrustAnchor&, const TrustAnchor&) = default;
};

// A root that a vendor, or the owner of a test, signs with. Every requirement "roots" is the word "vendor" (the production roots
// compiled in) or such a list, which replaces them.
struct VendorRoot {
  Hash32 certificate;  // SHA-256 of the DER certificate
  std::string name;    // for people
  Hash32 spki;         // SHA-256 of its SubjectPublicKeyInfo
};

struct TpmPolicy {
  std::vector<TrustAnchor> anchors;                         // of EK and AK certificates; none: no key is vouched for, and nothing is accepted
  std::vector<crypto::Ed25519PublicKey> enrollers;          // whose AkEnrolment counts, beside the Relying Party's own
  std::optional<std::map<int, crypto::Sha256Digest>> pcrs;  // Reference Values, SHA-256 bank; absent = "any"
  // Reference Values for quotes over other banks; absent = none is known. Where any bank has some, a quote over a bank without is refused.
  std::optional<std::map<int, Hash48>> pcrs_sha384;
  std::optional<std::map<int, Hash64>> pcrs_sha512;
  bool secure_boot_required = false;                        // the SecureBoot variable in the log, PCR 7
  bool accept_ima_violations = false;                       // files that changed while they were measured
  bool require_revocation_lists = false;                    // of EK and AK certificates and of those above them
};

// What Intel's TCB levels must say (SGX and TDX). Revoked and NotSupported are never accepted.
struct TcbPolicy {
  std::vector<std::string> statuses;                    // accepted ones, as Intel writes them; at least one
  std::optional<std::vector<std::string>> advisories;   // accepted INTEL-SA ids
  std::optional<std::uint64_t> minimum_evaluation_number;  // tcbEvaluationDataNumber of the collateral
  std::optional<Instant> minimum_level_date;            // tcbDate of the level that the platform reaches
  std::optional<std::vector<VendorRoot>> roots;
  std::uint64_t grace_days = 0;  // a status that says only OutOfDate is taken so long after the newest level's date
};

struct SgxSigner {
  Hash32 mrsigner;
  std::uint64_t product = 0;       // ISVPRODID
  std::uint64_t minimum_svn = 0;   // ISVSVN
};
struct SgxPolicy {
  TcbPolicy tcb;
  bool accept_debug = false;
  std::optional<std::vector<Hash32>> mrenclave;
  std::optional<std::vector<SgxSigner>> signers;
};

struct TdxPolicy {
  TcbPolicy tcb;
  bool accept_debug = false;
  bool accept_migratable = false;
  bool require_sept_ve_disable = true;
  bool accept_service_td = false;              // MRSERVICETD other than zero
  std::optional<std::vector<Hash48>> mrtd;
  std::optional<std::map<int, Hash48>> rtmrs;  // 0 to 3
  std::optional<Hash48> mr_config_id, mr_owner, mr_owner_config;
};

struct SnpTcb {
  std::uint64_t boot_loader = 0, tee = 0, snp = 0, microcode = 0, fmc = 0;  // each 0 to 255
};
struct SnpPolicy {
  std::vector<std::string> products;  // "milan", "genoa", "turin"
  std::vector<std::string> keys;      // "VCEK", "VLEK"
  bool accept_debug = false;
  bool accept_migration_agent = false;
  bool accept_smt = true;
  bool require_single_socket = false;
  bool accept_masked_chip_id = false;
  bool accept_provisional_firmware = false;
  bool require_alias_check = false;       // ALIAS_CHECK_COMPLETE (BadRAM)
  bool require_revocation_list = false;
  std::uint64_t maximum_vmpl = 0;
  std::optional<SnpTcb> minimum_tcb, minimum_launch_tcb;
  std::optional<std::uint64_t> minimum_guest_svn;
  std::optional<std::uint64_t> required_mitigations;  // bits that launch and current vectors must have
  std::optional<std::vector<Hash48>> measurement, id_key, author_key;
  std::optional<Hash32> host_data;
  std::optional<std::vector<ReportBytes64>> chips;
  std::optional<std::vector<VendorRoot>> roots;  // of the ARK
};

struct NitroPolicy {
  bool accept_debug = false;
  std::uint64_t maximum_age_seconds = 0;
  std::optional<std::map<int, Hash48>> pcrs;  // 0 to 31
  std::optional<std::vector<VendorRoot>> roots;
};

struct TokenPolicy {
  std::string issuer;                          // one that is known: see token/issuer.h
  std::optional<std::vector<VendorRoot>> roots;  // for tokens that carry certificates
  std::optional<std::string> audience;         // exactly
  std::uint64_t skew_seconds = 0;
  bool accept_debug = false;                   // dbgstat other than disabled-since-boot
  bool require_secure_boot = true;
  bool accept_overrides = false;               // command and environment set by the operator
  std::vector<std::string> software_names;     // swname
  std::optional<std::uint64_t> minimum_software_version;
  std::optional<std::vector<std::string>> support;          // support_attributes: one of them is needed
  std::optional<std::vector<std::string>> hardware_models;  // hwmodel
  std::optional<std::vector<std::string>> image_digests;    // "sha256:..."
};

// Composites of Azure confidential VMs: a hardware report and a virtual TPM's quote.
struct AzurePolicy {
  std::optional<SnpPolicy> snp;   // for the hardware's part; absent: composites of that hardware are refused
  std::optional<TdxPolicy> tdx;
  bool ak_certificate_required = false;                     // one that leads to an anchor; otherwise a remark tells of one that does not
  std::optional<std::vector<VendorRoot>> ak_roots;          // of AK certificates
  std::optional<std::map<int, crypto::Sha256Digest>> pcrs;  // Reference Values, SHA-256 bank; absent = "any"
  bool secure_boot_required = false;                        // the paravisor's word, which the hardware report vouches for
  bool require_revocation_lists = false;                    // of AK certificates that lead to an anchor, and of those above them
};

// The sections of a policy; none of them: nothing is accepted.
struct PlatformPolicies {
  std::optional<TpmPolicy> tpm;
  std::optional<SgxPolicy> sgx;
  std::optional<TdxPolicy> tdx;
  std::optional<SnpPolicy> snp;
  std::optional<NitroPolicy> nitro;
  std::optional<TokenPolicy> token;
  std::optional<AzurePolicy> azure;
};

}  // namespace redoubt::appraise
