#include "enclave/runtime/attested_exchange.h"

namespace redoubt::runtime {
namespace {

class AttestedExchange final : public net::Exchange {
 public:
  AttestedExchange(ratls::AttesterSession::Instance& instance, const std::string& peer) : session_(instance, peer) {}

  Result<Step> start(const net::TlsFacts& facts) override {
    ratls::Channel channel;
    channel.exporter = attest::TlsExporter(facts.exporter.array());
    if (!facts.own_spki.empty()) channel.own_key = attest::spki_digest(facts.own_spki);
    if (!facts.peer_spki.empty()) channel.peer_key = attest::spki_digest(facts.peer_spki);
    REDOUBT_CHECK(session_.begin(channel));
    return Step{};
  }

  Result<Step> receive(ByteView message) override {
    REDOUBT_TRY(ratls::Step next, session_.receive(message));
    Step step;
    if (!next.send.empty()) step.send = std::move(next.send);
    step.done = next.done;
    if (next.done) {
      step.principal = session_.participant();
      step.role = std::string(attest::role_name(attest::Role::participant));
    }
    return step;
  }

 private:
  ratls::AttesterSession session_;
};

}  // namespace

net::ExchangeFactory exchange_factory(ratls::AttesterSession::Instance& instance) {
  return [&instance](const std::string& peer) -> Result<std::unique_ptr<net::Exchange>> {
    return std::unique_ptr<net::Exchange>(std::make_unique<AttestedExchange>(instance, peer));
  };
}

}  // namespace redoubt::runtime
