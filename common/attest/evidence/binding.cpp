#include "common/attest/evidence/binding.h"

namespace redoubt::attest {

std::string_view role_name(Role role) {
  switch (role) {
    case Role::participant: return "participant";
  }
  return "";
}

Bytes session_statement(const Transcript& transcript) {
  return to_bytes(Fields("redoubt/session/1")
                      .text(role_name(transcript.role))
                      .field(transcript.relying_party_challenge.view())
                      .field(transcript.attester_challenge.view())
                      .field(transcript.exporter.view())
                      .field(transcript.attester_key.view())
                      // An absent key is an empty field: no digest has that length.
                      .field(transcript.peer_key ? transcript.peer_key->view() : ByteView())
                      .field(transcript.claims.view())
                      .view());
}

Bytes identity_statement(const Challenge& challenge, const ClaimsDigest& claims) {
  return to_bytes(Fields("redoubt/identity/1").field(challenge.view()).field(claims.view()).view());
}

Bytes participant_statement(const Transcript& transcript, const ContractDigest& contract) {
  return to_bytes(Fields("redoubt/participant/1")
                      .text(role_name(transcript.role))
                      .field(transcript.exporter.view())
                      .field(transcript.relying_party_challenge.view())
                      .field(transcript.attester_challenge.view())
                      .field(contract.view())
                      .view());
}

}  // namespace redoubt::attest
