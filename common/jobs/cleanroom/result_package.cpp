#include "common/jobs/cleanroom/result_package.h"

#include "common/base/reader.h"

namespace redoubt::jobs {
namespace {

constexpr std::size_t kSmallest = 1024;
constexpr std::size_t kStep = 1U << 20;
constexpr std::size_t kMaxColumns = 1024;
constexpr std::size_t kMaxRows = 1'000'000;

std::size_t bucket(std::size_t size) {
  std::size_t bucket = kSmallest;
  while (bucket < size && bucket < kStep) bucket *= 2;
  return bucket >= size ? bucket : (size + kStep - 1) / kStep * kStep;
}

}  // namespace

json::Value ResultTable::to_json() const {
  json::Array names;
  for (const std::string& column : columns) names.emplace_back(column);
  json::Array lines;
  for (const auto& row : rows) {
    json::Array cells;
    for (const auto& cell : row) cells.push_back(cell ? json::Value(*cell) : json::Value());
    lines.emplace_back(std::move(cells));
  }
  return json::Object{{"columns", std::move(names)}, {"rows", std::move(lines)}};
}

Result<ResultTable> ResultTable::from_json(const json::Value& value) {
  json::ObjectReader reader(value, "result table");
  ResultTable table;
  const json::Array& names = reader.array("columns", kMaxColumns);
  const json::Array& lines = reader.array("rows", kMaxRows);
  REDOUBT_CHECK(reader.finish());
  REDOUBT_TRY(table.columns, json::strings(json::Value(names), "columns", kMaxColumns));
  for (const json::Value& line : lines) {
    if (line.array() == nullptr || line.array()->size() != table.columns.size()) {
      return Error(Code::malformed, "result table: expected rows of " + std::to_string(table.columns.size()) + " cells");
    }
    std::vector<std::optional<std::string>> row;
    for (const json::Value& cell : *line.array()) {
      if (!cell.is_null() && cell.string() == nullptr) {
        return Error(Code::malformed, "result table: expected cells of text or null, found " + std::string(cell.kind()));
      }
      row.push_back(cell.is_null() ? std::nullopt : std::optional(*cell.string()));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

Bytes result_statement(const crypto::Sha256Digest& receipt_body, const crypto::HpkePublicKey& recipient) {
  return to_bytes(Fields("redoubt/result/1").field(receipt_body.view()).field(recipient.view()).view());
}

Bytes pad_to_bucket(ByteView text) {
  Bytes padded = Writer().sized32be(text).take();
  padded.resize(bucket(padded.size()));
  return padded;
}

Result<Bytes> unpad(ByteView padded) {
  Reader reader(padded, "padded text");
  const ByteView text = reader.sized32be(padded.size());
  const ByteView rest = reader.bytes(reader.remaining());
  REDOUBT_CHECK(reader.finish());
  if (!std::ranges::all_of(rest, [](std::byte b) { return b == std::byte{0}; })) {
    return Error(Code::malformed, "padded text: the padding is not zero");
  }
  if (bucket(text.size() + 4) != padded.size()) return Error(Code::malformed, "padded text: not in its smallest bucket");
  return to_bytes(text);
}

}  // namespace redoubt::jobs
