// RawQuote: the wire form of a DCAP quote, versions 3, 4 and 5, as slices of its bytes.
//
// Reading gives the form only; every byte comes from the attester and is distrusted. Every length is checked against the bytes
// that are there, nothing may stand between the parts, and the signature data must end where their length says. Bytes after
// the quote (clouds pad it with zeros) are counted and dropped: no signature covers them, so nobody can read them from here.
// Pure; an object is read by any number of threads. Intel SGX ECDSA QuoteLibReference appendix A.4 (version 3), Intel TDX DCAP
// Quoting Library API appendix A.3 (versions 4 and 5).
#pragma once

#include <memory>
#include <variant>

#include "common/attest/endorse/intel/tcb_info.h"
#include "common/attest/evidence/sgx/report.h"
#include "common/attest/evidence/tdx/report.h"

namespace redoubt::dcap {

using VendorId = FixedBytes<struct VendorIdTag, 16>;
using UserData = FixedBytes<struct UserDataTag, 20>;

using endorse::Tee;

// kIntelQeVendor: 939a7233-f79c-4ca9-940a-0db3957f0607, the one vendor of Quoting Enclaves.
extern const VendorId kIntelQeVendor;

// 0 version | 2 attestation key type | 4 tee type (zero in version 3) | 8 qe svn, 10 pce svn (version 3) or reserved
// 12 vendor[16] | 28 user data[20]; the first 16 bytes of the user data are the platform's id for the QE
struct Header {
  static constexpr std::size_t kSize = 48;

  std::uint16_t version = 0;               // 3, 4 or 5
  std::uint16_t attestation_key_type = 0;  // 2: ECDSA P-256; no other is read
  Tee tee = Tee::sgx;
  std::uint16_t qe_svn = 0;                // bytes 8 and 9: the QE's version in version 3, reserved since
  std::uint16_t pce_svn = 0;               // bytes 10 and 11
  VendorId qe_vendor;
  UserData user_data;
};

// Certification data types of version 3, and inner ones of versions 4 and 5 (appendix A.4, table 9).
inline constexpr std::uint16_t kPckChain = 5;      // PCK certificate, intermediate and root in PEM
inline constexpr std::uint16_t kQeReportData = 6;  // only outermost, in versions 4 and 5: QE report and inner certification data
// certification_text names a type for people: "5 (PCK chain)".
std::string certification_text(std::uint16_t type);

struct RawQuote {
  static constexpr std::size_t kMaxSize = 64 * 1024;
  static constexpr std::size_t kMaxCertificationSize = 32 * 1024;

  Header header;
  std::uint16_t body_type = 0;  // descriptor of version 5: 1 SGX, 2 TD 1.0, 3 TD 1.5; the equivalent in versions 3 and 4
  std::variant<sgx::Report, tdx::Report> body;
  sgx::Report qe_report;
  std::uint16_t certification_type = 0;  // the innermost; 1 to 5 are known, another is a failed check, not an error
  std::size_t unsigned_size = 0;         // bytes after the quote
  bool unsigned_zero = true;             // all of them are zero

  // debug: the host can look inside: SGX DEBUG, or any bit of the TD's first attribute byte.
  bool debug() const;

  // Slices of the bytes that were parsed.
  ByteView signed_bytes() const { return slice(0, signed_size_); }        // header, descriptor, body
  ByteView signature() const { return slice(signature_, 64); }            // r, s
  ByteView attestation_key() const { return slice(signature_ + 64, 64); }  // x, y
  ByteView qe_report_bytes() const { return slice(qe_report_, sgx::Report::kSize); }
  ByteView qe_signature() const { return slice(qe_report_ + sgx::Report::kSize, 64); }
  ByteView qe_auth_data() const { return slice(auth_data_, auth_size_); }
  ByteView certification_data() const { return slice(certification_, certification_size_); }
  std::size_t size() const { return bytes_.size(); }  // of the quote alone
  std::size_t signature_data_size() const { return bytes_.size() - signature_; }

  // parse: `malformed` names the field, its offset where one is known, expected and found. The quote and its copies share a copy of the
  // bytes.
  static Result<RawQuote> parse(ByteView bytes);
  // parse_in_place: the same without a copy: `bytes` must outlive the quote and its copies.
  static Result<RawQuote> parse_in_place(ByteView bytes);

 private:
  ByteView slice(std::size_t offset, std::size_t size) const { return bytes_.subspan(offset, size); }

  std::shared_ptr<const Bytes> kept_;  // what bytes_ looks at, unless that is the caller's
  ByteView bytes_;  // header to the end of the signature data
  std::size_t signed_size_ = 0;
  std::size_t signature_ = 0;
  std::size_t qe_report_ = 0;
  std::size_t auth_data_ = 0;
  std::size_t auth_size_ = 0;
  std::size_t certification_ = 0;
  std::size_t certification_size_ = 0;
};

}  // namespace redoubt::dcap
