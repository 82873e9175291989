// Goal: a schema's names can be printed into SQL, and a table is what rules can be made for. Method: ordinary tables accepted, each single
// departure refused.
#include "engines/sql/schema.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace redoubt::sql {
namespace {

Table sample() {
  return {"t",
          {{"id", {TypeId::bigint, 0, 0}, Role::unit},
           {"small", {TypeId::integer, 0, 0}, Role::attribute},
           {"name", {TypeId::varchar, 0, 0}, Role::attribute},
           {"price", {TypeId::decimal, 6, 2}, Role::attribute},
           {"ratio", {TypeId::double_, 0, 0}, Role::attribute},
           {"ok", {TypeId::boolean, 0, 0}, Role::attribute},
           {"day", {TypeId::date, 0, 0}, Role::attribute}}};
}

TEST(SqlSchema, AcceptsOrdinaryTablesAndRefusesWhatCannotBeRight) {
  EXPECT_OK(Schema::make({sample()}));
  const auto changed = [](auto change) {
    Table t = sample();
    change(t);
    return Schema::make({t});
  };
  EXPECT_OK(Schema::make({}));  // for queries of constants
  EXPECT_ERROR(Schema::make(std::vector<Table>(65, sample())), Code::malformed, "at most 64 datasets, found 65");
  EXPECT_ERROR(Schema::make({sample(), sample()}), Code::malformed, "named twice");
  EXPECT_ERROR(changed([](Table& t) { t.columns.clear(); }), Code::malformed, "1 to 512 columns");
  EXPECT_ERROR(changed([](Table& t) { t.columns[0].role = Role::attribute; }), Code::malformed, "one unit column, found 0");
  EXPECT_ERROR(changed([](Table& t) { t.columns[1].role = Role::unit; }), Code::malformed, "one unit column, found 2");
  EXPECT_ERROR(changed([](Table& t) { t.columns[1].name = "ID"; }), Code::malformed, "named twice");
  EXPECT_ERROR(changed([](Table& t) { t.columns[3].type = {TypeId::decimal, 19, 2}; }), Code::malformed, "DECIMAL");
  EXPECT_ERROR(changed([](Table& t) { t.columns[3].type = {TypeId::decimal, 4, 5}; }), Code::malformed, "DECIMAL");
  EXPECT_ERROR(changed([](Table& t) { t.columns[0].type.precision = 3; }), Code::malformed, "precision");
  for (const char* name : {"", "1a", "a b", "a\"b", "a.b", "\xc3\xa9", "a;drop"}) {
    EXPECT_ERROR(changed([&](Table& t) { t.columns[1].name = name; }), Code::malformed, "column name");
    EXPECT_ERROR(changed([&](Table& t) { t.name = name; }), Code::malformed, "dataset name");
  }
  EXPECT_ERROR(changed([](Table& t) { t.name = std::string(64, 'a'); }), Code::malformed, "dataset name");
}

}  // namespace
}  // namespace redoubt::sql
