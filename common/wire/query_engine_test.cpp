// Goal: requests and answers of the query engine have one encoding and bounded fields. Method: written, read, cut, misshapen.
#include "common/wire/query_engine.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace redoubt::wire {
namespace {

TEST(EngineMessages, AreReadAsWrittenAndRefusedWhenCut) {
  const EngineRequest request{EngineRequest::Operation::run, "SELECT 1", "aggregate_only", 10, {{"{}", to_bytes("a\n1\n")}},
                              {{"{}", to_bytes("b\n2\n")}}, {{"SELECT 2", "k_anonymized", 11, {0, 1}}}, EngineNoise{"1", "0.000001", 8, 50, Bytes(32, std::byte{7})}};
  const EngineAnswer answer{EngineAnswer::Kind::result, "", "", {"a", "b"}, {{"1", std::nullopt}}, "seccomp, landlock 3"};
  const Bytes asked = request.encode();
  const Bytes answered = answer.encode();
  EXPECT_EQ(OrDie(EngineRequest::decode(asked)).encode(), asked);
  EXPECT_EQ(OrDie(EngineAnswer::decode(answered)).encode(), answered);
  EXPECT_FALSE(EngineRequest::decode(answered).ok());
  EXPECT_FALSE(EngineAnswer::decode(asked).ok());
  for (std::size_t size = 0; size < asked.size(); ++size) {
    EXPECT_ERROR(EngineRequest::decode(ByteView(asked).first(size)), Code::malformed, "redoubt/engine/request/4");
  }
  for (std::size_t size = 0; size < answered.size(); ++size) {
    EXPECT_ERROR(EngineAnswer::decode(ByteView(answered).first(size)), Code::malformed, "redoubt/engine/answer/2");
  }
}

TEST(EngineMessages, EarlierQueriesNameTablesOfTheRequest) {
  EngineRequest request{EngineRequest::Operation::run, "SELECT 1", "aggregate_only", 10, {{"{}", {}}}, {{"{}", {}}}, {{"SELECT 2", "none", 2, {1, 0}}}};
  EXPECT_EQ(OrDie(EngineRequest::decode(request.encode())).earlier.at(0).tables, (std::vector<std::uint64_t>{1, 0}));
  request.earlier[0].tables = {2};
  EXPECT_ERROR(EngineRequest::decode(request.encode()), Code::malformed, "tables that are in the request");
  request.earlier.assign(EngineRequest::kMaxEarlier + 1, {});
  EXPECT_ERROR(EngineRequest::decode(request.encode()), Code::malformed, "");
}

TEST(EngineMessages, ATableIsInTheRequestOrInOneOfTheFiles) {
  EngineRequest request{EngineRequest::Operation::load, "", "none", 2, {{"{}", {}, 3, true}}};
  const EngineTable read = OrDie(EngineRequest::decode(request.encode())).tables.at(0);
  EXPECT_EQ(read.file, 3U);
  EXPECT_TRUE(read.checked_before);
  request.tables[0].rows = to_bytes("x");
  EXPECT_ERROR(EngineRequest::decode(request.encode()), Code::malformed, "found both");
  request.tables[0] = {"{}", {}, EngineRequest::kMaxFiles + 1, false};
  EXPECT_ERROR(EngineRequest::decode(request.encode()), Code::malformed, "");
}

TEST(EngineMessages, AnUnknownOperationIsRefused) {
  for (int operation = 0; operation <= 7; ++operation) {
    const EngineRequest request{static_cast<EngineRequest::Operation>(operation), "SELECT 1", "none", 2, {}};
    EXPECT_EQ(EngineRequest::decode(request.encode()).ok(), operation <= 5) << operation;
  }
}

TEST(EngineMessages, HoldTheNoiseOfAQueryOrNone) {
  EngineRequest request{EngineRequest::Operation::run, "SELECT 1", "differential_privacy", 10, {}};
  EXPECT_FALSE(OrDie(EngineRequest::decode(request.encode())).noise.has_value());
  request.noise = EngineNoise{"0.5", "0.00001", 4, 10, Bytes(32, std::byte{7})};
  const EngineNoise read = *OrDie(EngineRequest::decode(request.encode())).noise;
  EXPECT_EQ(read.epsilon, "0.5");
  EXPECT_EQ(read.delta, "0.00001");
  EXPECT_EQ(read.groups, 4U);
  EXPECT_EQ(read.rows, 10U);
  EXPECT_EQ(read.seed, request.noise->seed);
  request.noise->seed.push_back(std::byte{1});
  EXPECT_ERROR(EngineRequest::decode(request.encode()), Code::malformed, "");
}

TEST(EngineMessages, RefusalsCarryTheirPlaceAndARewrite) {
  EngineAnswer answer{EngineAnswer::Kind::refused, "S8", "no ROLLUP", {}, {}, "seccomp, no landlock", 2, 7, "GROUP BY a"};
  const EngineAnswer read = OrDie(EngineAnswer::decode(answer.encode()));
  EXPECT_EQ(read.line, 2U);
  EXPECT_EQ(read.column, 7U);
  EXPECT_EQ(read.suggestion, "GROUP BY a");
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
