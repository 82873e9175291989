// The shell around ServerSession: the only file of the server with time, threads and sockets in use (Boost.Asio).
#include "common/net/server.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <set>

#include "common/net/listen_address.h"
#include "common/net/worker_pool.h"

namespace redoubt::net {
namespace {

namespace asio = boost::asio;
using asio::generic::stream_protocol;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kSweep{50};
constexpr std::chrono::milliseconds kAcceptPause{50};
constexpr std::size_t kReadBuffer = 64 * 1024;

asio::ip::tcp::endpoint as_tcp(const stream_protocol::endpoint& endpoint) {
  asio::ip::tcp::endpoint out;
  out.resize(endpoint.size());
  std::copy_n(reinterpret_cast<const char*>(endpoint.data()), endpoint.size(), reinterpret_cast<char*>(out.data()));
  return out;
}

}  // namespace

// Connection has a name of its own: State holds it, and could hold no type of the anonymous namespace.
namespace serving {
class Connection;
}

struct HttpServer::State {
  explicit State(const ServerOptions& options)
      : admission(options.admission), acceptor(io), sweep_timer(io), pool(options.workers, options.max_queued_jobs) {}

  void accept();
  void take(stream_protocol::socket socket);
  void sweep();
  void leave(serving::Connection* connection);
  void tell_if_drained();
  void stop_io();

  std::shared_ptr<SessionShared> shared;
  std::optional<TlsContext> tls;
  Admission admission;
  std::string address;
  std::string unix_path;
  std::uint16_t port = 0;
  asio::io_context io{1};
  asio::basic_socket_acceptor<stream_protocol> acceptor;
  asio::steady_timer sweep_timer;
  bool sweeping = false;
  bool stopping = false;
  std::set<std::shared_ptr<serving::Connection>> connections;
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> open{0};
  std::atomic<std::uint64_t> attested{0};
  std::thread thread;
  std::promise<void> drained;
  bool drained_told = false;
  std::once_flag stopped;
  WorkerPool pool;  // last, so that its threads end before what their jobs post to
};

namespace serving {

// Connection: a socket, its session and its deadline. Lives on the I/O thread; jobs hold it until they are done.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(HttpServer::State& server, stream_protocol::socket socket, std::optional<TlsEndpoint> tls,
             const std::string& peer, std::string key)
      : server_(server), socket_(std::move(socket)), session_(server.shared, std::move(tls), peer), key_(std::move(key)) {}

  void begin() {
    error_code ignored;
    socket_.non_blocking(true, ignored);
    note_phase();
    pump();
  }

  // stop: a connection that waits for its next request has nothing to lose, so it does not linger for its peer to close.
  void stop() {
    const bool idle = session_.phase() == ServerSession::Phase::idle || session_.phase() == ServerSession::Phase::streaming;
    session_.stop();
    pump();
    if (idle) close();
  }

  void close() {
    if (closed_) return;
    closed_ = true;
    session_.release();
    if (!output_.empty()) {
      error_code ignored;  // a last alert, if the socket takes it at once
      socket_.write_some(asio::buffer(output_.data() + sent_, output_.size() - sent_), ignored);
    }
    error_code ignored;
    socket_.close(ignored);
    server_.leave(this);
  }

  bool overdue(Clock::time_point now) const {
    const auto limit = session_.time_limit();
    return !closed_ && limit.count() != 0 && now - phase_began_ >= limit;
  }
  void time_out() {
    session_.time_out();
    pump();
  }

  bool attested() const { return session_.attested(); }
  bool authenticated() const { return authenticated_; }
  const std::string& key() const { return key_; }

 private:
  void note_phase() {
    if (session_.timer_number() == timer_number_) return;
    timer_number_ = session_.timer_number();
    phase_began_ = Clock::now();
  }

  // pump does all that can be done now: output, jobs, the next read.
  void pump() {
    if (closed_ || pumping_) return;
    const auto self = shared_from_this();
    pumping_ = true;
    while (write_some() || start_job()) {
    }
    pumping_ = false;
    note_phase();
    attach();
    // A handler that answers with a stream has let its peer in.
    if ((session_.attested() || attached_) && !authenticated_) {
      authenticated_ = true;
      server_.admission.authenticated(key_);
      if (session_.attested()) ++server_.attested;
    }
    if (session_.phase() == ServerSession::Phase::closed) return close();
    if (session_.phase() == ServerSession::Phase::lingering && !waiting_to_write_ && !send_ended_) {
      send_ended_ = true;
      error_code ignored;
      socket_.shutdown(asio::socket_base::shutdown_send, ignored);
    }
    if (session_.wants_input() && !reading_) read();
  }

