/* Goal: the C interface gives the verdict of the library, refuses every single change, and survives every misuse that its header
 * speaks of. Method: a C99 program with the header and the shared library alone, over the files of tests/support/attest_samples.cpp; every byte of a
 * sample's signed part changed, every argument null or too large, two threads on one set of handles. */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redoubt_attest.h"

static int failures = 0;

#define CHECK(condition)                                                        \
  do {                                                                          \
    if (!(condition)) {                                                         \
      fprintf(stderr, "attest_c_test.c:%d: not so: %s\n", __LINE__, #condition); \
      ++failures;                                                               \
    }                                                                           \
  } while (0)

static const char *folder;

typedef struct {
  unsigned char *bytes;
  size_t size;
} blob;

static blob read_path(const char *path) {
  blob out = {NULL, 0};
  FILE *file = fopen(path, "rb");
  long size;
  if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0 || fseek(file, 0, SEEK_SET) != 0) {
    fprintf(stderr, "cannot read %s\n", path);
    exit(1);
  }
  out.size = (size_t)size;
  out.bytes = malloc(out.size + 1);
  if (out.bytes == NULL || fread(out.bytes, 1, out.size, file) != out.size) {
    fprintf(stderr, "cannot read %s\n", path);
    exit(1);
  }
  out.bytes[out.size] = 0;
  fclose(file);
  return out;
}

static blob read_sample(const char *name, const char *kind) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s.%s", folder, name, kind);
  return read_path(path);
}

typedef struct {
  blob evidence, nonce;
  long long time;
  redoubt_policy *policy;
  redoubt_endorsements *endorsements;
} sample;

static void add_endorsements(redoubt_endorsements *set, const char *name) {
  char path[4096];
  char file[4096];
  DIR *directory;
  struct dirent *entry;
  snprintf(path, sizeof path, "%s/%s.endorsements", folder, name);
  directory = opendir(path);
  CHECK(directory != NULL);
  while (directory != NULL && (entry = readdir(directory)) != NULL) {
    redoubt_error *error = NULL;
    blob content;
    if (entry->d_name[0] == '.') continue;
    if (snprintf(file, sizeof file, "%s/%s.endorsements/%s", folder, name, entry->d_name) >= (int)sizeof file) continue;
    content = read_path(file);
    if (redoubt_endorsements_add(set, entry->d_name, content.bytes, content.size, &error) != REDOUBT_OK) {
      fprintf(stderr, "%s: %s\n", entry->d_name, redoubt_error_text(error));
      ++failures;
    }
    redoubt_error_free(error);
    free(content.bytes);
  }
  if (directory != NULL) closedir(directory);
}

static sample open_sample(const char *name) {
  sample out;
  blob text = read_sample(name, "policy.json");
  blob time = read_sample(name, "time");
  out.evidence = read_sample(name, "evidence");
  out.nonce = read_sample(name, "nonce");
  out.time = strtoll((const char *)time.bytes, NULL, 10);
  CHECK(redoubt_policy_parse((const char *)text.bytes, text.size, &out.policy, NULL) == REDOUBT_OK);
  CHECK(redoubt_endorsements_new(&out.endorsements, NULL) == REDOUBT_OK);
  add_endorsements(out.endorsements, name);
  free(text.bytes);
  free(time.bytes);
  return out;
}

static void close_sample(sample *one) {
  free(one->evidence.bytes);
  free(one->nonce.bytes);
  redoubt_policy_free(one->policy);
  redoubt_endorsements_free(one->endorsements);
}

/* verdict: the class of the verdict, or of the error. */
static int verdict(const sample *one) {
  redoubt_result *result = NULL;
  int code = redoubt_verify(one->policy, one->endorsements, one->evidence.bytes, one->evidence.size, one->nonce.bytes,
                            one->nonce.size, one->time, &result, NULL);
  CHECK((code == REDOUBT_OK) == (result != NULL));
  if (result != NULL) code = redoubt_result_code(result);
  redoubt_result_free(result);
  return code;
}

