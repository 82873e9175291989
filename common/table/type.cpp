#include "common/table/type.h"

#include <array>
#include <charconv>
#include <utility>

namespace redoubt::table {
namespace {

constexpr std::array<std::pair<TypeId, std::string_view>, 6> kPlainTypes = {{{TypeId::bigint, "BIGINT"},
                                                                            {TypeId::integer, "INTEGER"},
                                                                            {TypeId::double_, "DOUBLE"},
                                                                            {TypeId::varchar, "VARCHAR"},
                                                                            {TypeId::boolean, "BOOLEAN"},
                                                                            {TypeId::date, "DATE"}}};

}  // namespace

Result<Type> Type::parse(std::string_view text) {
  for (const auto& [id, name] : kPlainTypes) {
    if (text == name) return Type{id, 0, 0};
  }
  Type type{TypeId::decimal, 0, 0};
  constexpr std::string_view kDecimal = "DECIMAL(";
  if (text.starts_with(kDecimal)) {
    const char* end = text.data() + text.size();
    const auto precision = std::from_chars(text.data() + kDecimal.size(), end, type.precision);
    if (precision.ec == std::errc() && precision.ptr != end && *precision.ptr == ',') {
      const auto scale = std::from_chars(precision.ptr + 1, end, type.scale);
      if (scale.ec == std::errc() && type.text() == text) return type;
    }
  }
  return Error(Code::malformed,
               "column type: expected BIGINT, INTEGER, DOUBLE, DECIMAL(p,s), VARCHAR, BOOLEAN or DATE, found another text");
}

std::string Type::text() const {
  for (const auto& [plain, name] : kPlainTypes) {
    if (plain == id) return std::string(name);
  }
  return "DECIMAL(" + std::to_string(precision) + "," + std::to_string(scale) + ")";
}

bool Type::is_number() const {
  return id == TypeId::bigint || id == TypeId::integer || id == TypeId::double_ || id == TypeId::decimal;
}

bool Type::sound() const {
  if (id != TypeId::decimal) return precision == 0 && scale == 0;
  return precision >= 1 && precision <= kMaxPrecision && scale >= 0 && scale <= precision;
}

}  // namespace redoubt::table
