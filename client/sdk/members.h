// members: the named members of a JSON object, and no others.
//
// Answers of a hub or an enclave program may grow members that this version does not know; signed documents may not, and are
// read with closed keys. Pure.
#pragma once

#include <initializer_list>

#include "common/base/json.h"

namespace redoubt::sdk {

// members_of keeps the members named in `names`; what is no object stays as it is, for ObjectReader to refuse.
inline json::Value members_of(const json::Value& value, std::initializer_list<std::string_view> names) {
  if (value.object() == nullptr) return value;
  json::Object kept;
  for (const std::string_view name : names) {
    if (const auto found = value.object()->find(name); found != value.object()->end()) kept.insert(*found);
  }
  return kept;
}

}  // namespace redoubt::sdk
