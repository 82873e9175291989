// The transport half of ServerSession: phases, TLS, the exchange. Messages are in server_session_http.cpp.
#include "common/net/server_session.h"

#include "common/net/server_session_state.h"

namespace redoubt::net {
namespace {

constexpr std::size_t kMaxServerInput = 64 * 1024;

using std::chrono::milliseconds;

}  // namespace

ServerSession::ServerSession(std::shared_ptr<SessionShared> shared, std::optional<TlsEndpoint> tls, std::string peer)
    : shared_(std::move(shared)), tls_(std::move(tls)), peer_(std::move(peer)) {
  if (!tls_) phase_ = Phase::idle;
}

ServerSession::~ServerSession() { shared_->buffered_bytes -= reserved_bytes_; }

void ServerSession::set_phase(Phase phase) {
  const auto in_exchange = [](Phase p) { return p == Phase::exchange || p == Phase::exchange_step; };
  if (phase_ == Phase::closed) return;
  // The exchange has one limit from its begin to its end.
  if (!(in_exchange(phase) && in_exchange(phase_))) {
    ++timer_number_;
    moved_bytes_ = 0;
  }
  phase_ = phase;
}

milliseconds ServerSession::time_limit() const {
  const SessionLimits& limits = shared_->limits;
  const auto for_moved = [&](milliseconds base) {
    return base + milliseconds(moved_bytes_ * 1000 / std::max<std::uint64_t>(limits.min_bytes_per_second, 1));
  };
  switch (phase_) {
    case Phase::handshake: return limits.handshake_time;
    case Phase::exchange:
    case Phase::exchange_step: return limits.exchange_time;
    case Phase::idle: return limits.idle_time;
    case Phase::head: return limits.head_time;
    case Phase::body: return for_moved(limits.body_time);
    case Phase::responding: return for_moved(limits.respond_time);
    case Phase::lingering: return limits.linger_time;
    case Phase::handling:
    case Phase::streaming:
    case Phase::closed: break;
  }
  return milliseconds(0);
}

void ServerSession::time_out() {
  switch (phase_) {
    case Phase::exchange:
    case Phase::exchange_step: refuse_exchange(Error(Code::unavailable, "the exchange took too long")); break;
    case Phase::idle: end(); break;
    case Phase::head:
    case Phase::body: refuse(408, "the request came too slowly"); break;
    case Phase::handling:
    case Phase::streaming: break;
    default: abort();
  }
}

void ServerSession::stop() {
  stopping_ = true;
  switch (phase_) {
    case Phase::handshake: abort(); break;
    case Phase::exchange:
    case Phase::exchange_step: refuse_exchange(Error(Code::unavailable, "the server is stopping")); break;
    case Phase::idle:
    case Phase::head: end(); break;
    case Phase::streaming: continue_response(); break;
    default: close_after_ = true;
  }
}

void ServerSession::end() {
  if (tls_) tls_->shutdown();
  in_.clear();
  set_phase(Phase::lingering);
}

bool ServerSession::wants_input() const {
  switch (phase_) {
    case Phase::handshake:
    case Phase::exchange:
    case Phase::idle:
    case Phase::head:
    case Phase::body:
    case Phase::streaming:  // a peer that leaves is noticed
    case Phase::lingering: return true;
    default: return false;
  }
}

void ServerSession::receive(ByteView wire) {
  if (phase_ == Phase::lingering || phase_ == Phase::closed) return;
  if (tls_) {
    if (!tls_->feed(wire).ok()) return set_phase(Phase::lingering);
  } else {
    append(in_, wire);
  }
  advance();
}

void ServerSession::end_of_stream() {
  eof_ = true;
  // A request that is being answered may still be read by a peer that ended only its own side.
  if (wants_input()) abort();
}

Bytes ServerSession::take_output() {
  if (tls_) tls_->take_into(out_);
  return std::move(out_);
}

std::optional<ServerSession::Job> ServerSession::take_job() {
  auto job = std::move(job_);
  job_.reset();
  return job;
}

void ServerSession::job_refused() {
  if (phase_ == Phase::exchange_step) {
    refuse_exchange(Error(Code::unavailable, "too many connections want an exchange; try again later"));
  } else if (phase_ == Phase::handling) {
    HttpResponse response = shared_->router.guided(problem(503, Code::unavailable, "too many requests at once; try again later"));
    response.headers.set("retry-after", "1");
    respond(std::move(response));
  } else {
    abort();
  }
}

void ServerSession::send(ByteView plaintext) {
  if (!tls_) return append(out_, plaintext);
  if (!tls_->write(plaintext).ok()) abort();
}

// fill decrypts what has come, until `in_` holds `max_size` bytes; false when the connection has failed.
bool ServerSession::fill(std::size_t max_size) {
  if (!tls_) return true;
  if (!tls_->read(in_, max_size).ok()) {
    set_phase(Phase::lingering);  // the alert still goes out
    return false;
  }
  eof_ = eof_ || tls_->closed_by_peer();
  return true;
}

void ServerSession::advance() {
  bool more = true;
  while (more) {
    switch (phase_) {
      case Phase::handshake: {
        const auto done = tls_->handshake();
        if (!done.ok()) return set_phase(Phase::lingering);
        if (!*done) return;
        advance_handshake();
        break;
      }
      case Phase::exchange: more = fill(shared_->limits.max_exchange_message + 16) && advance_exchange(); break;
      case Phase::idle:
        if (!fill(kMaxServerInput)) return;
        if (in_.empty()) return eof_ ? end() : void();
        parser_.emplace(HttpParser::Kind::request, shared_->limits.head);
        set_phase(Phase::head);
        break;
      case Phase::head:
      case Phase::body: more = fill(kMaxServerInput) && advance_message(); break;
      case Phase::streaming:
        if (!fill(kMaxServerInput)) return;
        if (eof_ || !in_.empty()) return abort();
        in_ = Bytes();
        return;
      default: return;
    }
  }
}

void ServerSession::advance_handshake() {
  auto facts = tls_->facts();
  // Fail closed: without an exporter nothing can be bound to this connection.
  if (!facts.ok()) return end();
  facts_ = std::move(facts).value();
  if (facts_.alpn != kAlpnExchange || !shared_->exchange) return set_phase(Phase::idle);
  set_phase(Phase::exchange);
  exchange_ = std::make_shared<ExchangeSlot>();
  run_exchange([shared = shared_, slot = exchange_, facts_copy = facts_, peer = peer_]() -> Result<Exchange::Step> {
    REDOUBT_TRY(slot->exchange, shared->exchange(peer));
    if (!slot->exchange) return Error(Code::unavailable, "no exchange to be had");
    return slot->exchange->start(facts_copy);
  });
}

void ServerSession::run_exchange(std::function<Result<Exchange::Step>()> call) {
  set_phase(Phase::exchange_step);
  job_ = [call = std::move(call)]() -> Completion {
    auto step = std::make_shared<Result<Exchange::Step>>(Error(Code::internal, "exchange threw"));
    try {
      *step = call();
    } catch (...) {
      // It stays the error that it was made with.
    }
    return [step](ServerSession& session) {
      if (session.phase_ == Phase::exchange_step) session.on_step(std::move(*step));
    };
  };
}

bool ServerSession::advance_exchange() {
  auto frame = take_frame(in_, shared_->limits.max_exchange_message);
  if (!frame.ok()) {
    refuse_exchange(frame.error());
    return false;
  }
  if (!frame.value()) {
    if (eof_) end();
    return false;
  }
  const Bytes* const message = std::get_if<Bytes>(&**frame);
  if (message == nullptr) {
    end();  // the peer refused us and said so
    return false;
  }
  if (++messages_ > kMaxExchangeMessages) {
    refuse_exchange(Error(Code::malformed, "exchange: more than 16 messages"));
    return false;
  }
  run_exchange([slot = exchange_, bytes = *message] { return slot->exchange->receive(bytes); });
  return false;
}

void ServerSession::on_step(Result<Exchange::Step> step) {
  if (!step.ok()) return refuse_exchange(step.error());
  if (!fill(shared_->limits.max_exchange_message + 16)) return;
  if (step->send) {
    // To and fro: what came before our answer cannot be an answer to it.
    if (!step->done && !in_.empty()) return refuse_exchange(Error(Code::malformed, "exchange: bytes that came too early"));
    if (step->send->size() > shared_->limits.max_exchange_message) return end();
    send(encode_message(*step->send));
  }
  if (step->done) {
    attested_ = true;
    principal_ = std::move(step->principal);
    role_ = std::move(step->role);
    exchange_.reset();
    set_phase(Phase::idle);
  } else {
    set_phase(Phase::exchange);
  }
  advance();
}

void ServerSession::refuse_exchange(const Error& error) {
  if (phase_ == Phase::closed) return;
  exchange_.reset();
  send(encode_refusal(error));
  end();
}

}  // namespace redoubt::net
