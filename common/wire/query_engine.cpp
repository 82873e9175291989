#include "common/wire/query_engine.h"

namespace redoubt::wire {
namespace {

using cbor::Value;

constexpr std::string_view kRequest = "redoubt/engine/request/4";
constexpr std::string_view kAnswer = "redoubt/engine/answer/2";
constexpr std::size_t kMaxManifest = 128 * 1024;
constexpr std::size_t kMaxText = 64 * 1024;
constexpr std::size_t kMaxNames = 1024;
constexpr std::size_t kMaxRows = 1'000'000;
constexpr std::size_t kMaxCell = 1U << 20;

Value at(std::uint64_t key) { return Value::unsigned_integer(key); }

Result<std::string> cell_text(const Value& value) {
  if (value.as_text() == nullptr || value.as_text()->size() > kMaxCell) {
    return Error(Code::malformed, std::string(kAnswer) + ": expected cells of text");
  }
  return *value.as_text();
}

Value tables_value(const std::vector<EngineTable>& tables) {
  cbor::Array items;
  for (const EngineTable& table : tables) {
    items.push_back(Value::map({{at(0), Value::text(table.manifest)},
                                {at(1), Value::bytes(table.rows)},
                                {at(2), Value::unsigned_integer(table.file)},
                                {at(3), Value::unsigned_integer(table.checked_before ? 1 : 0)}}));
  }
  return Value::array(std::move(items));
}

Status read_tables(const cbor::Array& items, std::vector<EngineTable>& out) {
  for (const Value& item : items) {
    cbor::MapReader reader(item, kRequest);
    EngineTable table;
    table.manifest = reader.text(0, kMaxManifest);
    table.rows = reader.bytes(1, EngineRequest::kMaxBytes);
    table.file = reader.number(2, EngineRequest::kMaxFiles);
    table.checked_before = reader.number(3, 1) == 1;
    REDOUBT_CHECK(reader.finish());
    if (table.file != 0 && !table.rows.empty()) return Error(Code::malformed, std::string(kRequest) + ": expected rows in the request or in a file, found both");
    out.push_back(std::move(table));
  }
  return {};
}

Value earlier_value(const EarlierQuery& query) {
  cbor::Array tables;
  for (const std::uint64_t table : query.tables) tables.push_back(Value::unsigned_integer(table));
  return Value::map({{at(0), Value::text(query.sql)},
                     {at(1), Value::text(query.level)},
                     {at(2), Value::unsigned_integer(query.k)},
                     {at(3), Value::array(std::move(tables))}});
}

Result<EarlierQuery> read_earlier(const Value& item, std::size_t table_count) {
  cbor::MapReader reader(item, kRequest);
  EarlierQuery query;
  query.sql = reader.text(0, kMaxText);
  query.level = reader.text(1, 64);
  query.k = reader.number(2, 1'000'000);
  const cbor::Array& tables = reader.array(3, EngineRequest::kMaxTables);
  REDOUBT_CHECK(reader.finish());
  for (const Value& table : tables) {
    const auto number = table.as_unsigned();
    if (!number || *number >= table_count) return Error(Code::malformed, std::string(kRequest) + ": expected tables that are in the request");
    query.tables.push_back(*number);
  }
  return query;
}

Value noise_value(const std::optional<EngineNoise>& noise) {
  cbor::Array items;
  if (noise) {
    items.push_back(Value::map({{at(0), Value::text(noise->epsilon)},
                                {at(1), Value::text(noise->delta)},
                                {at(2), Value::unsigned_integer(noise->groups)},
                                {at(3), Value::unsigned_integer(noise->rows)},
                                {at(4), Value::bytes(noise->seed)}}));
  }
  return Value::array(std::move(items));
}

Result<EngineNoise> read_noise(const Value& item) {
  cbor::MapReader reader(item, kRequest);
  EngineNoise noise;
  noise.epsilon = reader.text(0, 32);
  noise.delta = reader.text(1, 32);
  noise.groups = reader.number(2, 1024);
  noise.rows = reader.number(3, 65536);
  noise.seed = reader.bytes(4, 32);
  REDOUBT_CHECK(reader.finish());
  return noise;
}

}  // namespace

Bytes EngineRequest::encode() const {
  cbor::Array earlier_items;
  for (const EarlierQuery& query : earlier) earlier_items.push_back(earlier_value(query));
  return cbor::encode(Value::map({{at(0), Value::text(kRequest)},
                                  {at(1), Value::unsigned_integer(static_cast<std::uint64_t>(operation))},
                                  {at(2), Value::text(sql)},
                                  {at(3), Value::text(level)},
                                  {at(4), Value::unsigned_integer(k)},
                                  {at(5), tables_value(tables)},
                                  {at(6), tables_value(earlier_tables)},
                                  {at(7), Value::array(std::move(earlier_items))},
                                  {at(8), noise_value(noise)}}));
}

Result<EngineRequest> EngineRequest::decode(ByteView bytes) {
  REDOUBT_TRY(const Value value,
              cbor::parse(bytes, cbor::Order::deterministic, {.max_bytes = kMaxBytes, .max_depth = 5}).context(kRequest));
  cbor::MapReader reader(value, kRequest);
  EngineRequest request;
  reader.expect(0, kRequest);
  request.operation = static_cast<Operation>(reader.number(1, 5));
  request.sql = reader.text(2, kMaxText);
  request.level = reader.text(3, 64);
  request.k = reader.number(4, 1'000'000);
  const cbor::Array& items = reader.array(5, kMaxTables);
  const cbor::Array& earlier_items = reader.array(6, kMaxTables);
  const cbor::Array& queries = reader.array(7, kMaxEarlier);
  const cbor::Array& noise = reader.array(8, 1);
  REDOUBT_CHECK(reader.finish());
  for (const Value& item : noise) {
    REDOUBT_TRY(request.noise, read_noise(item));
  }
  REDOUBT_CHECK(read_tables(items, request.tables));
  REDOUBT_CHECK(read_tables(earlier_items, request.earlier_tables));
  for (const Value& item : queries) {
    REDOUBT_TRY(request.earlier.emplace_back(), read_earlier(item, request.tables.size() + request.earlier_tables.size()));
  }
  return request;
}

Bytes EngineAnswer::encode() const {
  cbor::Array name_items;
  for (const std::string& name : names) name_items.push_back(Value::text(name));
  cbor::Array row_items;
  for (const auto& row : rows) {
    cbor::Array cells;
    for (const auto& cell : row) cells.push_back(cell ? Value::text(*cell) : Value());
    row_items.push_back(Value::array(std::move(cells)));
  }
  return cbor::encode(Value::map({{at(0), Value::text(kAnswer)},
                                  {at(1), Value::unsigned_integer(static_cast<std::uint64_t>(kind))},
                                  {at(2), Value::text(rule)},
                                  {at(3), Value::text(message)},
                                  {at(4), Value::array(std::move(name_items))},
                                  {at(5), Value::array(std::move(row_items))},
                                  {at(6), Value::text(sandbox)},
                                  {at(7), Value::unsigned_integer(line)},
                                  {at(8), Value::unsigned_integer(column)},
                                  {at(9), Value::text(suggestion)}}));
}

Result<EngineAnswer> EngineAnswer::decode(ByteView bytes) {
  REDOUBT_TRY(const Value value,
              cbor::parse(bytes, cbor::Order::deterministic, {.max_bytes = kMaxBytes, .max_depth = 3}).context(kAnswer));
  cbor::MapReader reader(value, kAnswer);
  EngineAnswer answer;
  reader.expect(0, kAnswer);
  answer.kind = static_cast<Kind>(reader.number(1, 5));
  answer.rule = reader.text(2, 16);
  answer.message = reader.text(3, 4096);
  const cbor::Array& names = reader.array(4, kMaxNames);
  const cbor::Array& rows = reader.array(5, kMaxRows);
  answer.sandbox = reader.text(6, 64);
  answer.line = reader.number(7, kMaxText);
  answer.column = reader.number(8, kMaxText);
  answer.suggestion = reader.text(9, 2 * kMaxText);
  REDOUBT_CHECK(reader.finish());
  for (const Value& item : names) {
    REDOUBT_TRY(std::string name, cell_text(item));
    answer.names.push_back(std::move(name));
  }
  for (const Value& item : rows) {
    if (item.as_array() == nullptr || item.as_array()->size() != answer.names.size()) {
      return Error(Code::malformed, std::string(kAnswer) + ": expected rows of " + std::to_string(answer.names.size()) + " cells");
    }
    std::vector<std::optional<std::string>> row;
    for (const Value& cell : *item.as_array()) {
      if (cell.is_null()) {
        row.emplace_back();
        continue;
      }
      REDOUBT_TRY(std::string text, cell_text(cell));
      row.emplace_back(std::move(text));
    }
    answer.rows.push_back(std::move(row));
  }
  return answer;
}

}  // namespace redoubt::wire
