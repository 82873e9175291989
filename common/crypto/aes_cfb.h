// AES-128 in CFB mode with full feedback (NIST SP 800-38A section 6.3) and a zero IV, as TPM 2.0 protects the secret of
// MakeCredential (Part 1 section 24.4). It authenticates nothing: for use under a key that serves once, with a MAC beside it.
// Everything else uses aead.h. Pure and thread-safe.
#pragma once

#include "common/base/bytes.h"
#include "common/base/secret.h"

namespace redoubt::crypto {

// Both take a key of 16 bytes (`malformed` otherwise) and give as many bytes as they are given.
Result<Bytes> aes128_cfb_encrypt(const SecretBytes& key, const SecretBytes& plaintext);
Result<SecretBytes> aes128_cfb_decrypt(const SecretBytes& key, ByteView ciphertext);

}  // namespace redoubt::crypto
