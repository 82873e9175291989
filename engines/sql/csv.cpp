#include "engines/sql/csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

namespace redoubt::sql {
namespace {

struct Field {
  std::string text;
  bool quoted = false;
};

Error malformed(std::string message) { return Error(Code::malformed, std::move(message)); }

// valid_utf8 checks well-formed UTF-8 (Unicode 15, table 3-7): no overlong forms, no surrogates, nothing above U+10FFFF.
bool valid_utf8(std::string_view text) {
  std::size_t at = 0;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  while (at < text.size()) {
    const unsigned char lead = byte(at);
    std::size_t more = 0;
    unsigned char low = 0x80, high = 0xBF;
    if (lead < 0x80) more = 0;
    else if (lead >= 0xC2 && lead <= 0xDF) more = 1;
    else if (lead >= 0xE0 && lead <= 0xEF) more = 2, low = lead == 0xE0 ? 0xA0 : 0x80, high = lead == 0xED ? 0x9F : 0xBF;
    else if (lead >= 0xF0 && lead <= 0xF4) more = 3, low = lead == 0xF0 ? 0x90 : 0x80, high = lead == 0xF4 ? 0x8F : 0xBF;
    else return false;
    if (text.size() - at <= more) return false;
    for (std::size_t i = 1; i <= more; ++i) {
      if (byte(at + i) < low || byte(at + i) > high) return false;
      low = 0x80, high = 0xBF;
    }
    at += more + 1;
  }
  return true;
}

// Records reads one record after another (RFC 4180 section 2).
class Records {
 public:
  explicit Records(std::string_view text) : text_(text) {}

  bool done() const { return at_ == text_.size(); }

  Result<std::vector<Field>> next() {
    std::vector<Field> fields;
    while (true) {
      REDOUBT_TRY(Field field, read_field());
      fields.push_back(std::move(field));
      if (fields.size() > 512) return malformed("more than 512 fields");
      if (done()) return fields;
      if (text_[at_] == ',') {
        ++at_;
        if (done()) fields.push_back({});  // `a,` ends with an empty field
        if (done()) return fields;
        continue;
      }
      REDOUBT_CHECK(line_end());
      return fields;
    }
  }

 private:
  Result<Field> read_field() {
    Field field;
    if (at_ < text_.size() && text_[at_] == '"') {
      field.quoted = true;
      ++at_;
      while (true) {
        if (done()) return malformed("a quoted field without its end");
        const char c = text_[at_++];
        if (c == '"') {
          if (done() || text_[at_] != '"') break;
          ++at_;
        }
        field.text.push_back(c);
      }
      if (!done() && text_[at_] != ',' && text_[at_] != '\r' && text_[at_] != '\n') {
        return malformed("text after the end of a quoted field");
      }
      return field;
    }
    const std::size_t end = std::min(text_.find_first_of(",\r\n\"", at_), text_.size());
    field.text = text_.substr(at_, end - at_);
    at_ = end;
    if (!done() && text_[at_] == '"') return malformed("a quote inside an unquoted field");
    return field;
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
};

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

Result<Value> parse_integer(std::string_view text, std::int64_t low, std::int64_t high) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < low || number > high) {
    return malformed("expected an integer from " + std::to_string(low) + " to " + std::to_string(high));
  }
  return Value(number);
}

Result<Value> parse_decimal(std::string_view text, Type type) {
  const bool negative = text.starts_with('-');
  std::string_view digits = negative ? text.substr(1) : text;
  const std::size_t point = digits.find('.');
  const std::string_view whole = digits.substr(0, point);
  const std::string_view fraction = point == std::string_view::npos ? "" : digits.substr(point + 1);
  const auto scale = static_cast<std::size_t>(type.scale);
  const bool spelled = all_digits(whole) && (point == std::string_view::npos || all_digits(fraction));
  const std::string_view significant = whole.substr(std::min(whole.find_first_not_of('0'), whole.size()));
  if (!spelled || fraction.size() > scale || significant.size() > static_cast<std::size_t>(type.precision - type.scale)) {
    return malformed("expected a number that fits " + type.text());
  }
  std::int64_t scaled = 0;  // at most 18 digits fit
  for (const char c : significant) scaled = scaled * 10 + (c - '0');
  for (std::size_t i = 0; i < scale; ++i) scaled = scaled * 10 + (i < fraction.size() ? fraction[i] - '0' : 0);
  return Value(Decimal{negative ? -scaled : scaled});
}

Result<Value> parse_double(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  // NaN and infinities would spread through every sum they touch.
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) {
    return malformed("expected a finite number");
  }
  return Value(number);
}

