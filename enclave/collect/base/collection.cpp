#include "enclave/collect/base/collection.h"

namespace redoubt::collect {

ReportData report_data_of(ByteView statement) { return ReportData(crypto::sha512(statement).array()); }

}  // namespace redoubt::collect
