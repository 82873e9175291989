// Two datasets for the tests of this room: patients and claims, with the roles of the published examples.
#pragma once

#include "engines/sql/schema.h"
#include "tests/support/expect.h"

namespace redoubt::sql::example {

inline Table patients() {
  return {"patients",
          {{"patient_id", {TypeId::bigint, 0, 0}, Role::unit},
           {"hospital", {TypeId::varchar, 0, 0}, Role::attribute},
           {"age", {TypeId::integer, 0, 0}, Role::attribute, Bounds{0, 120}},
           {"sex", {TypeId::varchar, 0, 0}, Role::attribute},
           {"zip", {TypeId::varchar, 0, 0}, Role::attribute},
           {"diagnosis", {TypeId::varchar, 0, 0}, Role::attribute},
           {"readmitted", {TypeId::boolean, 0, 0}, Role::attribute},
           {"cost", {TypeId::decimal, 12, 2}, Role::attribute, Bounds{0, 100000}},
           {"admitted_on", {TypeId::date, 0, 0}, Role::attribute}}};
}

inline Table claims() {
  return {"claims",
          {{"claim_id", {TypeId::bigint, 0, 0}, Role::identifier},
           {"patient_id", {TypeId::bigint, 0, 0}, Role::unit},
           {"amount", {TypeId::decimal, 12, 2}, Role::attribute, Bounds{0, 10000}},
           {"code", {TypeId::varchar, 0, 0}, Role::attribute},
           {"paid_on", {TypeId::date, 0, 0}, Role::attribute}}};
}

inline Schema schema() { return OrDie(Schema::make({patients(), claims()})); }

}  // namespace redoubt::sql::example
