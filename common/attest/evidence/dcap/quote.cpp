#include "common/attest/evidence/dcap/quote.h"

#include "common/base/reader.h"

namespace redoubt::dcap {
namespace {

constexpr std::uint16_t kEcdsaP256 = 2;
constexpr std::uint32_t kTeeSgx = 0x00;
constexpr std::uint32_t kTeeTdx = 0x81;
constexpr std::uint16_t kBodySgx = 1;
constexpr std::uint16_t kBodyTd10 = 2;
constexpr std::uint16_t kBodyTd15 = 3;

constexpr VendorId vendor(std::array<unsigned char, 16> bytes) {
  VendorId out;
  for (std::size_t i = 0; i < bytes.size(); ++i) out.array()[i] = std::byte{bytes[i]};
  return out;
}

Error wrong(std::string_view field, std::string_view expected, std::uint64_t found) {
  return Error(Code::malformed, "quote: " + std::string(field) + ": expected " + std::string(expected) + ", found " +
                                    std::to_string(found));
}

std::size_t body_size(std::uint16_t type) {
  if (type == kBodySgx) return sgx::Report::kSize;
  return type == kBodyTd10 ? tdx::Report::kSize10 : tdx::Report::kSize15;
}

Result<Header> read_header(Reader& reader) {
  Header header;
  header.version = reader.u16le();
  header.attestation_key_type = reader.u16le();
  const std::uint32_t tee = reader.u32le();
  header.qe_svn = reader.u16le();
  header.pce_svn = reader.u16le();
  header.qe_vendor = reader.fixed<VendorId>();
  header.user_data = reader.fixed<UserData>();
  REDOUBT_CHECK(reader.status());
  if (header.version < 3 || header.version > 5) return wrong("version", "3, 4 or 5", header.version);
  // The sizes of key and signatures hang on the type, so that nothing after it could be read.
  if (header.attestation_key_type != kEcdsaP256) {
    return wrong("attestation key type", "2 (ECDSA P-256)", header.attestation_key_type);
  }
  if (tee != kTeeSgx && tee != kTeeTdx) return wrong("tee type", "0 (SGX) or 129 (TDX)", tee);
  header.tee = tee == kTeeSgx ? Tee::sgx : Tee::tdx;
  if (header.version == 3 && header.tee != Tee::sgx) return wrong("tee type", "0 (SGX) in version 3", tee);
  return header;
}

// read_body_type reads the descriptor of version 5, and knows the type in the versions before.
Result<std::uint16_t> read_body_type(Reader& reader, const Header& header) {
  if (header.version < 5) return header.tee == Tee::sgx ? kBodySgx : kBodyTd10;
  const std::uint16_t type = reader.u16le();
  const std::uint32_t size = reader.u32le();
  REDOUBT_CHECK(reader.status());
  if (type < kBodySgx || type > kBodyTd15) return wrong("body type", "1, 2 or 3", type);
  if ((type == kBodySgx) != (header.tee == Tee::sgx)) {
    return wrong("body type", "one of " + std::string(endorse::tee_text(header.tee)), type);
  }
  if (size != body_size(type)) return wrong("body size", std::to_string(body_size(type)), size);
  return type;
}

}  // namespace

const VendorId kIntelQeVendor =
    vendor({0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07});

std::string certification_text(std::uint16_t type) {
  const std::string number = std::to_string(type);
  switch (type) {
    case 1: return number + " (PPID in the clear)";
    case 2: return number + " (PPID encrypted with RSA-2048)";
    case 3: return number + " (PPID encrypted with RSA-3072)";
    case 4: return number + " (PCK certificate alone)";
    case 5: return number + " (PCK chain)";
    case 6: return number + " (QE report)";
    default: return number + " (unknown)";
  }
}

bool RawQuote::debug() const {
  if (const auto* report = std::get_if<sgx::Report>(&body)) return report->attributes.debug();
  return std::get<tdx::Report>(body).attributes.tud() != 0;
}

Result<RawQuote> RawQuote::parse(ByteView bytes) {
  REDOUBT_TRY(RawQuote quote, parse_in_place(bytes));
  quote.kept_ = std::make_shared<const Bytes>(to_bytes(quote.bytes_));
  quote.bytes_ = *quote.kept_;
  return quote;
}

Result<RawQuote> RawQuote::parse_in_place(ByteView bytes) {
  Reader reader(bytes.first(std::min(bytes.size(), kMaxSize)), "quote");
  RawQuote quote;
  REDOUBT_TRY(quote.header, read_header(reader));
  REDOUBT_TRY(quote.body_type, read_body_type(reader, quote.header));
  const ByteView body = reader.bytes(body_size(quote.body_type));
  quote.signed_size_ = reader.offset();
  const std::size_t signature_data = reader.u32le();
  REDOUBT_CHECK(reader.status());
  if (signature_data > reader.remaining()) {
    return wrong("signature data size at offset " + std::to_string(quote.signed_size_),
                 "at most the " + std::to_string(reader.remaining()) + " bytes that follow", signature_data);
  }
  quote.signature_ = reader.offset();
  const std::size_t end = quote.signature_ + signature_data;

  // Inside the signature data nothing may be read beyond their end: a reader of its own, with the same offsets.
  Reader inner(bytes.first(end), "quote");
  inner.bytes(quote.signature_ + 128);  // header and body again, then signature and key
  if (quote.header.version >= 4) {
    const std::uint16_t outer = inner.u16le();
    const std::size_t size = inner.u32le();
    REDOUBT_CHECK(inner.status());
    if (outer != kQeReportData) return wrong("outer certification data type", "6 (QE report)", outer);
    if (size != inner.remaining()) {
      return wrong("outer certification data size at offset " + std::to_string(inner.offset() - 4),
                   std::to_string(inner.remaining()) + ", up to the end of the signature data", size);
    }
  }
  quote.qe_report_ = inner.offset();
  const ByteView qe_report = inner.bytes(sgx::Report::kSize);
  inner.bytes(64);
  quote.auth_size_ = inner.u16le();
  quote.auth_data_ = inner.offset();
  inner.bytes(quote.auth_size_);
  quote.certification_type = inner.u16le();
  quote.certification_size_ = inner.u32le();
  REDOUBT_CHECK(inner.status());
  quote.certification_ = inner.offset();
  if (quote.certification_size_ != inner.remaining()) {
    return wrong("certification data size at offset " + std::to_string(inner.offset() - 4),
                 std::to_string(inner.remaining()) + ", up to the end of the signature data", quote.certification_size_);
  }
  if (quote.certification_size_ > kMaxCertificationSize) {
    return wrong("certification data size", "at most 32768", quote.certification_size_);
  }
  REDOUBT_TRY(quote.qe_report, sgx::Report::parse(qe_report));
  if (quote.body_type == kBodySgx) {
    REDOUBT_TRY(quote.body, sgx::Report::parse(body));
  } else {
    REDOUBT_TRY(quote.body, tdx::Report::parse(body));
  }
  const ByteView rest = bytes.subspan(end);
  quote.unsigned_size = rest.size();
  quote.unsigned_zero = std::ranges::all_of(rest, [](std::byte value) { return value == std::byte{0}; });
  quote.bytes_ = bytes.first(end);
  return quote;
}

}  // namespace redoubt::dcap
