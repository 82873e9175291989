// run_noisy: from rows of people to noisy tables, which are all that the author's statement can read.
#include "engines/sql/engine.h"

#include <charconv>

#include "common/crypto/digest.h"
#include "engines/sql/dp/release.h"
#include "engines/sql/engine_state.h"
#include "engines/sql/grid.h"
#include "engines/sql/print.h"

namespace redoubt::sql {

// Groups: the contributions of all units, and what the keys of each group are to the engine.
struct Engine::Groups {
  Contributions exact;
  std::vector<std::vector<duckdb::Value>> keys;  // of exact.group_keys
  std::vector<std::string> key_types;
  std::unordered_map<std::string, std::uint32_t> places;

  std::uint32_t place(std::vector<duckdb::Value> key) {
    std::string text;
    for (const duckdb::Value& value : key) {
      // Types are fixed by the statement, and within one type equal text is an equal value.
      const std::string written = value.IsNull() ? std::string() : value.ToString();
      text += value.IsNull() ? "null;" : std::to_string(written.size()) + ":" + written + ";";
    }
    const auto [found, fresh] = places.emplace(text, static_cast<std::uint32_t>(keys.size()));
    if (fresh) {
      keys.push_back(std::move(key));
      exact.group_keys.push_back(std::move(text));
    }
    return found->second;
  }
};

namespace {

// UnitSum gathers the rows of one unit after the other, in the order in which the statement gives them.
class UnitSum {
 public:
  UnitSum(const NoisyBlock& block, const dp::Limits& limits, const dp::NoiseSeed& seed)
      : block_(block), limits_(limits), seed_(seed), key_(seed.key("numbers of units")) {}

  Status add(const std::string& unit, std::uint32_t group, std::vector<std::optional<std::int64_t>> values, Engine::Contributions& out) {
    if (rows_.empty() || unit != unit_) {
      REDOUBT_CHECK(finish(out));
      unit_ = unit;
      // A unit's number follows from its own value: a count through the table would depend on who else is in it. Keyed, so that nobody who
      // chooses values finds two with one number.
      const SecretBytes number = crypto::hmac_sha256(key_.reveal(), as_bytes(unit));
      number_ = 0;
      for (std::size_t i = 0; i < 8; ++i) number_ = number_ << 8 | std::to_integer<std::uint64_t>(number.reveal()[i]);
    }
    rows_.push_back({number_, group, std::move(values)});
    return {};
  }

  Status finish(Engine::Contributions& out) {
    if (rows_.empty()) return {};
    REDOUBT_TRY(auto bounded, dp::bound_rows(std::move(rows_), out.group_keys, block_.measures, limits_, seed_));
    rows_.clear();
    std::ranges::move(bounded, std::back_inserter(out.units));
    return {};
  }

 private:
  const NoisyBlock& block_;
  const dp::Limits& limits_;
  const dp::NoiseSeed& seed_;
  const SecretBytes key_;
  std::string unit_;
  std::uint64_t number_ = 0;
  std::vector<dp::Row> rows_;
};

// cell_value: the released number as the table's column takes it.
duckdb::Value cell_value(const dp::Cell& cell, const dp::Scaled& scaled, const std::string& type) {
  if (type == "BIGINT") return duckdb::Value::BIGINT(scaled.value);
  if (cell.statistic == dp::Statistic::sum) {
    duckdb::hugeint_t value(scaled.value);
    for (int i = 0; i < scaled.exponent; ++i) value *= duckdb::hugeint_t(10);  // at most 2^62 * 10^12
    return duckdb::Value::DECIMAL(value, 38, static_cast<std::uint8_t>(std::max(0, -scaled.exponent)));
  }
  const std::string text = scaled.text();
  double number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return duckdb::Value::DOUBLE(number);
}

// NoisyTables drops what was made, whatever happened.
class NoisyTables {
 public:
  NoisyTables(duckdb::Connection& connection, const ReleasePlan& plan) : connection_(connection), plan_(plan) {}
  NoisyTables(const NoisyTables&) = delete;
  NoisyTables& operator=(const NoisyTables&) = delete;
  ~NoisyTables() {
    try {
      for (const NoisyBlock& block : plan_.noisy()) connection_.Query("DROP TABLE IF EXISTS main." + block.table);
    } catch (const std::exception&) {  // an engine that cannot even drop a table answers nothing more
    }
  }

