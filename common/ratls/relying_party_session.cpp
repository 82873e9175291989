#include "common/ratls/channel_check.h"
#include "common/ratls/session.h"
#include "common/wire/session.h"

namespace redoubt::ratls {

Result<Bytes> RelyingPartySession::begin(const Channel& channel) {
  if (state_ != State::created) return Error(Code::internal, "session was begun before");
  state_ = State::failed;
  REDOUBT_CHECK(check_channel(channel));
  if (!channel.peer_key) return Error(Code::binding, "the peer showed no TLS key");
  channel_ = channel;
  transcript_.exporter = *channel.exporter;
  transcript_.attester_key = *channel.peer_key;
  transcript_.peer_key = channel.own_key;
  transcript_.relying_party_challenge = context_.random.fixed<Challenge>();
  state_ = State::expects_evidence;
  return wire::SessionHello{transcript_.relying_party_challenge}.encode();
}

Result<Step> RelyingPartySession::receive(ByteView message) {
  const State state = std::exchange(state_, State::failed);
  if (state == State::expects_evidence) return evidence(message);
  if (state == State::expects_accepted) return accepted(message);
  return Error(Code::malformed, "a message that the session does not expect");
}

Result<Step> RelyingPartySession::evidence(ByteView message) {
  REDOUBT_TRY(const wire::SessionEvidence answer, wire::SessionEvidence::decode(message));
  REDOUBT_TRY(const attest::Claims claims, attest::Claims::parse(answer.claims));
  // Checked here as well as by the statement below: the error then names what differs.
  if (claims.tls_key != transcript_.attester_key) {
    return Error(Code::binding, "claims speak for TLS key " + claims.tls_key.hex() + ", this connection ends at " +
                                    transcript_.attester_key.hex());
  }
  transcript_.attester_challenge = answer.challenge;
  transcript_.claims = claims.digest();
  const appraise::Challenge challenge{attest::session_statement(transcript_), claims, context_.contract};
  REDOUBT_TRY(appraise::Appraisal appraisal,
              context_.appraise({answer.format, answer.evidence}, challenge, context_.now()));
  appraisal_ = std::move(appraisal);
  REDOUBT_CHECK(appraisal_->accepted());
  const auto signature = context_.key.sign(attest::participant_statement(transcript_, context_.contract));
  state_ = State::expects_accepted;
  return Step{wire::SessionProof{context_.key.public_key(), signature}.encode(), false};
}

Result<Step> RelyingPartySession::accepted(ByteView message) {
  REDOUBT_TRY(const wire::SessionAccepted accepted, wire::SessionAccepted::decode(message));
  if (accepted.participant.empty()) return Error(Code::malformed, "accepted without a participant's name");
  state_ = State::done;
  return Step{{}, true};
}

}  // namespace redoubt::ratls
