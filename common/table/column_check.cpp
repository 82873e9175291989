#include "common/table/column_check.h"

#include <algorithm>
#include <cmath>

#include "common/base/utf8.h"
#include "common/table/table_format.h"

namespace redoubt::table {
namespace {

// all: the loop has no way out, so that the compiler makes it wide; values are public to this program, its time is not a secret.
template <class T, class Good>
bool all(ByteView values, std::size_t rows, Good good) {
  bool ok = true;
  for (std::size_t i = 0; i < rows; ++i) ok &= good(load<T>(values, i));
  return ok;
}

std::int64_t limit_of(int precision) {
  std::int64_t limit = 1;
  for (int i = 0; i < precision; ++i) limit *= 10;
  return limit;
}

Status check_fixed(const ColumnView& view, Type type, std::size_t rows) {
  switch (type.id) {
    case TypeId::boolean:
      if (!all<std::uint8_t>(view.values, rows, [](std::uint8_t v) { return v <= 1; })) return malformed("expected booleans of 0 or 1");
      return {};
    case TypeId::double_: {
      // Finite: the exponent is not all ones.
      constexpr std::uint64_t kExponent = 0x7FF0000000000000U;
      if (!all<std::uint64_t>(view.values, rows, [](std::uint64_t v) { return (v & kExponent) != kExponent; })) return malformed("expected finite numbers");
      return {};
    }
    case TypeId::decimal: {
      const std::int64_t limit = limit_of(type.precision);
      if (!all<std::int64_t>(view.values, rows, [&](std::int64_t v) { return (v < limit) & (v > -limit); })) return malformed("expected numbers that fit " + type.text());
      return {};
    }
    case TypeId::date:
      if (!all<std::int32_t>(view.values, rows, [](std::int32_t v) { return (v >= Days::kFirst) & (v <= Days::kLast); })) return malformed("expected dates of years 1 to 9999");
      return {};
    case TypeId::bigint: case TypeId::integer: case TypeId::varchar: break;
  }
  return {};
}

Status check_text(const ColumnView& view, std::size_t rows) {
  const std::string_view text = as_text(view.text);
  if (text.find('\0') != std::string_view::npos || !valid_utf8(text)) return malformed("expected text in UTF-8 without NUL");
  std::uint32_t start = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    const auto end = load<std::uint32_t>(view.values, i);
    if (end < start || end > text.size() || end - start > kMaxText) return malformed("expected texts in order, of at most " + std::to_string(kMaxText) + " bytes");
    // The whole is UTF-8; a part is when it does not begin in the middle of a character.
    if (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) return malformed("expected texts of whole characters");
    start = end;
  }
  if (start != text.size()) return malformed("expected no text after the last value");
  return {};
}

Status check_nulls(const ColumnView& view, Type type, std::size_t rows) {
  if (view.valid.empty()) return {};
  std::size_t nulls = 0;
  const std::size_t each = type.id == TypeId::varchar ? sizeof(std::uint32_t) : width(type.id);
  for (std::size_t i = 0; i < rows; ++i) {
    if (!view.is_null(i)) continue;
    ++nulls;
    if (type.id == TypeId::varchar) {
      if (load<std::uint32_t>(view.values, i) != (i == 0 ? 0 : load<std::uint32_t>(view.values, i - 1))) return malformed("expected NULLs without text");
    } else if (!std::ranges::all_of(view.values.subspan(i * each, each), [](std::byte b) { return b == std::byte{0}; })) {
      return malformed("expected NULLs as zeros");
    }
  }
  if (nulls == 0) return malformed("expected no bitmap where no value is NULL");
  for (std::size_t i = rows; i < view.valid.size() * 8; ++i) {
    if (!view.is_null(i)) return malformed("expected unused bits of zero");
  }
  return {};
}

}  // namespace

Status check_values(const ColumnView& view, Type type, std::size_t rows) {
  REDOUBT_CHECK(check_nulls(view, type, rows));
  return type.id == TypeId::varchar ? check_text(view, rows) : check_fixed(view, type, rows);
}

}  // namespace redoubt::table
