// The HTTP half of ServerSession: one request at a time, routed before its body is read, answered piece by piece.
#include <cstdio>

#include "common/net/server_session.h"
#include "common/net/server_session_state.h"

namespace redoubt::net {

bool ServerSession::advance_message() {
  const std::size_t taken = parser_->put(in_);
  in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(taken));
  if (phase_ == Phase::body) moved_bytes_ += taken;
  switch (parser_->state()) {
    case HttpParser::State::decide: on_head(); return true;
    case HttpParser::State::complete: run_handler(); return false;
    case HttpParser::State::refused:
      if (parser_->sink_error()) {
        refuse(503, "too many bytes of requests at once; try again later");
      } else {
        refuse(parser_->refusal().status, parser_->refusal().detail);
      }
      return false;
    case HttpParser::State::head:
    case HttpParser::State::body: break;
  }
  if (eof_) {
    abort();
    return false;
  }
  // Take more only while some of it was used, or there is room for it; both parts of a message bound what they hold back.
  return taken > 0;
}

void ServerSession::on_head() {
  const MessageHead& head = parser_->head();
  close_after_ = head.close || stopping_;
  auto target = parse_target(head.target);
  if (!target.ok()) return refuse(head.target.size() > kMaxTargetBytes ? 414 : 400, target.error().message());
  auto found = shared_->router.find(head.method, target.value(), attested_);
  if (auto* refusal = std::get_if<HttpResponse>(&found)) {
    // A body that nobody reads could not be told from the next request.
    close_after_ = close_after_ || head.has_body();
    if (head.has_body()) return respond(std::move(*refusal));
    parser_->accept_body(0, [](ByteView) { return Status(); });
    return respond(std::move(*refusal));
  }
  auto& match = std::get<Router::Match>(found);
  route_ = match.route;
  if (head.content_length.value_or(0) > route_->max_body_bytes) return refuse(413, "body: larger than this route takes");
  request_ = std::make_shared<HttpRequest>();
  request_->method = head.method;
  request_->path = std::move(target->path);
  request_->params = std::move(match.params);
  request_->query = std::move(target->query);
  request_->headers = head.headers;
  request_->peer = peer_;
  request_->tls = tls_.has_value();
  request_->alpn = facts_.alpn;
  request_->attested = attested_;
  request_->principal = principal_;
  request_->role = role_;
  if (head.expect_continue && head.has_body()) send(as_bytes("HTTP/1.1 100 Continue\r\n\r\n"));
  set_phase(Phase::body);
  parser_->accept_body(route_->max_body_bytes, [this](ByteView bytes) -> Status {
    shared_->buffered_bytes += bytes.size();
    reserved_bytes_ += bytes.size();
    if (shared_->buffered_bytes > shared_->limits.max_buffered_bytes) {
      return Error(Code::unavailable, "bodies: too many bytes at once");
    }
    append(request_->body, bytes);
    return {};
  });
}

void ServerSession::run_handler() {
  set_phase(Phase::handling);
  if (route_->on_io_thread) return respond(Router::answer(route_->handler, *request_));
  if (auto answer = Router::at_hand(*route_, *request_)) return respond(std::move(*answer));
  // The route lives in `shared`, which the job holds.
  job_ = [shared = shared_, route = route_, request = request_]() -> Completion {
    auto response = std::make_shared<HttpResponse>(Router::answer(route->handler, *request));
    return [response](ServerSession& session) {
      if (session.phase_ == Phase::handling) session.respond(std::move(*response));
    };
  };
}

void ServerSession::refuse(int status, std::string_view detail) {
  const Code code = status >= 500 || status == 408 ? Code::unavailable : Code::malformed;
  close_after_ = true;
  respond(shared_->router.guided(problem(status, code, detail)));
}

