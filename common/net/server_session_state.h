// Private to common/net: the inner parts of ServerSession that its two files share.
#pragma once

#include "common/net/body_source.h"
#include "common/net/server_session.h"

namespace redoubt::net {

// ExchangeSlot keeps the Exchange alive while a worker is in it, even when the connection has gone.
struct ServerSession::ExchangeSlot {
  std::unique_ptr<Exchange> exchange;
};

// Transfer: the answer that is being sent. A job that fetches its next piece holds it too.
struct ServerSession::Transfer {
  BodySource source;
  bool chunked = false;
  bool done = false;  // everything was handed to TLS; only the socket has to take it
};

}  // namespace redoubt::net