static void the_real_thing_is_accepted_with_every_check(const char *name, int tier) {
  sample one = open_sample(name);
  redoubt_error *error = NULL;
  redoubt_result *result = NULL;
  size_t i, count, passed = 0;
  CHECK(redoubt_verify(one.policy, one.endorsements, one.evidence.bytes, one.evidence.size, one.nonce.bytes, one.nonce.size, one.time,
                       &result, &error) == REDOUBT_OK);
  if (error != NULL) fprintf(stderr, "%s: %s\n", name, redoubt_error_text(error));
  CHECK(error == NULL);
  if (redoubt_result_code(result) != REDOUBT_OK) fprintf(stderr, "%s: %s\n", name, redoubt_result_reason(result));
  CHECK(redoubt_result_code(result) == REDOUBT_OK);
  CHECK(redoubt_result_tier(result) == tier);
  CHECK(strcmp(redoubt_result_format(result), name) == 0);
  CHECK(strcmp(redoubt_result_policy_id(result), redoubt_policy_id(one.policy)) == 0);
  CHECK(redoubt_result_valid_until(result) > one.time);
  count = redoubt_result_check_count(result);
  CHECK(count >= 5);
  for (i = 0; i < count; ++i) {
    CHECK(redoubt_result_check_id(result, i)[0] != 0);
    CHECK(redoubt_result_check_title(result, i)[0] != 0);
    CHECK(redoubt_result_check_code(result, i) == REDOUBT_OK);
    CHECK(redoubt_result_check_outcome(result, i) != REDOUBT_OUTCOME_FAILED);
    if (redoubt_result_check_outcome(result, i) == REDOUBT_OUTCOME_PASSED) {
      ++passed;
      CHECK(redoubt_result_check_expected(result, i)[0] != 0);
    }
  }
  CHECK(passed >= 5);
  CHECK(redoubt_result_check_outcome(result, count) == REDOUBT_OUTCOME_NONE);
  CHECK(redoubt_result_check_id(result, count)[0] == 0);
  CHECK((tier == REDOUBT_TIER_WARNING) == (redoubt_result_remark_count(result) > 0));
  CHECK(strstr(redoubt_result_ear(result), "\"ear.status\"") != NULL);
  CHECK(strstr(redoubt_result_ear(result), redoubt_result_tier_text(result)) != NULL);
  redoubt_result_free(result);
  close_sample(&one);
}

static void single_changes_are_refused_for_their_reason(void) {
  sample one = open_sample("tdx");
  const long long time = one.time;
  redoubt_endorsements *none = NULL;
  redoubt_endorsements *kept = one.endorsements;
  redoubt_policy *strict = NULL;
  redoubt_policy *own = one.policy;
  size_t at;
  CHECK(verdict(&one) == REDOUBT_OK);
  one.nonce.bytes[0] ^= 1;
  CHECK(verdict(&one) == REDOUBT_FRESHNESS);
  one.nonce.bytes[0] ^= 1;
  one.evidence.bytes[200] ^= 1;
  CHECK(verdict(&one) == REDOUBT_CHAIN);
  one.evidence.bytes[200] ^= 1;
  for (at = 0; at < 632; at += 7) { /* header and body: what the quote's signature covers */
    one.evidence.bytes[at] ^= 1;
    CHECK(verdict(&one) != REDOUBT_OK);
    one.evidence.bytes[at] ^= 1;
  }
  one.time = time + 100LL * 365 * 86400;
  CHECK(verdict(&one) != REDOUBT_OK);
  one.time = time;
  CHECK(redoubt_endorsements_new(&none, NULL) == REDOUBT_OK);
  one.endorsements = none; /* without collateral nobody knows the platform's TCB */
  CHECK(verdict(&one) != REDOUBT_OK);
  one.endorsements = kept;
  CHECK(redoubt_policy_builtin("strict", &strict, NULL) == REDOUBT_OK);
  one.policy = strict; /* the test root is no vendor's */
  CHECK(verdict(&one) == REDOUBT_CHAIN);
  one.policy = NULL; /* null is strict */
  CHECK(verdict(&one) == REDOUBT_CHAIN);
  one.policy = own;
  CHECK(verdict(&one) == REDOUBT_OK);
  redoubt_policy_free(strict);
  redoubt_endorsements_free(none);
  close_sample(&one);
}

