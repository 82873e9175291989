#include "common/attest/evidence/eventlog/dstack_log.h"

#include "common/base/json.h"
#include "common/base/writer.h"
#include "common/crypto/digest.h"

namespace redoubt::eventlog {
namespace {

constexpr std::size_t kDigestSize = crypto::Sha384Digest::size;

struct Entry {
  Event event;
  std::string name;
  int version = 1;
  crypto::Sha384Digest digest;
  Bytes payload;
};

// digest_of: what the guest extended a register with for an event of its own.
crypto::Sha384Digest digest_of(const std::string& name, ByteView payload, int version) {
  if (version == 2) {
    return crypto::sha384(as_bytes(json::canonical(json::Object{{"event", name},
                                                                {"event_type", std::int64_t{DstackLog::kEventType}},
                                                                {"payload", hex_encode(payload)},
                                                                {"version", 2}})));
  }
  Writer writer;
  writer.u32le(DstackLog::kEventType).u8(':').bytes(as_bytes(name)).u8(':').bytes(payload);
  return crypto::sha384(writer.view());
}

Result<Entry> read_entry(const json::Value& value) {
  json::ObjectReader object(value, "rtmr event");
  Entry entry;
  entry.event.index = static_cast<int>(object.integer("imr", 0, kRtmrCount - 1)) + 1;
  entry.event.type = static_cast<std::uint32_t>(object.integer("event_type", 0, 0xffffffffLL));
  const bool own = entry.event.type == DstackLog::kEventType;
  std::string digest;
  if (object.has("digest") || !own) digest = object.string("digest");
  entry.name = object.string("event");
  const std::string payload = object.string("event_payload");
  if (object.has("version")) entry.version = static_cast<int>(object.integer("version", 1, 2));
  if (object.has("hash_input")) static_cast<void>(object.string("hash_input"));
  REDOUBT_CHECK(object.finish());
  if (entry.name.size() > DstackLog::kMaxName) return Error(Code::malformed, "rtmr event: event: expected at most 256 bytes");
  if (payload.size() > 2 * EventLog::kMaxEventData) {
    return Error(Code::malformed, "rtmr event: event_payload: expected at most 65536 bytes, found " + std::to_string(payload.size() / 2));
  }
  REDOUBT_TRY(entry.payload, hex_decode(payload).context("rtmr event: event_payload"));
  if (own && digest.empty()) {
    entry.digest = digest_of(entry.name, entry.payload, entry.version);
  } else {
    REDOUBT_TRY(entry.digest, crypto::Sha384Digest::from_hex(digest, "rtmr event: digest"));
  }
  return entry;
}

}  // namespace

Result<DstackLog> DstackLog::parse(std::string_view text) {
  REDOUBT_TRY(const json::Value value, json::parse(text, {.max_bytes = kMaxSize, .max_depth = 4}).context("rtmr event list"));
  const json::Array* array = value.array();
  if (array == nullptr || array->empty() || array->size() > EventLog::kMaxEvents) {
    return Error(Code::malformed, "rtmr event list: expected an array of 1 to 4096 events");
  }
  DstackLog list;
  list.log.registers = Registers::rtmrs;
  list.log.banks = {Bank{kSha384, kDigestSize, 0}};
  std::vector<std::size_t> ends;
  for (std::size_t i = 0; i < array->size(); ++i) {
    REDOUBT_TRY(Entry entry, read_entry((*array)[i]).context("event " + std::to_string(i + 1)));
    append(list.bytes, entry.digest.view());
    append(list.bytes, entry.payload);
    ends.push_back(list.bytes.size());
    entry.event.has_data = entry.event.type == kEventType || !entry.payload.empty();
    list.log.events.push_back(entry.event);
    list.names.push_back(std::move(entry.name));
    list.versions.push_back(entry.version);
  }
  std::size_t at = 0;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const ByteView part = ByteView(list.bytes).subspan(at, ends[i] - at);
    list.log.events[i].digests = part.first(kDigestSize);
    list.log.events[i].data = part.subspan(kDigestSize);
    at = ends[i];
  }
  if (std::ranges::none_of(list.log.events, &Event::extends)) {
    return Error(Code::malformed, "rtmr event list: expected an event that extends a register, found none");
  }
  return list;
}

Result<std::vector<ApplicationEvent>> application_events(const DstackLog& list) {
  std::vector<ApplicationEvent> events;
  for (std::size_t i = 0; i < list.log.events.size(); ++i) {
    const Event& event = list.log.events[i];
    const std::string& name = list.names[i];
    const std::string where = "event " + std::to_string(i + 1) + " in " + list.log.register_text(event.index);
    if (event.type != DstackLog::kEventType) {
      if (name.empty()) continue;
      return Error(Code::measurement, where + ": a name that no digest covers, under event type " + std::to_string(event.type));
    }
    if (list.versions[i] == 1 && name.find(':') != std::string::npos) {
      return Error(Code::measurement, where + ": a name with a colon, which its digest does not tell from the payload");
    }
    const crypto::Sha384Digest digest = digest_of(name, event.data, list.versions[i]);
    if (!equal(event.digests, digest.view())) {
      return Error(Code::measurement, where + ": digest of name and payload is " + digest.hex() + ", found " + hex_encode(event.digests));
    }
    events.push_back({event.index - 1, name, to_bytes(event.data)});
  }
  return events;
}

}  // namespace redoubt::eventlog
