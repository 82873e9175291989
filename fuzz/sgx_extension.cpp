// The SGX extension of a PCK certificate: what parses is described, with or without the two items of multi-package platforms.
#include <cstdlib>

#include "common/attest/evidence/dcap/pck_extension.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const auto extension = dcap::PckExtension::parse(std::as_bytes(std::span(data, size)));
  if (!extension.ok()) return 0;
  if (extension->platform_instance_id.has_value() != extension->configuration.has_value()) std::abort();
  const json::Value described = dcap::describe(*extension);
  if (described.object() == nullptr || described.object()->empty()) std::abort();
  return 0;
}
