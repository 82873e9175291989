// Tokens of any issuer: signed by test keys, accepted only under the issuer, keys and roots given; each single change fails the
// check that is there for it. Method: one sample, one edit, the set of failed checks.
#include <set>

#include "common/attest/evidence/token/token.h"
#include "common/crypto/digest.h"
#include "tests/support/evidence_token.h"
#include "tests/support/expect.h"
#include "tests/support/stride.h"

namespace redoubt::token {
namespace {

using test::SignerCertificate;
using test::Signer;
using test::SignerKind;
using Failed = std::set<std::string>;

constexpr std::string_view kHeader = R"({"alg":"RS256","kid":"k1","typ":"JWT"})";
constexpr Instant kNow{1790001000};

const Signer& signer() { return test::test_signer(SignerKind::rsa2048, "signer"); }
const Signer& stranger() { return test::test_signer(SignerKind::rsa2048, "stranger"); }
std::string payload() { return test::confidential_space_payload(); }

// What accepts the sample; a test changes a member before it asks.
struct Verifier {
  Issuer issuer = google_oidc();
  std::vector<crypto::Jwk> keys = OrDie(crypto::parse_jwk_set(test::jwk_set(signer(), "k1", "RS256")));
  std::vector<crypto::Sha256Digest> roots;
  const VerifiedChain* chain = nullptr;
  std::string audience = "https://verifier.example";
  std::optional<std::string_view> nonce = "second nonce of the sample";
  std::int64_t skew = 0;
  Instant now = kNow;

