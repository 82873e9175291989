// A certificate of any form is read without harm; what was read lies inside of the bytes, each extension stands there once, a key is
// written as it stood, and a certificate never issues itself unless it is a CA's.
#include <cstdlib>

#include "common/crypto/certificate_view.h"

namespace {

using namespace redoubt;

void inside(ByteView outer, ByteView inner) {
  if (inner.empty()) return;
  if (inner.data() < outer.data() || inner.data() + inner.size() > outer.data() + outer.size()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes = std::as_bytes(std::span(data, size));
  if (const auto blocks = crypto::pem_decode(as_text(bytes), "CERTIFICATE", 2); blocks.ok() && (blocks->empty() || blocks->size() > 2)) std::abort();
  (void)crypto::name_text(bytes);
  (void)crypto::common_name(bytes);
  const auto certificate = crypto::CertificateView::parse(bytes);
  if (!certificate.ok()) return 0;
  if (!equal(certificate->der, bytes)) std::abort();
  for (const ByteView view : {certificate->issuer, certificate->subject, certificate->spki, certificate->serial}) inside(certificate->tbs, view);
  inside(bytes, certificate->signature);
  for (const auto& one : certificate->extensions) {
    inside(certificate->tbs, one.oid);
    inside(certificate->tbs, one.value);
    (void)der::oid_text(one.oid);
    int count = 0;
    for (const auto& other : certificate->extensions) count += equal(one.oid, other.oid) ? 1 : 0;
    if (count != 1) std::abort();
  }
  (void)crypto::name_text(certificate->subject);
  (void)crypto::common_name(certificate->issuer);
  const auto key = certificate->public_key();
  if (!key.ok()) return 0;
  if (!equal(key->spki(), certificate->spki)) std::abort();
  const bool issued = crypto::check_issued(*certificate, *certificate, *key).ok();
  if (issued && !certificate->is_ca.value_or(false)) std::abort();
  const bool path = crypto::check_path(std::span(&*certificate, 1), certificate->validity.begin).ok();
  if (path && !issued) std::abort();
  return 0;
}
