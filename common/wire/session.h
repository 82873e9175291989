// The messages of the attested session (docs/specs/session.md), in the order in which they cross the wire after the TLS
// handshake and before any application byte. Each is a CBOR map with closed unsigned keys, key 0 holds its type; decoders
// distrust every byte.
//
//   Relying Party                         Attester
//        hello {challenge}        ──▶
//                                 ◀──   evidence {challenge, claims, evidence}
//        proof {key, signature}   ──▶
//                                 ◀──   accepted {participant}
#pragma once

#include "common/base/cbor.h"
#include "common/base/ids.h"
#include "common/crypto/ed25519.h"

namespace redoubt::wire {

struct SessionHello {
  Challenge challenge;

  Bytes encode() const;
  static Result<SessionHello> decode(ByteView bytes);
};

struct SessionEvidence {
  static constexpr std::size_t kMaxClaims = 4096;
  static constexpr std::size_t kMaxEvidence = 192 * 1024;

  Challenge challenge;
  std::string claims;    // canonical JSON, unverified
  std::string format;    // of the Evidence: "tpm"
  Bytes evidence;        // unverified

  Bytes encode() const;
  static Result<SessionEvidence> decode(ByteView bytes);
};

struct SessionProof {
  crypto::Ed25519PublicKey key;        // the participant's contract key
  crypto::Ed25519Signature signature;  // over attest::participant_statement

  Bytes encode() const;
  static Result<SessionProof> decode(ByteView bytes);
};

struct SessionAccepted {
  std::string participant;  // its name in the contract

  Bytes encode() const;
  static Result<SessionAccepted> decode(ByteView bytes);
};

}  // namespace redoubt::wire
