// Policies, endorsements and verify of redoubt_attest.h. The boundary: every pointer and length is checked here, once.
#include <cstring>

#include "client/attest_c/handles.h"

namespace {

using namespace redoubt;
using attest_c::guarded;

constexpr std::int64_t kLastSecond = 253402300799;  // 9999-12-31T23:59:59Z

// span_of: bytes of the caller; null only with size 0.
Result<ByteView> span_of(const void* bytes, std::size_t size, std::size_t max, std::string_view what) {
  if (size == 0) return ByteView();
  if (bytes == nullptr) return Error(Code::usage, std::string(what) + ": expected " + std::to_string(size) + " bytes, found null");
  if (size > max) return Error(Code::usage, std::string(what) + ": expected at most " + std::to_string(max) + " bytes, found " + std::to_string(size));
  return ByteView(static_cast<const std::byte*>(bytes), size);
}

// text_of: a text of the caller that ends with a zero byte.
Result<std::string> text_of(const char* text, std::string_view what) {
  if (text == nullptr) return Error(Code::usage, std::string(what) + ": expected a text, found null");
  const std::size_t size = strnlen(text, REDOUBT_MAX_NAME + 1);
  if (size > REDOUBT_MAX_NAME) return Error(Code::usage, std::string(what) + ": longer than " + std::to_string(REDOUBT_MAX_NAME) + " bytes");
  return std::string(text, size);
}

template <class T>
Status place(T** out, std::string_view what) {
  if (out == nullptr) return Error(Code::usage, std::string(what) + ": expected a place for the handle, found null");
  *out = nullptr;
  return {};
}

redoubt_policy* policy_of(appraise::Policy policy, bool builtin) {
  std::string id = policy.id().hex();
  std::string canonical = policy.canonical();
  return new redoubt_policy{std::move(policy), builtin, std::move(id), std::move(canonical)};
}

redoubt_error kNoMemory{REDOUBT_UNAVAILABLE, "no memory"};

}  // namespace

namespace redoubt::attest_c {

redoubt_error* no_memory() { return &kNoMemory; }

int answer(const Status& status, redoubt_error** error) noexcept {
  if (status.ok()) return REDOUBT_OK;
  const int code = static_cast<int>(status.error().code());
  if (error == nullptr) return code;
  try {
    *error = new redoubt_error{code, status.error().message()};
  } catch (...) {
    *error = no_memory();
  }
  return code;
}

}  // namespace redoubt::attest_c

