// Goal: session messages have one encoding, and none is ever read as another. Method: each written and read, cut at every
// length, and given to every other decoder.
#include "common/wire/session.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace redoubt::wire {
namespace {

template <class Message>
void only_this(const Message& message) {
  const Bytes bytes = message.encode();
  EXPECT_EQ(OrDie(Message::decode(bytes)).encode(), bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_ERROR(Message::decode(ByteView(bytes).first(size)), Code::malformed, "redoubt/session/");
  }
  Bytes longer = bytes;
  longer.push_back(std::byte{0});
  EXPECT_ERROR(Message::decode(longer), Code::malformed, "trailing");
  const int readers = int{SessionHello::decode(bytes).ok()} + int{SessionEvidence::decode(bytes).ok()} +
                      int{SessionProof::decode(bytes).ok()} + int{SessionAccepted::decode(bytes).ok()};
  EXPECT_EQ(readers, 1);
}

TEST(SessionMessages, AreReadAsThemselvesOnly) {
  only_this(SessionHello{});
  only_this(SessionEvidence{Challenge(), "{}", "tpm", Bytes(3)});
  only_this(SessionProof{});
  only_this(SessionAccepted{"hospital"});
}

TEST(SessionMessages, BoundTheirFields) {
  EXPECT_ERROR(SessionEvidence::decode(SessionEvidence{Challenge(), std::string(4097, ' '), "tpm", {}}.encode()),
               Code::malformed, "key 2: expected text of at most 4096");
  EXPECT_ERROR(SessionEvidence::decode(SessionEvidence{Challenge(), "", "tpm", Bytes(192 * 1024 + 1)}.encode()),
               Code::malformed, "key 4: expected at most");
  EXPECT_ERROR(SessionAccepted::decode(SessionAccepted{std::string(65, 'a')}.encode()), Code::malformed, "key 1");
  EXPECT_ERROR(SessionHello::decode(Bytes(300'000)), Code::malformed, "above the limit");
}

}  // namespace
}  // namespace redoubt::wire
