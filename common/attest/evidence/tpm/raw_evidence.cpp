#include "common/attest/evidence/tpm/evidence.h"
#include "common/attest/evidence/tpm/pcr.h"
#include "common/base/reader.h"

namespace redoubt::tpm {
namespace {

// Form 1 is an enrolled AK and a quote over the SHA-256 bank; form 2 is everything else. What form 1 can say, form 2 must not.
constexpr std::string_view kLabel1 = "redoubt/tpm-evidence/1";
constexpr std::string_view kLabel2 = "redoubt/tpm-evidence/2";
constexpr std::uint8_t kEnrolled = 1;   // form 2: an EK follows
constexpr std::uint8_t kCertified = 2;  // form 2: certificates of the AK follow
constexpr std::size_t kMaxApplicationLog = 320 * 1024;

// read_pcrs: u8 count, then index and digest, ascending. `all`: what the reader reads.
PcrEntries read_pcrs(Reader& reader, ByteView all, std::size_t size) {
  const std::uint8_t count = reader.u8();
  const std::size_t begin = reader.offset();
  int last = -1;
  for (std::uint8_t i = 0; i < count && reader.ok(); ++i) {
    const int pcr = reader.u8();
    if (pcr >= kPcrCount || pcr <= last) {
      reader.fail("PCR " + std::to_string(pcr) + ": expected ascending indices below 24");
    }
    last = pcr;
    (void)reader.bytes(size);
  }
  return {all.subspan(begin, reader.offset() - begin), size};
}

template <std::size_t kMost>
void read_certificates(Reader& reader, std::string_view what, ShortList<ByteView, kMost>& out) {
  const std::uint8_t count = reader.u8();
  if (count > kMost) reader.fail("more than " + std::to_string(kMost) + " " + std::string(what));
  for (std::uint8_t i = 0; i < count && reader.ok(); ++i) out.push_back(reader.sized32be(crypto::Certificate::kMaxSize));
}

void read_endorsement_key(Reader& reader, RawParts& raw) {
  raw.ek_public = reader.sized32be(Public::kMaxSize);
  raw.ek_certificate = reader.sized32be(crypto::Certificate::kMaxSize);
  read_certificates(reader, "intermediate certificates", raw.ek_intermediates);
}

// read_form_2: who vouches for the AK, and the bank of the PCR values.
void read_form_2(Reader& reader, RawParts& raw) {
  const std::uint8_t kind = reader.u8();
  if (kind == kEnrolled) {
    read_endorsement_key(reader, raw);
  } else if (kind == kCertified) {
    read_certificates(reader, "attestation key certificates", raw.ak_certificates);
    if (reader.ok() && raw.ak_certificates.empty()) reader.fail("attestation key: expected at least one certificate");
  } else {
    reader.fail("attestation key: expected 1 (enrolled) or 2 (certified), found " + std::to_string(kind));
  }
  raw.bank = reader.u16be();
  if (!hash_kind(raw.bank)) return reader.fail("bank: expected SHA-256, SHA-384 or SHA-512, found " + algorithm_text(raw.bank));
  if (raw.bank == kAlgSha256 && kind == kEnrolled) reader.fail("an enrolled key and the SHA-256 bank, which form 1 is for");
}

void write_certificates(Writer& writer, const std::vector<Bytes>& certificates) {
  writer.u8(static_cast<std::uint8_t>(certificates.size()));
  for (const Bytes& certificate : certificates) writer.sized32be(certificate);
}

}  // namespace

Bytes RawEvidence::encode() const {
  Writer writer;
  const bool form_1 = bank == kAlgSha256 && ak_certificates.empty();
  writer.sized32be(as_bytes(form_1 ? kLabel1 : kLabel2));
  for (const Bytes* part : {&attest, &signature, &ak_public}) writer.sized32be(*part);
  if (!form_1) writer.u8(ak_certificates.empty() ? kEnrolled : kCertified);
  if (ak_certificates.empty()) {
    writer.sized32be(ek_public).sized32be(ek_certificate);
    write_certificates(writer, ek_intermediates);
  } else {
    write_certificates(writer, ak_certificates);
  }
  if (!form_1) writer.u16be(bank);
  writer.u8(static_cast<std::uint8_t>(pcrs.size() + wide_pcrs.size()));
  for (const auto& [pcr, value] : pcrs) writer.u8(static_cast<std::uint8_t>(pcr)).bytes(value.view());
  for (const auto& [pcr, value] : wide_pcrs) writer.u8(static_cast<std::uint8_t>(pcr)).bytes(value);
  writer.sized32be(event_log).sized32be(ima_log);
  writer.u8(application_log ? 1 : 0);
  if (application_log) writer.sized32be(application_log->encode());
  return writer.take();
}

Result<RawEvidence> RawEvidence::decode(ByteView bytes) {
  REDOUBT_TRY(RawParts parts, RawParts::decode(bytes));
  RawEvidence raw;
  raw.attest = to_bytes(parts.attest);
  raw.signature = to_bytes(parts.signature);
  raw.ak_public = to_bytes(parts.ak_public);
  raw.ek_public = to_bytes(parts.ek_public);
  raw.ek_certificate = to_bytes(parts.ek_certificate);
  raw.ek_intermediates = RawParts::copies(parts.ek_intermediates);
  raw.ak_certificates = RawParts::copies(parts.ak_certificates);
  raw.bank = parts.bank;
  if (raw.bank == kAlgSha256) {
    for (const auto& [pcr, value] : PcrValues(parts.pcrs)) raw.pcrs.emplace(pcr, value);
  } else {
    for (const auto [pcr, value] : parts.pcrs) raw.wide_pcrs.emplace(pcr, to_bytes(value));
  }
  raw.event_log = to_bytes(parts.event_log);
  raw.ima_log = to_bytes(parts.ima_log);
  raw.application_log = std::move(parts.application_log);
  return raw;
}

std::vector<Bytes> RawParts::copies(std::span<const ByteView> certificates) {
  std::vector<Bytes> out;
  out.reserve(certificates.size());
  for (const ByteView der : certificates) out.push_back(to_bytes(der));
  return out;
}

Result<RawParts> RawParts::decode(ByteView bytes) {
  RawParts raw;
  REDOUBT_CHECK(raw.read(bytes));
  return raw;
}

Status RawParts::read(ByteView bytes) {
  Reader reader(bytes, "tpm evidence");
  const std::string_view label = as_text(reader.sized32be(kLabel1.size()));
  if (label != kLabel1 && label != kLabel2) reader.fail("expected redoubt/tpm-evidence/1 or /2");
  attest = reader.sized32be(Attest::kMaxSize);
  signature = reader.sized32be(Signature::kMaxSize);
  ak_public = reader.sized32be(Public::kMaxSize);
  if (label == kLabel1) {
    read_endorsement_key(reader, *this);
  } else {
    read_form_2(reader, *this);
  }
  REDOUBT_CHECK(reader.status());
  pcrs = read_pcrs(reader, bytes, eventlog::known_size(bank));
  event_log = reader.sized32be(RawEvidence::kMaxEventLog);
  ima_log = reader.sized32be(RawEvidence::kMaxImaLog);
  const std::uint8_t has_application_log = reader.u8();
  if (has_application_log > 1) reader.fail("application log: expected 0 or 1");
  if (has_application_log == 1) {
    const ByteView encoded = reader.sized32be(kMaxApplicationLog);
    REDOUBT_CHECK(reader.status());
    REDOUBT_TRY(application_log, ApplicationLog::decode(encoded));
  }
  return reader.finish();
}

void RawParts::follow(ByteView from, ByteView to) {
  const auto moved = [&](ByteView view) {
    return view.empty() ? ByteView() : to.subspan(static_cast<std::size_t>(view.data() - from.data()), view.size());
  };
  for (ByteView* const part : {&attest, &signature, &ak_public, &ek_public, &ek_certificate, &event_log, &ima_log}) *part = moved(*part);
  for (ByteView& certificate : ek_intermediates) certificate = moved(certificate);
  for (ByteView& certificate : ak_certificates) certificate = moved(certificate);
  pcrs = {moved(pcrs.bytes()), pcrs.value_size()};
}

}  // namespace redoubt::tpm
