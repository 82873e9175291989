#include "common/net/exchange.h"

#include "common/base/reader.h"
#include "common/base/utf8.h"
#include "common/base/writer.h"
#include "common/net/problem.h"

namespace redoubt::net {
namespace {

constexpr std::size_t kPrefix = 4;
constexpr std::size_t kMaxText = 500;
constexpr std::uint8_t kMessage = 0;
constexpr std::uint8_t kRefusal = 1;

Error refusal_from(std::uint8_t number, std::string_view text) {
  // A code that we do not know means no more to us than that the peer refused.
  auto code = static_cast<Code>(number);
  if (code_name(code) == code_name(Code::internal)) code = Code::refused;
  return Error(code, "peer refused: " + printable(text, kMaxText));
}

}  // namespace

Bytes encode_message(ByteView message) {
  Writer writer;
  writer.u32be(static_cast<std::uint32_t>(message.size() + 1)).u8(kMessage).bytes(message);
  return writer.take();
}

Bytes encode_refusal(const Error& error) {
  const std::string text =
      error.code() == Code::internal ? "something went wrong here" : printable(error.message(), kMaxText);
  Writer writer;
  writer.u32be(static_cast<std::uint32_t>(text.size() + 2)).u8(kRefusal);
  writer.u8(static_cast<std::uint8_t>(error.code())).bytes(as_bytes(text));
  return writer.take();
}

Result<std::optional<Frame>> take_frame(Bytes& buffer, std::size_t max_message) {
  if (buffer.size() < kPrefix) return std::optional<Frame>();
  const std::size_t size = Reader(buffer, "exchange frame").u32be();
  if (size < 1 || size > max_message + 1) {
    return Error(Code::malformed, "exchange frame: expected 1 to " + std::to_string(max_message + 1) + " bytes, found " +
                                      std::to_string(size));
  }
  if (buffer.size() > kPrefix && std::to_integer<std::uint8_t>(buffer[kPrefix]) > kRefusal) {
    return Error(Code::malformed, "exchange frame: unknown kind");
  }
  if (buffer.size() < kPrefix + size) return std::optional<Frame>();
  Reader reader(ByteView(buffer).subspan(kPrefix, size), "exchange frame");
  std::optional<Frame> frame;
  if (reader.u8() == kMessage) {
    frame = to_bytes(reader.bytes(reader.remaining()));
  } else {
    const std::uint8_t code = reader.u8();
    const std::string_view text = as_text(reader.bytes(reader.remaining()));
    if (!reader.ok() || text.size() > kMaxText || !valid_utf8(text)) {
      return Error(Code::malformed, "exchange frame: refusal without code or with bad text");
    }
    frame = refusal_from(code, text);
  }
  buffer.erase(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(kPrefix + size));
  return frame;
}

}  // namespace redoubt::net
