// PlanBuilder: prints a released block as one statement that computes it and suppresses what is small. Private to this room.
#pragma once

#include "engines/sql/block.h"
#include "engines/sql/plan.h"

namespace redoubt::sql {

class PlanBuilder {
 public:
  // build never fails: the block was checked. The statement's stages are told in plan_builder.cpp.
  static ReleasePlan build(const ReleasedBlock& block, std::uint64_t k);
};

}  // namespace redoubt::sql
