// Driver: what a database must do for sql::Database. Two are written: sqlite.cpp and postgres.cpp; each is the only file that sees its
// library's header. Statements come in the dialect of dialect.h, values are checked text (UTF-8 without zero bytes). One thread at a
// time per driver. Errors are those of sql.h.
#pragma once

#include "untrusted/hub/store/sql.h"

namespace redoubt::hub::sql {

struct Answer {
  std::vector<Row> rows;
  std::uint64_t changed = 0;  // by an INSERT, UPDATE or DELETE
};

enum class Begin { write, claim, read };

class Driver {
 public:
  virtual ~Driver() = default;
  virtual Result<Answer> run(std::string_view sql, std::span<const Value> values) = 0;
  virtual Status script(std::string_view sql) = 0;
  virtual Status begin(Begin kind) = 0;
  virtual Status commit() = 0;
  virtual void rollback() = 0;
  // conflicted: whether the last error was a conflict with another transaction, so that the same one may pass when repeated.
  virtual bool conflicted() const = 0;
};

Result<std::unique_ptr<Driver>> open_sqlite(const std::filesystem::path& file, const Options& options);
Result<std::unique_ptr<Driver>> open_postgres(const SecretBytes& url, const Options& options);
// check_postgres_url: see Location::of_url; `name` gets what may be shown.
Status check_postgres_url(std::string_view url, std::string& name);

}  // namespace redoubt::hub::sql
