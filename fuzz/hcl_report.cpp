// HCL reports: what parses gives views inside the input, and runtime data that are read are read without harm.
#include <cstdlib>

#include "common/attest/evidence/azure/hcl_report.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const ByteView bytes = std::as_bytes(std::span(data, size));
  const auto report = azure::HclReport::parse(bytes);
  if (!report.ok()) {
    (void)azure::RuntimeData::parse(bytes);
    return 0;
  }
  for (const ByteView part : {report->hardware_report, report->runtime_data}) {
    if (part.data() < bytes.data() || part.data() + part.size() > bytes.data() + bytes.size()) std::abort();
  }
  (void)azure::RuntimeData::parse(report->runtime_data);
  return 0;
}