 private:
  duckdb::Connection& connection_;
  const ReleasePlan& plan_;
};

}  // namespace

Result<Engine::Groups> Engine::groups(const NoisyBlock& block, const dp::Limits& limits, const dp::NoiseSeed& seed) {
  Groups out;
  if (block.keys == 0) out.place({});
  UnitSum sum(block, limits, seed);
  const auto start = [&](duckdb::QueryResult& result) {
    for (std::size_t i = 0; i < block.keys; ++i) {
      const duckdb::LogicalType& type = result.types[1 + i];
      out.key_types.push_back(type.id() == duckdb::LogicalTypeId::SQLNULL ? "INTEGER" : type.ToString());
    }
  };
  REDOUBT_CHECK(state_->stream(block.rows_sql + " ORDER BY u", start, [&](const duckdb::DataChunk& chunk) -> Status {
    for (std::size_t r = 0; r < chunk.size(); ++r) {
      std::vector<duckdb::Value> key;
      for (std::size_t i = 0; i < block.keys; ++i) key.push_back(chunk.GetValue(1 + i, r));
      std::vector<std::optional<std::int64_t>> values;
      for (std::size_t m = 0; m < block.measures.size(); ++m) {
        const duckdb::Value value = chunk.GetValue(1 + block.keys + m, r);
        values.push_back(value.IsNull() ? std::nullopt : on_grid(block.measures[m], duckdb::DoubleValue::Get(value)));
      }
      REDOUBT_CHECK(sum.add(chunk.GetValue(0, r).ToString(), out.place(std::move(key)), std::move(values), out.exact));
    }
    return {};
  }));
  REDOUBT_CHECK(sum.finish(out.exact));
  return out;
}

Result<Engine::Contributions> Engine::contributions(const NoisyBlock& block, const dp::Limits& limits, const dp::NoiseSeed& seed) {
  REDOUBT_TRY(Groups all, groups(block, limits, seed));
  return std::move(all.exact);
}

Status Engine::fill_noisy(const NoisyBlock& block, const dp::NoisePlan& plan, const dp::NoiseSeed& seed) {
  REDOUBT_TRY(Groups all, groups(block, plan.query().limits, seed));
  REDOUBT_TRY(const dp::NoisyTable table, dp::release(plan, seed, all.exact.group_keys, std::move(all.exact.units)));
  std::vector<std::string> columns;
  for (std::size_t i = 0; i < block.keys; ++i) columns.push_back("g" + std::to_string(i) + " " + all.key_types[i]);
  for (std::size_t j = 0; j < block.cells.size(); ++j) columns.push_back("c" + std::to_string(j) + " " + block.cell_type(j));
  if (columns.empty()) columns.emplace_back("u INTEGER");  // a block whose rows are only counted by HAVING
  duckdb::Connection& connection = *state_->instance.connection;
  try {
    if (connection.Query("CREATE TABLE main." + block.table + "(" + join_texts(columns) + ")")->HasError()) {
      return Error(Code::unavailable, "noisy groups: no table for them");
    }
    duckdb::Appender appender(connection, "main", block.table);
    for (const dp::NoisyTable::NoisyRow& row : table.rows) {
      appender.BeginRow();
      if (block.keys > 0) {
        for (const duckdb::Value& key : all.keys[all.places.at(row.group_key)]) appender.Append<duckdb::Value>(key);
      }
      for (std::size_t j = 0; j < block.cells.size(); ++j) {
        appender.Append<duckdb::Value>(cell_value(block.cells[j], row.cells[j], block.cell_type(j)));
      }
      if (block.keys + block.cells.size() == 0) appender.Append<duckdb::Value>(duckdb::Value());
      appender.EndRow();
    }
    appender.Close();
  } catch (const std::exception&) {
    return Error(Code::unavailable, "noisy groups: do not fit into the engine's memory");
  }
  return {};
}

Result<ResultTable> Engine::run_noisy(const ReleasePlan& plan, const NoiseParameters& parameters, const dp::NoiseSeed& seed) {
  REDOUBT_TRY(const std::vector<dp::NoisePlan> noise, noise_plans(plan, parameters));
  const NoisyTables tables(*state_->instance.connection, plan);
  for (std::size_t i = 0; i < noise.size(); ++i) REDOUBT_CHECK(fill_noisy(plan.noisy()[i], noise[i], seed));
  return run_statement(plan, plan.sql());
}

}  // namespace redoubt::sql