  // attach: the stream of an answer wakes this connection from any thread, until it closes.
  void attach() {
    if (attached_) return;
    const auto stream = session_.open_stream();
    if (!stream) return;
    attached_ = true;
    stream->attach([weak = weak_from_this(), &io = server_.io] {
      asio::post(io, [weak] {
        const auto self = weak.lock();
        if (!self || self->closed_) return;
        self->session_.stream_ready();
        self->pump();
      });
    });
  }

  // write_some moves output to the socket; true when the session may have more to do.
  bool write_some() {
    if (waiting_to_write_) return false;
    if (sent_ == output_.size()) {
      output_ = session_.take_output();
      sent_ = 0;
      if (output_.empty()) return false;
    }
    while (sent_ < output_.size()) {
      error_code ec;
      const std::size_t moved = socket_.write_some(asio::buffer(output_.data() + sent_, output_.size() - sent_), ec);
      if (ec == asio::error::would_block || ec == asio::error::try_again) {
        waiting_to_write_ = true;
        socket_.async_wait(asio::socket_base::wait_write, [self = shared_from_this()](error_code wait_ec) {
          self->waiting_to_write_ = false;
          if (wait_ec) return self->close();
          self->pump();
        });
        return false;
      }
      if (ec) {
        output_.clear();
        sent_ = 0;
        fail();
        return false;
      }
      sent_ += moved;
      session_.output_moved(moved);
    }
    output_ = Bytes();
    sent_ = 0;
    session_.output_sent();
    return true;
  }

  bool start_job() {
    const bool continuation = session_.job_is_continuation();
    auto job = session_.take_job();
    if (!job) return false;
    const bool taken = server_.pool.submit(
        [self = shared_from_this(), work = std::move(*job)]() mutable {
          auto completion = work();
          work = nullptr;
          asio::io_context& io = self->server_.io;
          asio::post(io, [self = std::move(self), done = std::move(completion)] {
            if (self->closed_) return;
            done(self->session_);
            self->pump();
          });
        },
        continuation);
    if (!taken) session_.job_refused();
    return true;
  }

  void read() {
    reading_ = true;
    socket_.async_wait(asio::socket_base::wait_read, [self = shared_from_this()](error_code ec) {
      self->reading_ = false;
      if (self->closed_) return;
      if (ec) return self->close();
      self->read_now();
    });
  }

  void read_now() {
    // One buffer serves all connections: they share one thread, and the session copies.
    static thread_local std::array<std::byte, kReadBuffer> buffer;
    error_code ec;
    const std::size_t size = socket_.read_some(asio::buffer(buffer), ec);
    if (ec == asio::error::would_block || ec == asio::error::try_again) return pump();
    if (ec == asio::error::eof) {
      session_.end_of_stream();
    } else if (ec) {
      return close();
    } else {
      session_.receive(ByteView(buffer).first(size));
    }
    pump();
  }

  // fail closes after pump has unwound.
  void fail() {
    asio::post(server_.io, [self = shared_from_this()] { self->close(); });
  }

  HttpServer::State& server_;
  stream_protocol::socket socket_;
  ServerSession session_;
  std::string key_;
  Bytes output_;
  std::size_t sent_ = 0;
  std::uint64_t timer_number_ = ~std::uint64_t{0};
  Clock::time_point phase_began_;
  bool reading_ = false;
  bool waiting_to_write_ = false;
  bool pumping_ = false;
  bool closed_ = false;
  bool send_ended_ = false;
  bool authenticated_ = false;
  bool attached_ = false;
};

}  // namespace serving

void HttpServer::State::accept() {
  acceptor.async_accept([this](error_code ec, stream_protocol::socket socket) {
    if (stopping) return;
    if (!ec) {
      take(std::move(socket));
      return accept();
    }
    // Out of file descriptors, or a peer that left early: a pause, or the loop would spin.
    auto timer = std::make_shared<asio::steady_timer>(io, kAcceptPause);
    timer->async_wait([this, timer](error_code) {
      if (!stopping) accept();
    });
  });
}

void HttpServer::State::take(stream_protocol::socket socket) {
  error_code ec;
  std::string peer = "unix";
  std::string key = "unix";
  if (unix_path.empty()) {
    const auto endpoint = socket.remote_endpoint(ec);
    if (ec) return;
    peer = as_tcp(endpoint).address().to_string();
    key = peer_key(peer);
    socket.set_option(asio::ip::tcp::no_delay(true), ec);
  }
  ++accepted;
  if (!admission.admit(key)) {
    ++refused;
    return;  // the socket closes; a TLS handshake would cost more than the connection is worth
  }
  std::optional<TlsEndpoint> endpoint;
  if (tls) {
    auto made = TlsEndpoint::accept(*tls);
    if (!made.ok()) return admission.leave(key, false);
    endpoint.emplace(std::move(made).value());
  }
  auto connection = std::make_shared<serving::Connection>(*this, std::move(socket), std::move(endpoint), peer, key);
  connections.insert(connection);
  open = connections.size();
  connection->begin();
  if (!sweeping) sweep();
}

