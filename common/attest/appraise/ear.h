// EAR: an Appraisal as an Attestation Result that others can read (draft-ietf-rats-ear), in JSON or CBOR, and signed.
//
// Both forms say the same, claim for claim, and the same Appraisal gives the same bytes: JSON by RFC 8785, CBOR deterministic by RFC
// 8949 section 4.2. In CBOR the claims of EAT and EAR have their integer labels; ours, which begin with "redoubt.", keep their names.
// A signature says who appraised; when, and until when it holds, stand inside (iat, redoubt.valid-until). Pure; thread-safe.
#pragma once

#include "common/attest/appraise/appraisal.h"
#include "common/base/cbor.h"

namespace redoubt::appraise {

inline constexpr std::string_view kEarJwsType = "eat+jwt";
inline constexpr std::string_view kEarCoseType = "application/eat+cwt";

// ear_submodule: one Appraisal as an EAR appraisal: status, trustworthiness vector, policy, and our own claims.
json::Value ear_submodule(const Appraisal& appraisal);
// ear_of: a result over named submodules, issued at `now`.
json::Value ear_of(json::Object submodules, Instant now);

// ear_cbor: the CBOR form of what ear() or ear_of() gives.
cbor::Value ear_cbor(const json::Value& ear);

// sign_ear_jws, sign_ear_cose: signed by the Verifier; `key_id` helps its readers to find the key. `usage` for a key id that the form
// has no room for, or a result that is too large.
Result<std::string> sign_ear_jws(const json::Value& ear, const crypto::Ed25519PrivateKey& key, std::string_view key_id);
Result<Bytes> sign_ear_cose(const json::Value& ear, const crypto::Ed25519PrivateKey& key, std::string_view key_id);

}  // namespace redoubt::appraise
