// An endorsement that parses is judged without harm, shown without harm and, without Microsoft's signature, never authentic; an
// identifier that parses is short.
#include <cstdlib>

#include "common/attest/evidence/azure_uvm/did_x509.h"
#include "common/attest/evidence/azure_uvm/endorsement.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const ByteView bytes = std::as_bytes(std::span(data, size));
  const auto did = azure_uvm::DidX509::parse(as_text(bytes));
  if (did.ok() && (size > azure_uvm::DidX509::kMaxSize || did->check({}).ok())) std::abort();
  const auto parsed = azure_uvm::parse(bytes);
  if (!parsed.ok()) return 0;
  static_cast<void>(json::canonical(azure_uvm::describe(*parsed)));
  const azure_uvm::Outcome outcome = azure_uvm::authenticate(*parsed, {&azure_uvm::kMicrosoftSupplyChainRoot2022, 1});
  if (outcome.authentic || outcome.status.ok()) std::abort();
  return 0;
}
