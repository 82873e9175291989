// DER (X.690): the strict subset that certificates, revocation lists and attestation extensions are written in.
//
// A der::Reader borrows bytes and walks the elements of one level. Refused: indefinite and non-minimal lengths, tags with
// numbers above 30, elements that run past their parent, integers that are negative or not minimal, booleans other than 00
// and FF, bit strings with unused bits where none may be, times in any spelling but the one of RFC 5280. As with Reader, the
// first failure stays, later reads give empty views, and finish() refuses what was not read. Bytes come from anywhere and are
// distrusted. Pure, no allocation except for errors; thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "common/base/bytes.h"
#include "common/base/instant.h"

namespace redoubt::der {

// Tag: an identifier octet as it stands in the bytes.
enum class Tag : std::uint8_t {
  boolean = 0x01, integer = 0x02, bit_string = 0x03, octet_string = 0x04, null = 0x05, oid = 0x06, enumerated = 0x0a,
  utf8_string = 0x0c, printable_string = 0x13, t61_string = 0x14, ia5_string = 0x16, utc_time = 0x17, generalized_time = 0x18,
  bmp_string = 0x1e, sequence = 0x30, set = 0x31,
};
// context: [number], number at most 30.
constexpr Tag context(unsigned number, bool constructed) {
  return static_cast<Tag>(0x80U | (constructed ? 0x20U : 0U) | number);
}

// Oid: the content bytes of an OBJECT IDENTIFIER known at compile time: `constexpr auto kX = der::oid("1.2.840.113741.1");`
struct Oid {
  std::array<std::byte, 32> bytes{};
  std::size_t size = 0;
  constexpr ByteView view() const { return ByteView(bytes.data(), size); }
};
consteval Oid oid(std::string_view dotted) {
  Oid out;
  std::uint64_t arcs[20] = {};
  std::size_t count = 0;
  std::size_t at = 0;
  while (at <= dotted.size()) {
    std::uint64_t value = 0;
    while (at < dotted.size() && dotted[at] != '.') value = value * 10 + static_cast<std::uint64_t>(dotted[at++] - '0');
    arcs[count++] = value;
    ++at;
  }
  const auto put = [&](std::uint64_t value) {
    int groups = 1;
    for (std::uint64_t rest = value >> 7U; rest != 0; rest >>= 7U) ++groups;
    for (int i = groups - 1; i >= 0; --i) {
      out.bytes[out.size++] = static_cast<std::byte>(((value >> (7U * static_cast<unsigned>(i))) & 0x7fU) | (i != 0 ? 0x80U : 0U));
    }
  };
  put(arcs[0] * 40 + arcs[1]);
  for (std::size_t i = 2; i < count; ++i) put(arcs[i]);
  return out;
}
inline bool operator==(ByteView a, const Oid& b) { return equal(a, b.view()); }
// oid_text: dotted form for people; "?" for content that is not a well-formed OID.
std::string oid_text(ByteView content);

struct Element {
  Tag tag{};
  ByteView content;  // empty after a failure
  ByteView whole;    // identifier and length octets included
};

class Reader {
 public:
  // `what` names the structure in errors. Borrows both.
  Reader(ByteView bytes, std::string_view what) : bytes_(bytes), what_(what) {}

  bool at_end() const { return offset_ == bytes_.size(); }
  // peek: the tag of the next element; none at the end or after a failure.
  std::optional<Tag> peek() const;
  Element any();                       // the next element, whatever it is
  Element element(Tag tag);            // the next element, which must have this tag
  ByteView content(Tag tag) { return element(tag).content; }
  // optional: the content of the next element if it has this tag; nothing is read otherwise.
  std::optional<ByteView> optional(Tag tag);
  // enter: a reader over the content of the next element; it is failed already when this one is. Finish it by itself.
  Reader enter(Tag tag, std::string_view what);

  bool boolean();
  // unsigned_integer: the magnitude, without the leading zero octet of the sign, big-endian; zero is one zero byte.
  ByteView unsigned_integer();
  std::uint64_t small(std::uint64_t max);  // an INTEGER from 0 to max
  ByteView oid() { return content(Tag::oid); }
  ByteView octet_string() { return content(Tag::octet_string); }
  // bits: a BIT STRING of whole bytes (no unused bits).
  ByteView bits();
  // named_bits: a BIT STRING of at most 16 bits, its trailing zeros there or not; bit 0 is 0x8000.
  std::uint16_t named_bits();
  // time: UTCTime until 2049, GeneralizedTime from 2050 (RFC 5280 section 4.1.2.5).
  Instant time();

  void fail(std::string_view message, Code code = Code::malformed);
  bool ok() const { return !error_.has_value(); }
  Status status() const;
  Status finish();

 private:
  ByteView bytes_;
  std::string_view what_;
  std::size_t offset_ = 0;
  std::optional<Error> error_;
};

}  // namespace redoubt::der
