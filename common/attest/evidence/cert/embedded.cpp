#include "common/attest/evidence/cert/embedded.h"

namespace redoubt::cert {
namespace {

constexpr der::Oid kTagged = der::oid("2.23.133.5.4.9");
constexpr der::Oid kLegacy[] = {der::oid("0.6.9.42.840.113741.1337.6"), der::oid("1.2.840.113741.1337.6"),
                                der::oid("1.2.840.113741.1.13.1")};
constexpr der::Oid kDstackQuote = der::oid("1.3.6.1.4.1.62397.1.1");
constexpr der::Oid kDstackEventLog = der::oid("1.3.6.1.4.1.62397.1.2");
// Evidence of other kinds that dstack may add: a TPM quote and its log, a bundle of everything.
constexpr der::Oid kDstackOther[] = {der::oid("1.3.6.1.4.1.62397.1.6"), der::oid("1.3.6.1.4.1.62397.1.7"),
                                     der::oid("1.3.6.1.4.1.62397.1.8")};

// A quote of DCAP: version 3, 4 or 5, little-endian. The first SGX extension of a PCK certificate, which shares Intel's OID, is
// a SEQUENCE and not that.
constexpr std::size_t kMinQuote = 436;
constexpr std::size_t kSgxReportData = 368;  // header of 48 bytes, enclave report with report data at 320

Error malformed(std::string message) { return Error(Code::malformed, std::move(message)); }

template <std::size_t N>
bool is_one_of(ByteView oid, const der::Oid (&list)[N]) {
  return std::ranges::any_of(list, [&](const der::Oid& known) { return oid == known; });
}

Status check_quote(ByteView quote) {
  const bool version = quote.size() >= kMinQuote && quote.size() <= kMaxExtension && std::to_integer<int>(quote[0]) >= 3 &&
                       std::to_integer<int>(quote[0]) <= 5 && quote[1] == std::byte{0};
  if (!version) return malformed("expected a quote of version 3, 4 or 5, found " + std::to_string(quote.size()) + " other bytes");
  return {};
}

// same_enclave: two SGX quotes of version 3 over the same report but for the report data.
bool same_enclave(ByteView a, ByteView b) {
  return a[0] == std::byte{3} && equal(a.first(kSgxReportData), b.first(kSgxReportData));
}

Result<Bytes> octet_string(ByteView value) {
  der::Reader reader(value, "dstack extension");
  const ByteView content = reader.octet_string();
  REDOUBT_CHECK(reader.finish());
  return to_bytes(content);
}

Status read_one(const Extension& extension, EvidenceCertificate& out) {
  Embedded found;
  if (extension.oid == kTagged) {
    REDOUBT_TRY(found.tagged, parse_tagged(extension.value));
    found.form = Form::tagged;
    found.quote = found.tagged->quote;
  } else if (extension.oid == kDstackQuote) {
    found.form = Form::dstack;
    REDOUBT_TRY(found.quote, octet_string(extension.value));
  } else if (is_one_of(extension.oid, kLegacy)) {
    found.form = Form::legacy;
    found.quote = to_bytes(extension.value);
  } else if (is_one_of(extension.oid, kDstackOther)) {
    return malformed("Evidence of another kind beside a quote, in " + der::oid_text(extension.oid));
  } else {
    return {};
  }
  REDOUBT_CHECK(check_quote(found.quote));
  out.embedded.push_back(std::move(found));
  return {};
}

}  // namespace

Status read_embedded(const Container& container, EvidenceCertificate& out) {
  std::size_t logs = 0;
  for (const Extension& extension : container.extensions) {
    if (auto status = read_one(extension, out); !status.ok()) return status.error().context("extension " + der::oid_text(extension.oid));
    if (extension.oid == kDstackEventLog) {
      REDOUBT_TRY(out.event_log, octet_string(extension.value));
      if (++logs > 1) return malformed("two event logs");
    }
  }
  std::ranges::stable_sort(out.embedded, {}, &Embedded::form);
  if (out.embedded.empty()) return malformed("no Evidence extension");
  if (out.embedded.size() == 1) return {};
  if (out.embedded.size() > 2 || out.embedded[0].form != Form::tagged || out.embedded[1].form != Form::legacy) {
    return malformed(std::to_string(out.embedded.size()) + " Evidence extensions");
  }
  if (!same_enclave(out.embedded[0].quote, out.embedded[1].quote)) {
    return malformed("a tagged and a legacy extension whose quotes are of different enclaves");
  }
  return {};
}

}  // namespace redoubt::cert
