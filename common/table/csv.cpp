#include "common/table/csv.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "common/base/utf8.h"
#include "common/table/table_format.h"

namespace redoubt::table {
namespace {

constexpr std::size_t kMaxFields = 512;

// Field: its text, borrowed from the input where it stands there as it is.
struct Field {
  std::string_view text;
  bool quoted = false;
};

// Records reads one record after another (RFC 4180 section 2). Fields are valid until the next record is read.
class Records {
 public:
  explicit Records(std::string_view text) : text_(text) {}

  bool done() const { return at_ == text_.size(); }

  Result<std::size_t> next(std::vector<Field>& fields) {
    fields.clear();
    unquoted_.clear();
    while (true) {
      REDOUBT_TRY(const Field field, read_field());
      fields.push_back(field);
      if (fields.size() > kMaxFields) return malformed("more than 512 fields");
      if (done()) return fields.size();
      if (text_[at_] == ',') {
        ++at_;
        if (done()) fields.push_back({});  // `a,` ends with an empty field
        if (done()) return fields.size();
        continue;
      }
      REDOUBT_CHECK(line_end());
      return fields.size();
    }
  }

 private:
  Result<Field> read_field() {
    if (at_ < text_.size() && text_[at_] == '"') return read_quoted();
    const std::size_t end = std::min(text_.find_first_of(",\r\n\"", at_), text_.size());
    const Field field{text_.substr(at_, end - at_), false};
    at_ = end;
    if (!done() && text_[at_] == '"') return malformed("a quote inside an unquoted field");
    return field;
  }

  Result<Field> read_quoted() {
    const std::size_t start = ++at_;
    bool doubled = false;
    while (true) {
      const std::size_t quote = text_.find('"', at_);
      if (quote == std::string_view::npos) return malformed("a quoted field without its end");
      at_ = quote + 1;
      if (done() || text_[at_] != '"') break;
      doubled = true;
      ++at_;
    }
    if (!done() && text_[at_] != ',' && text_[at_] != '\r' && text_[at_] != '\n') {
      return malformed("text after the end of a quoted field");
    }
    const std::string_view inside = text_.substr(start, at_ - 1 - start);
    return Field{doubled ? undoubled(inside) : inside, true};
  }

  // undoubled keeps one of two quotes.
  std::string_view undoubled(std::string_view text) {
    auto kept = std::make_unique<std::string>();
    for (std::size_t i = 0; i < text.size(); ++i) {
      kept->push_back(text[i]);
      if (text[i] == '"') ++i;
    }
    unquoted_.push_back(std::move(kept));
    return *unquoted_.back();
  }

  Status line_end() {
    const bool crlf = text_.substr(at_, 2) == "\r\n";
    if (!crlf && text_[at_] != '\n') return malformed("a carriage return without its line feed");
    if (crlf_ && *crlf_ != crlf) return malformed("lines end in two different ways");
    crlf_ = crlf;
    at_ += crlf ? 2 : 1;
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::optional<bool> crlf_;
  std::vector<std::unique_ptr<std::string>> unquoted_;
};

std::string at(std::uint64_t row, std::string_view column) { return "row " + std::to_string(row) + ", column " + std::string(column); }

bool equal_names(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, [&](char x, char y) { return lower(x) == lower(y); });
}

// header_order gives, for each field of the header, the index of its column.
Result<std::vector<std::size_t>> header_order(const std::vector<Field>& header, std::string_view table, std::span<const Column> columns) {
  std::vector<std::size_t> order;
  std::vector<bool> seen(columns.size());
  for (const Field& field : header) {
    const auto found = std::ranges::find_if(columns, [&](const Column& column) { return equal_names(column.name, field.text); });
    if (found == columns.end()) {
      return malformed("header: field " + std::to_string(order.size() + 1) + " is not a column of " + std::string(table));
    }
    const auto index = static_cast<std::size_t>(found - columns.begin());
    if (seen[index]) return malformed("header: column " + found->name + " stands twice");
    seen[index] = true;
    order.push_back(index);
  }
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (!seen[i]) return malformed("header: column " + columns[i].name + " is missing");
  }
  return order;
}

}  // namespace

Result<std::uint64_t> read_csv(std::string_view text, std::string_view table, std::span<const Column> columns, std::uint64_t max_rows,
                               const std::function<Status(Row&)>& take) {
  if (text.starts_with("\xEF\xBB\xBF")) return malformed("header: a byte order mark; expected plain UTF-8");
  if (text.find('\0') != std::string_view::npos) return malformed("a NUL byte; expected text");
  if (!valid_utf8(text)) return malformed("not UTF-8");
  if (text.empty()) return malformed("header: missing");
  Records records(text);
  std::vector<Field> fields;
  if (const auto header = records.next(fields); !header.ok()) return header.error().context("header");
  REDOUBT_TRY(const auto order, header_order(fields, table, columns));

  std::uint64_t rows = 0;
  Row row(order.size());
  while (!records.done()) {
    if (++rows > max_rows) return malformed("more than " + std::to_string(max_rows) + " rows");
    const auto count = records.next(fields);
    if (!count.ok()) return count.error().context("row " + std::to_string(rows));
    if (*count != order.size()) {
      return malformed("row " + std::to_string(rows) + ": expected " + std::to_string(order.size()) + " fields, found " + std::to_string(*count));
    }
    for (std::size_t i = 0; i < order.size(); ++i) {
      Value& cell = row[order[i]];
      if (fields[i].text.empty() && !fields[i].quoted) {
        cell = std::monostate();
        continue;
      }
      auto value = parse_value(fields[i].text, columns[order[i]].type);
      if (!value.ok()) return value.error().context(at(rows, columns[order[i]].name));
      cell = std::move(value).value();
    }
    REDOUBT_CHECK(take(row));
  }
  return rows;
}

Result<Encoded> encode_csv(std::string_view text, std::string_view table, std::span<const Column> columns, std::uint64_t max_rows) {
  std::vector<Type> types;
  for (const Column& column : columns) types.push_back(column.type);
  REDOUBT_TRY(TableWriter writer, TableWriter::create(std::move(types)));
  Encoded out;
  REDOUBT_TRY(out.rows, read_csv(text, table, columns, max_rows, [&](Row& row) {
    return writer.add(row).context("row " + std::to_string(writer.rows() + 1));
  }));
  out.file = writer.finish();
  return out;
}

}  // namespace redoubt::table
