#include "common/base/encoding.h"

#include <array>
#include <cstdint>

#include "common/base/concat.h"

namespace redoubt {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kStandard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::array<std::int8_t, 256> inverse(std::string_view alphabet) {
  std::array<std::int8_t, 256> table{};
  table.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
  }
  return table;
}

constexpr auto kHexValue = inverse(kHex);
constexpr auto kStandardValue = inverse(kStandard);
constexpr auto kUrlValue = inverse(kUrl);

Error bad_digit(std::string_view format, std::size_t at) {
  return Error(Code::malformed, std::string(format) + ": unexpected character at offset " + std::to_string(at));
}

std::string encode64(std::span<const std::byte> bytes, std::string_view alphabet, bool pad) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < count ? std::to_integer<std::uint32_t>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j <= count; ++j) out.push_back(alphabet[group >> (18 - 6 * j) & 63U]);
    if (pad) out.append(3 - count, '=');
  }
  return out;
}

Result<std::vector<std::byte>> decode64(std::string_view text, const std::array<std::int8_t, 256>& values, bool pad,
                                        std::string_view format) {
  std::string_view digits = text;
  if (pad) {
    if (text.size() % 4 != 0) {
      return Error(Code::malformed,
                   std::string(format) + ": expected a multiple of 4 characters, found " + std::to_string(text.size()));
    }
    for (int i = 0; i < 2 && !digits.empty() && digits.back() == '='; ++i) digits.remove_suffix(1);
  }
  if (digits.size() % 4 == 1) {
    return Error(Code::malformed, std::string(format) + ": a lone last character holds no byte");
  }
  std::vector<std::byte> out(digits.size() * 3 / 4);
  std::byte* at = out.data();
  const auto digit = [&](char c) { return static_cast<int>(values[static_cast<unsigned char>(c)]); };
  std::size_t whole = 0;  // groups of four digits; the first bad digit is found below
  const char* from = digits.data();
  for (; whole + 4 <= digits.size(); whole += 4, from += 4) {
    const int a = digit(from[0]), b = digit(from[1]), c = digit(from[2]), d = digit(from[3]);
    if ((a | b | c | d) < 0) break;
    const auto group = static_cast<std::uint32_t>(a << 18 | b << 12 | c << 6 | d);
    *at++ = static_cast<std::byte>(group >> 16);
    *at++ = static_cast<std::byte>(group >> 8 & 0xFFU);
    *at++ = static_cast<std::byte>(group & 0xFFU);
  }
  std::uint32_t buffer = 0;
  unsigned bits = 0;
  for (std::size_t i = whole; i < digits.size(); ++i) {
    const int value = values[static_cast<unsigned char>(digits[i])];
    if (value < 0) return bad_digit(format, i);
    buffer = (buffer << 6 | static_cast<std::uint32_t>(value)) & 0xFFFFFFU;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      *at++ = static_cast<std::byte>(buffer >> bits & 0xFFU);
    }
  }
  if ((buffer & ((1U << bits) - 1U)) != 0) {
    return Error(Code::malformed, std::string(format) + ": the unused bits of the last character are not zero");
  }
  return out;
}

}  // namespace

std::string hex_encode(std::span<const std::byte> bytes) {
  return concat(Hex{bytes});
}

Result<std::vector<std::byte>> hex_decode(std::string_view text) {
  if (text.size() % 2 != 0) {
    return Error(Code::malformed, "hex: expected an even number of digits, found " + std::to_string(text.size()));
  }
  std::vector<std::byte> out(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int value = kHexValue[static_cast<unsigned char>(text[i])];
    if (value < 0) return bad_digit("hex", i);
    out[i / 2] = static_cast<std::byte>(std::to_integer<unsigned>(out[i / 2]) << 4 | static_cast<unsigned>(value));
  }
  return out;
}

std::string base64_encode(std::span<const std::byte> bytes) { return encode64(bytes, kStandard, true); }
std::string base64url_encode(std::span<const std::byte> bytes) { return encode64(bytes, kUrl, false); }

Result<std::vector<std::byte>> base64_decode(std::string_view text) {
  return decode64(text, kStandardValue, true, "base64");
}

Result<std::vector<std::byte>> base64url_decode(std::string_view text) {
  return decode64(text, kUrlValue, false, "base64url");
}

}  // namespace redoubt
