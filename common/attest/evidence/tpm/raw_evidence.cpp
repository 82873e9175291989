#include "common/attest/evidence/tpm/evidence.h"
#include "common/attest/evidence/tpm/ima_log.h"
#include "common/attest/evidence/tpm/pcr.h"
#include "common/base/reader.h"

namespace redoubt::tpm {
namespace {

constexpr std::string_view kLabel = "redoubt/tpm-evidence/1";
constexpr std::size_t kMaxIntermediates = 4;
constexpr std::size_t kMaxApplicationLog = 320 * 1024;

void read_pcrs(Reader& reader, std::map<int, PcrValue>& pcrs) {
  const std::uint8_t count = reader.u8();
  int last = -1;
  for (std::uint8_t i = 0; i < count && reader.ok(); ++i) {
    const int pcr = reader.u8();
    if (pcr >= kPcrCount || pcr <= last) {
      reader.fail("PCR " + std::to_string(pcr) + ": expected ascending indices below 24");
    }
    last = pcr;
    pcrs.emplace_hint(pcrs.end(), pcr, reader.fixed<PcrValue>());
  }
}

}  // namespace

Bytes RawEvidence::encode() const {
  Writer writer;
  writer.sized32be(as_bytes(kLabel));
  for (const Bytes* part : {&attest, &signature, &ak_public, &ek_public, &ek_certificate}) writer.sized32be(*part);
  writer.u8(static_cast<std::uint8_t>(ek_intermediates.size()));
  for (const Bytes& certificate : ek_intermediates) writer.sized32be(certificate);
  writer.u8(static_cast<std::uint8_t>(pcrs.size()));
  for (const auto& [pcr, value] : pcrs) writer.u8(static_cast<std::uint8_t>(pcr)).bytes(value.view());
  writer.sized32be(event_log).sized32be(ima_log);
  writer.u8(application_log ? 1 : 0);
  if (application_log) writer.sized32be(application_log->encode());
  return writer.take();
}

Result<RawEvidence> RawEvidence::decode(ByteView bytes) {
  Reader reader(bytes, "tpm evidence");
  if (as_text(reader.sized32be(kLabel.size())) != kLabel) reader.fail("expected redoubt/tpm-evidence/1");
  RawEvidence raw;
  raw.attest = to_bytes(reader.sized32be(Attest::kMaxSize));
  raw.signature = to_bytes(reader.sized32be(Signature::kMaxSize));
  raw.ak_public = to_bytes(reader.sized32be(Public::kMaxSize));
  raw.ek_public = to_bytes(reader.sized32be(Public::kMaxSize));
  raw.ek_certificate = to_bytes(reader.sized32be(crypto::Certificate::kMaxSize));
  const std::uint8_t intermediates = reader.u8();
  if (intermediates > kMaxIntermediates) reader.fail("more than 4 intermediate certificates");
  for (std::uint8_t i = 0; i < intermediates && reader.ok(); ++i) {
    raw.ek_intermediates.push_back(to_bytes(reader.sized32be(crypto::Certificate::kMaxSize)));
  }
  read_pcrs(reader, raw.pcrs);
  raw.event_log = to_bytes(reader.sized32be(eventlog::EventLog::kMaxSize));
  raw.ima_log = to_bytes(reader.sized32be(ImaLog::kMaxSize));
  const std::uint8_t has_application_log = reader.u8();
  if (has_application_log > 1) reader.fail("application log: expected 0 or 1");
  if (has_application_log == 1) {
    const ByteView encoded = reader.sized32be(kMaxApplicationLog);
    REDOUBT_CHECK(reader.status());
    REDOUBT_TRY(raw.application_log, ApplicationLog::decode(encoded));
  }
  REDOUBT_CHECK(reader.finish());
  return raw;
}

}  // namespace redoubt::tpm
