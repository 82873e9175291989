#include "common/receipt/log.h"

#include <cstdlib>

#include "common/base/reader.h"
#include "common/base/writer.h"

namespace redoubt::receipt {
namespace {

constexpr std::string_view kEntryLabel = "redoubt/log-entry/1";

bool valid_kind(std::string_view kind) {
  return !kind.empty() && kind.size() <= LogEntry::kMaxKind &&
         std::ranges::all_of(kind, [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
}

}  // namespace

Bytes LogEntry::encode() const { return to_bytes(Fields(kEntryLabel).text(kind).field(content.view()).view()); }

Result<LogEntry> LogEntry::parse(ByteView bytes) {
  Reader reader(bytes, "log entry");
  if (as_text(reader.sized32be(kEntryLabel.size())) != kEntryLabel) reader.fail("expected the label redoubt/log-entry/1");
  LogEntry entry;
  entry.kind = as_text(reader.sized32be(kMaxKind));
  const ByteView content = reader.sized32be(crypto::Sha256Digest::size);
  REDOUBT_CHECK(reader.finish());
  if (!valid_kind(entry.kind)) return Error(Code::malformed, "log entry: kind is not 1 to 32 of [a-z-]");
  REDOUBT_TRY(entry.content, crypto::Sha256Digest::from(content, "log entry: content"));
  return entry;
}

Result<Log> Log::restore(const InstanceId& instance, const std::vector<Bytes>& entries) {
  Log log(instance);
  for (const Bytes& bytes : entries) {
    REDOUBT_TRY(const LogEntry entry, LogEntry::parse(bytes).context("restoring entry " + std::to_string(log.size())));
    log.append(entry);
  }
  return log;
}

std::uint64_t Log::append(const LogEntry& entry) {
  if (!valid_kind(entry.kind)) std::abort();
  return tree_.append(entry.hash());
}

Checkpoint Log::checkpoint(const crypto::Ed25519PrivateKey& key) const {
  // Our own origins are always valid key names, so signing cannot be refused.
  return Checkpoint::sign(head(), key).value();
}

}  // namespace redoubt::receipt
