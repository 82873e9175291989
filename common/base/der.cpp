#include "common/base/der.h"

#include <chrono>

namespace redoubt::der {
namespace {

constexpr std::size_t kMaxLengthOctets = 4;  // nothing that is read here comes near 4 GiB

unsigned octet(std::byte b) { return std::to_integer<unsigned>(b); }

std::string tag_text(Tag tag) {
  constexpr char kDigits[] = "0123456789abcdef";
  const auto value = static_cast<unsigned>(tag);
  return {'0', 'x', kDigits[value >> 4U], kDigits[value & 15U]};
}

// digits: a decimal number of `count` ASCII digits at `at`; -1 for another character.
int digits(ByteView text, std::size_t at, std::size_t count) {
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    const unsigned digit = octet(text[i]) - '0';
    if (digit > 9) return -1;
    value = value * 10 + static_cast<int>(digit);
  }
  return value;
}

// What is told of an element that is none, out of the way of those that are (as in reader.cpp).
[[gnu::noinline, gnu::cold]] void fail_length(Reader& reader, std::size_t octets) {
  reader.fail(octets == 0 ? std::string("an indefinite length") : "a length of " + std::to_string(octets) + " octets");
}
[[gnu::noinline, gnu::cold]] void fail_end(Reader& reader, std::size_t size, std::size_t left) {
  reader.fail("an element of " + std::to_string(size) + " bytes where " + std::to_string(left) + " are left");
}
[[gnu::noinline, gnu::cold]] void fail_tag(Reader& reader, Tag expected, Tag found) {
  reader.fail("expected tag " + tag_text(expected) + ", found " + tag_text(found));
}

}  // namespace

std::string oid_text(ByteView content) {
  if (content.empty() || content.size() > 64 || (octet(content.back()) & 0x80U) != 0) return "?";
  std::string text;
  std::uint64_t value = 0;
  bool fresh = true;
  for (const std::byte b : content) {
    // An arc that starts with a padding octet, or is wider than 63 bits.
    if ((fresh && octet(b) == 0x80U) || value >> 56U != 0) return "?";
    value = value << 7U | (octet(b) & 0x7fU);
    fresh = (octet(b) & 0x80U) == 0;
    if (!fresh) continue;
    if (text.empty()) {
      const std::uint64_t first = value < 80 ? value / 40 : 2;
      text = std::to_string(first) + "." + std::to_string(value - first * 40);
    } else {
      text += "." + std::to_string(value);
    }
    value = 0;
  }
  return text;
}

void Reader::fail(std::string_view message, Code code) {
  if (error_) return;
  error_ = Error(code, std::string(what_) + " at offset " + std::to_string(offset_) + ": " + std::string(message));
}

std::optional<Tag> Reader::peek() const {
  if (error_ || at_end()) return std::nullopt;
  return static_cast<Tag>(bytes_[offset_]);
}

Element Reader::any() {
  if (error_) return {};
  const ByteView rest = bytes_.subspan(offset_);
  if (rest.size() < 2) {
    fail(rest.empty() ? "expected an element, found the end" : "an element without its length");
    return {};
  }
  const unsigned identifier = octet(rest[0]);
  if ((identifier & 0x1fU) == 0x1fU) {
    fail("a tag number above 30");
    return {};
  }
  if (identifier == 0) {
    fail("end-of-contents octets, which DER does not have");
    return {};
  }
  std::size_t header = 2;
  std::size_t size = octet(rest[1]);
  if (size >= 0x80) {
    const std::size_t octets = size & 0x7fU;
    if (octets == 0 || octets > kMaxLengthOctets || rest.size() - 2 < octets) {
      fail_length(*this, octets);
      return {};
    }
    header += octets;
    size = 0;
    for (std::size_t i = 2; i < header; ++i) size = size << 8U | octet(rest[i]);
    if (size < 0x80 || octet(rest[2]) == 0) {
      fail("a length that is not minimal");
      return {};
    }
  }
  if (size > rest.size() - header) {
    fail_end(*this, size, rest.size() - header);
    return {};
  }
  offset_ += header + size;
  return {static_cast<Tag>(identifier), rest.subspan(header, size), rest.first(header + size)};
}

Element Reader::element(Tag tag) {
  if (error_) return {};
  if (!at_end() && static_cast<Tag>(bytes_[offset_]) != tag) {
    fail_tag(*this, tag, static_cast<Tag>(bytes_[offset_]));
    return {};
  }
  return any();
}

std::optional<ByteView> Reader::optional(Tag tag) {
  if (peek() != tag) return std::nullopt;
  const Element found = any();
  if (error_) return std::nullopt;
  return found.content;
}

