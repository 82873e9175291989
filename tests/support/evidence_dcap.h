// DCAP quotes and collateral under a test root: everything that Intel and a platform would sign, signed by keys of this process.
//
// A DcapMaker holds what a quote says; a test changes a member and asks for the quote. Nobody accepts it who is not given pin().
#pragma once

#include "common/attest/endorse/intel/collateral.h"
#include "tests/support/intel_certificates.h"

namespace redoubt::test {

struct DcapMaker {
  static constexpr std::uint16_t kSgx = 1, kTd10 = 2, kTd15 = 3;

  DcapMaker(std::uint16_t version, std::uint16_t body_type);

  crypto::EcdsaP256PrivateKey root_key, authority_key, pck_key, attestation_key, signer_key;

  // Certificates.
  std::string root_name = "Intel SGX Root CA";
  std::string authority_name = "Intel SGX PCK Platform CA";
  std::string pck_name = "Intel SGX PCK Certificate";
  Interval root_validity, authority_validity, pck_validity;
  SgxExtensionRecipe extension;
  std::optional<Bytes> extension_value;       // in place of the recipe's
  std::vector<Bytes> more_pck_extensions;
  std::optional<int> pck_path_length;         // makes the leaf a CA
  std::uint16_t pck_key_usage = 0xc0;
  std::uint64_t pck_serial = 77, authority_serial = 5, signer_serial = 6;

  // Quote.
  std::uint16_t version, body_type;
  std::uint16_t attestation_key_type = 2;
  std::uint32_t tee_type;
  Bytes vendor;                               // 16 bytes
  Bytes body;                                 // of the size that body_type has
  Bytes qe_report;                            // 384 bytes; the report data are put in by quote()
  Bytes qe_report_data_tail = Bytes(32);
  Bytes auth_data = Bytes(32, std::byte{0x42});
  std::uint16_t outer_type = 6, certification_type = 5;
  std::optional<Bytes> certification_data;    // in place of the PEM chain
  std::size_t padding = 0;                    // zeros after the quote

  // Collateral.
  Instant issue_date, next_update;
  std::string tcb_status = "UpToDate";
  std::uint32_t evaluation_number = 19;
  std::size_t level_count = 8;                // the first matches; the others make the document as long as real ones
  bool old_module_level = false;              // TDX: a second, outdated level of the module, of version 4
  std::string fmspc = "90C06F000000", pce_id = "0000";
  std::vector<std::uint64_t> revoked;         // serials in the PCK CA's list

  Bytes root() const;                         // DER
  Bytes authority() const;
  Bytes pck() const;
  std::vector<Bytes> chain() const { return {pck(), authority(), root()}; }
  std::string chain_pem() const;
  endorse::RootPin pin() const { return crypto::sha256(root_key.public_key().spki()); }

  Bytes quote() const;
  endorse::RawCollateral collateral() const;

  Instant now;                                // inside of everything
};

// put writes `value` over the bytes at `offset`.
void put(Bytes& bytes, std::size_t offset, ByteView value);
// little: `size` bytes of `value`, least significant first.
Bytes little(std::uint64_t value, std::size_t size);

}  // namespace redoubt::test
