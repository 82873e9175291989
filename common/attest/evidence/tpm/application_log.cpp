#include "common/attest/evidence/tpm/application_log.h"

#include "common/attest/evidence/tpm/pcr.h"
#include "common/base/reader.h"

namespace redoubt::tpm {
namespace {

constexpr std::string_view kEventLabel = "redoubt/application-event/1";
constexpr std::string_view kLogLabel = "redoubt/application-log/1";
constexpr std::size_t kMaxType = 32;
constexpr std::size_t kMaxData = 4096;
constexpr std::size_t kMaxEvent = kMaxData + 128;

bool type_is_good(std::string_view type) {
  return !type.empty() && type.size() <= kMaxType && std::ranges::all_of(type, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
  });
}

}  // namespace

Bytes ApplicationEvent::encode() const { return to_bytes(Fields(kEventLabel).text(type).field(data).view()); }

Result<ApplicationEvent> ApplicationEvent::decode(ByteView bytes) {
  Reader reader(bytes, "application event");
  if (as_text(reader.sized32be(kEventLabel.size())) != kEventLabel) reader.fail("expected redoubt/application-event/1");
  ApplicationEvent event;
  event.type = as_text(reader.sized32be(kMaxType));
  event.data = to_bytes(reader.sized32be(kMaxData));
  if (reader.ok() && !type_is_good(event.type)) reader.fail("type: expected 1 to 32 of [a-z0-9_.-]");
  REDOUBT_CHECK(reader.finish());
  return event;
}

crypto::Sha256Digest ApplicationLog::replay() const {
  crypto::Sha256Digest value;
  for (const Bytes& event : events) value = extend(value, crypto::sha256(event));
  return value;
}

Bytes ApplicationLog::encode() const {
  Writer writer;
  writer.sized32be(as_bytes(kLogLabel)).u8(static_cast<std::uint8_t>(pcr)).u8(static_cast<std::uint8_t>(events.size()));
  for (const Bytes& event : events) writer.sized32be(event);
  return writer.take();
}

Result<ApplicationLog> ApplicationLog::decode(ByteView bytes) {
  Reader reader(bytes, "application log");
  if (as_text(reader.sized32be(kLogLabel.size())) != kLogLabel) reader.fail("expected redoubt/application-log/1");
  ApplicationLog log;
  log.pcr = reader.u8();
  if (reader.ok() && !is_application_pcr(log.pcr)) {
    reader.fail("PCR: expected 8 to 15, found " + std::to_string(log.pcr));
  }
  const std::uint8_t count = reader.u8();
  if (count > kMaxEvents) reader.fail("more than 64 events");
  for (std::uint8_t i = 0; i < count && reader.ok(); ++i) log.events.push_back(to_bytes(reader.sized32be(kMaxEvent)));
  REDOUBT_CHECK(reader.finish());
  return log;
}

}  // namespace redoubt::tpm
