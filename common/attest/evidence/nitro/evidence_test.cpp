// Goal: a document is authentic exactly when AWS's rules hold under the roots that were passed. Method: documents made under a
// root of the tests; each field, certificate and signature wrong in turn, with the check that must fail; every cut and every byte.
#include "common/attest/evidence/nitro/evidence.h"

#include <gtest/gtest.h>

#include "tests/support/evidence_nitro.h"
#include "tests/support/expect.h"
#include "tests/support/stride.h"

namespace redoubt::nitro {
namespace {

using cbor::Value;
using test::kNitroTime;
using test::NitroSample;

// judge: a document under the sample's own root.
Outcome judge(const NitroSample& sample, ByteView document, Instant now = kNitroTime, const VerifiedInstanceChain* chain = nullptr) {
  const crypto::RootPin roots[] = {kAwsRootG1, sample.root()};
  return authenticate(OrDie(parse(document)), {.roots = roots, .now = now, .verified_chain = chain});
}

const attest::Check& check_of(const Outcome& outcome, attest::CheckId id) {
  if (outcome.checks.size() != 2) std::abort();
  return outcome.checks[id == attest::CheckId::a1 ? 0 : 1];
}

// failures: "", "A1", "A2", "A1 A2", or "parse".
std::string failures(const NitroSample& sample, ByteView document, Instant now = kNitroTime) {
  if (!parse(document).ok()) return "parse";
  const Outcome outcome = judge(sample, document, now);
  std::string out;
  for (const attest::Check& check : outcome.checks) {
    if (check.outcome == attest::Outcome::failed) out += (out.empty() ? "" : " ") + std::string(attest::id_text(check.id));
  }
  if (out.empty() != outcome.authentic.has_value()) std::abort();
  return out;
}

testing::AssertionResult A2Fails(const Outcome& outcome, Code code, std::string_view part) {
  const attest::Check& check = check_of(outcome, attest::CheckId::a2);
  if (outcome.authentic || check.outcome != attest::Outcome::failed) return testing::AssertionFailure() << "A2 passed";
  if (check.code == code && check.found.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << code_name(check.code) << ": " << check.found;
}

TEST(NitroEvidence, AcceptsADocumentUnderTheGivenRootAndGivesItsFacts) {
  NitroSample sample;
  for (const bool indefinite : {false, true}) {
    for (const bool tagged : {false, true}) {
      sample.indefinite = indefinite;
      sample.tagged = tagged;
      const Bytes document = sample.encode();
      const Outcome outcome = judge(sample, document);
      ASSERT_TRUE(outcome.authentic) << check_of(outcome, attest::CheckId::a2).found;
      const NitroEvidence& evidence = **outcome.authentic;
      EXPECT_EQ(evidence.module_id, "i-0123-enc0456");
      EXPECT_EQ(evidence.timestamp_ms, 1795000000215U);
      EXPECT_EQ(evidence.time(), kNitroTime);
      EXPECT_EQ(hex_encode(*evidence.pcrs[4]), hex_encode(Bytes(48, std::byte{0x14})));
      EXPECT_EQ(hex_encode(*evidence.pcrs[15]), hex_encode(Bytes(48)));
      EXPECT_FALSE(evidence.pcrs[16]);
      EXPECT_EQ(evidence.public_key->size(), 32U);
      EXPECT_FALSE(evidence.user_data);
      EXPECT_EQ(evidence.nonce->size(), 16U);
      EXPECT_FALSE(evidence.debug());
      EXPECT_EQ(evidence.root, sample.root().certificate);
      EXPECT_EQ(outcome.validity.begin, kNitroTime.plus_seconds(-60));
      EXPECT_EQ(outcome.validity.end, kNitroTime.plus_seconds(10740));
    }
  }
}

TEST(NitroEvidence, RefusesTheSameDocumentUnderTheProductionRootAndUnderNone) {
  const NitroSample sample;
  const Bytes document = sample.encode();
  for (const std::span<const crypto::RootPin> roots : {std::span<const crypto::RootPin>(&kAwsRootG1, 1), std::span<const crypto::RootPin>()}) {
    const Outcome outcome = authenticate(OrDie(parse(document)), {.roots = roots, .now = kNitroTime});
    EXPECT_TRUE(A2Fails(outcome, Code::chain, "expected a pinned root, found a certificate with SHA-256 " + sample.root().certificate.hex()));
    EXPECT_FALSE(outcome.chain);
  }
  // A pin holds both hashes: the certificate's alone is not enough.
  crypto::RootPin half = sample.root();
  half.spki = kAwsRootG1.spki;
  EXPECT_TRUE(A2Fails(authenticate(OrDie(parse(document)), {.roots = {&half, 1}, .now = kNitroTime}), Code::chain, "pinned root"));
}

TEST(NitroEvidence, KeepsCopiesAlive) {
  const NitroSample sample;
  std::optional<attest::Authentic<NitroEvidence>> kept;
  {
    const Bytes document = sample.encode();
    kept = judge(sample, document).authentic;
  }
  const attest::Authentic<NitroEvidence> copy = *kept;
  kept.reset();
  EXPECT_EQ(copy->module_id, "i-0123-enc0456");
}

TEST(NitroEvidence, ReadInPlaceIsTheSameWithoutACopy) {
  const NitroSample sample;
  const Bytes document = sample.encode();
  const crypto::RootPin root = sample.root();
  const Inputs inputs{.roots = {&root, 1}, .now = kNitroTime};
  const Outcome copied = authenticate(OrDie(parse(document)), inputs);
  const Outcome in_place = authenticate(OrDie(parse_in_place(document)), inputs);
  ASSERT_TRUE(copied.authentic && in_place.authentic);
  EXPECT_EQ(copied.checks, in_place.checks);
  const auto inside = [&](std::string_view text) {
    const auto* const begin = reinterpret_cast<const char*>(document.data());
    return text.data() >= begin && text.data() + text.size() <= begin + document.size();
  };
  EXPECT_TRUE(inside((*in_place.authentic)->module_id));
  EXPECT_FALSE(inside((*copied.authentic)->module_id));
  EXPECT_EQ((*in_place.authentic)->module_id, (*copied.authentic)->module_id);
  for (std::size_t at = 0; at < document.size(); at += test::stride(11)) {
    Bytes changed = document;
    changed[at] ^= std::byte{1};
    const auto one = parse(changed);
    const auto other = parse_in_place(changed);
    ASSERT_EQ(one.ok(), other.ok()) << at;
    if (one.ok()) {
      EXPECT_EQ(authenticate(*one, inputs).checks, authenticate(*other, inputs).checks) << at;
    } else {
      EXPECT_EQ(one.error().message(), other.error().message()) << at;
    }
  }
  EXPECT_ERROR(parse_in_place(Bytes(kMaxDocument + 1)), Code::malformed, "expected at most");
}

TEST(NitroEvidence, RefusesFieldsOutsideOfTheBounds) {
  const auto bytes = [](std::size_t size) { return Value::bytes(Bytes(size, std::byte{1})); };
  const auto pcrs = [&](std::uint64_t index, std::size_t size) { return Value::map({{Value::unsigned_integer(index), bytes(size)}}); };
  const std::tuple<const char*, Value, const char*> table[] = {
      {"module_id", Value::text(""), "module_id: expected 1 to 256 bytes, found 0"},
      {"module_id", bytes(4), "module_id: expected text"},
      {"digest", Value::text("SHA256"), "digest: expected SHA384, found SHA256"},
      {"timestamp", Value::unsigned_integer(0), "timestamp: expected 1 to"},
      {"timestamp", Value::unsigned_integer(253402300800000), "timestamp: expected 1 to"},
      {"timestamp", Value::integer(-1), "integer: expected an unsigned integer"},
      {"pcrs", Value::map({}), "pcrs: expected at least one"},
      {"pcrs", pcrs(32, 48), "pcrs: expected an index from 0 to 31, found 32"},
      {"pcrs", pcrs(0, 31), "pcr: expected 32 to 64 bytes, found 31"},
      {"pcrs", pcrs(0, 47), "pcrs: expected 32, 48 or 64 bytes, found 47"},
      {"pcrs", pcrs(0, 65), "pcr: expected 32 to 64 bytes, found 65"},
      {"pcrs", Value::array({}), "pcrs: expected a map"},
      {"certificate", bytes(0), "certificate: expected 1 to 1024 bytes, found 0"},
      {"certificate", bytes(1025), "certificate: expected 1 to 1024 bytes, found 1025"},
      {"cabundle", Value::array({}), "cabundle: expected at least one certificate"},
      {"cabundle", Value::array({bytes(0)}), "cabundle: expected 1 to 1024 bytes, found 0"},
      {"cabundle", Value::array({bytes(1025)}), "cabundle: expected 1 to 1024 bytes, found 1025"},
      {"cabundle", Value::array(cbor::Array(9, bytes(1))), "cabundle: expected at most 8 items, found 9"},
      {"cabundle", Value(), "cabundle: expected an array"},
      {"public_key", bytes(1025), "public_key: expected 0 to 1024 bytes, found 1025"},
      {"user_data", bytes(513), "user_data: expected 0 to 512 bytes, found 513"},
      {"nonce", bytes(513), "nonce: expected 0 to 512 bytes, found 513"},
      {"nonce", Value::text("abc"), "nonce: expected bytes"},
      {"extra", Value(), "at most 9 items"},
  };
  for (const auto& [key, value, message] : table) {
    NitroSample sample;
    sample.member(key) = value;
    EXPECT_ERROR(parse(sample.encode()), Code::malformed, message) << key;
  }
  for (const char* key : {"module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle"}) {
    NitroSample sample;
    sample.remove(key);
    EXPECT_ERROR(parse(sample.encode()), Code::malformed, std::string(key) + " is absent");
  }
  NitroSample unknown;
  unknown.remove("nonce");
  unknown.member("nonces") = Value();
  EXPECT_ERROR(parse(unknown.encode()), Code::malformed, "unknown key nonces");
  // The document of an instance's TPM, under the same root, is of no enclave.
  NitroSample instance;
  const Value values = instance.member("pcrs");
  instance.remove("pcrs");
  instance.member("nitrotpm_pcrs") = values;
  EXPECT_ERROR(parse(instance.encode()), Code::malformed, "of an instance's NitroTPM, not of an enclave");
  NitroSample twice;
  twice.remove("nonce");
  twice.members.emplace_back(Value::text("digest"), Value::text("SHA384"));
  EXPECT_ERROR(parse(twice.encode()), Code::malformed, "digest stands twice");
  NitroSample hint;
  hint.unprotected_header = Value::map({{Value::integer(4), Value::bytes(Bytes(2))}});
  EXPECT_ERROR(parse(hint.encode()), Code::malformed, "unprotected header: expected an empty map, found 1 labels");
  EXPECT_ERROR(parse(Bytes(kMaxDocument + 1)), Code::malformed, "expected at most");
}

TEST(NitroEvidence, TakesEveryValueAtItsBound) {
  const auto bytes = [](std::size_t size) { return Value::bytes(Bytes(size, std::byte{1})); };
  NitroSample sample;
  cbor::Map pcrs;
  for (unsigned i = 0; i < 32; ++i) pcrs.emplace_back(Value::unsigned_integer(i), bytes(i % 2 == 0 ? 32 : 64));
  sample.member("pcrs") = Value::map(std::move(pcrs));
  sample.member("public_key") = bytes(1024);
  sample.member("user_data") = bytes(512);
  sample.member("nonce") = bytes(0);
  sample.member("timestamp") = Value::unsigned_integer(1);
  const Bytes document = sample.encode();
  const Outcome outcome = judge(sample, document);
  ASSERT_TRUE(outcome.authentic);
  EXPECT_EQ((*outcome.authentic)->pcrs[31]->size(), 64U);
  EXPECT_TRUE((*outcome.authentic)->nonce && (*outcome.authentic)->nonce->empty()) << "present and empty";
  for (const char* name : {"public_key", "user_data"}) sample.member(name) = bytes(0);
  const Bytes empty = sample.encode();
  const Outcome with_nothing = judge(sample, empty);
  ASSERT_TRUE(with_nothing.authentic);
  EXPECT_TRUE((*with_nothing.authentic)->public_key && (*with_nothing.authentic)->public_key->empty());
  sample.remove("nonce");
  sample.remove("user_data");
  sample.remove("public_key");
  const Bytes bare = sample.encode();
  const Outcome without = judge(sample, bare);
  ASSERT_TRUE(without.authentic);
  EXPECT_FALSE((*without.authentic)->nonce);
}

TEST(NitroEvidence, CallsADocumentDebugWhenABootPcrIsZeroOrAbsent) {
  const auto value = [](std::byte fill) { return Value::bytes(Bytes(48, fill)); };
  for (unsigned changed = 0; changed < 4; ++changed) {
    for (const bool absent : {false, true}) {
      NitroSample sample;
      cbor::Map pcrs;
      for (unsigned i = 0; i < 4; ++i) {
        if (i == changed && absent) continue;
        pcrs.emplace_back(Value::unsigned_integer(i), value(i == changed ? std::byte{0} : std::byte{1}));
      }
      sample.member("pcrs") = Value::map(std::move(pcrs));
      const Bytes document = sample.encode();
      const Outcome outcome = judge(sample, document);
      ASSERT_TRUE(outcome.authentic);
      EXPECT_EQ((*outcome.authentic)->debug(), changed < 3) << changed << absent;
    }
  }
}

TEST(NitroEvidence, RefusesEveryOtherAlgorithmInThePassingFormToo) {
  for (const std::int64_t algorithm : {-7, -36, -38, -8, 0}) {
    NitroSample sample;
    sample.protected_header = Value::map({{Value::integer(1), Value::integer(algorithm)}});
    EXPECT_EQ(failures(sample, sample.encode()), "A1 A2") << algorithm;  // signed over what it says, and still refused
  }
  NitroSample none;
  none.protected_header = Value::map({});
  EXPECT_EQ(failures(none, none.encode()), "A1 A2");
  NitroSample more;
  more.protected_header = Value::map({{Value::integer(1), Value::integer(-35)}, {Value::integer(4), Value::bytes(Bytes(2))}});
  EXPECT_EQ(failures(more, more.encode()), "A1");
}

TEST(NitroEvidence, RefusesOtherSignatures) {
  NitroSample sample;
  sample.signature = Bytes(96, std::byte{1});
  EXPECT_TRUE(A2Fails(judge(sample, sample.encode()), Code::chain, "document signature"));
  sample.signature = Bytes(96);
  EXPECT_TRUE(A2Fails(judge(sample, sample.encode()), Code::chain, "document signature"));
  sample.signature = Bytes(95, std::byte{1});
  EXPECT_TRUE(A2Fails(judge(sample, sample.encode()), Code::chain, "document signature"));
  sample.signature.reset();
  sample.certificates.back().key = test::TestKey::p384();  // signs with a key that no certificate is for
  EXPECT_TRUE(A2Fails(judge(sample, sample.encode()), Code::chain, "document signature"));
}

TEST(NitroEvidence, RefusesTimesOutsideOfAnyCertificate) {
  const NitroSample sample;
  const Bytes document = sample.encode();
  EXPECT_TRUE(judge(sample, document, kNitroTime.plus_seconds(-60)).authentic);
  EXPECT_TRUE(judge(sample, document, kNitroTime.plus_seconds(10740)).authentic);
  EXPECT_TRUE(A2Fails(judge(sample, document, kNitroTime.plus_seconds(-61)), Code::freshness, "leaf certificate"));
  EXPECT_TRUE(A2Fails(judge(sample, document, kNitroTime.plus_seconds(10741)), Code::freshness, "leaf certificate"));
  for (std::size_t i = 0; i < 4; ++i) {
    auto specs = test::nitro_specs();
    specs[i].validity.end = kNitroTime.plus_seconds(-1);
    const NitroSample expired(specs);
    const Outcome outcome = judge(expired, expired.encode());
    EXPECT_TRUE(A2Fails(outcome, Code::freshness, "chain: cabundle")) << i;
    EXPECT_EQ(outcome.validity.end, kNitroTime.plus_seconds(-1));
  }
}

TEST(NitroEvidence, RefusesChainsOfAnyOtherShape) {
  struct Row {
    const char* what;
    std::size_t certificate;
    std::vector<std::pair<std::string, std::string>> extensions;
    const char* part;
  };
  const Row table[] = {
      {"leaf is a CA", 4, {{"basicConstraints", "critical,CA:TRUE"}, {"keyUsage", "digitalSignature"}}, "found a CA"},
      {"leaf may not sign", 4, {{"basicConstraints", "critical,CA:FALSE"}, {"keyUsage", "keyAgreement"}}, "digitalSignature"},
      {"leaf without usage", 4, {{"basicConstraints", "critical,CA:FALSE"}}, "digitalSignature"},
      {"leaf with an unknown critical extension", 4,
       {{"basicConstraints", "critical,CA:FALSE"}, {"keyUsage", "digitalSignature"}, {"1.2.3.4", "critical,DER:0500"}}, "1.2.3.4"},
      {"instance is no CA", 3, {{"basicConstraints", "critical,CA:FALSE"}, {"keyUsage", "critical,keyCertSign"}}, "expected a CA"},
      {"instance may not issue", 3, {{"basicConstraints", "critical,CA:TRUE"}, {"keyUsage", "critical,digitalSignature"}}, "expected a CA"},
      {"zone leaves no room for the instance", 2,
       {{"basicConstraints", "critical,CA:TRUE,pathlen:0"}, {"keyUsage", "critical,keyCertSign"}}, "path length of at least 1, found 0"},
      {"region leaves no room for two", 1, {{"basicConstraints", "critical,CA:TRUE,pathlen:1"}, {"keyUsage", "critical,keyCertSign"}},
       "path length of at least 2, found 1"},
      {"region may not issue", 1, {{"basicConstraints", "critical,CA:TRUE"}, {"keyUsage", "critical,cRLSign"}}, "expected a CA"},
      {"zone with an unknown critical extension", 2,
       {{"basicConstraints", "critical,CA:TRUE"}, {"keyUsage", "critical,keyCertSign"}, {"1.2.3.4", "critical,DER:0500"}}, "1.2.3.4"},
  };
  for (const Row& row : table) {
    auto specs = test::nitro_specs();
    specs[row.certificate].extensions = row.extensions;
    if (row.certificate < 4) specs[row.certificate].extensions.emplace_back("subjectKeyIdentifier", "hash");
    const NitroSample sample(specs);
    EXPECT_TRUE(A2Fails(judge(sample, sample.encode()), Code::chain, row.part)) << row.what;
  }
  for (std::size_t i = 1; i < 5; ++i) {
    auto specs = test::nitro_specs();
    specs[i].digest = "SHA256";
    const NitroSample sample(specs);
    EXPECT_TRUE(A2Fails(judge(sample, sample.encode()), Code::chain, "expected a signature with ecdsa_sha384")) << i;
  }
}

TEST(NitroEvidence, RefusesBundlesInAnotherOrderOrWithGaps) {
  const auto with = [](const std::vector<std::size_t>& order) {
    NitroSample sample;
    cbor::Array bundle;
    for (const std::size_t i : order) bundle.push_back(Value::bytes(sample.certificates[i].der));
    sample.member("cabundle") = Value::array(std::move(bundle));
    return failures(sample, sample.encode());
  };
  EXPECT_EQ(with({0, 1, 2, 3}), "");
  for (const auto& order : std::vector<std::vector<std::size_t>>{
           {3, 2, 1, 0}, {0, 1, 3}, {0, 1, 2}, {1, 2, 3}, {0, 2, 1, 3}, {0, 1, 1, 2, 3}, {0, 1, 2, 3, 4}, {3}, {0}}) {
    EXPECT_EQ(with(order), "A2") << testing::PrintToString(order);
  }
}

TEST(NitroEvidence, RefusesAChainOfAnotherRootWithTheSameNames) {
  const NitroSample real;
  NitroSample forged;
  forged.certificates[0] = real.certificates[0];
  cbor::Array bundle;
  for (std::size_t i = 0; i < 4; ++i) bundle.push_back(Value::bytes(forged.certificates[i].der));
  forged.member("cabundle") = Value::array(std::move(bundle));
  EXPECT_EQ(failures(forged, forged.encode()), "A2");
}

TEST(NitroEvidence, AVerifiedChainChangesNoResult) {
  const NitroSample sample;
  const Bytes document = sample.encode();
  const Outcome cold = judge(sample, document);
  ASSERT_TRUE(cold.chain);
  const VerifiedInstanceChain& chain = *cold.chain;
  EXPECT_EQ(chain.root(), sample.root().certificate);
  EXPECT_EQ(chain.validity().end, kNitroTime.plus_seconds(86400));

  const crypto::RootPin root = sample.root();
  EXPECT_TRUE(chain.proves(sample.cabundle(), {&root, 1}, kNitroTime));
  EXPECT_FALSE(chain.proves(sample.cabundle(), {&kAwsRootG1, 1}, kNitroTime));
  crypto::RootPin half = root;
  half.spki = kAwsRootG1.spki;
  EXPECT_FALSE(chain.proves(sample.cabundle(), {&half, 1}, kNitroTime));
  EXPECT_FALSE(chain.proves(sample.cabundle(), {&root, 1}, kNitroTime.plus_seconds(86401)));
  EXPECT_FALSE(chain.proves(std::vector<ByteView>(1, sample.certificates[0].der), {&root, 1}, kNitroTime));

  const NitroSample other;
  NitroSample broken;
  broken.certificates = sample.certificates;
  broken.member("certificate") = Value::bytes(other.certificates.back().der);
  broken.member("cabundle") = NitroSample(sample).member("cabundle");
  const Bytes foreign_leaf = broken.encode();
  const std::pair<const NitroSample*, Bytes> documents[] = {{&sample, document}, {&other, other.encode()}, {&sample, foreign_leaf}};
  for (const auto& [owner, bytes] : documents) {
    for (const std::int64_t offset : {0, -61, 10741, 86401, -3601}) {
      const Instant now = kNitroTime.plus_seconds(offset);
      const Outcome without = judge(*owner, bytes, now);
      const Outcome with = judge(*owner, bytes, now, &chain);
      EXPECT_EQ(without.checks, with.checks) << offset;
      EXPECT_EQ(without.authentic.has_value(), with.authentic.has_value());
      EXPECT_EQ(without.validity.begin, with.validity.begin);
      EXPECT_EQ(without.validity.end, with.validity.end);
    }
  }
}

TEST(NitroEvidence, DescribesWhatItDoesNotBelieve) {
  const NitroSample sample;
  const json::Value shown = describe(OrDie(parse(sample.encode())));
  const json::Object& object = *shown.object();
  EXPECT_EQ(*object.at("verified").boolean(), false);
  EXPECT_EQ(*object.at("module_id").string(), "i-0123-enc0456");
  EXPECT_EQ(*object.at("nonce").string(), "09090909090909090909090909090909");
  EXPECT_TRUE(object.at("user_data").is_null());
  EXPECT_EQ(object.at("cabundle").array()->size(), 4U);
  EXPECT_EQ(object.at("pcrs").object()->size(), 16U);
}

TEST(NitroEvidence, EveryCutIsUnreadableAndEveryByteIsCovered) {
  const NitroSample sample;
  const Bytes document = sample.encode();
  for (std::size_t size = 0; size < document.size(); ++size) {
    EXPECT_ERROR(parse(ByteView(document).first(size)), Code::malformed, "nitro document") << size;
  }
  Bytes longer = document;
  longer.push_back(std::byte{0});
  EXPECT_ERROR(parse(longer), Code::malformed, "1 trailing bytes");
  const Outcome whole = judge(sample, document);
  ASSERT_TRUE(whole.authentic && whole.chain);
  for (std::size_t at = 0; at < document.size(); at += test::stride(7)) {
    Bytes changed = document;
    changed[at] ^= std::byte{1};
    const auto parsed = parse(changed);
    if (!parsed.ok()) continue;
    EXPECT_FALSE(judge(sample, changed, kNitroTime, &*whole.chain).authentic) << at;  // no byte is free
  }
}

}  // namespace
}  // namespace redoubt::nitro
