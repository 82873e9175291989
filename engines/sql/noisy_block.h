// noisy_block: the plan of one released block at differential_privacy, from what the compiler found. Private to this room; pure.
#pragma once

#include "engines/sql/block.h"
#include "engines/sql/plan.h"

namespace redoubt::sql {

// noisy_block: `rows_sql` yields u, the keys g<i>, and for cell j its argument a<j>_0 and filter f<j>, where it has them.
NoisyBlock noisy_block(const ReleasedBlock& block, std::string table, const std::string& rows_sql);

}  // namespace redoubt::sql
