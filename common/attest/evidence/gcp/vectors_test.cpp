// Genuine tokens of the shared test data, and the forgeries that their negative.json describes in words, each made here from a
// genuine token or, where a forger would need a key, under a test key. Goal: the genuine are authentic with the facts that are
// listed; each forgery fails for its own reason. The data are not in the repository: absent, these tests are skipped.
#include <algorithm>
#include <functional>
#include <set>

#include "common/attest/evidence/gcp/confidential_space.h"
#include "common/crypto/certificate_view.h"
#include "tests/support/evidence_token.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"

namespace redoubt::gcp {
namespace {

using Failed = std::set<std::string>;
using test::SignerKind;

constexpr std::string_view kOwn = R"({"alg":"RS256","kid":"own"})";

std::filesystem::path folder() { return *test::shared_dir() / "vectors" / "gcp-confidential-space"; }

const json::Value& at(const json::Value& value, std::string_view name) {
  static const json::Value null;
  const auto found = value.object()->find(name);
  return found == value.object()->end() ? null : found->second;
}
std::string text_at(const json::Value& value, std::string_view name) { return *at(value, name).string(); }
Instant time_at(const json::Value& value) { return OrDie(Instant::parse(*value.string())); }

struct Case {
  std::string id;
  std::string token;
  json::Value expect;
  Instant begin, end, now;
  std::vector<crypto::Jwk> keys;  // empty for PKI tokens
};

std::vector<Case> cases() {
  const json::Value list = OrDie(json::parse(test::read_text(folder() / "cases.json")));
  std::vector<Case> out;
  for (const json::Value& item : *list.array()) {
    const json::Array& window = *at(item, "window").array();
    Case one{text_at(item, "id"), test::read_text(folder() / text_at(item, "token")), at(item, "expect"), time_at(window.at(0)),
             time_at(window.at(1)), time_at(at(item, "at")), {}};
    const std::string* keys = at(item, "keys").string();
    if (keys != nullptr && keys->ends_with(".json")) one.keys = OrDie(crypto::parse_jwk_set(test::read_text(folder() / *keys)));
    out.push_back(std::move(one));
  }
  return out;
}

struct Verifier {
  explicit Verifier(const Case& from)
      : now(from.now), keys(from.keys), audience(text_at(from.expect, "aud")),
        issuer(from.keys.empty() ? token::google_pki() : token::google_oidc()) {}
  Instant now;
  std::vector<crypto::Jwk> keys;
  std::string audience;
  token::Issuer issuer;
  std::vector<crypto::Sha256Digest> roots = {token::confidential_space_root()};
  std::optional<std::string_view> nonce = std::nullopt;

