// DER of certificates, revocation lists and SGX extensions as Intel's provisioning service issues them, for tests: every part can be
// made wrong. Keys are the caller's; nothing here is trusted by anything but a test that names the root.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/instant.h"
#include "common/crypto/ecdsa_p256.h"

namespace redoubt::test {

// der_element: one element with a definite, minimal length.
Bytes der_element(unsigned tag, std::initializer_list<ByteView> parts);
Bytes der_sequence(std::initializer_list<ByteView> parts);
Bytes der_oid(std::string_view dotted);
// der_integer: a non-negative INTEGER from big-endian bytes.
Bytes der_integer(ByteView magnitude);
Bytes der_integer(std::uint64_t value);
Bytes concatenated(const std::vector<Bytes>& parts);

struct CertificateRecipe {
  std::string subject;                      // common names
  std::string issuer;
  std::uint64_t serial = 1;
  Interval validity;
  std::optional<int> path_length;           // a CA of this path length; absent: an end entity
  std::uint16_t key_usage = 0xc0;           // as Intel's leaves: digital signature, non repudiation
  std::vector<Bytes> more_extensions;       // whole Extension elements
};
// make_certificate: DER, signed with ecdsa-with-SHA256; key identifiers are SHA-256 of the SPKI, cut to 20 bytes.
Bytes make_certificate(const CertificateRecipe& recipe, const crypto::EcdsaP256PublicKey& subject,
                       const crypto::EcdsaP256PrivateKey& issuer);

struct CrlRecipe {
  std::string issuer;
  Interval validity;
  std::uint64_t number = 1;
  std::vector<std::uint64_t> revoked;       // serials
};
Bytes make_crl(const CrlRecipe& recipe, const crypto::EcdsaP256PrivateKey& issuer);

// The items of the SGX extension; each may be changed, left out or doubled before extension() joins them.
struct SgxExtensionRecipe {
  Bytes ppid = Bytes(16, std::byte{0x11});
  std::vector<std::uint64_t> components = {5, 5, 2, 2, 4, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0};
  std::uint64_t pce_svn = 13;
  Bytes cpu_svn = Bytes(16, std::byte{5});
  Bytes pce_id = Bytes(2);
  Bytes fmspc = {std::byte{0x90}, std::byte{0xc0}, std::byte{0x6f}, std::byte{0}, std::byte{0}, std::byte{0}};
  unsigned type = 1;
  bool platform = true;                     // instance id and configuration

  // items: SEQUENCE {OID, value} each, in the usual order.
  std::vector<Bytes> items() const;
  std::vector<Bytes> tcb_items() const;
};
// sgx_extension_value: the content of the OCTET STRING.
Bytes sgx_extension_value(const std::vector<Bytes>& items);
// sgx_extension_element: the whole Extension.
Bytes sgx_extension_element(ByteView value);

std::string pem_of(ByteView der);

}  // namespace redoubt::test
