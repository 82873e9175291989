// ReleasePlan: a query that was checked, and what the engine runs in its place: the released block with its thresholds on
// units (T1), secondary suppression (T2) and per-cell suppression (T3), and HAVING, ORDER BY and LIMIT after them.
//
// Only check() makes one, so whatever holds a ReleasePlan holds a query that the rules accept. Immutable; thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace redoubt::sql {

class ReleasePlan {
 public:
  // sql is the statement for the engine; it is printed from the checked tree and holds none of the author's own text but
  // constants. Deterministic: the same text, schema and k give the same bytes.
  const std::string& sql() const { return sql_; }
  // names of the result's columns, as the author wrote them.
  const std::vector<std::string>& names() const { return names_; }
  // datasets that the query reads, by their registered names.
  const std::vector<std::string>& datasets() const { return datasets_; }
  // k: the threshold, in units.
  std::uint64_t k() const { return k_; }

 private:
  friend class PlanBuilder;
  ReleasePlan() = default;
  std::string sql_;
  std::vector<std::string> names_;
  std::vector<std::string> datasets_;
  std::uint64_t k_ = 0;
};

}  // namespace redoubt::sql