Reader Reader::enter(Tag tag, std::string_view what) {
  Reader inner(content(tag), what);
  inner.error_ = error_;
  return inner;
}

bool Reader::boolean() {
  const ByteView content = this->content(Tag::boolean);
  if (error_) return false;
  if (content.size() != 1 || (octet(content[0]) != 0 && octet(content[0]) != 0xff)) {
    fail("a boolean other than 00 and ff");
    return false;
  }
  return octet(content[0]) != 0;
}

ByteView Reader::unsigned_integer() {
  const ByteView content = this->content(Tag::integer);
  if (error_) return {};
  if (content.empty()) {
    fail("an empty integer");
    return {};
  }
  if ((octet(content[0]) & 0x80U) != 0) {
    fail("a negative integer");
    return {};
  }
  if (content.size() == 1 || octet(content[0]) != 0) return content;
  if ((octet(content[1]) & 0x80U) == 0) {
    fail("an integer that is not minimal");
    return {};
  }
  return content.subspan(1);
}

std::uint64_t Reader::small(std::uint64_t max) {
  const ByteView magnitude = unsigned_integer();
  if (error_) return 0;
  std::uint64_t value = 0;
  if (magnitude.size() <= sizeof value) {
    for (const std::byte b : magnitude) value = value << 8U | octet(b);
  }
  if (magnitude.size() > sizeof value || value > max) {
    fail("an integer above " + std::to_string(max));
    return 0;
  }
  return value;
}

ByteView Reader::bits() {
  const ByteView content = this->content(Tag::bit_string);
  if (error_) return {};
  if (content.empty() || octet(content[0]) != 0) {
    fail("a bit string that is not of whole bytes");
    return {};
  }
  return content.subspan(1);
}

std::uint16_t Reader::named_bits() {
  const ByteView content = this->content(Tag::bit_string);
  if (error_) return 0;
  if (content.empty() || content.size() > 3) {
    fail("expected a bit string of at most 16 bits");
    return 0;
  }
  const unsigned unused = octet(content[0]);
  // The unused bits are zero (X.690 section 11.2.1). Section 11.2.2 wants trailing zeros of a list of names gone as well; the key
  // usage of AMD's ASK and ASVK certificates and of Infineon's EK authorities keeps them, so that they are taken.
  const bool padded = unused > 7 || (content.size() == 1 ? unused != 0 : (octet(content.back()) & ((1U << unused) - 1)) != 0);
  if (padded) {
    fail("a list of bits with unused bits that are not zero");
    return 0;
  }
  unsigned value = 0;
  for (std::size_t i = 1; i < 3; ++i) value = value << 8U | (i < content.size() ? octet(content[i]) : 0U);
  return static_cast<std::uint16_t>(value);
}

Instant Reader::time() {
  const bool general = peek() == Tag::generalized_time;
  const ByteView text = content(general ? Tag::generalized_time : Tag::utc_time);
  if (error_) return Instant();
  const std::size_t year_digits = general ? 4 : 2;
  if (text.size() != year_digits + 11 || octet(text.back()) != 'Z') {
    fail(general ? "a time that is not YYYYMMDDhhmmssZ" : "a time that is not YYMMDDhhmmssZ");
    return Instant();
  }
  int year_number = digits(text, 0, year_digits);
  const int month_number = digits(text, year_digits, 2);
  const int day_number = digits(text, year_digits + 2, 2);
  const int hour = digits(text, year_digits + 4, 2);
  const int minute = digits(text, year_digits + 6, 2);
  const int second = digits(text, year_digits + 8, 2);
  if (!general && year_number >= 0) year_number += year_number < 50 ? 2000 : 1900;
  using namespace std::chrono;
  const bool in_range = year_number >= 0 && month_number >= 1 && day_number >= 1 && hour >= 0 && hour <= 23 && minute >= 0 &&
                        minute <= 59 && second >= 0 && second <= 59;
  const year_month_day date(year(year_number), month(static_cast<unsigned>(month_number)),
                            day(static_cast<unsigned>(day_number)));
  if (!in_range || !date.ok()) {
    fail("no such date or time of day");
    return Instant();
  }
  if (general && year_number < 2050) {
    fail("a generalized time before 2050");
    return Instant();
  }
  const auto days = sys_days(date).time_since_epoch().count();
  return Instant(std::int64_t{days} * 86400 + hour * 3600 + minute * 60 + second);
}

Status Reader::status() const {
  if (error_) return *error_;
  return {};
}

Status Reader::finish() {
  if (!error_ && !at_end()) fail(std::to_string(bytes_.size() - offset_) + " trailing bytes");
  return status();
}

}  // namespace redoubt::der
