// Any text that parses as a document of a clean room, or as claims or a policy, is exactly what the parsed value writes.
#include <cstdlib>

#include "common/attest/evidence/claims.h"
#include "common/jobs/cleanroom/carry_over.h"
#include "common/jobs/cleanroom/contract_change.h"

namespace {

template <class Document>
void check(std::string_view text) {
  const auto document = Document::parse(text);
  if (document.ok() && document->canonical() != text) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const std::string_view text = as_text(std::as_bytes(std::span(data, size)));
  check<jobs::Contract>(text);
  check<jobs::Manifest>(text);
  check<jobs::Proposal>(text);
  check<jobs::Ballot>(text);
  check<jobs::CarryOver>(text);
  check<jobs::ContractChange>(text);
  check<jobs::ChangeBallot>(text);
  check<jobs::HandOver>(text);
  if (const auto file = jobs::HandOverFile::parse(text); file.ok()) {
    const auto again = jobs::HandOverFile::parse(file->json());
    if (!again.ok() || again->json() != file->json()) std::abort();
  }
  check<attest::Claims>(text);
  check<appraise::Policy>(text);
  (void)jobs::SignedDocument::decode(text, 4096);
  return 0;
}
