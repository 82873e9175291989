#include "client/sdk/saved_log.h"

#include "common/base/json.h"
#include "common/receipt/note.h"

namespace redoubt::sdk {

Result<SavedLog> SavedLog::of(const InstanceId& instance, receipt::Checkpoint checkpoint, std::vector<receipt::LogEntry> entries) {
  const receipt::TreeHead& head = checkpoint.head();
  if (head.origin != receipt::log_origin(instance)) {
    return Error(Code::log_proof, "saved log: expected origin " + receipt::log_origin(instance) + ", found " + head.origin);
  }
  if (head.size != entries.size()) {
    return Error(Code::log_proof, "saved log: expected " + std::to_string(head.size) + " entries, found " + std::to_string(entries.size()));
  }
  receipt::Log log(instance);
  for (const receipt::LogEntry& entry : entries) log.append(entry);
  if (log.tree().root() != head.root) {
    return Error(Code::log_proof, "saved log: expected root " + head.root.hex() + ", the entries give " + log.tree().root().hex());
  }
  return SavedLog(std::move(log), std::move(checkpoint), std::move(entries));
}

Result<SavedLog> SavedLog::parse(std::string_view text) {
  REDOUBT_TRY(const json::Value value, json::parse(text, {.max_bytes = kMaxBytes, .max_depth = 2}).context("saved log"));
  json::ObjectReader reader(value, "saved log");
  reader.expect("type", kSavedLogType);
  const auto instance = reader.hex<InstanceId>("instance");
  const auto key = reader.hex<crypto::Ed25519PublicKey>("receipt_key");
  const std::string note = reader.nonempty("checkpoint", receipt::kMaxNoteSize);
  const json::Array& items = reader.array("entries", kMaxEntries);
  REDOUBT_CHECK(reader.finish());
  REDOUBT_TRY(auto checkpoint, receipt::Checkpoint::verify(note, receipt::log_origin(instance), key).context("saved log"));
  std::vector<receipt::LogEntry> entries;
  for (const json::Value& item : items) {
    if (item.string() == nullptr) return Error(Code::malformed, "saved log: entries: expected base64, found " + std::string(item.kind()));
    REDOUBT_TRY(const Bytes bytes, base64_decode(*item.string()).context("saved log: entry " + std::to_string(entries.size())));
    REDOUBT_TRY(entries.emplace_back(), receipt::LogEntry::parse(bytes).context("saved log: entry " + std::to_string(entries.size())));
  }
  return of(instance, std::move(checkpoint), std::move(entries));
}

std::string SavedLog::json() const {
  json::Array items;
  for (const receipt::LogEntry& entry : entries_) items.emplace_back(base64_encode(entry.encode()));
  return json::pretty(json::Object{{"checkpoint", checkpoint_.note()},
                                   {"entries", std::move(items)},
                                   {"instance", instance().hex()},
                                   {"receipt_key", checkpoint_.key().hex()},
                                   {"type", kSavedLogType}});
}

}  // namespace redoubt::sdk
