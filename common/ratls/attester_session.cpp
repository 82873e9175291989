#include "common/ratls/channel_check.h"
#include "common/ratls/session.h"
#include "common/wire/session.h"

namespace redoubt::ratls {

AttesterSession::AttesterSession(Instance& instance, std::string peer) : instance_(instance), peer_(std::move(peer)) {}

AttesterSession::~AttesterSession() {
  if (state_ == State::expects_proof) instance_.challenges.forget(transcript_.attester_challenge);
}

Status AttesterSession::begin(const Channel& channel) {
  if (state_ != State::created) return Error(Code::internal, "session was begun before");
  state_ = State::failed;
  REDOUBT_CHECK(check_channel(channel));
  if (!channel.own_key || *channel.own_key != instance_.claims.tls_key) {
    return Error(Code::binding, "the key of this connection is not the one in the claims");
  }
  transcript_.exporter = *channel.exporter;
  transcript_.attester_key = *channel.own_key;
  transcript_.peer_key = channel.peer_key;
  transcript_.claims = instance_.claims.digest();
  state_ = State::expects_hello;
  return {};
}

Result<Step> AttesterSession::receive(ByteView message) {
  const State state = std::exchange(state_, State::failed);
  if (state == State::expects_hello) return hello(message);
  if (state == State::expects_proof) return proof(message);
  return Error(Code::malformed, "a message that the session does not expect");
}

Result<Step> AttesterSession::hello(ByteView message) {
  REDOUBT_TRY(const wire::SessionHello hello, wire::SessionHello::decode(message));
  const Instant now = instance_.now();
  REDOUBT_TRY(const QuoteGate::Ticket ticket, instance_.quotes.enter(peer_, now));
  transcript_.relying_party_challenge = hello.challenge;
  REDOUBT_TRY(transcript_.attester_challenge, instance_.challenges.issue(now));
  auto evidence = instance_.evidence.collect(attest::session_statement(transcript_));
  if (!evidence.ok()) {
    instance_.challenges.forget(transcript_.attester_challenge);
    return evidence.error().context("collecting evidence");
  }
  state_ = State::expects_proof;
  return Step{wire::SessionEvidence{transcript_.attester_challenge, instance_.claims.canonical(), evidence->format,
                                    std::move(evidence->bytes)}
                  .encode(),
              false};
}

Result<Step> AttesterSession::proof(ByteView message) {
  // The challenge is used up whatever the proof holds.
  REDOUBT_CHECK(instance_.challenges.redeem(transcript_.attester_challenge, instance_.now()));
  REDOUBT_TRY(const wire::SessionProof proof, wire::SessionProof::decode(message));
  REDOUBT_TRY(participant_, instance_.roster(proof.key));
  const auto verified = crypto::verify(
      proof.key, attest::participant_statement(transcript_, instance_.claims.contract), proof.signature);
  if (!verified.ok()) {
    participant_.clear();
    return verified.error().context("checking the participant's proof");
  }
  state_ = State::done;
  return Step{wire::SessionAccepted{participant_}.encode(), true};
}

}  // namespace redoubt::ratls
