// Goal: a commitment tells every part from another, and a log is restored from its own entries alone. Method: each part changed,
// entries swapped, lengthened and written wrongly.
#include <gtest/gtest.h>

#include "common/base/writer.h"
#include "common/receipt/commitment.h"
#include "common/receipt/log.h"
#include "tests/support/expect.h"

namespace redoubt::receipt {
namespace {

TEST(Commitment, EveryPartCountsAndLeafSaltsDiffer) {
  const Salt salt = OrDie(Salt::from(Bytes(32, std::byte{9})));
  const Commitment one = commit("a", salt, as_bytes("bc"));
  EXPECT_EQ(one, commit("a", salt.clone(), as_bytes("bc")));
  EXPECT_EQ(one, Commitment(crypto::sha256(Fields("redoubt/commitment/1").text("a").field(salt.reveal()).text("bc").view()).array()));
  EXPECT_NE(one, commit("ab", salt, as_bytes("c")));
  EXPECT_NE(one, commit("a", salt.leaf("a", 0), as_bytes("bc")));
  EXPECT_NE(hex_encode(salt.leaf("a", 0).reveal()), hex_encode(salt.leaf("a", 1).reveal()));
  EXPECT_NE(hex_encode(salt.leaf("a", 0).reveal()), hex_encode(salt.leaf("b", 0).reveal()));
  EXPECT_NE(hex_encode(salt.leaf("a", 0).reveal()), hex_encode(salt.reveal()));
  EXPECT_ERROR(Salt::from(Bytes(31)), Code::malformed, "found 31");
}

TEST(Log, RestoresFromItsEntriesAndRefusesOthers) {
  std::vector<Bytes> entries;
  Log log{InstanceId()};
  for (const std::string_view kind : {kBootEntry, kRefusalEntry, kReceiptEntry}) {
    const LogEntry entry{std::string(kind), crypto::sha256(as_bytes(kind))};
    log.append(entry);
    entries.push_back(entry.encode());
    EXPECT_LE(entries.back().size(), LogEntry::kMaxSize);
    EXPECT_EQ(OrDie(LogEntry::parse(entries.back())), entry);
  }
  EXPECT_EQ(OrDie(Log::restore(log.instance(), entries)).head(), log.head());
  std::swap(entries[0], entries[1]);
  EXPECT_NE(OrDie(Log::restore(log.instance(), entries)).head(), log.head());
  Bytes longer = entries[1];
  longer.push_back(std::byte{0});
  EXPECT_ERROR(LogEntry::parse(longer), Code::malformed, "trailing");
  entries[1] = LogEntry{"Boot", {}}.encode();
  EXPECT_ERROR(Log::restore(log.instance(), entries), Code::malformed, "restoring entry 1: log entry: kind");
  entries[1] = to_bytes(Fields("redoubt/log-entry/2").text("boot").field(Bytes(32)).view());
  EXPECT_ERROR(LogEntry::parse(entries[1]), Code::malformed, "expected the label");
  EXPECT_ERROR(LogEntry::parse(Fields("redoubt/log-entry/1").text("boot").field(Bytes(31)).view()), Code::malformed, "found 31");
}

}  // namespace
}  // namespace redoubt::receipt