static void without_a_nonce_it_is_at_best_a_warning(void) {
  sample one = open_sample("tdx");
  redoubt_result *result = NULL;
  CHECK(redoubt_verify(one.policy, one.endorsements, one.evidence.bytes, one.evidence.size, NULL, 0, one.time, &result, NULL) == REDOUBT_OK);
  CHECK(redoubt_result_tier(result) == REDOUBT_TIER_WARNING);
  CHECK(redoubt_result_remark_count(result) > 0);
  CHECK(redoubt_result_remark(result, 0)[0] != 0);
  CHECK(redoubt_result_remark(result, 99)[0] == 0);
  redoubt_result_free(result);
  close_sample(&one);
}

/* refused: `error` by its place, since a call and its error stand in one list of arguments. */
static int refused(int code, redoubt_error **error, int expected, const char *part) {
  const int as_expected = code == expected && redoubt_error_code(*error) == expected && strstr(redoubt_error_text(*error), part) != NULL;
  if (!as_expected) fprintf(stderr, "found %d: %s\n", code, redoubt_error_text(*error));
  redoubt_error_free(*error);
  *error = NULL;
  return as_expected;
}

static void what_cannot_be_read_is_an_error_and_not_a_verdict(void) {
  sample one = open_sample("tdx");
  static const unsigned char junk[64] = {1, 2, 3};
  redoubt_error *error = NULL;
  redoubt_result *result = (redoubt_result *)&error; /* must be set to null */
  int code = redoubt_verify(one.policy, one.endorsements, junk, sizeof junk, NULL, 0, one.time, &result, &error);
  CHECK(result == NULL);
  CHECK(code != REDOUBT_OK && redoubt_error_code(error) == code && redoubt_error_text(error)[0] != 0);
  redoubt_error_free(error);
  code = redoubt_verify(one.policy, one.endorsements, NULL, 0, NULL, 0, one.time, &result, &error);
  CHECK(result == NULL && code != REDOUBT_OK);
  redoubt_error_free(error);
  code = redoubt_verify(one.policy, one.endorsements, one.evidence.bytes, one.evidence.size / 2, NULL, 0, one.time, &result, &error);
  CHECK(result == NULL && code == REDOUBT_MALFORMED);
  redoubt_error_free(error);
  code = redoubt_endorsements_add(one.endorsements, "noise.bin", junk, sizeof junk, &error);
  CHECK(refused(code, &error, REDOUBT_MALFORMED, "noise.bin"));
  CHECK(verdict(&one) == REDOUBT_OK); /* the set is as it was */
  close_sample(&one);
}

