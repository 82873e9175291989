// SignedDocument: canonical JSON and the Ed25519 signature of one participant over it.
//
// The signature is taken over Fields(<the document's type>, text), so that a signature for one kind of document is never
// one for another. Parsing a document and verifying its signature are two steps: a parsed document is only what somebody
// wrote; callers look its author up in the contract and verify before they believe it.
#pragma once

#include "common/base/json.h"
#include "common/crypto/digest.h"
#include "common/crypto/ed25519.h"

namespace redoubt::jobs {

struct SignedDocument {
  std::string text;                    // canonical JSON, the signed bytes
  crypto::Ed25519Signature signature;  // unverified

  json::Value to_json() const;  // {"signature": hex, "text": text}
  static Result<SignedDocument> from_json(const json::Value& value, std::size_t max_text);
  // The same as one text, for storage and transport.
  std::string encode() const { return json::canonical(to_json()); }
  static Result<SignedDocument> decode(std::string_view encoded, std::size_t max_text);
};

// sign / verify over Fields(type, text); verify gives `chain` when the signature is not by `key`.
SignedDocument sign_document(std::string_view type, std::string text, const crypto::Ed25519PrivateKey& key);
Status verify_document(std::string_view type, const SignedDocument& document, const crypto::Ed25519PublicKey& key);

}  // namespace redoubt::jobs
