// default_tables: the two tables that corpora are about when no other schema is given: patients and claims, with their roles and the
// bounds for noise.
#pragma once

#include "client/sdk/query_check.h"

namespace redoubt::corpus {

sdk::DatasetColumns default_tables();

}  // namespace redoubt::corpus
