// PlanBuilder: the plan of a query that was compiled. Private to this room.
#pragma once

#include "engines/sql/approved.h"
#include "engines/sql/compiler.h"
#include "engines/sql/plan.h"

namespace redoubt::sql {

class PlanBuilder {
 public:
  // Others: compilers of the same query for other purposes.
  struct Others {
    Compiler traced, quick, quick_traced;
  };
  // build ends the plan with the last statement of the compiler; it never fails, since the query was checked. Without others the plan traces
  // nothing and has no quick statement.
  static ReleasePlan build(Compiler compiler, const Relation& result, std::optional<Others> others);
  // approved is the plan of a query at the level none; the engine says the names of its columns.
  static ReleasePlan approved(ApprovedQuery query, std::vector<std::string> names, std::uint64_t k);
};

}  // namespace redoubt::sql
