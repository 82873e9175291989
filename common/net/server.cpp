// The shell around ServerSession: the only file of the server with sockets, time and threads (Boost.Asio).
#include "common/net/server.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
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

// The key by which peers are counted: an IPv4 address, or the /64 of an IPv6 one.
std::string peer_key(const asio::ip::address& address) {
  if (!address.is_v6() || address.to_v6().is_v4_mapped()) return address.to_string();
  auto bytes = address.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
  return asio::ip::address_v6(bytes).to_string();
}

class Connection;

}  // namespace

struct HttpServer::State {
  explicit State(const ServerOptions& options)
      : admission(options.admission), acceptor(io), sweep_timer(io), pool(options.workers, options.max_queued_jobs) {}

  void accept();
  void take(stream_protocol::socket socket);
  void sweep();
  void leave(Connection* connection);
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
  std::set<std::shared_ptr<Connection>> connections;
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

namespace {

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
    const bool idle = session_.phase() == ServerSession::Phase::idle;
    session_.stop();
    pump();
    if (idle) close();
  }

  void close() {
    if (closed_) return;
    closed_ = true;
    if (!output_.empty()) {
      error_code ignored;  // a last alert, if the socket takes it at once
      socket_.write_some(asio::buffer(output_.data() + sent_, output_.size() - sent_), ignored);
    }
    error_code ignored;
    socket_.close(ignored);
    server_.leave(this);
  }

  void check_time(Clock::time_point now) {
    const auto limit = session_.time_limit();
    if (closed_ || limit.count() == 0 || now - phase_began_ < limit) return;
    session_.time_out();
    pump();
  }

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
    if (session_.attested() && !authenticated_) {
      authenticated_ = true;
      server_.admission.authenticated(key_);
      ++server_.attested;
    }
    if (session_.phase() == ServerSession::Phase::closed) return close();
    if (session_.phase() == ServerSession::Phase::lingering && !waiting_to_write_ && !send_ended_) {
      send_ended_ = true;
      error_code ignored;
      socket_.shutdown(asio::socket_base::shutdown_send, ignored);
    }
    if (session_.wants_input() && !reading_) read();
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
    output_.clear();
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
};

}  // namespace

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
    asio::ip::tcp::endpoint tcp;
    tcp.resize(endpoint.size());
    std::copy_n(reinterpret_cast<const char*>(endpoint.data()), endpoint.size(), reinterpret_cast<char*>(tcp.data()));
    peer = tcp.address().to_string();
    key = peer_key(tcp.address());
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
  auto connection = std::make_shared<Connection>(*this, std::move(socket), std::move(endpoint), peer, key);
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
    const auto all = connections;  // closing removes from the set
    for (const auto& connection : all) connection->check_time(now);
    sweep();
  });
}

void HttpServer::State::leave(Connection* connection) {
  const auto self = connection->shared_from_this();
  if (connections.erase(self) == 0) return;
  open = connections.size();
  admission.leave(connection->key(), connection->authenticated());
  if (connection->authenticated()) --attested;
  if (stopping && connections.empty() && !drained_told) {
    drained_told = true;
    drained.set_value();
  }
}

void HttpServer::State::stop_io() {
  stopping = true;
  error_code ignored;
  acceptor.close(ignored);
  const auto all = connections;
  for (const auto& connection : all) connection->stop();
  if (connections.empty() && !drained_told) {
    drained_told = true;
    drained.set_value();
  }
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
  const auto unavailable = [&](const error_code& why) {
    return Error(Code::unavailable, "listening on " + options.listen + ": " + why.message());
  };
  stream_protocol::endpoint endpoint;
  if (local) {
    REDOUBT_CHECK(listen.remove_dead_socket());
    endpoint = asio::local::stream_protocol::endpoint(listen.unix_path);
  } else {
    endpoint = asio::ip::tcp::endpoint(address, listen.port);
  }
  auto& acceptor = state->acceptor;
  if (acceptor.open(endpoint.protocol(), ec); ec) return unavailable(ec);
  if (!local) acceptor.set_option(asio::socket_base::reuse_address(true), ec);
  if (acceptor.bind(endpoint, ec); ec) return unavailable(ec);
  // Nobody can connect before listen(), so there is no moment with a wider mode.
  if (local && ::chmod(listen.unix_path.c_str(), 0600) != 0) {
    return Error(Code::unavailable, "listening on " + options.listen + ": its mode cannot be set");
  }
  if (acceptor.listen(asio::socket_base::max_listen_connections, ec); ec) return unavailable(ec);
  if (local) {
    state->unix_path = listen.unix_path;
    state->address = options.listen;
  } else {
    const auto bound = acceptor.local_endpoint(ec);
    asio::ip::tcp::endpoint tcp;
    tcp.resize(bound.size());
    std::copy_n(reinterpret_cast<const char*>(bound.data()), bound.size(), reinterpret_cast<char*>(tcp.data()));
    state->port = tcp.port();
    state->address = ListenAddress::text(listen.host, state->port);
  }
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
