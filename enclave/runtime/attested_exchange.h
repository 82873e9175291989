// AttestedExchange: the Attester's side of the session (common/ratls) as the exchange of a connection (common/net). One a
// connection; the principal of a finished exchange is the participant's name in the contract.
#pragma once

#include "common/net/exchange.h"
#include "common/ratls/session.h"

namespace redoubt::runtime {

// exchange_factory: `instance` must outlive the server.
net::ExchangeFactory exchange_factory(ratls::AttesterSession::Instance& instance);

}  // namespace redoubt::runtime
