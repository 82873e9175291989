// The exchange: what two sides say to each other on a TLS 1.3 stream before the first HTTP byte, and its framing.
//
// This room carries the messages and knows nothing of their meaning: attested TLS is made of an Exchange (docs/protocol.md
// section 2). The peer may lie in every byte. Messages go strictly to and fro: whoever was sent something must answer, and
// bytes that come too early end the connection. One Exchange serves one connection; its calls run on a worker thread,
// never two at once, and may take as long as a quote takes, up to the exchange's time limit.
//
//   frame:    u32be size (of what follows) | u8 kind | body
//   kind 0:   a message; the body is the Exchange's own, perhaps empty
//   kind 1:   a refusal: u8 code (error.h) | text, UTF-8, at most 500 bytes; the sender closes after it
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "common/net/tls_facts.h"

namespace redoubt::net {

class Exchange {
 public:
  virtual ~Exchange() = default;

  // Step: `send` goes to the peer as one message; nothing: none is sent. After `done` no further message is taken, HTTP
  // begins, and `principal` and `role` say who the peer was shown to be.
  struct Step {
    std::optional<Bytes> send;
    bool done = false;
    std::string principal;
    std::string role;
  };

  // start is called once, when the handshake is done; receive once for each message. An Error ends the connection; the
  // server tells its code and text to the peer, so it must hold fixed text only.
  virtual Result<Step> start(const TlsFacts& facts) = 0;
  virtual Result<Step> receive(ByteView message) = 0;
};

// ExchangeFactory makes the Exchange of one new connection, or refuses it (a queue is full: `unavailable`). `peer` is the
// address without port. Runs on a worker thread, several at a time.
using ExchangeFactory = std::function<Result<std::unique_ptr<Exchange>>(const std::string& peer)>;

inline constexpr std::size_t kMaxExchangeMessage = 256 * 1024;
inline constexpr int kMaxExchangeMessages = 16;

// encode_message and encode_refusal give a whole frame. Only code and text of the error go into a refusal.
Bytes encode_message(ByteView message);
Bytes encode_refusal(const Error& error);

// Frame: a message, or the error that the peer refused with (its text made printable, "peer refused: " before it).
using Frame = std::variant<Bytes, Error>;

// take_frame takes one whole frame off the front of `buffer`; nothing when it is not there yet. `malformed`: a message
// larger than `max_message`, told as soon as its size has come; an unknown kind; a refusal that is not one.
Result<std::optional<Frame>> take_frame(Bytes& buffer, std::size_t max_message = kMaxExchangeMessage);

}  // namespace redoubt::net