extern "C" {

uint32_t redoubt_attest_abi(void) { return REDOUBT_ATTEST_ABI; }
const char* redoubt_attest_version(void) { return REDOUBT_VERSION; }

int redoubt_error_code(const redoubt_error* error) { return error == nullptr ? REDOUBT_OK : error->code; }
const char* redoubt_error_text(const redoubt_error* error) { return error == nullptr ? "" : error->text.c_str(); }
void redoubt_error_free(redoubt_error* error) {
  if (error != &kNoMemory) delete error;
}

int redoubt_policy_parse(const char* json, size_t json_size, redoubt_policy** policy, redoubt_error** error) {
  return guarded(error, [&]() -> Status {
    REDOUBT_CHECK(place(policy, "policy"));
    REDOUBT_TRY(const ByteView text, span_of(json, json_size, REDOUBT_MAX_POLICY, "policy"));
    REDOUBT_TRY(const json::Value value, json::parse(as_text(text), {.max_bytes = REDOUBT_MAX_POLICY}).context("policy"));
    REDOUBT_TRY(auto parsed, appraise::Policy::from_json(value));
    *policy = policy_of(std::move(parsed), false);
    return {};
  });
}

int redoubt_policy_builtin(const char* name, redoubt_policy** policy, redoubt_error** error) {
  return guarded(error, [&]() -> Status {
    REDOUBT_CHECK(place(policy, "policy"));
    REDOUBT_TRY(const std::string wanted, text_of(name, "name of a policy"));
    if (wanted != "strict") return Error(Code::not_found, "name of a policy: expected \"strict\", found \"" + wanted + "\"");
    *policy = policy_of(verifier::strict_policy(), true);
    return {};
  });
}

const char* redoubt_policy_name(const redoubt_policy* policy) { return policy == nullptr ? "" : policy->policy.name.c_str(); }
const char* redoubt_policy_id(const redoubt_policy* policy) { return policy == nullptr ? "" : policy->id.c_str(); }
const char* redoubt_policy_json(const redoubt_policy* policy) { return policy == nullptr ? "" : policy->canonical.c_str(); }
void redoubt_policy_free(redoubt_policy* policy) { delete policy; }

int redoubt_endorsements_new(redoubt_endorsements** set, redoubt_error** error) {
  return guarded(error, [&]() -> Status {
    REDOUBT_CHECK(place(set, "endorsements"));
    *set = new redoubt_endorsements;
    return {};
  });
}

int redoubt_endorsements_add(redoubt_endorsements* set, const char* name, const void* bytes, size_t size, redoubt_error** error) {
  return guarded(error, [&]() -> Status {
    if (set == nullptr) return Error(Code::usage, "endorsements: expected a handle, found null");
    REDOUBT_TRY(const std::string called, text_of(name, "name of an endorsement"));
    REDOUBT_TRY(const ByteView content, span_of(bytes, size, REDOUBT_MAX_ENDORSEMENT, called));
    if (set->files.size() >= REDOUBT_MAX_ENDORSEMENTS) {
      return Error(Code::usage, "endorsements: expected at most " + std::to_string(REDOUBT_MAX_ENDORSEMENTS) + " files");
    }
    if (content.size() > REDOUBT_MAX_ENDORSEMENTS_TOTAL - set->total) {
      return Error(Code::usage, "endorsements: expected at most " + std::to_string(REDOUBT_MAX_ENDORSEMENTS_TOTAL) + " bytes altogether");
    }
    std::vector<verifier::NamedFile> one{{called, to_bytes(content)}};
    REDOUBT_TRY(const auto items, verifier::read_heap(one));
    set->files.push_back(std::move(one.front()));
    set->total += content.size();
    return {};
  });
}

size_t redoubt_endorsements_count(const redoubt_endorsements* set) { return set == nullptr ? 0 : set->files.size(); }
void redoubt_endorsements_free(redoubt_endorsements* set) { delete set; }

int redoubt_verify(const redoubt_policy* policy, const redoubt_endorsements* endorsements, const void* evidence, size_t evidence_size,
                   const void* nonce, size_t nonce_size, int64_t time, redoubt_result** result, redoubt_error** error) {
  return guarded(error, [&]() -> Status {
    REDOUBT_CHECK(place(result, "result"));
    REDOUBT_TRY(const ByteView bytes, span_of(evidence, evidence_size, REDOUBT_MAX_EVIDENCE, "evidence"));
    REDOUBT_TRY(const ByteView challenge, span_of(nonce, nonce_size, REDOUBT_MAX_NONCE, "nonce"));
    if (nonce != nullptr && nonce_size == 0) return Error(Code::usage, "nonce: expected 1 to 64 bytes, found none; pass null when there is none");
    if (time < 0 || time > kLastSecond) return Error(Code::usage, "time: expected seconds since 1970, found " + std::to_string(time));
    const Instant now(time);
    std::optional<Bytes> asked;
    if (!challenge.empty()) asked = to_bytes(challenge);
    std::optional<appraise::Policy> own;  // nothing: the built-in policy, with its remark that no measurement was asked for
    if (policy != nullptr && !policy->builtin) own = policy->policy;
    std::span<const verifier::NamedFile> files;
    if (endorsements != nullptr) files = endorsements->files;
    REDOUBT_TRY(auto appraisal, verifier::verify(bytes, files, own, asked, now));
    auto out = std::make_unique<redoubt_result>();
    const Status accepted = appraisal.accepted();
    out->code = accepted.ok() ? REDOUBT_OK : static_cast<int>(accepted.error().code());
    if (!accepted.ok()) out->reason = accepted.error().message();
    out->policy_id = appraisal.policy.hex();
    out->ear = json::canonical(appraise::ear(appraisal, now));
    out->appraisal = std::move(appraisal);
    *result = out.release();
    return {};
  });
}

}  // extern "C"
