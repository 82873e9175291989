// Binding: the engine's own opinion of a statement over empty tables of a schema: whether it binds (rule G5), and whether the plan
// that it binds to holds nothing but what a query may hold (the second allow-list, after the checker's own).
//
// Private to this room; only for text that the checker has accepted. Nothing is run but the making of empty tables. Not thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engines/sql/plan.h"
#include "engines/sql/schema.h"

namespace redoubt::sql {

struct BindingProblem {
  std::string message;  // the engine's first line, lower case; depends on text and schema only
  std::size_t offset = 0;
  std::string rule = "G5";
};

class Binding {
 public:
  // create makes an engine with the schema's tables, empty. `internal` if the engine could not be made.
  static Result<Binding> create(const Schema& schema);
  Binding(Binding&&) noexcept;
  Binding& operator=(Binding&&) noexcept;
  ~Binding();

  // problem binds, never runs, the statement; `names`, where given, receives the names of its columns.
  std::optional<BindingProblem> problem(std::string_view sql, std::vector<std::string>* names = nullptr);

  // guard binds what will run and walks the plan: only reads of the schema's tables, relational operators, and functions of the
  // lists. The noisy tables of a plan are made for that long. The message names the first thing that is on no list.
  std::optional<BindingProblem> guard(const ReleasePlan& plan);

 private:
  struct State;
  explicit Binding(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace redoubt::sql
