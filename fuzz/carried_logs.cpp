// Old logs from a host: whatever is taken gives a statement that parses, and the same logs again give the same one. Input: logs one
// after the other, each a count of entries (one byte) and then entries, each a length (one byte) and that many bytes; a length of 255
// stands for the `carried` entry for the logs before.
#include <cstdlib>

#include "common/base/reader.h"
#include "common/jobs/cleanroom/carried_logs.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  Reader reader(std::as_bytes(std::span(data, size)), "input");
  std::vector<jobs::OldLog> logs;
  while (reader.ok() && reader.remaining() > 0 && logs.size() < 20) {
    jobs::OldLog log;
    log.instance.array()[0] = static_cast<std::byte>(logs.size() + 1);
    for (int left = reader.u8(); left > 0 && reader.ok(); --left) {
      const std::size_t length = reader.u8();
      const auto older = length == 255 ? jobs::CarriedLogs::build(ContractDigest(), logs) : Error(Code::usage, "not asked for");
      if (older.ok()) {
        log.entries.push_back(receipt::LogEntry{std::string(receipt::kCarriedEntry), older->statement(log.instance).digest()}.encode());
      } else {
        log.entries.push_back(to_bytes(reader.bytes(std::min(length, reader.remaining()))));
      }
    }
    logs.push_back(std::move(log));
  }
  const auto built = jobs::CarriedLogs::build(ContractDigest(), logs);
  if (!built.ok()) return 0;
  InstanceId next;
  next.array().fill(std::byte{0xff});
  const jobs::CarryOver statement = built->statement(next);
  const auto parsed = jobs::CarryOver::parse(statement.canonical());
  if (!parsed.ok() || *parsed != statement || parsed->heads.size() != logs.size()) std::abort();
  for (std::size_t i = 0; i < logs.size(); ++i) {
    if (built->find(logs[i].instance) != i || built->entries(i) != logs[i].entries) std::abort();
  }
  return 0;
}
