#include "client/cli/output.h"

#include <ostream>

#include "common/base/utf8.h"

namespace redoubt::cli {
namespace {

// width counts code points: near enough for columns of names, digests and numbers.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string csv_field(const std::optional<std::string>& cell) {
  if (!cell) return "";
  if (!cell->empty() && cell->find_first_of(",\"\r\n") == std::string::npos) return *cell;
  std::string quoted = "\"";
  for (const char c : *cell) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

}  // namespace

std::string shown(std::string_view text, bool lines) {
  const bool utf8 = valid_utf8(text);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    // C1 controls are U+0080 to U+009F, in UTF-8 C2 80 to C2 9F.
    const bool c1 = utf8 && c == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    const bool control = c < 0x20 || c == 0x7F || (!utf8 && c >= 0x80) || c1;
    if (c1) ++i;
    out += control && !(lines && c == '\n') ? '?' : static_cast<char>(c);
  }
  return out;
}

void print_table(std::ostream& out, const Table& table) {
  std::vector<std::size_t> widths;
  for (const std::string& name : table.columns) widths.push_back(width(name));
  for (const auto& row : table.rows) {
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) widths[i] = std::max(widths[i], width(shown(row[i])));
  }
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string text;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string cell = shown(cells[i]);
      text += cell;
      if (i + 1 < cells.size()) text += std::string(widths[i] - width(cell) + 2, ' ');
    }
    out << text << '\n';
  };
  line(table.columns);
  std::vector<std::string> rules;
  for (const std::size_t size : widths) rules.emplace_back(size, '-');
  line(rules);
  for (const auto& row : table.rows) line(row);
}

void print_json(std::ostream& out, const json::Value& value) {
  const std::string text = json::pretty(value);
  out << text;
  if (!text.ends_with('\n')) out << '\n';
}

void print_csv(std::ostream& out, const jobs::ResultTable& table) {
  const auto line = [&](const auto& cells) {
    for (std::size_t i = 0; i < cells.size(); ++i) out << (i > 0 ? "," : "") << csv_field(cells[i]);
    out << "\r\n";
  };
  line(table.columns);
  for (const auto& row : table.rows) line(row);
}

Table table_of(const jobs::ResultTable& table) {
  Table out{table.columns, {}};
  for (const auto& row : table.rows) {
    std::vector<std::string> cells;
    for (const auto& cell : row) cells.push_back(cell.value_or("NULL"));
    out.rows.push_back(std::move(cells));
  }
  return out;
}

}  // namespace redoubt::cli
