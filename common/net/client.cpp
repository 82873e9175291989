#include "common/net/client.h"

#include <algorithm>
#include <cstdio>

#include "common/net/body_source.h"
#include "common/net/client_transport.h"
#include "common/net/http_parser.h"
#include "common/net/listen_address.h"
#include "common/net/problem.h"

namespace redoubt::net {
namespace {

constexpr std::size_t kMaxInput = 256 * 1024;
constexpr std::uint64_t kMaxProblemBytes = 64 * 1024;
constexpr int kMaxInterim = 8;

}  // namespace

struct HttpClient::State {
  ClientTransport transport;
  ClientOptions options;
  std::string host_header;
  TlsFacts facts;
  std::string principal;
  std::string role;
  Bytes in;
  bool open = true;
  bool exchanged = false;
  bool answered = false;

  ClientTransport::Deadline stall() const { return ClientTransport::in(options.stall_time); }

  Status run_exchange(Exchange& exchange);
  Result<Bytes> next_message(ClientTransport::Deadline deadline);
  Status send_request(const ClientRequest& request, BodySource& source, Progress& progress);
  Result<ClientResponse> read_response(const ClientRequest& request, Progress& progress);
  Status read_body(HttpParser& parser, const ClientRequest& request, Progress& progress);
  Status more();
};

HttpClient::HttpClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;

const TlsFacts& HttpClient::facts() const { return state_->facts; }
const std::string& HttpClient::principal() const { return state_->principal; }
const std::string& HttpClient::role() const { return state_->role; }
bool HttpClient::open() const { return state_->open; }

void HttpClient::close() {
  state_->open = false;
  state_->transport.close();
}

Result<HttpClient> HttpClient::connect(const ClientOptions& options, std::unique_ptr<Exchange> exchange) {
  const auto deadline = ClientTransport::in(options.connect_time);
  if (!options.unix_path.empty()) {
    if (options.trust || exchange || !options.host.empty()) {
      return Error(Code::usage, "client options: a unix socket has no host, trust or exchange");
    }
    REDOUBT_TRY(auto transport, ClientTransport::connect_unix(options.unix_path, deadline));
    return HttpClient(std::unique_ptr<State>(
        new State{.transport = std::move(transport), .options = options, .host_header = "localhost", .facts = {},
                  .principal = {}, .role = {}, .in = {}}));
  }
  if (!options.trust) return Error(Code::usage, "client options: nothing says which server to trust");
  // Any certificate would do, and nobody would look.
  if (std::holds_alternative<TrustExchange>(*options.trust) && !exchange) {
    return Error(Code::usage, "client options: trust by exchange, and no exchange");
  }
  const std::string alpn(exchange ? kAlpnExchange : kAlpnHttp);
  REDOUBT_TRY(const auto context, TlsContext::client(*options.trust, {alpn}, options.identity));
  REDOUBT_TRY(auto endpoint, TlsEndpoint::connect(context, options.host));
  REDOUBT_TRY(auto transport, ClientTransport::connect_tcp(options.host, options.port, deadline));
  REDOUBT_CHECK(transport.start_tls(std::move(endpoint), deadline));
  auto state = std::unique_ptr<State>(new State{.transport = std::move(transport),
                                                .options = options,
                                                .host_header = ListenAddress::text(options.host, options.port),
                                                .facts = {},
                                                .principal = {},
                                                .role = {},
                                                .in = {}});
  REDOUBT_TRY(state->facts, state->transport.tls()->facts());
  if (exchange) {
    if (state->facts.alpn != kAlpnExchange) {
      return Error(Code::binding, "tls alpn: expected redoubt/1, found " + printable(state->facts.alpn, 32));
    }
    REDOUBT_CHECK(state->run_exchange(*exchange));
  }
  return HttpClient(std::move(state));
}

Result<Bytes> HttpClient::State::next_message(ClientTransport::Deadline deadline) {
  while (true) {
    auto frame = take_frame(in, options.max_exchange_message);
    if (!frame.ok()) return frame.error();
    if (frame.value()) {
      if (const auto* error = std::get_if<Error>(&**frame)) return *error;
      return std::get<Bytes>(std::move(**frame));
    }
    REDOUBT_TRY(const bool some, transport.read(in, options.max_exchange_message + 16, deadline));
    if (!some) return Error(Code::unavailable, "exchange: the server ended the connection");
  }
}

Status HttpClient::State::run_exchange(Exchange& exchange) {
  const auto deadline = ClientTransport::in(options.exchange_time);
  auto step = exchange.start(facts);
  for (int messages = 0;; ++messages) {
    if (!step.ok()) {
      // The server learns only that it was refused: what we check is nobody's business.
      const Error told(Code::refused, "the exchange was not accepted");
      [[maybe_unused]] const auto sent = transport.write(encode_refusal(told), deadline);
      return step.error().context("exchange");
    }
    if (step->send) {
      if (step->send->size() > options.max_exchange_message) return Error(Code::internal, "exchange: own message too large");
      // To and fro: what came before our message cannot be an answer to it.
      REDOUBT_CHECK(transport.read_ready(in, options.max_exchange_message + 16));
      if (auto early = take_frame(in, options.max_exchange_message); early.ok() && early.value()) {
        if (const auto* error = std::get_if<Error>(&**early)) return error->context("exchange");
        return Error(Code::malformed, "exchange: bytes that came too early");
      }
      if (!in.empty()) return Error(Code::malformed, "exchange: bytes that came too early");
      if (auto sent = transport.write(encode_message(*step->send), deadline); !sent.ok()) {
        // A refusal may stand in the way of our message; it says more than a broken pipe.
        if (auto message = next_message(deadline); !message.ok() && message.error().message().starts_with("peer refused")) {
          return message.error().context("exchange");
        }
        return sent.error().context("exchange");
      }
    }
    if (step->done) break;
    if (messages == kMaxExchangeMessages) return Error(Code::malformed, "exchange: more than 16 messages");
    auto message = next_message(deadline);
    if (!message.ok()) return message.error().context("exchange");
    step = exchange.receive(*message);
  }
  if (!in.empty()) return Error(Code::malformed, "exchange: bytes after its end");
  principal = step->principal;
  role = step->role;
  exchanged = true;
  return {};
}

Status HttpClient::State::more() {
  REDOUBT_TRY(const bool some, transport.read(in, kMaxInput, stall()));
  if (!some) return Error(Code::unavailable, "connection: the server ended it");
  return {};
}

Status HttpClient::State::send_request(const ClientRequest& request, BodySource& source, Progress& progress) {
  const auto size = source.size();
  const bool no_body = size == std::optional<std::uint64_t>(0);
  const bool bare = no_body && (request.method == "GET" || request.method == "HEAD" || request.method == "DELETE");
  const std::string head = request_head(request.method, request.target, host_header, request.headers,
                                        {.body_size = bare ? std::nullopt : size, .no_body = bare});
  progress.send_total = size;
  REDOUBT_CHECK(transport.write(as_bytes(head), stall()));
  while (!no_body) {
    REDOUBT_TRY(const Bytes piece, source.next());
    if (size) {
      if (piece.empty()) return {};
      REDOUBT_CHECK(transport.write(piece, stall()));
    } else {
      char text[32];
      std::snprintf(text, sizeof text, "%zx\r\n", piece.size());
      Bytes all = to_bytes(std::string_view(text));
      append(all, piece);
      append(all, as_bytes("\r\n"));
      REDOUBT_CHECK(transport.write(all, stall()));
      if (piece.empty()) return {};
    }
    progress.sent += piece.size();
    if (request.progress) request.progress(progress);
    // An answer before the end of the body is a refusal: the rest would be sent for nothing.
    REDOUBT_CHECK(transport.read_ready(in, kMaxInput));
    if (!in.empty() && !(size && progress.sent == *size)) {
      open = false;
      return {};
    }
  }
  return {};
}

Status HttpClient::State::read_body(HttpParser& parser, const ClientRequest& request, Progress& progress) {
  while (true) {
    const std::uint64_t before = parser.body_bytes();
    const std::size_t taken = parser.put(in);
    in.erase(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(taken));
    progress.received += parser.body_bytes() - before;
    if (request.progress && parser.body_bytes() != before) request.progress(progress);
    if (parser.sink_error()) return *parser.sink_error();
    if (parser.state() == HttpParser::State::complete) return {};
    if (parser.state() == HttpParser::State::refused) {
      return Error(Code::malformed, "response: " + std::string(parser.refusal().detail));
    }
    REDOUBT_TRY(const bool some, transport.read(in, kMaxInput, stall()));
    if (!some) parser.end_of_stream();
  }
}

Result<ClientResponse> HttpClient::State::read_response(const ClientRequest& request, Progress& progress) {
  for (int interim = 0; interim <= kMaxInterim; ++interim) {
    HttpParser parser(HttpParser::Kind::response, HeadLimits{});
    while (parser.state() == HttpParser::State::head) {
      const std::size_t taken = parser.put(in);
      in.erase(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(taken));
      if (parser.state() != HttpParser::State::head) break;
      if (in.empty() || parser.state() == HttpParser::State::head) REDOUBT_CHECK(more());
      // The server may refuse our last message of the exchange where we already expect HTTP.
      if (exchanged && !answered && !in.empty() && in.front() == std::byte{0}) {
        REDOUBT_TRY([[maybe_unused]] const Bytes message, next_message(stall()));
        return Error(Code::malformed, "exchange: a message after its end");
      }
    }
    if (parser.state() == HttpParser::State::refused) {
      return Error(Code::malformed, "response: " + std::string(parser.refusal().detail));
    }
    answered = true;
    ClientResponse response{.status = parser.head().status, .headers = parser.head().headers, .body = {}};
    if (response.status < 200) {
      if (response.status == 101) return Error(Code::malformed, "response: a change of protocol that nobody asked for");
      continue;
    }
    const bool to_sink = request.sink && response.status < 300;
    const std::uint64_t max = to_sink                  ? ~std::uint64_t{0} >> 1U
                              : response.status >= 400 ? std::min(options.max_response_bytes, kMaxProblemBytes)
                                                       : options.max_response_bytes;
    progress.receive_total = parser.head().content_length;
    open = open && !parser.head().close;
    const bool until_end = !parser.head().content_length && !parser.head().chunked && response.status != 204 &&
                           response.status != 304 && request.method != "HEAD";
    open = open && !until_end;
    parser.accept_body(
        max,
        [&](ByteView bytes) -> Status {
          if (to_sink) return request.sink(bytes);
          append(response.body, bytes);
          return {};
        },
        request.method == "HEAD");
    REDOUBT_CHECK(read_body(parser, request, progress));
    // One answer to one request: more would be taken for the answer to the next one.
    if (!in.empty()) open = false;
    return response;
  }
  return Error(Code::malformed, "response: more than 8 interim answers");
}

Result<ClientResponse> HttpClient::request(const ClientRequest& request) {
  State& state = *state_;
  if (!state.open) return Error(Code::unavailable, "connection: it is closed");
  for (const auto& [name, value] : request.headers) {
    if (!valid_header(name, value)) return Error(Code::usage, "request header: not valid");
  }
  if (!request.target.starts_with('/') || request.target.find_first_of(" \t\r\n#") != std::string::npos ||
      request.method.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") != std::string::npos || request.method.empty()) {
    return Error(Code::usage, "request: bad method or target");
  }
  Progress progress;
  BodySource source(request.body);
  const Status sent = state.send_request(request, source, progress);
  auto response = [&]() -> Result<ClientResponse> {
    if (sent.ok()) return state.read_response(request, progress);
    // A server that refuses early may close before all was sent; its answer says more than our broken pipe.
    if (sent.error().code() == Code::unavailable && state.transport.tls()) {
      auto early = state.read_response(request, progress);
      if (early.ok()) {
        state.open = false;
        return early;
      }
    }
    return sent.error();
  }();
  if (!response.ok() || !state.open) close();
  return response;
}

Result<ClientResponse> HttpClient::request_ok(const ClientRequest& request) {
  REDOUBT_TRY(auto response, this->request(request));
  if (response.status >= 400) return error_of(response.status, response.body, state_->host_header);
  return response;
}

}  // namespace redoubt::net
