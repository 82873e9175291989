#include "common/jobs/cleanroom/signed_document.h"

namespace redoubt::jobs {
namespace {

Bytes statement(std::string_view type, std::string_view text) { return to_bytes(Fields(type).text(text).view()); }

}  // namespace

json::Value SignedDocument::to_json() const { return json::Object{{"signature", signature.hex()}, {"text", text}}; }

Result<SignedDocument> SignedDocument::from_json(const json::Value& value, std::size_t max_text) {
  json::ObjectReader reader(value, "signed document");
  SignedDocument document;
  document.signature = reader.hex<crypto::Ed25519Signature>("signature");
  document.text = reader.nonempty("text", max_text);
  REDOUBT_CHECK(reader.finish());
  return document;
}

Result<SignedDocument> SignedDocument::decode(std::string_view encoded, std::size_t max_text) {
  // Escapes may double the text; the signature and the member names take less than 256 bytes.
  REDOUBT_TRY(const json::Value value,
              json::parse_signed(encoded, {.max_bytes = 2 * max_text + 256, .max_depth = 1}).context("signed document"));
  return from_json(value, max_text);
}

SignedDocument sign_document(std::string_view type, std::string text, const crypto::Ed25519PrivateKey& key) {
  const auto signature = key.sign(statement(type, text));
  return {std::move(text), signature};
}

Status verify_document(std::string_view type, const SignedDocument& document, const crypto::Ed25519PublicKey& key) {
  return crypto::verify(key, statement(type, document.text), document.signature).context(type);
}

}  // namespace redoubt::jobs
