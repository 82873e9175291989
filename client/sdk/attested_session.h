// attested_session: ratls::RelyingPartySession as a net::Exchange, so that HttpClient speaks HTTP only after the program at the
// other end was appraised and accepted (docs/specs/session.md).
//
// The program and everybody in between may lie in every message. What was appraised stays readable when it was not accepted,
// for the table of checks that a person needs to see. One exchange serves one connection.
#pragma once

#include "common/net/client.h"
#include "common/ratls/session.h"

namespace redoubt::sdk {

// SessionRecord: what an exchange leaves behind, whether or not it was completed.
struct SessionRecord {
  std::optional<appraise::Appraisal> appraisal;  // present once Evidence was appraised, accepted or not
};

class AttestedExchange final : public net::Exchange {
 public:
  // What `context` refers to must outlive the exchange.
  AttestedExchange(const ratls::RelyingPartySession::Context& context, std::shared_ptr<SessionRecord> record)
      : session_(context), record_(std::move(record)) {}

  Result<Step> start(const net::TlsFacts& facts) override;
  Result<Step> receive(ByteView message) override;

 private:
  ratls::RelyingPartySession session_;
  std::shared_ptr<SessionRecord> record_;
};

// channel_of: the facts of a TLS connection in the words of the session.
ratls::Channel channel_of(const net::TlsFacts& facts);

}  // namespace redoubt::sdk