static void misuse_is_refused_and_changes_nothing(void) {
  sample one = open_sample("tdx");
  redoubt_error *error = NULL;
  redoubt_result *result = NULL;
  redoubt_policy *policy = NULL;
  char *text = NULL;
  char name[600];
  memset(name, 'n', sizeof name - 1);
  name[sizeof name - 1] = 0;
  CHECK(refused(redoubt_verify(one.policy, one.endorsements, NULL, 5, NULL, 0, 0, &result, &error), &error, REDOUBT_USAGE, "evidence"));
  CHECK(refused(redoubt_verify(one.policy, one.endorsements, name, (size_t)-1, NULL, 0, 0, &result, &error), &error, REDOUBT_USAGE, "evidence"));
  CHECK(refused(redoubt_verify(one.policy, one.endorsements, name, 5, name, 65, 0, &result, &error), &error, REDOUBT_USAGE, "nonce"));
  CHECK(refused(redoubt_verify(one.policy, one.endorsements, name, 5, NULL, 5, 0, &result, &error), &error, REDOUBT_USAGE, "nonce"));
  CHECK(refused(redoubt_verify(one.policy, one.endorsements, name, 5, name, 0, 0, &result, &error), &error, REDOUBT_USAGE, "nonce"));
  CHECK(refused(redoubt_verify(one.policy, one.endorsements, name, 5, NULL, 0, -1, &result, &error), &error, REDOUBT_USAGE, "time"));
  CHECK(refused(redoubt_verify(one.policy, one.endorsements, name, 5, NULL, 0, INT64_MAX, &result, &error), &error, REDOUBT_USAGE, "time"));
  CHECK(refused(redoubt_verify(one.policy, one.endorsements, name, 5, NULL, 0, 0, NULL, &error), &error, REDOUBT_USAGE, "result"));
  CHECK(refused(redoubt_policy_parse(NULL, 0, &policy, &error), &error, REDOUBT_MALFORMED, "policy"));
  CHECK(refused(redoubt_policy_parse("{}", 2, &policy, &error), &error, REDOUBT_MALFORMED, "policy"));
  CHECK(refused(redoubt_policy_parse("{}", (size_t)2 << 20, &policy, &error), &error, REDOUBT_USAGE, "policy"));
  CHECK(refused(redoubt_policy_parse("{}", 2, NULL, &error), &error, REDOUBT_USAGE, "policy"));
  CHECK(policy == NULL);
  CHECK(refused(redoubt_policy_builtin("lenient", &policy, &error), &error, REDOUBT_NOT_FOUND, "strict"));
  CHECK(refused(redoubt_policy_builtin(NULL, &policy, &error), &error, REDOUBT_USAGE, "null"));
  CHECK(refused(redoubt_endorsements_new(NULL, &error), &error, REDOUBT_USAGE, "null"));
  CHECK(refused(redoubt_endorsements_add(NULL, "x", "x", 1, &error), &error, REDOUBT_USAGE, "null"));
  CHECK(refused(redoubt_endorsements_add(one.endorsements, NULL, "x", 1, &error), &error, REDOUBT_USAGE, "name"));
  CHECK(refused(redoubt_endorsements_add(one.endorsements, name, "x", 1, &error), &error, REDOUBT_USAGE, "name"));
  CHECK(refused(redoubt_endorsements_add(one.endorsements, "big", "x", ((size_t)16 << 20) + 1, &error), &error, REDOUBT_USAGE, "big"));
  CHECK(refused(redoubt_result_ear_jws(NULL, name, 32, NULL, &text, &error), &error, REDOUBT_USAGE, "result"));
  CHECK(text == NULL);
  CHECK(redoubt_result_code(NULL) != REDOUBT_OK); /* no result is no trust */
  CHECK(redoubt_result_tier(NULL) == REDOUBT_TIER_NONE);
  CHECK(redoubt_result_check_count(NULL) == 0 && redoubt_result_remark_count(NULL) == 0);
  CHECK(redoubt_result_reason(NULL)[0] == 0 && redoubt_result_tier_text(NULL)[0] == 0 && redoubt_result_format(NULL)[0] == 0);
  CHECK(redoubt_result_policy_id(NULL)[0] == 0 && redoubt_result_valid_until(NULL) == 0 && redoubt_result_remark(NULL, 0)[0] == 0);
  CHECK(redoubt_result_check_id(NULL, 0)[0] == 0 && redoubt_result_check_title(NULL, 0)[0] == 0);
  CHECK(redoubt_result_check_expected(NULL, 0)[0] == 0 && redoubt_result_check_found(NULL, 0)[0] == 0);
  CHECK(redoubt_result_check_outcome(NULL, 0) == REDOUBT_OUTCOME_NONE && redoubt_result_ear(NULL)[0] == 0);
  CHECK(redoubt_policy_name(NULL)[0] == 0 && redoubt_policy_id(NULL)[0] == 0 && redoubt_policy_json(NULL)[0] == 0);
  CHECK(redoubt_endorsements_count(NULL) == 0 && redoubt_error_code(NULL) == REDOUBT_OK && redoubt_error_text(NULL)[0] == 0);
  redoubt_error_free(NULL);
  redoubt_policy_free(NULL);
  redoubt_endorsements_free(NULL);
  redoubt_result_free(NULL);
  redoubt_text_free(NULL);
  CHECK(verdict(&one) == REDOUBT_OK);
  close_sample(&one);
}

