// The constants of the table file (docs/specs/table-file.md), and the one error of this room. Private to it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "common/table/type.h"

namespace redoubt::table {

// No UTF-8 begins so.
inline constexpr std::array<std::byte, 8> kMagic = {std::byte{0x89}, std::byte{'R'}, std::byte{'D'}, std::byte{'T'},
                                                    std::byte{'B'},  std::byte{'L'}, std::byte{'\r'}, std::byte{'\n'}};
inline constexpr std::uint16_t kVersion = 1;

inline Error malformed(std::string message) { return Error(Code::malformed, std::move(message)); }

// tag_of: a type as three bytes: what, precision, scale.
inline std::array<std::uint8_t, 3> tag_of(const Type& type) {
  std::uint8_t id = 0;
  switch (type.id) {
    case TypeId::boolean: id = 1; break;
    case TypeId::integer: id = 2; break;
    case TypeId::bigint: id = 3; break;
    case TypeId::double_: id = 4; break;
    case TypeId::decimal: id = 5; break;
    case TypeId::date: id = 6; break;
    case TypeId::varchar: id = 7; break;
  }
  return {id, static_cast<std::uint8_t>(type.precision), static_cast<std::uint8_t>(type.scale)};
}

}  // namespace redoubt::table
