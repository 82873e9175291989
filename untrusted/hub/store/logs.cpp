#include "untrusted/hub/store/logs.h"

namespace redoubt::hub {
namespace {

constexpr std::size_t kMaxEntries = 1000;

}  // namespace

Result<std::uint64_t> log_size(Transaction& transaction, const InstanceId& instance) {
  REDOUBT_TRY(auto rows, transaction.query("SELECT coalesce(max(sequence) + 1, 0) FROM log_entries WHERE instance = ?",
                                           {sql::blob(instance.view())}));
  REDOUBT_TRY(sql::Row row, one(std::move(rows), "log"));
  const std::uint64_t size = row.count();
  REDOUBT_CHECK(row.finish());
  return size;
}

Status append_entries(Transaction& transaction, const InstanceId& instance, std::uint64_t first, const std::vector<Bytes>& entries) {
  REDOUBT_TRY(const std::uint64_t size, log_size(transaction, instance));
  if (first > size) {
    return Error(Code::refused, "log entries: expected to continue at " + std::to_string(size) + ", found " + std::to_string(first));
  }
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::uint64_t sequence = first + i;
    const std::string name = "log entry " + std::to_string(sequence);
    REDOUBT_TRY(const auto parsed, receipt::LogEntry::parse(entries[i]).context(name));
    if (sequence < size) {
      REDOUBT_TRY(const auto present, get_entries(transaction, instance, sequence, 1));
      if (present.size() != 1 || present.front() != entries[i]) {
        return Error(Code::refused, name + ": another one is in the log already");
      }
      continue;
    }
    REDOUBT_CHECK(transaction
                      .change_one("INSERT INTO log_entries (instance, sequence, entry) VALUES (?, ?, ?)",
                                  {sql::blob(instance.view()), sql::number(sequence), sql::blob(entries[i])})
                      .context(name));
  }
  return {};
}

Result<std::vector<Bytes>> get_entries(Transaction& transaction, const InstanceId& instance, std::uint64_t first, std::size_t count) {
  REDOUBT_TRY(auto rows, transaction.query("SELECT entry FROM log_entries WHERE instance = ? AND sequence >= ? "
                                           "ORDER BY sequence LIMIT ?",
                                           {sql::blob(instance.view()), sql::number(first),
                                            sql::number(std::uint64_t{std::min(count, kMaxEntries)})}));
  std::vector<Bytes> out;
  for (sql::Row& row : rows) {
    out.push_back(row.blob());
    REDOUBT_CHECK(row.finish());
  }
  return out;
}

Result<receipt::Log> load_log(Transaction& transaction, const InstanceId& instance) {
  receipt::Log log(instance);
  for (;;) {
    REDOUBT_TRY(const auto entries, get_entries(transaction, instance, log.size(), kMaxEntries));
    if (entries.empty()) return log;
    for (const Bytes& bytes : entries) {
      REDOUBT_TRY(const auto entry, receipt::LogEntry::parse(bytes).context("loading log"));
      log.append(entry);
    }
  }
}

Status put_checkpoint(Transaction& transaction, const InstanceId& instance, const receipt::TreeHead& head, std::string_view note) {
  if (head.origin != receipt::log_origin(instance)) {
    return Error(Code::log_proof, "checkpoint: expected origin " + receipt::log_origin(instance) + ", found " + head.origin);
  }
  REDOUBT_TRY(const std::uint64_t size, log_size(transaction, instance));
  if (head.size > size) {
    return Error(Code::refused, "checkpoint of size " + std::to_string(head.size) + ": the log has " + std::to_string(size) + " entries");
  }
  REDOUBT_TRY(auto rows, transaction.query("SELECT note FROM checkpoints WHERE instance = ? AND size = ?",
                                           {sql::blob(instance.view()), sql::number(head.size)}));
  if (!rows.empty()) {
    const std::string present = rows.front().text();
    REDOUBT_CHECK(rows.front().finish());
    if (present == note) return {};
    return Error(Code::log_proof, "checkpoint of size " + std::to_string(head.size) + ": another one is there already");
  }
  return transaction.change_one("INSERT INTO checkpoints (instance, size, note) VALUES (?, ?, ?)",
                                {sql::blob(instance.view()), sql::number(head.size), sql::text(note)});
}

Result<std::string> last_checkpoint(Transaction& transaction, const InstanceId& instance) {
  REDOUBT_TRY(auto rows, transaction.query("SELECT note FROM checkpoints WHERE instance = ? ORDER BY size DESC LIMIT 1",
                                           {sql::blob(instance.view())}));
  REDOUBT_TRY(sql::Row row, one(std::move(rows), "checkpoint"));
  std::string note = row.text();
  REDOUBT_CHECK(row.finish());
  return note;
}

}  // namespace redoubt::hub