  Outcome outcome(std::string_view text) const {
    return authenticate(OrDie(parse(text)), {.issuer = issuer, .key_set = keys, .roots = roots, .audience = audience,
                                             .nonce = nonce, .now = now});
  }
  Failed failures(std::string_view text) const {
    const auto parsed = parse(text);
    if (!parsed.ok()) return {"parse: " + parsed.error().message()};
    Failed ids;
    for (const attest::Check& check : outcome(text).checks) {
      if (check.outcome == attest::Outcome::failed) ids.emplace(attest::id_text(check.id));
    }
    return ids;
  }
};

void expect_listed_facts(const Case& one, const ConfidentialSpace& space) {
  const token::Token& token = **space.token;
  const Claims& claims = space.claims;
  EXPECT_EQ(token.jwt->header().algorithm, text_at(one.expect, "alg"));
  EXPECT_EQ(token.issuer, text_at(one.expect, "iss"));
  EXPECT_EQ(token.audience, text_at(one.expect, "aud"));
  EXPECT_EQ(token.window.begin, one.begin);
  EXPECT_EQ(token.window.end.plus_seconds(1), one.end);
  EXPECT_EQ(claims.hwmodel, text_at(one.expect, "hwmodel"));
  EXPECT_EQ(claims.swname, text_at(one.expect, "swname"));
  EXPECT_EQ(claims.swversion, OrDie(json::strings(at(one.expect, "swversion"), "swversion", 8)));
  EXPECT_EQ(claims.dbgstat, text_at(one.expect, "dbgstat"));
  EXPECT_EQ(claims.secboot, *at(one.expect, "secboot").boolean());
  ASSERT_TRUE(claims.container);
  EXPECT_EQ("sha256:" + claims.container->image_digest.hex(), text_at(one.expect, "image_digest"));
  const json::Value& nonce = at(one.expect, "eat_nonce");
  EXPECT_EQ(token.nonces, nonce.is_null() ? Texts{} : Texts{*nonce.string()});
  EXPECT_EQ(claims.support_attributes.has_value(), !at(one.expect, "support_attributes").is_null());
}

TEST(ConfidentialSpaceVectors, GenuineTokensAreAuthenticWithTheListedFacts) {
  REDOUBT_REQUIRE_SHARED();
  const std::vector<Case> all = cases();
  ASSERT_FALSE(all.empty());
  for (const Case& one : all) {
    SCOPED_TRACE(one.id);
    const Outcome result = Verifier(one).outcome(one.token);
    ASSERT_TRUE(result.authentic) << result.checks[0].found << "; " << result.checks[1].found;
    expect_listed_facts(one, **result.authentic);
    EXPECT_EQ((*result.authentic)->claims.unknown_claims, 0U);
    if (const std::string* nonce = at(one.expect, "eat_nonce").string()) {
      Verifier asked(one);
      asked.nonce = *nonce;
      EXPECT_EQ(asked.failures(one.token), Failed{});
    }
  }
}

TEST(ConfidentialSpaceVectors, TheProductionPinIsTheKeyOfTheRoot) {
  REDOUBT_REQUIRE_SHARED();
  const auto blocks = OrDie(crypto::pem_decode(test::read_text(folder() / "confidential-space-root.pem"), "CERTIFICATE", 1));
  const auto root = OrDie(crypto::CertificateView::parse(blocks.at(0)));
  EXPECT_EQ(crypto::sha256(root.spki), token::confidential_space_root());
}

struct Parts {
  std::string header, payload, signature;
};
Parts split(const std::string& token) {
  const std::size_t first = token.find('.');
  const std::size_t second = token.find('.', first + 1);
  return {token.substr(0, first), token.substr(first + 1, second - first - 1), token.substr(second + 1)};
}
std::string encoded(std::string_view text) { return base64url_encode(as_bytes(text)); }
std::string decoded(const std::string& part) { return std::string(as_text(OrDie(base64url_decode(part)))); }

const test::Signer& own_signer() { return test::test_signer(SignerKind::rsa2048, "signer"); }
const test::Signer& own_root() { return test::test_signer(SignerKind::p384, "root"); }

// A forger's own chain of three.
std::vector<Bytes> own_chain() {
  const auto& middle = test::test_signer(SignerKind::p256, "middle");
  return {test::signer_certificate({.subject = "leaf", .issuer = "middle"}, own_signer(), middle),
          test::signer_certificate({.subject = "middle", .issuer = "root", .ca = true}, middle, own_root()),
          test::signer_certificate({.subject = "root", .issuer = "root", .ca = true}, own_root(), own_root())};
}

// What a forger works with.
struct Forger {
  const Case& plain;
  const Case& with_nonce;
  Parts parts = split(plain.token);
  std::string payload = decoded(parts.payload);
  std::string kid = plain.keys.back().key_id;

