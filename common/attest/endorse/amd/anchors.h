// Anchor: which keys AMD signs endorsement keys with, as pins: the SHA-256 of their SubjectPublicKeyInfo.
//
// The production pins are those of the certificates that AMD's Key Distribution Service gives at /vcek/v1/<product>/cert_chain
// (ARK, ASK) and /vlek/v1/<product>/cert_chain (ASVK). The ARK is what is trusted; where the intermediate is pinned too, a key
// that only the ARK vouches for is refused until its pin is added. Another anchor is always an explicit argument of the
// caller: nothing that comes with Evidence can become one. Pure data.
#pragma once

#include <optional>
#include <span>

#include "common/attest/endorse/amd/product.h"
#include "common/base/ids.h"

namespace redoubt::amd {

struct Anchor {
  Product product = Product::milan;
  SpkiDigest ark;
  std::optional<SpkiDigest> ask;   // nothing: any key that the ARK names SEV-<product>
  std::optional<SpkiDigest> asvk;  // nothing: any key that the ARK names SEV-VLEK-<product>

  friend bool operator==(const Anchor&, const Anchor&) = default;
};

// production_anchors: Milan, Genoa and Turin of AMD. Lives for ever.
std::span<const Anchor> production_anchors();

}  // namespace redoubt::amd
