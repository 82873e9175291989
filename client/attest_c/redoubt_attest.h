/* redoubt_attest.h: the Verifier of Evidence as a C library (docs/specs/c-abi.md).
 *
 * Evidence, its endorsements, a policy, a nonce and a time go in; a verdict comes out, with every check that led to it. The
 * library reads no file, no clock, no environment and no network, writes nothing, and keeps no state between calls: the same
 * inputs give the same bytes. Evidence and endorsements may come from anybody. What is trusted is the caller's: the policy
 * names the trust anchors, or says "vendor" for those that are compiled in.
 *
 * "Could not appraise" and "appraised, not trusted" are different answers. redoubt_verify() returns 0 whenever there is a
 * verdict, also when that is "not trusted"; ask redoubt_result_code() whether to trust.
 *
 * Memory: each handle belongs to the caller and is freed by its own function. Texts are UTF-8, end with a zero byte, belong to
 * the handle that gave them and live as long as it does. Inputs are copied; none is kept beyond the call. Null handles are
 * taken everywhere: a function that needs one then fails, a getter gives 0 or "", and freeing does nothing.
 * Threads: different handles may be used at the same time. One handle may be read by many threads at the same time, as long
 * as no thread frees it, and none adds to it (redoubt_endorsements_add).
 * Errors: a function that can fail returns 0 or one of REDOUBT_*, and, when `error` is not null, sets *error to a handle that
 * says why (to null on success). No exception and no signal leaves the library.
 *
 * C99 and C++. ABI: functions are never removed or changed within one REDOUBT_ATTEST_ABI, and enumerators keep their values.
 */
#ifndef REDOUBT_ATTEST_H
#define REDOUBT_ATTEST_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define REDOUBT_API __attribute__((visibility("default")))
#else
#define REDOUBT_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define REDOUBT_ATTEST_ABI 1

/* Limits, in bytes unless named otherwise. More than that is REDOUBT_USAGE or REDOUBT_MALFORMED, found before it is read. */
#define REDOUBT_MAX_EVIDENCE ((size_t)16 << 20)
#define REDOUBT_MAX_POLICY ((size_t)1 << 20)
#define REDOUBT_MAX_ENDORSEMENT ((size_t)16 << 20)
#define REDOUBT_MAX_ENDORSEMENTS 256          /* calls of redoubt_endorsements_add that succeed on one set */
#define REDOUBT_MAX_ENDORSEMENTS_TOTAL ((size_t)64 << 20)
#define REDOUBT_MAX_NAME 255
#define REDOUBT_MAX_NONCE 64
#define REDOUBT_KEY_SIZE 32

/* Classes of failure: what a function returns, and what redoubt_result_code() gives. The same numbers are the exit codes of
 * the program redoubt. */
enum redoubt_code {
  REDOUBT_OK = 0,
  REDOUBT_INTERNAL = 1,     /* a bug of this library */
  REDOUBT_USAGE = 2,        /* an argument that makes no sense */
  REDOUBT_NOT_FOUND = 3,
  REDOUBT_AUTH = 4,
  REDOUBT_REFUSED = 5,
  REDOUBT_UNAVAILABLE = 6,  /* no memory */
  REDOUBT_MALFORMED = 10,   /* bytes do not have the form they must have */
  REDOUBT_CHAIN = 11,       /* a signature, certificate or key does not lead to a trusted root */
  REDOUBT_TCB = 12,         /* security version of the platform */
  REDOUBT_MEASUREMENT = 13, /* what ran is not what was expected */
  REDOUBT_FRESHNESS = 14,   /* stale, replayed or expired, or another nonce */
  REDOUBT_BINDING = 15,     /* two things that must belong together do not */
  REDOUBT_POLICY = 16,      /* the policy does not accept it */
  REDOUBT_LOG_PROOF = 17
};

/* Trust tiers of AR4SI (draft-ietf-rats-ar4si). */
enum redoubt_tier {
  REDOUBT_TIER_NONE = 0,            /* no result */
  REDOUBT_TIER_AFFIRMING = 2,       /* trusted */
  REDOUBT_TIER_WARNING = 32,        /* trusted, with remarks that somebody should read */
  REDOUBT_TIER_CONTRAINDICATED = 96 /* not trusted */
};

enum redoubt_outcome {
  REDOUBT_OUTCOME_NONE = 0, /* no such check */
  REDOUBT_OUTCOME_PASSED = 1,
  REDOUBT_OUTCOME_FAILED = 2,
  REDOUBT_OUTCOME_NOT_APPLICABLE = 3
};

typedef struct redoubt_error redoubt_error;
typedef struct redoubt_policy redoubt_policy;
typedef struct redoubt_endorsements redoubt_endorsements;
typedef struct redoubt_result redoubt_result;

/* redoubt_attest_abi: REDOUBT_ATTEST_ABI of the library that was loaded; compare it with the header's. */
REDOUBT_API uint32_t redoubt_attest_abi(void);
/* redoubt_attest_version: "0.1.0". */
REDOUBT_API const char *redoubt_attest_version(void);

/* redoubt_error_code: REDOUBT_OK for null. redoubt_error_text: lower case, what was expected and what was found. */
REDOUBT_API int redoubt_error_code(const redoubt_error *error);
REDOUBT_API const char *redoubt_error_text(const redoubt_error *error);
REDOUBT_API void redoubt_error_free(redoubt_error *error);

