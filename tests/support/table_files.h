// table_file: the table file of CSV text under a manifest's columns, as an owner's program makes it.
#pragma once

#include "common/jobs/cleanroom/manifest.h"
#include "common/table/csv.h"
#include "tests/support/expect.h"

namespace redoubt::test {

inline SecretBytes table_file(std::string_view csv, const jobs::Manifest& manifest) {
  std::vector<table::Column> columns;
  for (const auto& column : manifest.columns) columns.push_back({column.name, OrDie(table::Type::parse(column.type))});
  return OrDie(table::encode_csv(csv, manifest.dataset, columns)).file;
}

}  // namespace redoubt::test
