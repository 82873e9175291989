// output: tables, JSON and CSV for people and scripts. What peers chose is made printable first, so that no text of theirs
// steers a terminal. Pure formatting; writes to the stream it is given.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "common/base/json.h"
#include "common/jobs/cleanroom/result_package.h"

namespace redoubt::cli {

struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};

// shown: UTF-8 text without control characters; each of those becomes '?'. Line feeds stay where `lines` is true.
std::string shown(std::string_view text, bool lines = false);

void print_table(std::ostream& out, const Table& table);
void print_json(std::ostream& out, const json::Value& value);
// print_csv: RFC 4180 with a header; NULL is an empty field, the empty string a quoted one.
void print_csv(std::ostream& out, const jobs::ResultTable& table);

Table table_of(const jobs::ResultTable& table);

}  // namespace redoubt::cli
