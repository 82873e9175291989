#include "common/base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace redoubt {
namespace {

// Counted knows how many of its kind live, so that a member dropped twice or never shows.
struct Counted {
  explicit Counted(int* living) : living_(living) { ++*living_; }
  Counted(const Counted& other) : living_(other.living_) { ++*living_; }
  Counted(Counted&& other) noexcept : living_(other.living_) { ++*living_; }
  Counted& operator=(const Counted&) = delete;
  Counted& operator=(Counted&&) = delete;
  ~Counted() { --*living_; }
  int* living_;
};

Error refused() { return Error(Code::refused, "an error long enough to stand outside of its string"); }

TEST(Result, HoldsAValueOrAnErrorAndEndsTheProcessWhereTheOtherIsRead) {
  const Result<int> value = 7;
  const Result<int> error = refused();
  EXPECT_TRUE(value.ok());
  EXPECT_EQ(*value, 7);
  EXPECT_FALSE(error.ok());
  EXPECT_EQ(error.error().code(), Code::refused);
  EXPECT_DEATH((void)value.error(), "");
  EXPECT_DEATH((void)error.value(), "");
}

TEST(Result, CopiesMovesAndAssignmentsLeaveOneLivingValueEach) {
  int living = 0;
  {
    Result<Counted> first = Counted(&living);
    EXPECT_EQ(living, 1);
    Result<Counted> copy = first;
    EXPECT_EQ(living, 2);
    Result<Counted> moved = std::move(copy);
    EXPECT_EQ(living, 3) << "what was moved from still holds its value";
    moved = refused();
    EXPECT_EQ(living, 2);
    EXPECT_EQ(moved.error().message(), refused().message());
    moved = first;
    EXPECT_EQ(living, 3);
    moved = std::move(first);
    EXPECT_EQ(living, 3);
    Result<Counted>& itself = moved;
    moved = itself;
    moved = std::move(itself);
    EXPECT_TRUE(moved.ok());
    EXPECT_EQ(living, 3);
    Result<Counted> failed = refused();
    failed = Result<Counted>(Error(Code::auth, "another"));
    EXPECT_EQ(failed.error().code(), Code::auth);
  }
  EXPECT_EQ(living, 0);
}

TEST(Result, HoldsWhatCannotBeCopied) {
  static_assert(!std::is_copy_constructible_v<Result<std::unique_ptr<int>>>);
  static_assert(std::is_copy_constructible_v<Result<std::string>>);
  static_assert(std::is_nothrow_move_constructible_v<Result<std::string>>, "a vector moves them when it grows");
  std::vector<Result<std::unique_ptr<int>>> results;
  for (int i = 0; i < 100; ++i) results.emplace_back(std::make_unique<int>(i));
  EXPECT_EQ(**results[63], 63);
  const std::unique_ptr<int> taken = std::move(results[63]).value();
  EXPECT_EQ(*taken, 63);
}

TEST(Result, ContextStandsBeforeTheMessageOfAnErrorAndLeavesAValueAlone) {
  EXPECT_EQ(Result<int>(Error(Code::chain, "found nothing")).context("reading keys").error().message(), "reading keys: found nothing");
  EXPECT_EQ(*Result<int>(5).context("reading keys"), 5);
  EXPECT_EQ(Status(Error(Code::chain, "found nothing")).context("reading keys").error().code(), Code::chain);
}

}  // namespace
}  // namespace redoubt
