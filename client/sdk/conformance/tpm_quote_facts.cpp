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

struct Values {
  std::uint16_t bank = 0;
  std::map<int, Bytes> of;

  tpm::QuotedPcrs quoted() const {
    tpm::QuotedPcrs out{bank, {}};
    for (const auto& [pcr, value] : of) out.values.emplace_back(pcr, ByteView(value));
    return out;
  }
};

// read_values: those of the bank that the quote selects, from {"sha256": {"0": hex, ...}}.
Result<Values> read_values(const Entry& entry, const tpm::Attest& attest) {
  REDOUBT_TRY(const Bytes text, entry.file("pcrs"));
  REDOUBT_TRY(const json::Value document, json::parse(as_text(text)));
  if (attest.selections.size() != 1) return Error(Code::malformed, "quote: expected one bank");
  Values out;
  out.bank = attest.selections[0].bank;
  const json::Value bank = member_or_null(document, eventlog::algorithm_text(out.bank));
  for (const int pcr : attest.selections[0].pcrs) {
    const json::Value value = member_or_null(bank, std::to_string(pcr));
    if (value.string() == nullptr) return Error(Code::malformed, "case: no value of PCR " + std::to_string(pcr));
    REDOUBT_TRY(out.of[pcr], hex_decode(*value.string()));
  }
  return out;
}

// Form: "raw rsassa sha256": how the signature is written, its scheme and its hash.
struct Form {
  std::uint16_t scheme = tpm::kAlgNull;
  std::uint16_t hash = tpm::kAlgNull;
};

Result<Form> read_form(const Entry& entry) {
  const std::string text(entry.text("signature_form"));
  const auto first = text.find(' ');
  const auto second = text.rfind(' ');
  if (first == std::string::npos || first == second || text.substr(0, first) != "raw") return Error(Code::usage, "case: signature form \"" + text + "\"");
  const std::string scheme = text.substr(first + 1, second - first - 1);
  const auto hash = eventlog::algorithm_from_text(text.substr(second + 1));
  if (!hash || (scheme != "rsassa" && scheme != "rsapss" && scheme != "ecdsa")) return Error(Code::usage, "case: signature form \"" + text + "\"");
  return Form{scheme == "rsassa" ? tpm::kAlgRsassa : scheme == "rsapss" ? tpm::kAlgRsapss : tpm::kAlgEcdsa, *hash};
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
  if (const auto scheme = modern(form)) {
    REDOUBT_TRY(const crypto::PublicKey key, crypto::PublicKey::from_spki(spki));
    return tpm::verify_quote(key, *scheme, attest, signature);
  }
  if (form.scheme != tpm::kAlgRsassa) return Error(Code::usage, "case: SHA-1 with another scheme than RSASSA");
  return crypto::legacy_rsa_sha1_verify(spki, attest, signature);
}

// matching: the PCRs whose value the log gives.
Result<json::Array> matching(const Entry& entry, const Values& values) {
  REDOUBT_TRY(const Bytes bytes, entry.file("event_log"));
  REDOUBT_TRY(const eventlog::EventLog log, eventlog::EventLog::parse(bytes));
  json::Array out;
  const eventlog::Bank* bank = log.bank(values.bank);
  if (bank == nullptr || !eventlog::computable(values.bank)) return out;
  const eventlog::Replay replayed = log.replay(*bank);
  for (const auto& [pcr, value] : values.of) {
    const auto& given = replayed[static_cast<std::size_t>(pcr)];
    if (given && equal(given->view(), value)) out.emplace_back(std::to_string(pcr));
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
  REDOUBT_TRY(const Values values, read_values(entry, attest));
  const auto digest_hash = eventlog::algorithm_from_text(entry.text("pcr_digest_hash"));
  if (!digest_hash || !eventlog::computable(*digest_hash)) return Error(Code::usage, "case: no such hash of the PCR digest");

  const Status verified = verify(form, spki, attest_bytes, signature);
  if (!verified.ok() && verified.error().code() == Code::usage) return verified.error();
  Bytes joined;
  for (const auto& [pcr, value] : values.of) append(joined, value);
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
                      tpm::check_pcrs(attest, values.quoted(), {}, crypto::hash_of(*scheme)).outcome == attest::Outcome::passed;
  facts.emplace("accept_under_strict_policy", strict);
  return facts;
}

}  // namespace redoubt::conformance