  Outcome outcome(std::string_view text) const {
    return authenticate(OrDie(parse(text)), {.issuer = issuer, .key_set = keys, .roots = roots, .verified_chain = chain,
                                             .audience = audience, .nonce = nonce, .skew_seconds = skew, .now = now});
  }
  // The ids of the failed checks, or "parse". Ends the test when verdict and checks contradict each other.
  Failed failures(std::string_view text) const {
    if (!parse(text).ok()) return {"parse"};
    const Outcome result = outcome(text);
    Failed ids;
    for (const attest::Check& check : result.checks) {
      if (check.outcome == attest::Outcome::failed) ids.emplace(attest::id_text(check.id));
    }
    if (result.checks.size() != 3 || ids.empty() != result.authentic.has_value()) std::abort();
    return ids;
  }
};

std::string signed_with(std::string_view header, std::string_view text) { return test::make_token(header, text, "RS256", signer()); }

TEST(Token, OfThePinnedKeyForThisVerifierIsAuthentic) {
  const Outcome outcome = Verifier().outcome(signed_with(kHeader, payload()));
  ASSERT_TRUE(outcome.authentic) << outcome.checks[0].found << outcome.checks[1].found << outcome.checks[2].found;
  const Token& token = **outcome.authentic;
  EXPECT_EQ(token.issuer, "https://confidentialcomputing.googleapis.com");
  EXPECT_EQ(token.audience, "https://verifier.example");
  EXPECT_EQ(token.nonces.size(), 2U);
  EXPECT_EQ(token.key, crypto::sha256(signer().spki()));
  EXPECT_FALSE(token.anchor);
  EXPECT_EQ(outcome.validity.begin, Instant(1790000000));
  EXPECT_EQ(outcome.validity.end, Instant(1790003599));
}

TEST(Token, OfAnotherKeyOrAlgorithmFailsJ1) {
  const Verifier verifier;
  EXPECT_EQ(verifier.failures(test::make_token(kHeader, payload(), "RS256", stranger())), Failed{"J1"});
  EXPECT_EQ(verifier.failures(signed_with(R"({"alg":"RS256","kid":"k2"})", payload())), Failed{"J1"});
  EXPECT_EQ(verifier.failures(signed_with(R"({"alg":"RS256"})", payload())), Failed{"J1"});
  EXPECT_EQ(verifier.failures(signed_with(R"({"alg":"RS256","kid":"k1","typ":"at+jwt"})", payload())), Failed{"J1"});
  EXPECT_EQ(verifier.failures(test::make_token(R"({"alg":"PS256","kid":"k1"})", payload(), "PS256", signer())), Failed{"J1"});
  EXPECT_EQ(verifier.failures(signed_with(R"({"alg":"rs256","kid":"k1"})", payload())), Failed{"J1"});
  EXPECT_EQ(verifier.failures(test::unsigned_token(R"({"alg":"none","kid":"k1"})", payload())), Failed{"J1"});
  Verifier other;
  other.keys = OrDie(crypto::parse_jwk_set(test::jwk_set(signer(), "k1", "PS256")));
  EXPECT_EQ(other.failures(signed_with(kHeader, payload())), Failed{"J1"});
  other.keys.clear();
  EXPECT_EQ(other.failures(signed_with(kHeader, payload())), Failed{"J1"});
}

TEST(Token, UnderEveryAlgorithmOfAnIssuerIsAuthentic) {
  using crypto::JwtAlgorithm;
  const std::tuple<JwtAlgorithm, const char*, SignerKind> all[] = {{JwtAlgorithm::rs256, "RS256", SignerKind::rsa2048},
                                                                    {JwtAlgorithm::ps256, "PS256", SignerKind::rsa2048},
                                                                    {JwtAlgorithm::ps384, "PS384", SignerKind::rsa2048},
                                                                    {JwtAlgorithm::es256, "ES256", SignerKind::p256},
                                                                    {JwtAlgorithm::es384, "ES384", SignerKind::p384}};
  for (const auto& [algorithm, name, kind] : all) {
    const Signer& key = test::test_signer(kind, "signer");
    Verifier verifier;
    verifier.issuer.algorithm = algorithm;
    verifier.keys = OrDie(crypto::parse_jwk_set(test::jwk_set(key, "k1", name)));
    const std::string header = std::string(R"({"alg":")") + name + R"(","kid":"k1"})";
    EXPECT_EQ(verifier.failures(test::make_token(header, payload(), name, key)), Failed{}) << name;
    EXPECT_EQ(verifier.failures(test::make_token(header, payload(), name, test::test_signer(kind, "stranger"))), Failed{"J1"}) << name;
    EXPECT_EQ(Verifier().failures(test::make_token(header, payload(), name, key)), algorithm == JwtAlgorithm::rs256 ? Failed{} : Failed{"J1"});
  }
}

TEST(Token, OfAnotherIssuerAudienceTimeOrNonceFailsJ2) {
  const auto failures = [](std::string_view first, std::string_view second) {
    return Verifier().failures(signed_with(kHeader, test::edited(payload(), first, second)));
  };
  EXPECT_EQ(failures("googleapis.com\",\"sub", "googleapis.com/\",\"sub"), Failed{"J2"});
  EXPECT_EQ(failures("\"iss\":\"https://confidentialcomputing.googleapis.com\",", ""), Failed{"J2"});
  EXPECT_EQ(failures("\"aud\":\"https://verifier.example\"", "\"aud\":\"https://verifier.example/\""), Failed{"J2"});
  EXPECT_EQ(failures("\"aud\":\"https://verifier.example\"", "\"aud\":[\"https://verifier.example\"]"), Failed{"J2"});
  EXPECT_EQ(failures("\"aud\":\"https://verifier.example\",", ""), Failed{"J2"});
  EXPECT_EQ(failures("\"exp\":1790003600", "\"exp\":1790001000"), Failed{"J2"});  // before exp, not at it
  EXPECT_EQ(failures("\"exp\":1790003600", "\"exp\":1790001001"), Failed{});
  EXPECT_EQ(failures("\"exp\":1790003600", "\"exp\":\"1790003600\""), Failed{"J2"});
  EXPECT_EQ(failures("\"exp\":1790003600", "\"exp\":1790003600.5"), Failed{"J2"});
  EXPECT_EQ(failures("\"exp\":1790003600,", ""), Failed{"J2"});
  EXPECT_EQ(failures("\"nbf\":1790000000", "\"nbf\":1790001001"), Failed{"J2"});
  EXPECT_EQ(failures("\"nbf\":1790000000", "\"nbf\":1790001000"), Failed{});
  EXPECT_EQ(failures("\"iat\":1790000000", "\"iat\":1790001001"), Failed{"J2"});
  EXPECT_EQ(failures("second nonce of the sample", "third nonce of the sample"), Failed{"J2"});
  EXPECT_EQ(failures("second nonce of the sample", "first nonce of the sample"), Failed{"J2"});
  EXPECT_EQ(failures("\"second nonce of the sample\"", "7"), Failed{"J2"});
  EXPECT_EQ(failures(R"(["first nonce of the sample","second nonce of the sample"])", R"("second nonce of the sample")"), Failed{});
  EXPECT_EQ(failures(R"(["first nonce of the sample","second nonce of the sample"])", "null"), Failed{"J2"});
  EXPECT_EQ(failures(R"("first nonce of the sample",)", R"("second nonce of the sample",)"), Failed{"J2"});  // twice
  EXPECT_EQ(failures(R"("eat_nonce":["first nonce of the sample","second nonce of the sample"],)", ""), Failed{"J2"});
}

TEST(Token, IsJudgedAtTheTimeAndWithTheSkewOfTheCaller) {
  const std::string token = signed_with(kHeader, payload());
  Verifier verifier;
  verifier.now = Instant(1790003600);
  EXPECT_EQ(verifier.failures(token), Failed{"J2"});
  verifier.skew = 1;
  EXPECT_EQ(verifier.failures(token), Failed{});
  verifier.now = Instant(1789999999);
  EXPECT_EQ(verifier.failures(token), Failed{});
  verifier.skew = 0;
  EXPECT_EQ(verifier.failures(token), Failed{"J2"});
  verifier.now = kNow;
  verifier.skew = 601;
  EXPECT_EQ(verifier.failures(token), Failed{"J2"});
  verifier.skew = -1;
  EXPECT_EQ(verifier.failures(token), Failed{"J2"});
}

TEST(Token, WithoutAnExpectedAudienceFailsJ2) {
  Verifier verifier;
  verifier.audience.clear();
  EXPECT_EQ(verifier.failures(signed_with(kHeader, payload())), Failed{"J2"});
  EXPECT_EQ(verifier.failures(signed_with(kHeader, test::edited(payload(), "https://verifier.example", ""))), Failed{"J2"});
  verifier = Verifier();
  verifier.nonce = "";
  EXPECT_EQ(verifier.failures(signed_with(kHeader, payload())), Failed{"J2"});
  verifier.nonce.reset();
  EXPECT_EQ(verifier.failures(signed_with(kHeader, payload())), Failed{});
}

TEST(Token, ThatNamesOrBringsItsOwnKeyFailsJ4) {
  const Verifier verifier;
  EXPECT_EQ(verifier.failures(signed_with(R"({"alg":"RS256","kid":"k1","jku":"https://evil.example/keys"})", payload())), Failed{"J4"});
  EXPECT_EQ(verifier.failures(signed_with(R"({"alg":"RS256","kid":"k1","x5u":"https://evil.example/c"})", payload())), Failed{"J4"});
  EXPECT_EQ(verifier.failures(signed_with(R"({"alg":"RS256","kid":"k1","jwk":{"kty":"RSA"}})", payload())), Failed{"J4"});
  EXPECT_EQ(verifier.failures(signed_with(R"({"alg":"RS256","kid":"k1","x5c":["MAA="]})", payload())), Failed{"J4"});
  EXPECT_EQ(verifier.failures(test::make_token(R"({"alg":"RS256","kid":"k1","jwk":{}})", payload(), "RS256", stranger())),
            (Failed{"J1", "J4"}));
}

TEST(Token, OfAnIssuerThatWritesItsAddressMayCarryExactlyThatAddress) {
  Verifier verifier;
  verifier.issuer = microsoft("https://shared.attest.example");
  verifier.audience.clear();
  verifier.nonce = "n-1";
  const std::string text = R"({"iss":"https://shared.attest.example","exp":1790003600,"nbf":1790000000,"iat":1790000000,)"
                           R"("x-ms-runtime":{"client-payload":{"nonce":"n-1"}},"x-ms-attestation-type":"sevsnpvm"})";
  const auto header = [](std::string_view address) {
    return R"({"alg":"RS256","kid":"k1","typ":"JWT","jku":")" + std::string(address) + "\"}";
  };
  EXPECT_EQ(verifier.failures(signed_with(header("https://shared.attest.example/certs"), text)), Failed{});
  EXPECT_EQ(verifier.failures(signed_with(kHeader, text)), Failed{});
  EXPECT_EQ(verifier.failures(signed_with(header("https://shared.attest.example.evil/certs"), text)), Failed{"J4"});
  verifier.nonce = "n-2";
  EXPECT_EQ(verifier.failures(signed_with(kHeader, text)), Failed{"J2"});
  verifier.nonce = "n-1";
  verifier.audience = "https://verifier.example";
  EXPECT_EQ(verifier.failures(signed_with(kHeader, text)), Failed{"J2"});
}

// A chain of three under a test root, as PKI tokens carry it.
struct Chain {
  SignerCertificate root{.subject = "root", .issuer = "root", .ca = true};
  SignerCertificate middle{.subject = "middle", .issuer = "root", .ca = true};
  SignerCertificate leaf{.subject = "leaf", .issuer = "middle"};
  const Signer& root_key = test::test_signer(SignerKind::p384, "root");
  const Signer& middle_key = test::test_signer(SignerKind::p256, "middle");

  std::vector<Bytes> certificates() const {
    return {test::signer_certificate(leaf, signer(), middle_key), test::signer_certificate(middle, middle_key, root_key),
            test::signer_certificate(root, root_key, root_key)};
  }
  static std::string token(const std::vector<Bytes>& certificates, const Signer& key = signer()) {
    return test::make_token(R"({"alg":"RS256","typ":"JWT","x5c":)" + test::x5c(certificates) + "}", payload(), "RS256", key);
  }
  Verifier verifier() const {
    Verifier out;
    out.issuer = google_pki();
    out.keys.clear();
    out.roots = {crypto::sha256(root_key.spki())};
    return out;
  }
};

TEST(TokenWithCertificates, ThatLeadToAPinnedRootIsAuthentic) {
  const Chain chain;
  const Outcome outcome = chain.verifier().outcome(Chain::token(chain.certificates()));
  ASSERT_TRUE(outcome.authentic) << outcome.checks[0].found;
  EXPECT_EQ((*outcome.authentic)->anchor, crypto::sha256(chain.root_key.spki()));
  EXPECT_EQ((*outcome.authentic)->key, crypto::sha256(signer().spki()));
}

TEST(TokenWithCertificates, UnderTheProductionPinsIsRefused) {
  const Chain chain;
  Verifier verifier = chain.verifier();
  verifier.roots = {confidential_space_root()};
  EXPECT_EQ(verifier.failures(Chain::token(chain.certificates())), Failed{"J1"});
  verifier.roots.clear();
  EXPECT_EQ(verifier.failures(Chain::token(chain.certificates())), Failed{"J1"});
}

TEST(TokenWithCertificates, OfAnyOtherShapeFailsJ1) {
  const Chain good;
  const Verifier verifier = good.verifier();
  const std::vector<Bytes> all = good.certificates();
  EXPECT_EQ(verifier.failures(Chain::token({all[0], all[1]})), Failed{"J1"});
  EXPECT_EQ(verifier.failures(Chain::token({all[0]})), Failed{"J1"});
  EXPECT_EQ(verifier.failures(Chain::token({all[0], all[1], all[2], all[2]})), Failed{"J1"});
  EXPECT_EQ(verifier.failures(Chain::token({all[2], all[1], all[0]})), Failed{"J1"});
  EXPECT_EQ(verifier.failures(Chain::token({all[0], all[2], all[2]})), Failed{"J1"});
  EXPECT_EQ(verifier.failures(Chain::token(all, stranger())), Failed{"J1"});
  EXPECT_EQ(verifier.failures(signed_with(kHeader, payload())), Failed{"J1"});
  std::vector<Bytes> broken = all;
  broken[0].back() ^= std::byte{1};
  EXPECT_EQ(verifier.failures(Chain::token(broken)), Failed{"J1"});
  broken = all;
  broken[1].push_back(std::byte{0});
  EXPECT_EQ(verifier.failures(Chain::token(broken)), Failed{"J1"});
}

TEST(TokenWithCertificates, WhoseCertificatesAreNotFitFailsJ1) {
  const auto failures = [](auto edit) {
    Chain chain;
    edit(chain);
    return chain.verifier().failures(Chain::token(chain.certificates()));
  };
  EXPECT_EQ(failures([](Chain&) {}), Failed{});
  EXPECT_EQ(failures([](Chain& chain) { chain.leaf.end = Instant(1790000999); }), Failed{"J1"});
  EXPECT_EQ(failures([](Chain& chain) { chain.middle.end = Instant(1790000999); }), Failed{"J1"});
  EXPECT_EQ(failures([](Chain& chain) { chain.root.end = Instant(1790000999); }), Failed{"J1"});
  EXPECT_EQ(failures([](Chain& chain) { chain.leaf.begin = Instant(1790001001); }), Failed{"J1"});
  EXPECT_EQ(failures([](Chain& chain) { chain.leaf.ca = true; }), Failed{"J1"});
  EXPECT_EQ(failures([](Chain& chain) { chain.middle.ca = false; }), Failed{"J1"});
  EXPECT_EQ(failures([](Chain& chain) { chain.leaf.issuer = "other"; }), Failed{"J1"});
  EXPECT_EQ(failures([](Chain& chain) { chain.middle.subject = "other"; }), Failed{"J1"});
  const auto critical = [](const char* oid) {  // a SEQUENCE of the OID of code signing
    return test::SignerExtension{oid, OrDie(hex_decode("300a06082b06010505070303")), true};
  };
  EXPECT_EQ(failures([&](Chain& chain) { chain.leaf.extensions = {critical("2.5.29.37")}; }), Failed{});
  EXPECT_EQ(failures([&](Chain& chain) { chain.leaf.extensions = {critical("1.2.3.4")}; }), Failed{"J1"});
}

TEST(TokenWithCertificates, IsJudgedTheSameWithAChainFromACache) {
  const Chain chain;
  const std::string token = Chain::token(chain.certificates());
  Verifier verifier = chain.verifier();
  const VerifiedChain proof = OrDie(verify_chain(chain.certificates(), verifier.roots, kNow));
  verifier.chain = &proof;
  const Outcome with = verifier.outcome(token);
  const Outcome without = chain.verifier().outcome(token);
  EXPECT_EQ(with.checks, without.checks);
  EXPECT_EQ(with.validity.end, without.validity.end);
  ASSERT_TRUE(with.authentic);
  EXPECT_EQ(verifier.failures(Chain::token(chain.certificates(), stranger())), Failed{"J1"});
  verifier.roots = {confidential_space_root()};  // the proof's anchor is no longer wanted
  EXPECT_EQ(verifier.failures(token), Failed{"J1"});
}

TEST(TokenForm, IsExactlyThreePartsOfUnpaddedBase64urlWithKnownMembers) {
  const std::string token = signed_with(kHeader, payload());
  ASSERT_OK(parse(token));
  EXPECT_ERROR(parse(token + "."), Code::malformed, "three parts, found 4");
  EXPECT_ERROR(parse(token + "=="), Code::malformed, "signature");
  EXPECT_ERROR(parse(token + "\n"), Code::malformed, "signature");
  EXPECT_ERROR(parse(token.substr(0, token.rfind('.'))), Code::malformed, "three parts, found 2");
  EXPECT_ERROR(parse(""), Code::malformed, "three parts");
  EXPECT_ERROR(parse(signed_with(R"({"alg":"RS256","alg":"none"})", payload())), Code::malformed, "header");
  EXPECT_ERROR(parse(signed_with(R"({"alg":"RS256","crit":["exp"]})", payload())), Code::malformed, "'crit'");
  EXPECT_ERROR(parse(signed_with(R"({"kid":"k1"})", payload())), Code::malformed, "alg");
  EXPECT_ERROR(parse(signed_with(R"({"alg":7})", payload())), Code::malformed, "alg");
  EXPECT_ERROR(parse(signed_with(R"(["alg"])", payload())), Code::malformed, "expected an object");
  EXPECT_ERROR(parse(signed_with(kHeader, "[]")), Code::malformed, "payload: expected an object");
  EXPECT_ERROR(parse(signed_with(kHeader, R"({"a":1,"a":2})")), Code::malformed, "payload");
  EXPECT_ERROR(parse(signed_with(kHeader, R"({"a":{"b":1,"b":2}})")), Code::malformed, "payload");
  EXPECT_ERROR(parse(std::string(crypto::kJwtMaxSize + 1, 'a')), Code::malformed, "at most");
}

// Every cut and every changed character of a token: refused, and no crash.
TEST(TokenForm, EveryCutAndEveryChangedCharacterIsRefused) {
  const std::string token = signed_with(kHeader, payload());
  const Verifier verifier;
  for (std::size_t size = 0; size < token.size(); size += test::stride(1)) EXPECT_NE(verifier.failures(token.substr(0, size)), Failed{}) << size;
  for (std::size_t at = 0; at < token.size(); at += test::stride(1)) {
    for (const char c : {'A', '.', '=', '\0', static_cast<char>(token[at] ^ 1)}) {
      if (c == token[at]) continue;
      std::string changed = token;
      changed[at] = c;
      EXPECT_NE(verifier.failures(changed), Failed{}) << at;
    }
  }
}

TEST(Token, DescribesItselfAsUnverified) {
  const json::Value shown = describe(OrDie(parse(signed_with(kHeader, payload()))));
  EXPECT_EQ(*shown.object()->find("verified")->second.boolean(), false);
  EXPECT_NE(json::canonical(shown).find("GCP_INTEL_TDX"), std::string::npos);
}

}  // namespace
}  // namespace redoubt::token
