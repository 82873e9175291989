// Type: the type of a column, as manifests write it. Pure values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace redoubt::table {

enum class TypeId : std::uint8_t { bigint, integer, double_, decimal, varchar, boolean, date };

// Type: precision and scale (digits) are those of DECIMAL and zero otherwise.
struct Type {
  static constexpr int kMaxPrecision = 18;

  TypeId id = TypeId::varchar;
  int precision = 0;
  int scale = 0;

  // parse reads exactly the text that text() writes (`BIGINT`, `DECIMAL(12,2)`, ...); anything else is `malformed`.
  static Result<Type> parse(std::string_view text);
  std::string text() const;
  bool is_number() const;
  // sound: a DECIMAL of 1 to 18 digits with at most as many behind the point, or another type without digits.
  bool sound() const;

  friend bool operator==(const Type&, const Type&) = default;
};

struct Column {
  std::string name;
  Type type;
};

}  // namespace redoubt::table