static void a_result_is_signed_with_the_callers_key(void) {
  sample one = open_sample("tdx");
  unsigned char key[REDOUBT_KEY_SIZE];
  redoubt_result *result = NULL;
  redoubt_error *error = NULL;
  char *first = NULL;
  char *second = NULL;
  memset(key, 7, sizeof key);
  CHECK(redoubt_verify(one.policy, one.endorsements, one.evidence.bytes, one.evidence.size, one.nonce.bytes, one.nonce.size, one.time,
                       &result, NULL) == REDOUBT_OK);
  CHECK(redoubt_result_ear_jws(result, key, sizeof key, "key-1", &first, &error) == REDOUBT_OK);
  CHECK(error == NULL && first != NULL && strchr(first, '.') != NULL && strchr(first, '.') != strrchr(first, '.'));
  key[0] = 8;
  CHECK(redoubt_result_ear_jws(result, key, sizeof key, NULL, &second, NULL) == REDOUBT_OK);
  CHECK(second != NULL && strcmp(first, second) != 0);
  redoubt_text_free(first);
  redoubt_text_free(second);
  CHECK(refused(redoubt_result_ear_jws(result, key, 31, NULL, &first, &error), &error, REDOUBT_USAGE, "key"));
  CHECK(refused(redoubt_result_ear_jws(result, NULL, 32, NULL, &first, &error), &error, REDOUBT_USAGE, "key"));
  CHECK(refused(redoubt_result_ear_jws(result, key, 32, "key \"1\"", &first, &error), &error, REDOUBT_USAGE, ""));
  CHECK(refused(redoubt_result_ear_jws(result, key, 32, NULL, NULL, &error), &error, REDOUBT_USAGE, "jws"));
  CHECK(first == NULL);
  redoubt_result_free(result);
  close_sample(&one);
}

static void *verify_often(void *context) {
  const sample *one = context;
  int i;
  for (i = 0; i < 20; ++i) {
    redoubt_result *result = NULL;
    if (redoubt_verify(one->policy, one->endorsements, one->evidence.bytes, one->evidence.size, one->nonce.bytes, one->nonce.size,
                       one->time, &result, NULL) != REDOUBT_OK ||
        redoubt_result_code(result) != REDOUBT_OK) {
      return context;
    }
    redoubt_result_free(result);
  }
  return NULL;
}

static void threads_share_handles_that_nobody_changes(void) {
  sample one = open_sample("tdx");
  pthread_t threads[2];
  void *found = NULL;
  int i;
  for (i = 0; i < 2; ++i) CHECK(pthread_create(&threads[i], NULL, verify_often, &one) == 0);
  for (i = 0; i < 2; ++i) {
    CHECK(pthread_join(threads[i], &found) == 0);
    CHECK(found == NULL);
  }
  close_sample(&one);
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  folder = argv[1];
  CHECK(redoubt_attest_abi() == REDOUBT_ATTEST_ABI);
  CHECK(redoubt_attest_version()[0] != 0);
  the_real_thing_is_accepted_with_every_check("tdx", REDOUBT_TIER_AFFIRMING);
  the_real_thing_is_accepted_with_every_check("snp", REDOUBT_TIER_WARNING); /* no revocation list was given */
  the_real_thing_is_accepted_with_every_check("nitro", REDOUBT_TIER_AFFIRMING);
  single_changes_are_refused_for_their_reason();
  without_a_nonce_it_is_at_best_a_warning();
  what_cannot_be_read_is_an_error_and_not_a_verdict();
  misuse_is_refused_and_changes_nothing();
  a_result_is_signed_with_the_callers_key();
  threads_share_handles_that_nobody_changes();
  if (failures != 0) {
    fprintf(stderr, "%d checks failed\n", failures);
    return 1;
  }
  puts("all checks of the C interface passed");
  return 0;
}