void ServerSession::respond(HttpResponse response) {
  const bool head_only = parser_ && parser_->state() != HttpParser::State::head && parser_->head().method == "HEAD";
  shared_->buffered_bytes -= reserved_bytes_;
  reserved_bytes_ = 0;
  request_.reset();
  bool good = response.status >= 200 && response.status <= 599;
  for (const auto& [name, value] : response.headers) good = good && valid_header(name, value);
  if (!good) response = problem(500, Code::internal, "something went wrong here; it was not the request");
  // Answers hold people's data: nothing on the way may keep them unless a handler says so.
  if (response.headers.find("cache-control") == nullptr) response.headers.set("cache-control", "no-store");
  response.headers.set("x-content-type-options", "nosniff");
  const bool no_body = response.status == 204 || response.status == 304;
  close_after_ = close_after_ || stopping_ || std::holds_alternative<StreamBody>(response.body);
  const auto size = no_body ? std::nullopt : body_size(response.body);
  transfer_ = std::make_shared<Transfer>(Transfer{.source = BodySource(std::move(response.body)),
                                                  .chunked = !size && !no_body});
  transfer_->done = no_body || head_only;
  const std::string head =
      response_head(response.status, response.headers, {.body_size = size, .no_body = no_body, .close = close_after_});
  set_phase(Phase::responding);
  // A small answer leaves in one record.
  if (!transfer_->done && size && *size <= 16 * 1024 && transfer_->source.in_memory()) {
    Bytes all = to_bytes(head);
    if (auto piece = transfer_->source.next(); piece.ok()) append(all, *piece);
    transfer_->done = true;
    return send(all);
  }
  send(as_bytes(head));
}

void ServerSession::output_sent() {
  if (phase_ != Phase::responding || !transfer_) return;
  if (!transfer_->done) return continue_response();
  release();
  if (close_after_) return end();
  set_phase(Phase::idle);
  advance();
}

std::shared_ptr<BodyStream> ServerSession::open_stream() const { return transfer_ ? transfer_->source.stream() : nullptr; }

void ServerSession::stream_ready() {
  const auto stream = open_stream();
  if (!stream) return;
  if (phase_ == Phase::streaming) return continue_stream(*stream);
  // Whatever the socket does not take stands in the way of the rest.
  if (phase_ == Phase::responding && stream->cut()) abort();
}

void ServerSession::release() {
  if (const auto stream = open_stream()) stream->detach();
  transfer_.reset();
}

void ServerSession::continue_stream(BodyStream& stream) {
  BodyStream::Taken taken = stream.take();
  if (taken.cut) return abort();
  if (taken.bytes.empty() && !taken.end && !stopping_) {
    set_phase(Phase::streaming);
    // There may be many of these for a long time.
    if (!in_.empty()) return abort();
    in_ = Bytes();
    parser_.reset();
    return;
  }
  if (phase_ == Phase::streaming) set_phase(Phase::responding);
  if (!taken.bytes.empty()) send_chunk(taken.bytes);
  if (!taken.end && !stopping_) return;
  transfer_->done = true;
  send_chunk({});
}

void ServerSession::send_chunk(ByteView bytes) {
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  Bytes all = to_bytes(size);
  append(all, bytes);
  append(all, as_bytes("\r\n"));
  send(all);
}

void ServerSession::continue_response() {
  if (const auto stream = open_stream()) return continue_stream(*stream);
  if (transfer_->source.in_memory()) return on_piece(transfer_->source.next());
  job_ = [transfer = transfer_]() -> Completion {
    auto piece = std::make_shared<Result<Bytes>>(transfer->source.next());
    return [piece](ServerSession& session) {
      if (session.phase_ == Phase::responding) session.on_piece(std::move(*piece));
    };
  };
}

void ServerSession::on_piece(Result<Bytes> piece) {
  // The head has promised more: ending here without close_notify shows the peer that something is missing.
  if (!piece.ok()) return abort();
  transfer_->done = piece->empty();
  if (transfer_->chunked) {
    send_chunk(*piece);
  } else if (!piece->empty()) {
    send(*piece);
  } else {
    output_sent();  // nothing was written, so nobody else will tell
  }
}

}  // namespace redoubt::net
