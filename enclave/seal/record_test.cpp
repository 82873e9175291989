// Goal: heads and records have one form each, and anything else is refused. Method: what was written is read; then sizes and every kind of junk.
#include "enclave/seal/record.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/support/fixed_random.h"

namespace redoubt::seal {
namespace {

FileHead head() {
  test::FixedRandom random(1);
  return {random.fixed<ContractDigest>(), random.fixed<StateProgram>(), random.fixed<InstanceId>(), random.fixed<Anchor>(), to_bytes("sealed root")};
}

TEST(SealRecordTest, AHeadIsReadAsItWasWritten) {
  Bytes file = head().encode();
  const std::size_t size = file.size();
  append(file, as_bytes("records"));
  const FileHead found = OrDie(FileHead::read(file));
  EXPECT_EQ(found.encode(), head().encode());
  EXPECT_EQ(found.size(), size);
  for (std::size_t cut = 0; cut < size; ++cut) EXPECT_FALSE(FileHead::read(ByteView(file).first(cut)).ok()) << cut;
  file[7] = std::byte{'1'};
  EXPECT_ERROR(FileHead::read(file), Code::malformed, "magic");
  FileHead large = head();
  large.root.resize(Sealer::kMaxBlob + 1);
  EXPECT_ERROR(FileHead::read(large.encode()), Code::malformed, "sealed state: head");
}

TEST(SealRecordTest, ARecordOpensInItsPlaceOnly) {
  const SecretBytes root = SecretBytes::copy_of(Bytes(32));
  const RecordKeys keys(head(), root);
  const BootId boot{};
  const Chain before = head().chain();
  const Bytes record = OrDie(keys.seal(3, 4, boot, before, as_bytes("payload")));
  const RecordHead start = OrDie(RecordHead::read(ByteView(record).first(RecordHead::kSize)));
  const ByteView sealed = ByteView(record).subspan(RecordHead::kSize);
  EXPECT_EQ(start.sealed_size, sealed.size());
  EXPECT_EQ(as_text(OrDie(keys.open(start, before, sealed)).reveal()), "payload");
  const auto refused = [&](auto change) {
    RecordHead other = start;
    change(other);
    return !keys.open(other, before, sealed).ok();
  };
  EXPECT_TRUE(refused([](RecordHead& other) { ++other.epoch; }));
  EXPECT_TRUE(refused([](RecordHead& other) { ++other.sequence; }));
  EXPECT_TRUE(refused([](RecordHead& other) { other.boot.array()[0] = std::byte{1}; }));
  EXPECT_ERROR(keys.open(start, chain_after(before, record), sealed), Code::binding, "");
  FileHead other_instance = head();
  other_instance.instance.array()[0] ^= std::byte{1};
  EXPECT_ERROR(RecordKeys(other_instance, root).open(start, before, sealed), Code::binding, "");
  FileHead other_base = head();
  other_base.base.array()[0] ^= std::byte{1};
  EXPECT_ERROR(RecordKeys(other_base, root).open(start, before, sealed), Code::binding, "");
  EXPECT_ERROR(keys.seal(3, 4, boot, before, {}), Code::usage, "a record of 0 bytes");
}

TEST(SealRecordTest, SizesOfRecordsAreBounded) {
  const auto of_size = [](std::uint32_t size) { return RecordHead::read(RecordHead{size, 1, 2, BootId()}.encode()); };
  EXPECT_OK(of_size(17));
  EXPECT_OK(of_size(RecordHead::kMaxPayload + 16));
  EXPECT_ERROR(of_size(16), Code::malformed, "size out of range");
  EXPECT_ERROR(of_size(0), Code::malformed, "size out of range");
  EXPECT_ERROR(of_size(RecordHead::kMaxPayload + 17), Code::malformed, "size out of range");
  EXPECT_FALSE(RecordHead::read(Bytes(RecordHead::kSize - 1)).ok());
  EXPECT_FALSE(RecordHead::read(Bytes(RecordHead::kSize + 1)).ok());
}

}  // namespace
}  // namespace redoubt::seal
