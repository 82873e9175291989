// An IMA list that parses, in either form, gives its own recomputed value at its end or earlier.
#include <cstdlib>

#include "common/attest/evidence/ima/ima_list.h"

namespace {

using namespace redoubt;

void judge(const ima::List& list) {
  eventlog::Digest value(32);
  for (const ima::Entry& entry : list.entries) value = eventlog::extend(eventlog::kSha256, value, entry.extended(eventlog::kSha256).view());
  const auto prefix = ima::quoted_prefix(list, eventlog::kSha256, value);
  if (prefix != (list.entries.empty() ? std::nullopt : std::optional(list.entries.size()))) std::abort();
  for (const ima::Entry& entry : list.entries) (void)entry.signature_key();
  (void)ima::mismatches(list);
  (void)ima::check_boot_aggregate(list, {});
  (void)ima::replay(list, list.column);
  (void)ima::describe(list);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes = std::as_bytes(std::span(data, size));
  if (const auto list = ima::List::parse_binary(bytes); list.ok()) judge(*list);
  if (const auto list = ima::List::parse_ascii(as_text(bytes)); list.ok()) judge(*list);
  return 0;
}
