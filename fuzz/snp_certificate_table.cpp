// A table that parses holds certificates that are out of its own bytes, DER or decoded PEM, each of which parses again; a table of another
// form gives an error.
#include <cstdlib>

#include "common/crypto/certificate_view.h"
#include "enclave/collect/tsm/certificate_table.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const auto table = collect::CertificateTable::parse(std::as_bytes(std::span(data, size)));
  if (!table.ok()) return 0;
  std::size_t total = table->crl.size();
  for (const Bytes& der : {table->vcek, table->vlek, table->ask, table->ark}) {
    total += der.size();
    if (!der.empty() && !crypto::CertificateView::parse(der).ok()) std::abort();
  }
  if (!table->crl.empty() && !crypto::CrlView::parse(table->crl).ok()) std::abort();
  if (total > size || (size == 0 && table->unknown_count != 0)) std::abort();
  return 0;
}
