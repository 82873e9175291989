#include "common/crypto/certificate_copy.h"

namespace redoubt::crypto {

std::optional<CertificateView> view_of_copy(const CertificateView& view, ByteView copy) {
  if (as_text(view.der) != as_text(copy)) return std::nullopt;  // as text: not one byte at a time
  std::optional<CertificateView> out = view;
  const auto move = [&](ByteView& part) {
    part = part.empty() ? copy.first(0) : copy.subspan(static_cast<std::size_t>(part.data() - view.der.data()), part.size());
  };
  out->der = copy;
  for (ByteView* const part : {&out->tbs, &out->serial, &out->issuer, &out->subject, &out->spki, &out->signature}) move(*part);
  for (ExtensionView& extension : out->extensions) {
    move(extension.oid);
    move(extension.value);
  }
  for (std::optional<ByteView>* const id : {&out->subject_key_id, &out->authority_key_id}) {
    if (*id) move(**id);
  }
  return out;
}

}  // namespace redoubt::crypto
