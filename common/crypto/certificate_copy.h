// view_of_copy: what a certificate says, where the same bytes stand elsewhere.
//
// Reading a certificate depends on its bytes alone. Who holds one that was read, and is handed the same bytes again, need not read
// them again. Pure and thread-safe.
#pragma once

#include "common/crypto/certificate_view.h"

namespace redoubt::crypto {

// view_of_copy: `view` with every part in `copy` instead of in view.der, as CertificateView::parse gives it. Borrows `copy`. Nothing where
// the bytes differ.
std::optional<CertificateView> view_of_copy(const CertificateView& view, ByteView copy);

}  // namespace redoubt::crypto