/* redoubt_policy_parse: a policy from its JSON text (docs/specs/policy.md), in any spelling of JSON; keys are closed.
 * redoubt_policy_builtin: one that the library brings: "strict". */
REDOUBT_API int redoubt_policy_parse(const char *json, size_t json_size, redoubt_policy **policy, redoubt_error **error);
REDOUBT_API int redoubt_policy_builtin(const char *name, redoubt_policy **policy, redoubt_error **error);
/* redoubt_policy_name, _id (64 lower-case hexadecimal digits), _json (the canonical text, which the id is the digest of). */
REDOUBT_API const char *redoubt_policy_name(const redoubt_policy *policy);
REDOUBT_API const char *redoubt_policy_id(const redoubt_policy *policy);
REDOUBT_API const char *redoubt_policy_json(const redoubt_policy *policy);
REDOUBT_API void redoubt_policy_free(redoubt_policy *policy);

/* redoubt_endorsements_new: an empty set. redoubt_endorsements_add: adds one file's bytes: Intel's TCB info or QE identity,
 * certificates (PEM or DER), revocation lists, a JWK set. What it is, is told by its content, never by `name`, which is for
 * error texts. After a failure the set is as it was. */
REDOUBT_API int redoubt_endorsements_new(redoubt_endorsements **set, redoubt_error **error);
REDOUBT_API int redoubt_endorsements_add(redoubt_endorsements *set, const char *name, const void *bytes, size_t size,
                                         redoubt_error **error);
REDOUBT_API size_t redoubt_endorsements_count(const redoubt_endorsements *set);
REDOUBT_API void redoubt_endorsements_free(redoubt_endorsements *set);

/* redoubt_verify: appraises Evidence of any platform; which one is told by its bytes.
 *   policy        null: "strict"
 *   endorsements  null: none
 *   nonce         what the Evidence must have been made for, at most REDOUBT_MAX_NONCE bytes; null with size 0: nobody asked
 *                 for it, so that the verdict is at best REDOUBT_TIER_WARNING
 *   time          seconds since 1970-01-01T00:00:00Z, at which certificates and collateral must be valid; from 0 to the end of
 *                 the year 9999
 * Returns REDOUBT_OK with *result set whenever there is a verdict; then the question is redoubt_result_code(). */
REDOUBT_API int redoubt_verify(const redoubt_policy *policy, const redoubt_endorsements *endorsements, const void *evidence,
                               size_t evidence_size, const void *nonce, size_t nonce_size, int64_t time,
                               redoubt_result **result, redoubt_error **error);

/* redoubt_result_code: REDOUBT_OK when the Evidence is trusted (affirming or warning), else the class of the first failed
 * check; REDOUBT_USAGE for null. redoubt_result_reason: why it is not trusted, or "". */
REDOUBT_API int redoubt_result_code(const redoubt_result *result);
REDOUBT_API const char *redoubt_result_reason(const redoubt_result *result);
REDOUBT_API int redoubt_result_tier(const redoubt_result *result);
REDOUBT_API const char *redoubt_result_tier_text(const redoubt_result *result);
/* redoubt_result_format: "sgx", "tdx", "snp", "nitro", "token", "tpm", ... */
REDOUBT_API const char *redoubt_result_format(const redoubt_result *result);
REDOUBT_API const char *redoubt_result_policy_id(const redoubt_result *result);
/* redoubt_result_valid_until: seconds since 1970, the end of the shortest interval that was looked at. */
REDOUBT_API int64_t redoubt_result_valid_until(const redoubt_result *result);

/* Remarks: what lowered the tier to "warning". An index that is not there gives "". */
REDOUBT_API size_t redoubt_result_remark_count(const redoubt_result *result);
REDOUBT_API const char *redoubt_result_remark(const redoubt_result *result, size_t index);

/* Checks: each check of the platform, once, in a fixed order (docs/specs/checks.md). `title` is a sentence that is true when
 * the check passed; `expected` and `found` are the values that were compared; `code` is REDOUBT_OK unless the check failed. */
REDOUBT_API size_t redoubt_result_check_count(const redoubt_result *result);
REDOUBT_API const char *redoubt_result_check_id(const redoubt_result *result, size_t index);
REDOUBT_API const char *redoubt_result_check_title(const redoubt_result *result, size_t index);
REDOUBT_API int redoubt_result_check_outcome(const redoubt_result *result, size_t index);
REDOUBT_API int redoubt_result_check_code(const redoubt_result *result, size_t index);
REDOUBT_API const char *redoubt_result_check_expected(const redoubt_result *result, size_t index);
REDOUBT_API const char *redoubt_result_check_found(const redoubt_result *result, size_t index);

/* redoubt_result_ear: the result as an EAR (draft-ietf-rats-ear), canonical JSON (RFC 8785).
 * redoubt_result_ear_jws: the same, signed with an Ed25519 key (its 32-byte seed, RFC 8032) as a JWS of type "eat+jwt"; the key
 * is wiped from the library's memory. *jws is the caller's: redoubt_text_free. `key_id`: at most 128 characters of A-Z a-z
 * 0-9 + - . / : = _, or null. */
REDOUBT_API const char *redoubt_result_ear(const redoubt_result *result);
REDOUBT_API int redoubt_result_ear_jws(const redoubt_result *result, const void *key, size_t key_size, const char *key_id,
                                       char **jws, redoubt_error **error);
REDOUBT_API void redoubt_text_free(char *text);
REDOUBT_API void redoubt_result_free(redoubt_result *result);

#ifdef __cplusplus
}
#endif

#endif
