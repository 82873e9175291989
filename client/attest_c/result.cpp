// Results of redoubt_attest.h: tier, checks, remarks and the EAR.
#include <algorithm>
#include <cstring>

#include "client/attest_c/handles.h"
#include "common/crypto/jws.h"

namespace {

using namespace redoubt;
using attest_c::guarded;

const attest::Check* check_at(const redoubt_result* result, std::size_t index) {
  return result != nullptr && index < result->appraisal.checks.size() ? &result->appraisal.checks[index] : nullptr;
}

}  // namespace

extern "C" {

int redoubt_result_code(const redoubt_result* result) { return result == nullptr ? REDOUBT_USAGE : result->code; }

const char* redoubt_result_reason(const redoubt_result* result) { return result == nullptr ? "" : result->reason.c_str(); }

int redoubt_result_tier(const redoubt_result* result) {
  return result == nullptr ? REDOUBT_TIER_NONE : static_cast<int>(result->appraisal.status);
}

const char* redoubt_result_tier_text(const redoubt_result* result) {
  return result == nullptr ? "" : appraise::tier_text(result->appraisal.status).data();  // of literals, so they end with a zero byte
}

const char* redoubt_result_format(const redoubt_result* result) { return result == nullptr ? "" : result->appraisal.format.c_str(); }

const char* redoubt_result_policy_id(const redoubt_result* result) { return result == nullptr ? "" : result->policy_id.c_str(); }

int64_t redoubt_result_valid_until(const redoubt_result* result) {
  return result == nullptr ? 0 : result->appraisal.validity.end.unix_seconds();
}

size_t redoubt_result_remark_count(const redoubt_result* result) { return result == nullptr ? 0 : result->appraisal.remarks.size(); }

const char* redoubt_result_remark(const redoubt_result* result, size_t index) {
  return index < redoubt_result_remark_count(result) ? result->appraisal.remarks[index].c_str() : "";
}

size_t redoubt_result_check_count(const redoubt_result* result) { return result == nullptr ? 0 : result->appraisal.checks.size(); }

const char* redoubt_result_check_id(const redoubt_result* result, size_t index) {
  const attest::Check* const check = check_at(result, index);
  return check == nullptr ? "" : attest::id_text(check->id).data();
}

const char* redoubt_result_check_title(const redoubt_result* result, size_t index) {
  const attest::Check* const check = check_at(result, index);
  return check == nullptr ? "" : attest::title(check->id).data();
}

int redoubt_result_check_outcome(const redoubt_result* result, size_t index) {
  const attest::Check* const check = check_at(result, index);
  if (check == nullptr) return REDOUBT_OUTCOME_NONE;
  switch (check->outcome) {
    case attest::Outcome::passed: return REDOUBT_OUTCOME_PASSED;
    case attest::Outcome::failed: return REDOUBT_OUTCOME_FAILED;
    case attest::Outcome::not_applicable: return REDOUBT_OUTCOME_NOT_APPLICABLE;
  }
  return REDOUBT_OUTCOME_FAILED;
}

int redoubt_result_check_code(const redoubt_result* result, size_t index) {
  const attest::Check* const check = check_at(result, index);
  return check == nullptr || check->outcome != attest::Outcome::failed ? REDOUBT_OK : static_cast<int>(check->code);
}

const char* redoubt_result_check_expected(const redoubt_result* result, size_t index) {
  const attest::Check* const check = check_at(result, index);
  return check == nullptr ? "" : check->expected.c_str();
}

const char* redoubt_result_check_found(const redoubt_result* result, size_t index) {
  const attest::Check* const check = check_at(result, index);
  return check == nullptr ? "" : check->found.c_str();
}

const char* redoubt_result_ear(const redoubt_result* result) { return result == nullptr ? "" : result->ear.c_str(); }

int redoubt_result_ear_jws(const redoubt_result* result, const void* key, size_t key_size, const char* key_id, char** jws,
                           redoubt_error** error) {
  return guarded(error, [&]() -> Status {
    if (jws == nullptr) return Error(Code::usage, "jws: expected a place for the text, found null");
    *jws = nullptr;
    if (result == nullptr) return Error(Code::usage, "result: expected a handle, found null");
    if (key == nullptr || key_size != REDOUBT_KEY_SIZE) {
      return Error(Code::usage, "key: expected 32 bytes, found " + (key == nullptr ? "null" : std::to_string(key_size)));
    }
    const std::size_t id_size = key_id == nullptr ? 0 : strnlen(key_id, REDOUBT_MAX_NAME + 1);
    if (id_size > REDOUBT_MAX_NAME) return Error(Code::usage, "key id: longer than 128 characters");
    REDOUBT_TRY(const auto own, crypto::Ed25519PrivateKey::from_seed(SecretBytes::copy_of({static_cast<const std::byte*>(key), key_size})));
    const std::string id = key_id == nullptr ? std::string() : std::string(key_id, id_size);
    REDOUBT_TRY(const std::string text, crypto::jws_sign(own, {"eat+jwt", id}, as_bytes(result->ear)));
    char* const copy = new char[text.size() + 1];
    std::copy(text.c_str(), text.c_str() + text.size() + 1, copy);
    *jws = copy;
    return {};
  });
}

void redoubt_text_free(char* text) { delete[] text; }

void redoubt_result_free(redoubt_result* result) { delete result; }

}  // extern "C"
