// Any file is told apart, shown with every byte in one field, and verified with itself as its only collateral, without harm; nothing is accepted with vendors' roots.
#include <cstdlib>

#include "common/attest/verifier/annotate.h"
#include "common/attest/verifier/verifier.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const ByteView bytes = std::as_bytes(std::span(data, size));
  static_cast<void>(verifier::detect(bytes));
  if (const auto annotated = verifier::annotate(bytes); annotated.ok()) {
    std::size_t at = 0;
    for (const verifier::Field& field : annotated->fields) {
      if (field.offset != at || field.length == 0) std::abort();
      at += field.length;
    }
  }
  const verifier::NamedFile file{"file", to_bytes(bytes)};
  static_cast<void>(verifier::read_heap({&file, 1}));
  for (const auto& files : {std::span<const verifier::NamedFile>(), std::span(&file, 1)}) {
    const auto appraisal = verifier::verify(bytes, files, std::nullopt, std::nullopt, Instant(1795000000));
    if (appraisal.ok() && appraisal->accepted().ok()) std::abort();
  }
  return 0;
}
