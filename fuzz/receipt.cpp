// Receipts and receipt files: what parses, prints as it was read, and no file is accepted under a key that signed nothing.
#include <cstdlib>

#include "common/receipt/receipt_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const std::string_view text = as_text(std::as_bytes(std::span(data, size)));
  if (const auto body = receipt::ReceiptBody::parse(text); body.ok() && body->canonical() != text) std::abort();
  if (const auto one = receipt::Receipt::parse(text); one.ok() && one->json() != text) std::abort();
  const auto file = receipt::ReceiptFile::parse(text);
  if (!file.ok()) return 0;
  const auto again = receipt::ReceiptFile::parse(file->json());
  if (!again.ok() || again->json() != file->json()) std::abort();
  receipt::SignerIdentity signer;
  signer.workload = "cleanroom";
  const auto report = receipt::verify_receipt(*file, signer, {});
  if (report.ok() && report->accepted().ok()) std::abort();
  return 0;
}
