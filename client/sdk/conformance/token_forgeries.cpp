// Forgeries of tokens: the folder gcp-confidential-space says in prose what is forged; here each is made from a genuine token.
//
// Every forgery changes one thing, and names the check that must see it: a token that is refused for another reason shows nothing.
// The genuine token is judged first, with the same inputs: it must be authentic.
#include <functional>

#include "client/sdk/conformance/entry.h"
#include "common/attest/appraise/appraisal.h"
#include "common/attest/evidence/gcp/confidential_space.h"
#include "common/base/encoding.h"

namespace redoubt::conformance {
namespace {

using attest::CheckId;

constexpr std::string_view kDebug = "dbgstat-debug";

// Genuine: a token of the folder, taken apart.
struct Genuine {
  std::string header, payload, signature;  // the three parts, base64url
  json::Object claims, head;
  std::string key_set;                     // JSON
  std::string audience;
  Interval window;
  Instant at;
  std::optional<std::string> nonce;

  std::string text() const { return header + "." + payload + "." + signature; }
};

// Forged: what is handed to the verifier, and what must refuse it; without a check the token has no readable form.
struct Forged {
  std::string text;
  std::optional<CheckId> refused_by;
  token::Issuer issuer = token::google_oidc();
  std::vector<crypto::Jwk> keys = {};
  std::string audience = {};
  std::optional<std::string> nonce = {};
  Instant now = {};
};

std::string part_of(std::string_view text) { return base64url_encode(as_bytes(text)); }

Result<std::string> text_of(std::string_view part) {
  REDOUBT_TRY(const Bytes bytes, base64url_decode(part));
  return std::string(as_text(bytes));
}

Result<Genuine> take_apart(const Entry& entry) {
  Genuine out;
  REDOUBT_TRY(const Bytes file, entry.file("token"));
  std::string text(as_text(file));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  const std::size_t first = text.find('.');
  const std::size_t second = first == std::string::npos ? first : text.find('.', first + 1);
  if (second == std::string::npos) return Error(Code::malformed, "token: expected three parts");
  out.header = text.substr(0, first);
  out.payload = text.substr(first + 1, second - first - 1);
  out.signature = text.substr(second + 1);
  REDOUBT_TRY(const std::string head, text_of(out.header));
  REDOUBT_TRY(const std::string claims, text_of(out.payload));
  REDOUBT_TRY(const json::Value head_json, json::parse(head));
  REDOUBT_TRY(const json::Value claims_json, json::parse(claims));
  if (head_json.object() == nullptr || claims_json.object() == nullptr) return Error(Code::malformed, "token: expected objects");
  out.head = *head_json.object();
  out.claims = *claims_json.object();
  REDOUBT_TRY(const Bytes keys, entry.file("keys"));
  out.key_set = as_text(keys);
  REDOUBT_TRY(const auto parsed, gcp::parse(text));
  out.audience = gcp::unverified_audience(parsed);
  REDOUBT_TRY(out.at, entry.at());
  const auto window = entry.members.find("window");
  const json::Array* times = window == entry.members.end() ? nullptr : window->second.array();
  if (times == nullptr || times->size() != 2 || times->front().string() == nullptr || times->back().string() == nullptr) {
    return Error(Code::malformed, "case: expected a window of two times");
  }
  REDOUBT_TRY(out.window.begin, Instant::parse(*times->front().string()));
  REDOUBT_TRY(out.window.end, Instant::parse(*times->back().string()));
  const json::Value nonce = member_or_null(claims_json, "eat_nonce");
  if (nonce.string() != nullptr) out.nonce = *nonce.string();
  if (nonce.array() != nullptr && !nonce.array()->empty() && nonce.array()->front().string() != nullptr) out.nonce = *nonce.array()->front().string();
  return out;
}

// unchanged: the genuine token with the inputs under which it is authentic.
Result<Forged> unchanged(const Genuine& genuine) {
  Forged out{.text = genuine.text(), .refused_by = std::nullopt};
  REDOUBT_TRY(out.keys, crypto::parse_jwk_set(genuine.key_set));
  out.audience = genuine.audience;
  out.nonce = genuine.nonce;
  out.now = genuine.at;
  return out;
}

std::string with_header(const Genuine& genuine, std::string_view key, json::Value value) {
  json::Object head = genuine.head;
  head.insert_or_assign(std::string(key), std::move(value));
  return part_of(json::canonical(head)) + "." + genuine.payload + "." + genuine.signature;
}

// macs: the public key in every form that a verifier confusing algorithms may have it in: PEM, DER and modulus.
Result<std::vector<std::string>> macs(const Genuine& genuine, const std::vector<crypto::Jwk>& keys) {
  const json::Value kid = member_or_null(genuine.head, "kid");
  const auto key = std::ranges::find_if(keys, [&](const crypto::Jwk& one) { return kid.string() != nullptr && one.key_id == *kid.string(); });
  if (key == keys.end()) return Error(Code::malformed, "token: its key is not in the set");
  const std::string base64 = base64_encode(key->key.spki());
  std::string pem = "-----BEGIN PUBLIC KEY-----\n";
  constexpr std::size_t kLine = 64;
  for (std::size_t i = 0; i < base64.size(); i += kLine) pem += base64.substr(i, kLine) + "\n";
  pem += "-----END PUBLIC KEY-----\n";
  std::vector<Bytes> secrets{to_bytes(key->key.spki()), to_bytes(pem)};
  REDOUBT_TRY(const json::Value set, json::parse(genuine.key_set));
  const json::Value list = member_or_null(set, "keys");
  for (std::size_t i = 0; list.array() != nullptr && i < list.array()->size(); ++i) {
    const json::Value modulus = member_or_null((*list.array())[i], "n");
    if (modulus.string() == nullptr) continue;
    REDOUBT_TRY(Bytes bytes, base64url_decode(*modulus.string()));
    secrets.push_back(std::move(bytes));
  }
  json::Object head = genuine.head;
  head.insert_or_assign("alg", "HS256");
  const std::string signed_text = part_of(json::canonical(head)) + "." + genuine.payload;
  std::vector<std::string> out;
  for (const Bytes& secret : secrets) {
    out.push_back(signed_text + "." + base64url_encode(crypto::hmac_sha256(secret, as_bytes(signed_text)).reveal()));
  }
  return out;
}

using Made = Result<std::vector<Forged>>;

// one: the genuine inputs with one thing changed.
Made one(const Genuine& genuine, std::optional<CheckId> by, const std::function<void(Forged&)>& change) {
  REDOUBT_TRY(Forged forged, unchanged(genuine));
  forged.refused_by = by;
  change(forged);
  return std::vector<Forged>{std::move(forged)};
}

Made texts(const Genuine& genuine, std::optional<CheckId> by, const std::vector<std::string>& all) {
  std::vector<Forged> out;
  for (const std::string& text : all) {
    REDOUBT_TRY(Forged forged, unchanged(genuine));
    forged.refused_by = by;
    forged.text = text;
    out.push_back(std::move(forged));
  }
  return out;
}

Made unknown_kid(const Genuine& genuine) {
  REDOUBT_TRY(std::vector<Forged> out, texts(genuine, CheckId::j1, {with_header(genuine, "kid", "no-such-key"), genuine.text()}));
  const json::Value kid = member_or_null(genuine.head, "kid");
  std::erase_if(out.back().keys, [&](const crypto::Jwk& key) { return kid.string() != nullptr && key.key_id == *kid.string(); });
  return out;
}

Made truncated_signature(const Genuine& genuine) {
  REDOUBT_TRY(Bytes signature, base64url_decode(genuine.signature));
  if (signature.empty()) return Error(Code::malformed, "token: no signature");
  signature.pop_back();
  return texts(genuine, CheckId::j1, {genuine.header + "." + genuine.payload + "." + base64url_encode(signature)});
}

Made edited_payload(const Genuine& genuine) {
  json::Object claims = genuine.claims;
  claims.insert_or_assign("dbgstat", "disabled-since-boot");
  claims.insert_or_assign("sub", "https://www.googleapis.com/compute/v1/projects/another");
  return texts(genuine, CheckId::j1, {genuine.header + "." + part_of(json::canonical(claims)) + "." + genuine.signature});
}

Made duplicate_claim(const Genuine& genuine) {
  REDOUBT_TRY(const std::string payload, text_of(genuine.payload));
  return texts(genuine, std::nullopt, {genuine.header + "." + part_of("{\"iss\":\"https://another.example\"," + payload.substr(1)) + "." + genuine.signature});
}

Made keys_in_header(const Genuine& genuine) {
  REDOUBT_TRY(const json::Value set, json::parse(genuine.key_set));
  const json::Value list = member_or_null(set, "keys");
  const json::Value key = list.array() != nullptr && !list.array()->empty() ? list.array()->front() : json::Value();
  return texts(genuine, CheckId::j4, {with_header(genuine, "jku", "https://another.example/keys"), with_header(genuine, "jwk", key)});
}

struct Recipe {
  std::string_view id;
  Made (*make)(const Genuine&);
  bool without_nonce = false;  // made of a token that has none
};

const Recipe kRecipes[] = {
    {"alg-none", [](const Genuine& g) { return texts(g, CheckId::j1, {part_of(R"({"alg":"none"})") + "." + g.payload + "."}); }},
    {"alg-hs256-with-public-key",
     [](const Genuine& g) -> Made {
       REDOUBT_TRY(const Forged genuine, unchanged(g));
       REDOUBT_TRY(const std::vector<std::string> all, macs(g, genuine.keys));
       return texts(g, CheckId::j1, all);
     }},
    {"kid-unknown", unknown_kid},
    {"two-signatures", [](const Genuine& g) { return texts(g, std::nullopt, {g.text() + "." + g.signature}); }},
    {"payload-edited", edited_payload},
    {"signature-truncated", truncated_signature},
    {"padding-added",
     [](const Genuine& g) {
       return texts(g, std::nullopt,
                    {g.header + "=." + g.payload + "." + g.signature, g.header + "." + g.payload + "=." + g.signature, g.text() + "="});
     }},
    {"expired", [](const Genuine& g) { return one(g, CheckId::j2, [&](Forged& f) { f.now = g.window.end.plus_seconds(1); }); }},
    {"not-yet-valid", [](const Genuine& g) { return one(g, CheckId::j2, [&](Forged& f) { f.now = g.window.begin.plus_seconds(-1); }); }},
    {"issuer-trailing-slash", [](const Genuine& g) { return one(g, CheckId::j2, [](Forged& f) { f.issuer.name += "/"; }); }},
    {"audience-other", [](const Genuine& g) { return one(g, CheckId::j2, [](Forged& f) { f.audience += ".example"; }); }},
    {"nonce-missing", [](const Genuine& g) { return one(g, CheckId::j2, [](Forged& f) { f.nonce = "an expected nonce"; }); }, true},
    {"nonce-other", [](const Genuine& g) { return one(g, CheckId::j2, [](Forged& f) { f.nonce = "another nonce"; }); }},
    {"jku-header", keys_in_header},
    {"duplicate-claim", duplicate_claim},
};

// authenticate: nothing where the token cannot be read.
std::optional<gcp::Outcome> authenticate(const Forged& forged) {
  const auto parsed = gcp::parse(forged.text);
  if (!parsed.ok()) return std::nullopt;
  std::optional<std::string_view> nonce;
  if (forged.nonce) nonce = *forged.nonce;
  return gcp::authenticate(*parsed, {.issuer = forged.issuer, .key_set = forged.keys, .audience = forged.audience, .nonce = nonce, .now = forged.now});
}

// judge: "reject", or what went wrong.
std::string judge(const Forged& forged) {
  const std::optional<gcp::Outcome> outcome = authenticate(forged);
  if (!outcome) return "reject";
  if (!forged.refused_by) return "the token was read";
  if (outcome->authentic) return "accept";
  const auto check = std::ranges::find(outcome->checks, *forged.refused_by, &attest::Check::id);
  const bool seen = check != outcome->checks.end() && check->outcome == attest::Outcome::failed;
  return seen ? "reject" : "refused, but not by " + std::string(attest::id_text(*forged.refused_by));
}

// judge_debug: the genuine tokens are of debug images: a policy that takes none refuses them by J3, and one that does accepts them.
Result<std::string> judge_debug(const Genuine& genuine) {
  REDOUBT_TRY(const Forged inputs, unchanged(genuine));
  appraise::Policy policy{.name = "tokens", .workload = "any", .programs = std::nullopt, .accept_host_asserted = false, .accept_software_tpm = false, .platforms = {}};
  appraise::TokenPolicy& section = policy.platforms.token.emplace();
  section.issuer = inputs.issuer.name;
  section.audience = inputs.audience;
  section.accept_overrides = true;
  section.software_names = {"CONFIDENTIAL_SPACE"};
  appraise::Challenge challenge;
  challenge.unchallenged = true;
  appraise::Endorsements endorsements;
  endorsements.token_keys = inputs.keys;
  const auto accepted = [&](bool debug) -> Result<bool> {
    section.accept_debug = debug;
    REDOUBT_TRY(const appraise::Appraisal appraisal, appraise::appraise({"token", to_bytes(inputs.text)}, endorsements, challenge, policy, inputs.now));
    return appraisal.accepted().ok();
  };
  REDOUBT_TRY(const bool with_debug, accepted(true));
  if (!with_debug) return std::string("refused, but not for debug");
  REDOUBT_TRY(const bool without_debug, accepted(false));
  return std::string(without_debug ? "accept" : "reject");
}

}  // namespace

bool is_token_forgery(std::string_view id) { return id == kDebug || std::ranges::find(kRecipes, id, &Recipe::id) != std::end(kRecipes); }

Result<Facts> token_forgery_facts(std::string_view id, const std::vector<Entry>& cases) {
  const auto recipe = std::ranges::find(kRecipes, id, &Recipe::id);
  const bool without_nonce = recipe != std::end(kRecipes) && recipe->without_nonce;
  std::optional<Genuine> genuine;
  for (const Entry& entry : cases) {
    REDOUBT_TRY(Genuine one, take_apart(entry));
    if (!genuine || genuine->nonce.has_value() == without_nonce) genuine = std::move(one);
  }
  if (!genuine || (without_nonce && genuine->nonce)) return Error(Code::not_found, "forgery: no genuine token to make it of");
  REDOUBT_TRY(const Forged control, unchanged(*genuine));
  const std::optional<gcp::Outcome> outcome = authenticate(control);
  if (!outcome || !outcome->authentic) return Facts{{"verdict", "the genuine token is refused"}};
  if (recipe == std::end(kRecipes)) {
    REDOUBT_TRY(std::string verdict, judge_debug(*genuine));
    return Facts{{"verdict", std::move(verdict)}};
  }
  REDOUBT_TRY(const std::vector<Forged> all, recipe->make(*genuine));
  std::string verdict = all.empty() ? "nothing was forged" : "reject";
  for (const Forged& forged : all) {
    const std::string one = judge(forged);
    if (one != "reject") verdict = one;
  }
  return Facts{{"verdict", std::move(verdict)}};
}

}  // namespace redoubt::conformance
