// What Evidence and signatures of a session are taken over (docs/specs/session.md).
//
// Identity Evidence binds the claims of an instance to a challenge, for receipts and for `GET /attestation`. Session
// Evidence binds them to one TLS connection. The labels differ, so that neither is ever accepted for the other. Each field
// has a length prefix (Fields). Where 64 bytes of report data exist the digest is SHA-512, for a TPM SHA-256.
#pragma once

#include "common/attest/evidence/claims.h"

namespace redoubt::attest {

// RFC 9266: the TLS exporter with label "EXPORTER-Channel-Binding", no context, 32 bytes.
using TlsExporter = FixedBytes<struct TlsExporterTag, 32>;

enum class Role { participant };
std::string_view role_name(Role role);

// Transcript: everything that identifies one session. Both ends must hold the same one.
struct Transcript {
  Role role = Role::participant;       // of the Relying Party
  Challenge relying_party_challenge;   // chosen by the Relying Party
  Challenge attester_challenge;        // chosen by the Attester
  TlsExporter exporter;
  SpkiDigest attester_key;             // the Attester's TLS key
  std::optional<SpkiDigest> peer_key;  // the Relying Party's TLS key, if it showed one
  ClaimsDigest claims;
};

// The bytes whose digest goes into the report data. Hash them with the platform's H.
Bytes session_statement(const Transcript& transcript);
Bytes identity_statement(const Challenge& challenge, const ClaimsDigest& claims);

// What a participant signs with its contract key: {label, role, exporter, both challenges, contract digest}.
Bytes participant_statement(const Transcript& transcript, const ContractDigest& contract);

}  // namespace redoubt::attest
