// The one file that includes Boost.Beast, since it is slow to compile.
#include "common/net/http_parser.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>

namespace redoubt::net {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;

// What a chunk header or a trailer may hold back before it must be complete.
constexpr std::size_t kMaxUnparsed = 8 * 1024;

}  // namespace

// What HttpParser::State_ holds has a name of its own: a type of the anonymous namespace could not stand in it.
namespace parsing {

// SinkBody hands a body on as it comes (Beast's Body and BodyReader concepts).
struct SinkBody {
  struct value_type {
    const HttpParser::Sink* sink = nullptr;
    std::optional<Error>* error = nullptr;
    std::uint64_t* count = nullptr;
  };
  class reader {
   public:
    template <bool isRequest, class Fields>
    reader(http::header<isRequest, Fields>&, value_type& value) : value_(value) {}
    void init(const boost::optional<std::uint64_t>&, error_code& ec) { ec = {}; }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, error_code& ec) {
      ec = {};
      std::size_t total = 0;
      for (const auto& buffer : boost::beast::buffers_range_ref(buffers)) {
        const auto status = (*value_.sink)(ByteView(static_cast<const std::byte*>(buffer.data()), buffer.size()));
        if (!status.ok()) {
          *value_.error = status.error();
          ec = http::error::body_limit;
          return total;
        }
        total += buffer.size();
      }
      *value_.count += total;
      return total;
    }
    void finish(error_code& ec) { ec = {}; }

   private:
    value_type& value_;
  };
};

}  // namespace parsing

namespace {

std::string_view text_of(boost::beast::string_view view) { return {view.data(), view.size()}; }

}  // namespace

struct HttpParser::State_ {
  Kind kind;
  HeadLimits limits;
  State state = State::head;
  std::size_t searched = 0;
  Bytes raw_head;
  MessageHead head;
  HttpRefusal refusal;
  Sink sink;
  std::optional<Error> sink_error;
  std::uint64_t body_bytes = 0;
  std::variant<std::monostate, http::request_parser<parsing::SinkBody>, http::response_parser<parsing::SinkBody>> beast;

  void refuse(HttpRefusal why) {
    state = State::refused;
    refusal = why;
  }

  void refuse(const error_code& ec) {
    if (sink_error) return refuse({400, "body: not accepted"});
    if (ec == http::error::body_limit) return refuse({413, "body: too large"});
    if (ec == http::error::partial_message) return refuse({400, "body: the stream ended before it"});
    refuse({400, "body: bad framing"});
  }

  std::size_t put_head(ByteView bytes) {
    const auto size = head_size(bytes, searched);
    searched = bytes.size();
    if (!size) {
      if (bytes.size() >= limits.max_bytes) refuse({431, "head: too large"});
      return 0;
    }
    auto parsed = kind == Kind::request ? parse_request_head(bytes.first(*size), limits)
                                        : parse_response_head(bytes.first(*size), limits);
    if (const auto* why = std::get_if<HttpRefusal>(&parsed)) {
      refuse(*why);
      return 0;
    }
    head = std::get<MessageHead>(std::move(parsed));
    raw_head = to_bytes(bytes.first(*size));
    state = State::decide;
    return *size;
  }

  template <class Parser>
  void start(Parser& parser, std::uint64_t max_bytes, bool no_body) {
    parser.eager(true);
    parser.skip(no_body);
    parser.body_limit(max_bytes);
    parser.header_limit(static_cast<std::uint32_t>(limits.max_bytes));
    parser.get().body() = {&sink, &sink_error, &body_bytes};
    error_code ec;
    const std::size_t taken = parser.put(boost::asio::buffer(raw_head.data(), raw_head.size()), ec);
    if (ec && ec != http::error::need_more) return refuse(ec);
    bool agreed = taken == raw_head.size() && parser.is_header_done() && parser.chunked() == head.chunked;
    if constexpr (Parser::is_request::value) {
      agreed = agreed && text_of(parser.get().method_string()) == head.method &&
               text_of(parser.get().target()) == head.target;
    } else {
      agreed = agreed && parser.get().result_int() == static_cast<unsigned>(head.status);
    }
    const auto length = parser.content_length();
    // Beast tells a length of zero, or none, where a body is skipped.
    if (!no_body && head.content_length) agreed = agreed && length && *length == *head.content_length;
    if (!agreed) return refuse({400, "head: ambiguous"});
    raw_head = {};
    state = parser.is_done() ? State::complete : State::body;
  }

  template <class Parser>
  std::size_t put_body(Parser& parser, ByteView bytes) {
    error_code ec;
    std::size_t total = 0;
    while (total < bytes.size() && !parser.is_done()) {
      const std::size_t taken = parser.put(boost::asio::buffer(bytes.data() + total, bytes.size() - total), ec);
      total += taken;
      if (ec && ec != http::error::need_more) {
        refuse(ec);
        return total;
      }
      if (taken == 0) break;
    }
    if (parser.is_done()) {
      state = State::complete;
    } else if (bytes.size() - total > kMaxUnparsed) {
      refuse({400, "body: bad framing"});
    }
    return total;
  }
};

HttpParser::HttpParser(Kind kind, const HeadLimits& limits)
    : state_(new State_{.kind = kind, .limits = limits, .raw_head = {}, .head = {}, .refusal = {}, .sink = {},
                        .sink_error = {}, .beast = {}}) {}
HttpParser::HttpParser(HttpParser&&) noexcept = default;
HttpParser& HttpParser::operator=(HttpParser&&) noexcept = default;
HttpParser::~HttpParser() = default;

HttpParser::State HttpParser::state() const { return state_->state; }
const MessageHead& HttpParser::head() const { return state_->head; }
const HttpRefusal& HttpParser::refusal() const { return state_->refusal; }
std::uint64_t HttpParser::body_bytes() const { return state_->body_bytes; }
const std::optional<Error>& HttpParser::sink_error() const { return state_->sink_error; }

std::size_t HttpParser::put(ByteView bytes) {
  if (state_->state == State::head) return state_->put_head(bytes);
  if (state_->state != State::body) return 0;
  if (auto* request = std::get_if<http::request_parser<parsing::SinkBody>>(&state_->beast)) {
    return state_->put_body(*request, bytes);
  }
  return state_->put_body(std::get<http::response_parser<parsing::SinkBody>>(state_->beast), bytes);
}

void HttpParser::accept_body(std::uint64_t max_bytes, Sink sink, bool no_body) {
  if (state_->state != State::decide) return;
  state_->sink = std::move(sink);
  if (state_->kind == Kind::request) {
    state_->start(state_->beast.emplace<http::request_parser<parsing::SinkBody>>(), max_bytes, no_body);
  } else {
    no_body = no_body || state_->head.status == 204 || state_->head.status == 304;
    state_->start(state_->beast.emplace<http::response_parser<parsing::SinkBody>>(), max_bytes, no_body);
  }
}

void HttpParser::end_of_stream() {
  if (state_->state == State::complete || state_->state == State::refused) return;
  auto* response = std::get_if<http::response_parser<parsing::SinkBody>>(&state_->beast);
  if (state_->state == State::body && response != nullptr) {
    error_code ec;
    response->put_eof(ec);
    if (ec) return state_->refuse(ec);
    state_->state = State::complete;
    return;
  }
  state_->refuse({400, state_->state == State::head ? "head: the stream ended before it" : "body: the stream ended before it"});
}

}  // namespace redoubt::net
