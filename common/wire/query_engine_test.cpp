// Goal: requests and answers of the query engine have one encoding and bounded fields. Method: written, read, cut, misshapen.
#include "common/wire/query_engine.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace redoubt::wire {
namespace {

TEST(EngineMessages, AreReadAsWrittenAndRefusedWhenCut) {
  const EngineRequest request{EngineRequest::Operation::run, "SELECT 1", "aggregate_only", 10, {{"{}", to_bytes("a\n1\n")}}};
  const EngineAnswer answer{EngineAnswer::Kind::result, "", "", {"a", "b"}, {{"1", std::nullopt}}, "seccomp, landlock 3"};
  const Bytes asked = request.encode();
  const Bytes answered = answer.encode();
  EXPECT_EQ(OrDie(EngineRequest::decode(asked)).encode(), asked);
  EXPECT_EQ(OrDie(EngineAnswer::decode(answered)).encode(), answered);
  EXPECT_FALSE(EngineRequest::decode(answered).ok());
  EXPECT_FALSE(EngineAnswer::decode(asked).ok());
  for (std::size_t size = 0; size < asked.size(); ++size) {
    EXPECT_ERROR(EngineRequest::decode(ByteView(asked).first(size)), Code::malformed, "redoubt/engine/request/1");
  }
  for (std::size_t size = 0; size < answered.size(); ++size) {
    EXPECT_ERROR(EngineAnswer::decode(ByteView(answered).first(size)), Code::malformed, "redoubt/engine/answer/1");
  }
}

TEST(EngineMessages, RowsHaveAsManyCellsAsNames) {
  EngineAnswer answer{EngineAnswer::Kind::result, "", "", {"a"}, {{"1", "2"}}};
  EXPECT_ERROR(EngineAnswer::decode(answer.encode()), Code::malformed, "rows of 1 cells");
}

TEST(EngineMessages, HoldAShortStatementOfTheSandbox) {
  const EngineAnswer answer{EngineAnswer::Kind::accepted, "", "", {}, {}, std::string(64, 's')};
  EXPECT_EQ(OrDie(EngineAnswer::decode(answer.encode())).sandbox, answer.sandbox);
  EngineAnswer longer = answer;
  longer.sandbox += 's';
  EXPECT_ERROR(EngineAnswer::decode(longer.encode()), Code::malformed, "");
}

}  // namespace
}  // namespace redoubt::wire
