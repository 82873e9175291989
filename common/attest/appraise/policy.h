// Appraisal Policy: what a Relying Party asks of Evidence, as a value with an id (docs/specs/policy.md).
//
// Signed JSON with closed keys: an unknown key is an error, and so is an absent requirement: whoever asks for nothing must
// write "any"; a platform without a section (platform_policy.h) is not accepted. The id is the digest of the canonical form, so that two policies are equal exactly when their ids are. A
// policy names trust anchors and enrollers by digest and key; it holds no secret. Pure; immutable after parse.
#pragma once

#include "common/attest/appraise/platform_policy.h"
#include "common/base/ids.h"
#include "common/base/json.h"

namespace redoubt::appraise {

using PolicyId = FixedBytes<struct PolicyIdTag, 32>;
// Digest of a program's manifest: every executable file mapped, fixed environment and arguments.
using ProgramDigest = FixedBytes<struct ProgramDigestTag, 32>;

struct ReferenceProgram {
  std::string name;  // for people: "redoubt-cleanroom 0.1.0"
  ProgramDigest manifest;
  friend bool operator==(const ReferenceProgram&, const ReferenceProgram&) = default;
};

struct Policy {
  std::string name;
  std::string workload;                                   // the claims must name it
  std::optional<std::vector<ReferenceProgram>> programs;  // accepted measurements; absent = "any"
  bool accept_host_asserted;                              // a measurement that only the host vouches for
  bool accept_software_tpm;
  PlatformPolicies platforms;

  json::Value to_json() const;
  static Result<Policy> from_json(const json::Value& value);
  // parse accepts canonical bytes only.
  static Result<Policy> parse(std::string_view canonical_text);
  std::string canonical() const { return json::canonical(to_json()); }
  PolicyId id() const;
};

// PreparedPolicy: a policy with its id, for those who appraise often: the id is a digest over the whole canonical form. Immutable.
class PreparedPolicy {
 public:
  explicit PreparedPolicy(Policy policy) : policy_(std::move(policy)), id_(policy_.id()) {}
  const Policy& operator*() const { return policy_; }
  const Policy* operator->() const { return &policy_; }
  const PolicyId& id() const { return id_; }

 private:
  Policy policy_;
  PolicyId id_;
};

// One line for every requirement in which two policies differ: "<key>: <a> -> <b>". Empty exactly when the ids are equal.
std::vector<std::string> difference(const Policy& a, const Policy& b);

}  // namespace redoubt::appraise
