// The handles of redoubt_attest.h as C++ objects, and the one way in which its functions fail. Private to this room.
//
// Everything that a getter gives is made when the handle is made, so that getters cannot fail and may run in many threads.
#pragma once

#include <new>
#include <string>
#include <vector>

#include "client/attest_c/redoubt_attest.h"
#include "common/attest/verifier/verifier.h"

struct redoubt_error {
  int code = REDOUBT_INTERNAL;
  std::string text;
};

struct redoubt_policy {
  redoubt::appraise::Policy policy;
  bool builtin = false;
  std::string id, canonical;
};

struct redoubt_endorsements {
  std::vector<redoubt::verifier::NamedFile> files;
  std::size_t total = 0;
};

struct redoubt_result {
  redoubt::appraise::Appraisal appraisal;
  int code = REDOUBT_INTERNAL;
  std::string reason, policy_id, ear;
};

namespace redoubt::attest_c {

// no_memory: an error handle that needs none. Freeing it does nothing.
redoubt_error* no_memory();

// answer: the code of `status`, with its text in *error unless that is null.
int answer(const Status& status, redoubt_error** error) noexcept;

// guarded runs `body`, which gives a Status; nothing that it throws goes further.
template <class F>
int guarded(redoubt_error** error, F body) noexcept {
  if (error != nullptr) *error = nullptr;
  try {
    return answer(body(), error);
  } catch (const std::bad_alloc&) {
    if (error != nullptr) *error = no_memory();
    return REDOUBT_UNAVAILABLE;
  } catch (...) {
    return answer(Error(Code::internal, "the library met a case that it does not know"), error);
  }
}

}  // namespace redoubt::attest_c
