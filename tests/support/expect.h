// Expectations on Result: EXPECT_OK, EXPECT_ERROR (code and part of the message), OrDie.
#pragma once

#include <gtest/gtest.h>

#include "common/base/result.h"

namespace redoubt {

// OrDie takes the value out of a Result; a failed one ends the test program with its message, so that no test goes on
// with a value that is not there.
template <class T>
T OrDie(Result<T> result, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  if (!result.ok()) {
    std::fprintf(stderr, "%s:%d: %s: %s\n", file, line, std::string(code_name(result.error().code())).c_str(),
                 result.error().message().c_str());
    std::abort();
  }
  return std::move(result).value();
}

template <class R>
testing::AssertionResult IsOk(const R& result) {
  if (result.ok()) return testing::AssertionSuccess();
  return testing::AssertionFailure() << code_name(result.error().code()) << ": " << result.error().message();
}

template <class R>
testing::AssertionResult IsError(const R& result, Code code, std::string_view part) {
  if (result.ok()) return testing::AssertionFailure() << "succeeded, expected " << code_name(code) << ": " << part;
  const Error& error = result.error();
  if (error.code() == code && error.message().find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "found " << code_name(error.code()) << ": " << error.message()
                                     << "; expected " << code_name(code) << ": ..." << part;
}

}  // namespace redoubt

#define EXPECT_OK(...) EXPECT_TRUE(::redoubt::IsOk(__VA_ARGS__))
#define ASSERT_OK(...) ASSERT_TRUE(::redoubt::IsOk(__VA_ARGS__))
// EXPECT_ERROR(call, code, part of the message): fails if the call succeeds.
#define EXPECT_ERROR(call, code, part) EXPECT_TRUE(::redoubt::IsError((call), (code), (part)))
