#include "client/corpus/default_tables.h"

namespace redoubt::corpus {

sdk::DatasetColumns default_tables() {
  using jobs::ColumnRole;
  return {{"patients",
           {{"patient_id", "BIGINT", ColumnRole::unit, "", ""},
            {"hospital", "VARCHAR", ColumnRole::attribute, "", ""},
            {"age", "INTEGER", ColumnRole::attribute, "0", "120"},
            {"sex", "VARCHAR", ColumnRole::attribute, "", ""},
            {"zip", "VARCHAR", ColumnRole::attribute, "", ""},
            {"diagnosis", "VARCHAR", ColumnRole::attribute, "", ""},
            {"readmitted", "BOOLEAN", ColumnRole::attribute, "", ""},
            {"cost", "DECIMAL(12,2)", ColumnRole::attribute, "0", "100000"},
            {"admitted_on", "DATE", ColumnRole::attribute, "", ""}}},
          {"claims",
           {{"claim_id", "BIGINT", ColumnRole::identifier, "", ""},
            {"patient_id", "BIGINT", ColumnRole::unit, "", ""},
            {"amount", "DECIMAL(12,2)", ColumnRole::attribute, "0", "10000"},
            {"code", "VARCHAR", ColumnRole::attribute, "", ""},
            {"paid_on", "DATE", ColumnRole::attribute, "", ""}}}};
}

}  // namespace redoubt::corpus
