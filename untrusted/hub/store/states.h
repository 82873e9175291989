// State names: one table for an enumeration, used both ways. A name that is not in the table marks the row as bad.
#pragma once

#include <cstdlib>

#include "untrusted/hub/store/sql.h"

namespace redoubt::hub {

template <class E>
struct StateName {
  E state;
  std::string_view name;
};

template <class E, std::size_t N>
std::string_view state_name(const StateName<E> (&table)[N], E state) {
  for (const auto& entry : table) {
    if (entry.state == state) return entry.name;
  }
  std::abort();
}

template <class E, std::size_t N>
E read_state(const StateName<E> (&table)[N], sql::Row& row) {
  const std::string name = row.text();
  for (const auto& entry : table) {
    if (entry.name == name) return entry.state;
  }
  row.fail();
  return table[0].state;
}

}  // namespace redoubt::hub
