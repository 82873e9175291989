// ServerSession: one connection of a server as a state machine without I/O, clock or threads.
//
// Bytes go in, bytes come out; what may take long comes out as a Job, for any thread, whose Completion comes back in. The
// shell (server.cpp) moves bytes, keeps time and runs jobs; nothing else. The peer may lie, stall and leave at any moment;
// everything it can make this object hold is bounded by the limits. Order: TLS handshake, exchange (ALPN redoubt/1 only),
// then HTTP/1.1, one request at a time. An answer that is a stream (body_stream.h) has no time limit while there is nothing to send, and
// holds next to nothing then; a peer that says something meanwhile is cut off. A connection without an exporter ends (docs/protocol.md section 2). One thread at a time.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "common/net/body_stream.h"
#include "common/net/exchange.h"
#include "common/net/http_parser.h"
#include "common/net/router.h"
#include "common/net/tls_endpoint.h"

namespace redoubt::net {

struct SessionLimits {
  HeadLimits head;
  std::size_t max_exchange_message = kMaxExchangeMessage;
  std::uint64_t max_buffered_bytes = 1ULL << 30U;  // request bodies of all connections together; 503 above it
  // From the begin of each phase. body and respond grow by what was moved, at min_bytes_per_second.
  std::chrono::milliseconds handshake_time{10'000};
  std::chrono::milliseconds exchange_time{30'000};
  std::chrono::milliseconds idle_time{60'000};
  std::chrono::milliseconds head_time{10'000};
  std::chrono::milliseconds body_time{30'000};
  std::chrono::milliseconds respond_time{30'000};
  std::chrono::milliseconds linger_time{2'000};
  std::uint64_t min_bytes_per_second = 4096;
};

// SessionShared: what all sessions of a server have in common.
struct SessionShared {
  Router router;
  ExchangeFactory exchange;  // empty: this server has no exchange
  SessionLimits limits;
  std::atomic<std::uint64_t> buffered_bytes{0};
};

class ServerSession {
 public:
  enum class Phase { handshake, exchange, exchange_step, idle, head, body, handling, responding, streaming, lingering, closed };

  // Completion is called on the session's thread; Job on any thread, and it touches nothing of the session.
  using Completion = std::function<void(ServerSession&)>;
  using Job = std::function<Completion()>;

  // `tls` nothing: a local socket, HTTP at once. `peer` is the address without port, or "unix".
  ServerSession(std::shared_ptr<SessionShared> shared, std::optional<TlsEndpoint> tls, std::string peer);
  ServerSession(const ServerSession&) = delete;
  ServerSession& operator=(const ServerSession&) = delete;
  ~ServerSession();

  // receive takes bytes from the socket; end_of_stream tells that no more will come.
  void receive(ByteView wire);
  void end_of_stream();
  // take_output gives what is to be sent; output_moved tells of progress, output_sent that all of it was.
  Bytes take_output();
  void output_moved(std::size_t size) { moved_bytes_ += phase_ == Phase::responding ? size : 0; }
  void output_sent();
  // take_job gives work for another thread, at most one at a time. job_refused: nobody could take it.
  std::optional<Job> take_job();
  // A continuation goes on with an answer or an exchange that has begun, and must not give way to newcomers.
  bool job_is_continuation() const {
    return phase_ == Phase::responding || (phase_ == Phase::exchange_step && messages_ > 0);
  }
  void job_refused();
  // open_stream: of the answer that is being sent, if it is one. The shell attaches to it and calls stream_ready when it is woken; release lets go
  // of it, when the connection ends.
  std::shared_ptr<BodyStream> open_stream() const;
  void stream_ready();
  void release();
  // time_out: time_limit() has passed since timer_number() last changed. Zero: no limit.
  void time_out();
  std::uint64_t timer_number() const { return timer_number_; }
  std::chrono::milliseconds time_limit() const;
  // stop ends the connection, after the request that is being received or answered; a stream ends as if it were finished.
  void stop();

  Phase phase() const { return phase_; }
  bool wants_input() const;
  // In `lingering`, once the output is sent, the shell ends its side of the socket and reads until the peer has ended
  // its own, so that a reset does not destroy the last answer.
  bool attested() const { return attested_; }

 private:
  struct Transfer;  // the answer that is being sent

  void advance();
  bool fill(std::size_t max_size);
  void set_phase(Phase phase);
  void end();
  void abort() { set_phase(Phase::closed); }
  void send(ByteView plaintext);

  void advance_handshake();
  void run_exchange(std::function<Result<Exchange::Step>()> call);
  bool advance_exchange();
  void on_step(Result<Exchange::Step> step);
  void refuse_exchange(const Error& error);

  bool advance_message();
  void on_head();
  void run_handler();
  void respond(HttpResponse response);
  void refuse(int status, std::string_view detail);
  void continue_response();
  void continue_stream(BodyStream& stream);
  void send_chunk(ByteView bytes);
  void on_piece(Result<Bytes> piece);

  std::shared_ptr<SessionShared> shared_;
  std::optional<TlsEndpoint> tls_;
  std::string peer_;
  Phase phase_ = Phase::handshake;
  std::uint64_t timer_number_ = 0;
  std::uint64_t moved_bytes_ = 0;  // in this phase: received by body, sent by responding
  Bytes in_;                       // plaintext not yet used
  Bytes out_;                      // for the socket
  bool eof_ = false;
  bool stopping_ = false;
  std::optional<Job> job_;

  TlsFacts facts_;
  struct ExchangeSlot;
  std::shared_ptr<ExchangeSlot> exchange_;
  int messages_ = 0;
  bool attested_ = false;
  std::string principal_;
  std::string role_;

  std::optional<HttpParser> parser_;
  std::shared_ptr<HttpRequest> request_;
  const Route* route_ = nullptr;
  std::uint64_t reserved_bytes_ = 0;
  bool close_after_ = false;
  std::shared_ptr<Transfer> transfer_;
};

}  // namespace redoubt::net