void HttpServer::State::sweep() {
  sweeping = !connections.empty();
  if (!sweeping) return;
  sweep_timer.expires_after(kSweep);
  sweep_timer.async_wait([this](error_code ec) {
    if (ec) return;
    const auto now = Clock::now();
    std::vector<std::shared_ptr<serving::Connection>> overdue;  // closing removes from the set
    for (const auto& connection : connections) {
      if (connection->overdue(now)) overdue.push_back(connection);
    }
    for (const auto& connection : overdue) connection->time_out();
    sweep();
  });
}

void HttpServer::State::leave(serving::Connection* connection) {
  const auto self = connection->shared_from_this();
  if (connections.erase(self) == 0) return;
  open = connections.size();
  admission.leave(connection->key(), connection->authenticated());
  if (connection->authenticated() && connection->attested()) --attested;
  tell_if_drained();
}

void HttpServer::State::tell_if_drained() {
  if (!stopping || !connections.empty() || drained_told) return;
  drained_told = true;
  drained.set_value();
}

void HttpServer::State::stop_io() {
  stopping = true;
  error_code ignored;
  acceptor.close(ignored);
  const auto all = connections;
  for (const auto& connection : all) connection->stop();
  tell_if_drained();
}

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpServer::~HttpServer() { stop(std::chrono::milliseconds(0)); }

Result<std::unique_ptr<HttpServer>> HttpServer::start(ServerOptions options, Router router) {
  REDOUBT_TRY(const ListenAddress listen, ListenAddress::parse(options.listen));
  const bool local = !listen.unix_path.empty();
  error_code ec;
  asio::ip::address address;
  if (!local) {
    address = asio::ip::make_address(listen.host, ec);
    if (ec) return Error(Code::usage, "listen address: expected an ip address, found " + listen.host);
  }
  const bool plain = options.plain_on_loopback && !options.identity;
  if (plain && (local || !address.is_loopback())) {
    return Error(Code::usage, "server options: without a tls identity expected a loopback address, found " + options.listen);
  }
  if (!plain && local == options.identity.has_value()) {
    return Error(Code::usage, local ? "server options: a unix socket has no tls identity"
                                    : "server options: a tcp address needs a tls identity");
  }
  if ((local || plain) && options.exchange) return Error(Code::usage, "server options: no exchange without tls");
  if (!options.exchange) {
    // Nobody is ever authenticated here, so only the total and the share of one address count.
    options.admission.max_unauthenticated = options.admission.max_connections;
    if (local) options.admission.max_unauthenticated_per_peer = options.admission.max_connections;
  }
  auto state = std::make_unique<State>(options);
  state->shared = std::make_shared<SessionShared>();
  state->shared->router = std::move(router);
  state->shared->exchange = options.exchange;
  state->shared->limits = options.limits;
  if (!local && !plain) {
    std::vector<std::string> alpns{std::string(kAlpnHttp)};
    if (options.exchange) alpns.insert(alpns.begin(), std::string(kAlpnExchange));
    REDOUBT_TRY(state->tls, TlsContext::server(*options.identity, alpns, options.ask_client_certificate));
  }
  REDOUBT_TRY(const ListenSocket opened, listen.open());
  const auto protocol = local ? stream_protocol(AF_UNIX, 0) : stream_protocol(address.is_v6() ? AF_INET6 : AF_INET, IPPROTO_TCP);
  if (state->acceptor.assign(protocol, opened.socket, ec); ec) {
    ::close(opened.socket);
    return Error(Code::unavailable, "listening on " + options.listen + ": " + ec.message());
  }
  state->unix_path = listen.unix_path;
  state->port = opened.port;
  state->address = local ? options.listen : ListenAddress::text(listen.host, opened.port);
  auto server = std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
  State& s = *server->state_;
  s.accept();
  s.thread = std::thread([&s] {
    const auto work = asio::make_work_guard(s.io);
    s.io.run();
  });
  return server;
}

const std::string& HttpServer::address() const { return state_->address; }
std::uint16_t HttpServer::port() const { return state_->port; }

void HttpServer::stop(std::chrono::milliseconds grace) {
  std::call_once(state_->stopped, [&] {
    State& s = *state_;
    if (s.thread.joinable()) {
      auto drained = s.drained.get_future();
      asio::post(s.io, [&s] { s.stop_io(); });
      drained.wait_for(grace);
      asio::post(s.io, [&s] {
        const auto all = s.connections;
        for (const auto& connection : all) connection->close();
        s.sweep_timer.cancel();
        s.io.stop();
      });
      s.thread.join();
    }
    s.pool.stop();
    if (!s.unix_path.empty()) ::unlink(s.unix_path.c_str());
  });
}

HttpServer::Counts HttpServer::counts() const {
  return {.accepted = state_->accepted, .refused = state_->refused, .open = state_->open, .attested = state_->attested};
}

}  // namespace redoubt::net
