// TPM quotes with their PCR values and event logs, as the folder tpm lists them.
//
// "Authentic" here means that the arithmetic of the signature holds, with SHA-1 too: an old quote is what it is. Whether one would be
// accepted is the production verifier's answer, which knows no SHA-1.
#include "client/sdk/conformance/entry.h"
#include "common/attest/evidence/eventlog/event_log.h"
#include "common/attest/evidence/tpm/quote.h"
#include "common/crypto/legacy_signature.h"
#include "common/crypto/sha1.h"

namespace redoubt::conformance {
namespace {

struct Value {
  std::uint16_t bank;
  int pcr;
  Bytes bytes;
};

// read_values: those that the quote selects, in its order, from {"sha256": {"0": hex, ...}}.
Result<std::vector<Value>> read_values(const Entry& entry, const tpm::Attest& attest) {
  REDOUBT_TRY(const Bytes text, entry.file("pcrs"));
  REDOUBT_TRY(const json::Value document, json::parse(as_text(text)));
  std::vector<Value> out;
  for (const tpm::Attest::Selection& selection : attest.selections) {
    const json::Value bank = member_or_null(document, eventlog::algorithm_text(selection.bank));
    for (const int pcr : selection.pcrs) {
      const json::Value value = member_or_null(bank, std::to_string(pcr));
      if (value.string() == nullptr) return Error(Code::malformed, "case: no value of PCR " + std::to_string(pcr));
      REDOUBT_TRY(Bytes bytes, hex_decode(*value.string()));
      out.push_back({selection.bank, pcr, std::move(bytes)});
    }
  }
  return out;
}

// production_check: M4, for which one bank is quoted: a selection of no PCR beside it says nothing.
bool production_check(const tpm::Attest& attest, const std::vector<Value>& values, crypto::HashKind hash) {
  tpm::Attest quoted = attest;
  drop_if(quoted.selections, [](const tpm::Attest::Selection& one) { return one.pcrs.empty(); });
  if (quoted.selections.size() != 1) return false;
  tpm::QuotedPcrs pcrs{quoted.selections[0].bank, {}};
  for (const Value& value : values) pcrs.values.emplace_back(value.pcr, ByteView(value.bytes));
  return tpm::check_pcrs(quoted, pcrs, {}, hash).outcome == attest::Outcome::passed;
}

// Form: "raw rsassa sha256": how the signature is written, its scheme and its hash. "raw": the octets of RSA, r and s of ECDSA or their
// DER; "tpmt": a TPMT_SIGNATURE, which must say the same.
struct Form {
  std::uint16_t scheme = tpm::kAlgNull;
  std::uint16_t hash = tpm::kAlgNull;
  bool tpmt = false;
};

Result<Form> read_form(const Entry& entry) {
  const std::string_view text = entry.text("signature_form");
  Form out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of(" ,_/()-", at), text.size());
    std::string word;
    for (const char c : text.substr(at, end - at)) word += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    at = end + 1;
    if (word == "rsassa") out.scheme = tpm::kAlgRsassa;
    if (word == "rsapss") out.scheme = tpm::kAlgRsapss;
    if (word == "ecdsa") out.scheme = tpm::kAlgEcdsa;
    if (word == "tpmt") out.tpmt = true;
    if (const auto hash = eventlog::algorithm_from_text(word)) out.hash = *hash;
  }
  if (out.scheme == tpm::kAlgNull || out.hash == tpm::kAlgNull) return Error(Code::usage, "case: signature form \"" + std::string(text) + "\"");
  return out;
}

std::optional<crypto::SignatureScheme> modern(const Form& form) {
  using enum crypto::SignatureScheme;
  const auto hash = tpm::hash_kind(form.hash);
  if (!hash) return std::nullopt;
  constexpr crypto::SignatureScheme kSchemes[][3] = {{ecdsa_sha256, ecdsa_sha384, ecdsa_sha512},
                                                     {rsa_pkcs1_sha256, rsa_pkcs1_sha384, rsa_pkcs1_sha512},
                                                     {rsa_pss_sha256, rsa_pss_sha384, rsa_pss_sha512}};
  const std::size_t family = form.scheme == tpm::kAlgEcdsa ? 0 : form.scheme == tpm::kAlgRsassa ? 1 : 2;
  return kSchemes[family][static_cast<std::size_t>(*hash)];
}

