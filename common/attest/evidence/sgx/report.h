// The SGX enclave report body: the 384 bytes that the CPU says of an enclave, in quotes of SGX and, for the Quoting Enclave
// itself, in every DCAP quote.
//
// Reading gives the form only: whoever uses the values must know who signed them (common/attest/evidence/dcap). Integers are
// little-endian; reserved bytes may have any value, since later CPUs may use them, and whether they are zero is told. Pure and
// thread-safe. Intel SDM volume 3D, section 38.15 (REPORT); Intel SGX ECDSA QuoteLibReference, appendix A.4.
#pragma once

#include "common/base/bytes.h"
#include "common/base/json.h"

namespace redoubt::sgx {

using CpuSvn = FixedBytes<struct CpuSvnTag, 16>;
using Measurement = FixedBytes<struct MeasurementTag, 32>;  // MRENCLAVE
using Signer = FixedBytes<struct SignerTag, 32>;            // MRSIGNER
using ConfigId = FixedBytes<struct ConfigIdTag, 64>;
using ProductId = FixedBytes<struct ProductIdTag, 16>;      // ISVEXTPRODID
using FamilyId = FixedBytes<struct FamilyIdTag, 16>;        // ISVFAMILYID
using ReportData = FixedBytes<struct ReportDataTag, 64>;

// Attributes: SECS.ATTRIBUTES (SDM section 38.7.1): the flags, then XFRM.
struct Attributes {
  std::uint64_t flags = 0;
  std::uint64_t xfrm = 0;

  bool init() const { return bit(0); }
  bool debug() const { return bit(1); }
  bool mode64() const { return bit(2); }
  bool provision_key() const { return bit(4); }
  bool einittoken_key() const { return bit(5); }
  bool cet() const { return bit(6); }
  bool kss() const { return bit(7); }
  bool aex_notify() const { return bit(10); }
  // reserved: flags that have no name above.
  std::uint64_t reserved() const { return flags & ~std::uint64_t{0x4f7}; }

  // bytes: the 16 bytes as they stand in the report.
  std::array<std::byte, 16> bytes() const;
  friend bool operator==(const Attributes&, const Attributes&) = default;

 private:
  bool bit(unsigned index) const { return ((flags >> index) & 1U) != 0; }
};

//   0 cpusvn[16] | 16 miscselect | 20 0[12] | 32 isvextprodid[16] | 48 attributes[16] | 64 mrenclave[32] | 96 0[32]
// 128 mrsigner[32] | 160 0[32] | 192 configid[64] | 256 isvprodid | 258 isvsvn | 260 configsvn | 262 0[42]
// 304 isvfamilyid[16] | 320 reportdata[64]
struct Report {
  static constexpr std::size_t kSize = 384;

  CpuSvn cpu_svn;
  std::uint32_t misc_select = 0;
  ProductId isv_ext_prod_id;
  Attributes attributes;
  Measurement mr_enclave;
  Signer mr_signer;
  ConfigId config_id;
  std::uint16_t isv_prod_id = 0;
  std::uint16_t isv_svn = 0;
  std::uint16_t config_svn = 0;
  FamilyId isv_family_id;
  ReportData report_data;
  bool reserved_zero = true;  // all reserved bytes are zero

  // parse takes exactly kSize bytes; `malformed` otherwise.
  static Result<Report> parse(ByteView bytes);
};

// describe: every field for people; hexadecimal as the bytes stand in the report.
json::Value describe(const Report& report);

}  // namespace redoubt::sgx
