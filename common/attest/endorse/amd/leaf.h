// Leaf: an endorsement key's certificate (VCEK or VLEK), read strictly; nothing in it is trusted by being read.
//
// AMD writes what the key was derived for into the certificate's extensions, and a report is compared with them. Read here: the
// certificate's form, its names, its key on P-384, and exactly the eleven extensions that the specification has, each in its
// exact DER. Leaves carry serial number 0 and no key identifiers. Bytes come from anywhere and are distrusted. Pure,
// thread-safe. AMD 57230 (VCEK certificate and KDS interface) sections 3 and 4; X.509: certificate_view.h.
#pragma once

#include "common/attest/endorse/amd/product.h"
#include "common/crypto/certificate_view.h"

namespace redoubt::amd {

// The name of a chip, as it lies in a report: 64 bytes; Turin's has 8, and zeros follow.
using ChipId = FixedBytes<struct AmdChipIdTag, 64>;

struct LeafExtensions {
  unsigned struct_version = 0;    // 0: Milan and Genoa; 1: Turin
  std::string product_name;       // "Milan-B0"
  Product product = Product::milan;
  TcbVersion tcb;                 // in the layout of reports of this product
  std::optional<ChipId> chip_id;  // of a VCEK
  std::string csp_id;             // of a VLEK: whom AMD gave the key to; empty for a VCEK

  KeyKind kind() const { return chip_id ? KeyKind::vcek : KeyKind::vlek; }
  friend bool operator==(const LeafExtensions&, const LeafExtensions&) = default;
};

struct Leaf {
  Product issuer_product = Product::milan;  // of the name of the authority that should have signed it
  KeyKind kind = KeyKind::vcek;             // of the names, and the same as that of the extensions
  LeafExtensions extensions;
  crypto::PublicKey key;                    // P-384
  Bytes serial;                             // magnitude
  Interval validity;

  // parse: `malformed` names the certificate part, what was expected and what was found. Product of issuer and extension may differ;
  // that is for checks to say.
  static Result<Leaf> parse(ByteView der);
};

// extensions_of: the AMD extensions of a certificate, exactly those of a VCEK or those of a VLEK; `malformed` otherwise.
Result<LeafExtensions> extensions_of(const crypto::CertificateView& certificate);

// is_amd_name: the Name element is AMD's own, with this common name: OU=Engineering, C=US, L=Santa Clara, ST=CA,
// O=Advanced Micro Devices, CN=<common_name>, in this order, nothing else.
bool is_amd_name(ByteView name, std::string_view common_name);

// Common names of the authorities: "ARK-Milan", "SEV-Milan" or "SEV-VLEK-Milan"; of the leaves "SEV-VCEK" or "SEV-VLEK".
std::string ark_name(Product product);
std::string intermediate_name(Product product, KeyKind kind);
std::string_view leaf_name(KeyKind kind);

}  // namespace redoubt::amd
