#include "client/sdk/attested_session.h"

namespace redoubt::sdk {

ratls::Channel channel_of(const net::TlsFacts& facts) {
  ratls::Channel channel;
  // common/net resumes nothing and gives no facts without an exporter, so both are known here.
  channel.exporter = attest::TlsExporter(facts.exporter.array());
  if (!facts.own_spki.empty()) channel.own_key = net::spki_digest(facts.own_spki);
  if (!facts.peer_spki.empty()) channel.peer_key = net::spki_digest(facts.peer_spki);
  channel.resumed = false;
  return channel;
}

Result<net::Exchange::Step> AttestedExchange::start(const net::TlsFacts& facts) {
  REDOUBT_TRY(Bytes hello, session_.begin(channel_of(facts)));
  Step step;
  step.send = std::move(hello);
  return step;
}

Result<net::Exchange::Step> AttestedExchange::receive(ByteView message) {
  auto next = session_.receive(message);
  record_->appraisal = session_.appraisal();
  if (!next.ok()) return next.error();
  Step step;
  if (!next->send.empty()) step.send = std::move(next->send);
  step.done = next->done;
  if (step.done) step.principal = session_.appraisal()->claims->instance.hex();
  return step;
}

}  // namespace redoubt::sdk
