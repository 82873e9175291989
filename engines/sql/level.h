// The privacy levels, by their names in contracts.
#pragma once

#include <string_view>

#include "common/base/result.h"

namespace redoubt::sql {

enum class Level { none, aggregate_only, k_anonymized, differential_privacy };

// level_name is the name in contracts (`aggregate_only`); parse_level its inverse, `usage` for other names.
std::string_view level_name(Level level);
Result<Level> parse_level(std::string_view name);

}  // namespace redoubt::sql
