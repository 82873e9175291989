// Goal: genuine documents are authentic inside their window and nowhere else, and every edit of the shared set is refused for its
// own reason. Method: all cases and all edits of the shared vectors, under the production root alone.
#include <gtest/gtest.h>

#include <map>

#include "common/attest/evidence/nitro/evidence.h"
#include "tests/support/stride.h"
#include "tests/support/vector_edits.h"

namespace redoubt::nitro {
namespace {

std::filesystem::path folder() { return *test::shared_dir() / "vectors" / "aws-nitro"; }

Outcome judge(ByteView document, Instant now, const VerifiedInstanceChain* chain = nullptr) {
  return authenticate(OrDie(parse(document)), {.roots = {&kAwsRootG1, 1}, .now = now, .verified_chain = chain});
}

std::string hex_or_empty(const std::optional<ByteView>& bytes) { return bytes ? hex_encode(*bytes) : ""; }

// Where in a document a change must be noticed; from the `why` of the edits.
struct Reason {
  std::string id;    // "parse", "A1", "A2"
  Code code;
  std::string part;  // of the message
};
const std::map<std::string, Reason, std::less<>> kReasons = {
    {"protected header changed (ES256 is not allowed either)", {"parse", Code::malformed, "protected header"}},
    {"COSE signature", {"A2", Code::chain, "document signature"}},
    {"leaf certificate", {"A2", Code::chain, "leaf certificate"}},
    {"CA bundle", {"A2", Code::chain, "chain: cabundle"}},
    {"CBOR ends early", {"parse", Code::malformed, "expected"}},
    {"bytes after the COSE structure", {"parse", Code::malformed, "trailing bytes"}},
    {"leaf certificate expired", {"A2", Code::freshness, "leaf certificate"}},
    {"leaf certificate not yet valid", {"A2", Code::freshness, "leaf certificate"}},
};

testing::AssertionResult RefusedFor(const Reason& reason, ByteView document, Instant now) {
  const auto parsed = parse(document);
  if (!parsed.ok()) {
    if (reason.id == "parse") return IsError(parsed, reason.code, reason.part);
    // A byte of a certificate or field may also break the CBOR around it; a case that does so must say it here.
    return testing::AssertionFailure() << "unreadable: " << parsed.error().message();
  }
  const Outcome outcome = judge(document, now);
  if (outcome.authentic) return testing::AssertionFailure() << "authentic";
  for (const attest::Check& check : outcome.checks) {
    if (check.outcome != attest::Outcome::failed || attest::id_text(check.id) != reason.id) continue;
    if (check.code != reason.code && !(reason.code == Code::chain && check.code == Code::malformed)) break;
    if (check.found.find(reason.part) != std::string::npos) return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << "expected " << reason.id << " " << reason.part << "; A1: " << outcome.checks[0].found
                                     << "; A2: " << outcome.checks[1].found;
}

TEST(NitroVectors, GenuineDocumentsAreAuthenticInTheirWindow) {
  REDOUBT_REQUIRE_SHARED();
  const json::Array cases = test::json_array(folder() / "cases.json");
  for (const json::Value& one : cases) {
    SCOPED_TRACE(test::text_of(one, "id"));
    const json::Object& fields = *one.object();
    const Bytes document = test::read_file(folder() / test::text_of(one, "file"));
    const json::Object& expect = *fields.at("expect").object();
    const json::Array& window = *fields.at("window").array();
    const Instant begin = test::instant_of(*window[0].string());
    const Instant end = test::instant_of(*window[1].string());
    const Outcome outcome = judge(document, test::instant_of(test::text_of(one, "at")));
    ASSERT_EQ(outcome.authentic.has_value(), *expect.at("authentic").boolean()) << outcome.checks[1].found;
    const NitroEvidence& evidence = **outcome.authentic;
    EXPECT_EQ(outcome.validity.begin, begin);
    EXPECT_EQ(outcome.validity.end, end);
    EXPECT_EQ(evidence.debug(), *expect.at("debug_enclave").boolean());
    EXPECT_EQ(evidence.time(), test::instant_of(test::text_of(one, "document_time")));
    EXPECT_EQ(evidence.module_id, test::text_of(one, "module_id"));
    std::size_t pcrs = 0;
    const json::Object& nonzero = *fields.at("nonzero_pcrs").object();
    for (unsigned i = 0; i < kPcrCount; ++i) {
      if (!evidence.pcrs[i]) continue;
      ++pcrs;
      const auto listed = nonzero.find(std::to_string(i));
      EXPECT_EQ(hex_encode(*evidence.pcrs[i]), listed != nonzero.end() ? *listed->second.string() : hex_encode(Bytes(48)));
    }
    EXPECT_EQ(pcrs, test::number_of(one, "pcr_count"));
    const auto text_or_empty = [&](const char* key) { return fields.at(key).string() != nullptr ? *fields.at(key).string() : std::string(); };
    EXPECT_EQ(hex_or_empty(evidence.nonce), text_or_empty("nonce"));
    EXPECT_EQ(hex_or_empty(evidence.user_data), text_or_empty("user_data"));
    if (const std::int64_t* size = fields.at("public_key_length").integer(); size != nullptr) {
      EXPECT_EQ(evidence.public_key->size(), static_cast<std::size_t>(*size));
    } else {
      EXPECT_FALSE(evidence.public_key);
    }

    for (const Instant edge : {begin, end}) {
      EXPECT_TRUE(judge(document, edge).authentic);
      EXPECT_TRUE(judge(document, edge, &*outcome.chain).authentic);
    }
    for (const Instant outside : {begin.plus_seconds(-1), end.plus_seconds(1)}) {
      EXPECT_FALSE(judge(document, outside).authentic);
      EXPECT_FALSE(judge(document, outside, &*outcome.chain).authentic);
    }
    EXPECT_FALSE(authenticate(OrDie(parse(document)), {.roots = {}, .now = begin}).authentic);
  }
  std::printf("nitro vectors: %zu documents\n", cases.size());
}

TEST(NitroVectors, EveryEditIsRefusedForItsReason) {
  REDOUBT_REQUIRE_SHARED();
  std::map<std::string, json::Value> bases;
  for (const json::Value& one : test::json_array(folder() / "cases.json")) bases[test::text_of(one, "id")] = one;
  const json::Array edits = test::json_array(folder() / "negative.json");
  for (const json::Value& one : edits) {
    SCOPED_TRACE(test::text_of(one, "id"));
    const json::Object& fields = *one.object();
    const json::Value& base = bases.at(test::text_of(one, "base"));
    Bytes document = test::read_file(folder() / test::text_of(base, "file"));
    if (fields.contains("edits")) document = test::edited(std::move(document), fields.at("edits"));
    const Instant now = test::instant_of(test::text_of(fields.contains("at") ? one : base, "at"));
    ASSERT_EQ(test::text_of(one, "expect"), "reject");
    const auto reason = kReasons.find(test::text_of(one, "why"));
    ASSERT_NE(reason, kReasons.end()) << "no reason is known for: " << test::text_of(one, "why");
    EXPECT_TRUE(RefusedFor(reason->second, document, now));
  }
  std::printf("nitro vectors: %zu edits\n", edits.size());
}

TEST(NitroVectors, TamperedFilesOfTheirAuthorAreRefused) {
  REDOUBT_REQUIRE_SHARED();
  const Instant now = OrDie(Instant::parse("2021-09-09T10:19:20Z"));
  EXPECT_TRUE(RefusedFor({"A2", Code::chain, "document signature"}, test::read_file(folder() / "negative/tampered_signature.bin"), now));
  EXPECT_TRUE(RefusedFor({"A2", Code::chain, "leaf certificate"}, test::read_file(folder() / "negative/tampered_certificate.bin"), now));
}

TEST(NitroVectors, NoFlippedByteOfAGenuineDocumentIsAuthentic) {
  REDOUBT_REQUIRE_SHARED();
  const Bytes document = test::read_file(folder() / "dstack-prod.cose");
  const Instant now = OrDie(Instant::parse("2025-12-25T13:15:37Z"));
  const VerifiedInstanceChain chain = *judge(document, now).chain;
  for (std::size_t at = 0; at < document.size(); at += test::stride(7)) {
    Bytes changed = document;
    changed[at] ^= std::byte{1};
    const auto parsed = parse(changed);
    if (!parsed.ok()) continue;
    EXPECT_FALSE(authenticate(*parsed, {.roots = {&kAwsRootG1, 1}, .now = now, .verified_chain = &chain}).authentic) << at;
  }
}

}  // namespace
}  // namespace redoubt::nitro