Result<Value> parse_date(std::string_view text) {
  const auto wrong = [] { return malformed("expected a date YYYY-MM-DD"); };
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return wrong();
  if (!all_digits(text.substr(0, 4)) || !all_digits(text.substr(5, 2)) || !all_digits(text.substr(8, 2))) return wrong();
  const auto digits = [&](std::size_t at, std::size_t count) {
    int number = 0;
    for (std::size_t i = at; i < at + count; ++i) number = number * 10 + (text[i] - '0');
    return number;
  };
  const int year = digits(0, 4), month = digits(5, 2), day = digits(8, 2);
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (year < 1 || month < 1 || month > 12) return wrong();
  if (day < 1 || day > kDays[month - 1] + (month == 2 && leap ? 1 : 0)) return wrong();
  // Days from the civil calendar, years starting in March (Howard Hinnant, chrono-compatible date algorithms).
  const int y = month <= 2 ? year - 1 : year;
  const int era = y / 400;
  const int year_of_era = y - era * 400;
  const int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return Value(Days{era * 146097 + day_of_era - 719468});
}

std::string at(std::size_t row, std::string_view column) {
  return "row " + std::to_string(row) + ", column " + std::string(column);
}

// header_order gives, for each field of the header, the index of its column.
Result<std::vector<std::size_t>> header_order(const std::vector<Field>& header, const Table& table) {
  std::vector<std::size_t> order;
  std::vector<bool> seen(table.columns.size());
  for (const Field& field : header) {
    const Column* column = table.find(field.text);
    if (column == nullptr) {
      return malformed("header: field " + std::to_string(order.size() + 1) + " is not a column of " + table.name);
    }
    const auto index = static_cast<std::size_t>(column - table.columns.data());
    if (seen[index]) return malformed("header: column " + column->name + " stands twice");
    seen[index] = true;
    order.push_back(index);
  }
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (!seen[i]) return malformed("header: column " + table.columns[i].name + " is missing");
  }
  return order;
}

}  // namespace

Result<Value> parse_value(std::string_view text, Type type) {
  switch (type.id) {
    case TypeId::bigint:
      return parse_integer(text, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());
    case TypeId::integer:
      return parse_integer(text, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max());
    case TypeId::decimal: return parse_decimal(text, type);
    case TypeId::double_: return parse_double(text);
    case TypeId::date: return parse_date(text);
    case TypeId::varchar: return Value(std::string(text));
    case TypeId::boolean:
      if (text == "true") return Value(true);
      if (text == "false") return Value(false);
      return malformed("expected true or false");
  }
  return Error(Code::internal, "column type out of range");
}

Result<std::vector<Row>> parse_csv(std::string_view text, const Table& table, std::size_t max_rows) {
  if (text.starts_with("\xEF\xBB\xBF")) return malformed("header: a byte order mark; expected plain UTF-8");
  if (text.find('\0') != std::string_view::npos) return malformed("a NUL byte; expected text");
  if (!valid_utf8(text)) return malformed("not UTF-8");
  if (text.empty()) return malformed("header: missing");
  Records records(text);
  auto header = records.next();
  if (!header.ok()) return header.error().context("header");
  REDOUBT_TRY(const auto order, header_order(header.value(), table));

  std::vector<Row> rows;
  while (!records.done()) {
    const std::size_t number = rows.size() + 1;
    if (number > max_rows) return malformed("more than " + std::to_string(max_rows) + " rows");
    auto record = records.next();
    if (!record.ok()) return record.error().context("row " + std::to_string(number));
    if (record->size() != order.size()) {
      return malformed("row " + std::to_string(number) + ": expected " + std::to_string(order.size()) + " fields, found " +
                       std::to_string(record->size()));
    }
    Row row(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      const Field& field = record.value()[i];
      const Column& column = table.columns[order[i]];
      if (field.text.empty() && !field.quoted) continue;  // NULL
      auto value = parse_value(field.text, column.type);
      if (!value.ok()) return value.error().context(at(number, column.name));
      row[order[i]] = std::move(value).value();
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace redoubt::sql