Status verify(const Form& form, ByteView spki, ByteView attest, ByteView signature) {
  const auto scheme = modern(form);
  if (!scheme) {
    if (form.scheme != tpm::kAlgRsassa || form.tpmt) return Error(Code::usage, "case: SHA-1 with another scheme than RSASSA");
    return crypto::legacy_rsa_sha1_verify(spki, attest, signature);
  }
  REDOUBT_TRY(const crypto::PublicKey key, crypto::PublicKey::from_spki(spki));
  if (form.tpmt) {
    REDOUBT_TRY(const tpm::Signature parsed, tpm::Signature::parse(signature));
    if (parsed.scheme != form.scheme || parsed.hash != form.hash) return Error(Code::chain, "the signature says another scheme");
    return tpm::verify_quote(key, *scheme, attest, parsed.value);
  }
  const bool der = form.scheme == tpm::kAlgEcdsa && !signature.empty() && signature[0] == std::byte{0x30} && signature.size() % 32 != 0;
  return der ? key.verify(*scheme, attest, signature) : tpm::verify_quote(key, *scheme, attest, signature);
}

// matching: the PCRs whose value the log gives.
Result<json::Array> matching(const Entry& entry, const std::vector<Value>& values) {
  REDOUBT_TRY(const Bytes bytes, entry.file("event_log"));
  REDOUBT_TRY(const eventlog::EventLog log, eventlog::EventLog::parse(bytes));
  std::map<int, bool> matches;  // of several banks, each that the log has
  for (const Value& value : values) {
    const eventlog::Bank* bank = log.bank(value.bank);
    if (bank == nullptr || !eventlog::computable(value.bank)) continue;
    const eventlog::Replay replayed = log.replay(*bank);
    const auto at = static_cast<std::size_t>(value.pcr);
    const bool same = at < replayed.size() && replayed[at] && equal(replayed[at]->view(), value.bytes);
    matches[value.pcr] = same && (!matches.contains(value.pcr) || matches[value.pcr]);
  }
  json::Array out;
  for (const auto& [pcr, same] : matches) {
    if (same) out.emplace_back(std::to_string(pcr));
  }
  return out;
}

}  // namespace

Result<Facts> tpm_quote_facts(const Entry& entry) {
  REDOUBT_TRY(const Bytes attest_bytes, entry.evidence("attest"));
  REDOUBT_TRY(const Bytes signature, entry.file("signature"));
  REDOUBT_TRY(const Bytes spki, entry.file("ak"));
  REDOUBT_TRY(const Form form, read_form(entry));
  REDOUBT_TRY(const tpm::Attest attest, tpm::Attest::parse(attest_bytes));
  REDOUBT_TRY(const std::vector<Value> values, read_values(entry, attest));
  const auto digest_hash = eventlog::algorithm_from_text(entry.text("pcr_digest_hash"));
  if (!digest_hash || !eventlog::computable(*digest_hash)) return Error(Code::usage, "case: no such hash of the PCR digest");

  const Status verified = verify(form, spki, attest_bytes, signature);
  if (!verified.ok() && verified.error().code() == Code::usage) return verified.error();
  Bytes joined;
  for (const Value& value : values) append(joined, value.bytes);
  REDOUBT_TRY(const Bytes nonce, hex_decode(entry.text("nonce")));
  const bool authentic = verified.ok() && equal(nonce, attest.extra_data);
  Facts facts{{"verdict", authentic ? "accept" : "reject"},
              {"authentic", authentic},
              {"pcr_digest_matches", equal(eventlog::hash(*digest_hash, joined).view(), attest.pcr_digest)}};
  if (!entry.text("event_log").empty()) {
    REDOUBT_TRY(json::Array found, matching(entry, values));
    facts.emplace("log_replay_matches", std::move(found));
  }
  // The production checks M1 to M4 by the scheme that the key is said to have.
  const auto scheme = modern(form);
  const bool strict = scheme && authentic && crypto::hash_of(*scheme) == tpm::hash_kind(*digest_hash) &&
                      tpm::check_quote(attest, {}).outcome == attest::Outcome::passed &&
                      tpm::check_extra_data(nonce, attest.extra_data).outcome == attest::Outcome::passed &&
                      production_check(attest, values, crypto::hash_of(*scheme));
  facts.emplace("accept_under_strict_policy", strict);
  return facts;
}

}  // namespace redoubt::conformance