  // changed: the genuine token before a verifier that expects something else.
  Failed changed(const std::function<void(Verifier&)>& edit) const {
    Verifier verifier(plain);
    edit(verifier);
    return verifier.failures(plain.token);
  }
  Failed with_header(std::string_view header) const {
    return Verifier(plain).failures(encoded(header) + "." + parts.payload + "." + parts.signature);
  }
  Failed with_signature(const std::string& signature) const {
    return Verifier(plain).failures(parts.header + "." + parts.payload + "." + signature);
  }
  // resigned: signed well under a key that the verifier takes, and still wrong.
  Failed resigned(std::string_view header, std::string_view claims) const {
    Verifier verifier(plain);
    verifier.keys = OrDie(crypto::parse_jwk_set(test::jwk_set(own_signer(), "own", "RS256")));
    return verifier.failures(test::make_token(header, claims, "RS256", own_signer()));
  }
  Failed with_chain(const std::vector<Bytes>& chain, bool pin_own) const {
    Verifier verifier(plain);
    verifier.issuer = token::google_pki();
    if (pin_own) verifier.roots = {crypto::sha256(own_root().spki())};
    return verifier.failures(test::make_token(R"({"alg":"RS256","x5c":)" + test::x5c(chain) + "}", payload, "RS256", own_signer()));
  }
  Failed hs256(ByteView key) const {
    const std::string text = encoded(R"({"alg":"HS256","kid":")" + kid + R"(","typ":"JWT"})") + "." + parts.payload;
    return Verifier(plain).failures(text + "." + base64url_encode(crypto::hmac_sha256(key, as_bytes(text)).reveal()));
  }
};

using Forgery = std::pair<std::string, std::function<Failed(const Forger&)>>;  // the reason, then the deed

const std::map<std::string, Forgery>& forgeries() {
  static const std::map<std::string, Forgery> all = {
      {"alg-none", {"J1", [](const Forger& f) {
         return Verifier(f.plain).failures(encoded(R"({"alg":"none"})") + "." + f.parts.payload + ".");
       }}},
      {"alg-hs256-with-public-key", {"J1", [](const Forger& f) { return f.hs256(f.plain.keys.back().key.spki()); }}},
      {"kid-unknown", {"J1", [](const Forger& f) { return f.with_header(test::edited(decoded(f.parts.header), f.kid, "unknown")); }}},
      {"two-signatures", {"parse: token: expected exactly three parts", [](const Forger& f) {
         return Verifier(f.plain).failures(f.plain.token + "." + f.parts.signature);
       }}},
      {"payload-edited", {"J1", [](const Forger& f) {
         return Verifier(f.plain).failures(f.parts.header + "." +
                                           encoded(test::edited(f.payload, "\"enabled\"", "\"disabled-since-boot\"")) + "." +
                                           f.parts.signature);
       }}},
      {"signature-truncated", {"J1", [](const Forger& f) {
         Bytes signature = OrDie(base64url_decode(f.parts.signature));
         signature.pop_back();
         return f.with_signature(base64url_encode(signature));
       }}},
      {"padding-added", {"parse: token signature", [](const Forger& f) { return f.with_signature(f.parts.signature + "="); }}},
      {"expired", {"J2", [](const Forger& f) { return f.changed([&](Verifier& v) { v.now = f.plain.end.plus_seconds(1); }); }}},
      {"not-yet-valid", {"J2", [](const Forger& f) { return f.changed([&](Verifier& v) { v.now = f.plain.begin.plus_seconds(-1); }); }}},
      {"issuer-trailing-slash", {"J2", [](const Forger& f) { return f.changed([](Verifier& v) { v.issuer.name += "/"; }); }}},
      {"audience-other", {"J2", [](const Forger& f) { return f.changed([](Verifier& v) { v.audience = "https://other.example"; }); }}},
      {"nonce-missing", {"J2", [](const Forger& f) { return f.changed([](Verifier& v) { v.nonce = "a nonce that was sent"; }); }}},
      {"nonce-other", {"J2", [](const Forger& f) {
         Verifier verifier(f.with_nonce);
         verifier.nonce = "a nonce that was sent";
         return verifier.failures(f.with_nonce.token);
       }}},
      {"x5c-own-root", {"J1", [](const Forger& f) {
         EXPECT_EQ(f.with_chain(own_chain(), true), Failed{}) << "the chain itself must be good";
         return f.with_chain(own_chain(), false);
       }}},
      {"x5c-leaf-only", {"J1", [](const Forger& f) { return f.with_chain({own_chain()[0]}, true); }}},
      {"jku-header", {"J4", [](const Forger& f) {
         EXPECT_EQ(f.resigned(R"({"alg":"RS256","kid":"own","jwk":{}})", f.payload), Failed{"J4"});
         return f.resigned(R"({"alg":"RS256","kid":"own","jku":"https://evil.example"})", f.payload);
       }}},
      {"duplicate-claim", {"parse: token payload", [](const Forger& f) {
         EXPECT_EQ(f.resigned(kOwn, f.payload), Failed{});
         return f.resigned(kOwn, test::edited(f.payload, "{\"aud\"", "{\"dbgstat\":\"disabled-since-boot\",\"aud\""));
       }}},
      // The comparison with a policy (J3) is made on a floor above; here the fact that it needs.
      {"dbgstat-debug", {"J3", [](const Forger& f) {
         const Outcome outcome = Verifier(f.plain).outcome(f.plain.token);
         const bool told = outcome.authentic && (*outcome.authentic)->claims.debug == DebugStatus::enabled;
         return told ? Failed{"J3"} : Failed{};
       }}}};
  return all;
}

TEST(ConfidentialSpaceVectors, EachDescribedForgeryFailsForItsOwnReason) {
  REDOUBT_REQUIRE_SHARED();
  const std::vector<Case> all = cases();
  const auto find = [&](std::string_view id) -> const Case& { return *std::ranges::find(all, id, &Case::id); };
  const Forger forger{find("oidc-sev-debug-no-nonce"), find("oidc-sev-debug-nonce")};
  const json::Value list = OrDie(json::parse(test::read_text(folder() / "negative.json")));
  EXPECT_EQ(list.array()->size(), forgeries().size());
  for (const json::Value& item : *list.array()) {
    const std::string id = text_at(item, "id");
    SCOPED_TRACE(id);
    EXPECT_EQ(text_at(item, "expect"), "reject");
    ASSERT_TRUE(forgeries().contains(id));
    const auto& [reason, deed] = forgeries().at(id);
    const Failed failed = deed(forger);
    ASSERT_EQ(failed.size(), 1U);
    EXPECT_TRUE(failed.begin()->starts_with(reason)) << *failed.begin();
  }
}

}  // namespace
}  // namespace redoubt::gcp
