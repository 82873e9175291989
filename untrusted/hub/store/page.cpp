#include "untrusted/hub/store/page.h"

namespace redoubt::hub {

std::string select(const Table& table, std::string_view rest) {
  return "SELECT " + std::string(table.columns) + " FROM " + std::string(table.name) + " " + std::string(rest);
}

Result<std::vector<sql::Row>> page_rows(Transaction& transaction, const Table& table, const std::optional<Filter>& filter,
                                        std::int64_t start, std::size_t count) {
  const std::string head = "SELECT number, " + std::string(table.columns) + " FROM " + std::string(table.name) + " WHERE ";
  constexpr std::string_view kTail = "number > ? ORDER BY number LIMIT ?";
  const sql::Value limit = sql::number(std::uint64_t{count + 1});
  if (!filter) return transaction.query(head + std::string(kTail), {sql::number(start), limit});
  return transaction.query(head + std::string(filter->condition) + " AND " + std::string(kTail),
                           {sql::text(filter->value), sql::number(start), limit});
}

}  // namespace redoubt::hub
