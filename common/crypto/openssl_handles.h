// One RAII wrapper per OpenSSL handle, with explicit .get(). Private to common/crypto and common/net: other rooms use the
// types of this room, never OpenSSL's. A function's return value decides success, not the error queue.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>

#include "common/base/bytes.h"

namespace redoubt::crypto {

template <auto Free>
struct OpenSslFree {
  template <class T>
  void operator()(T* handle) const {
    Free(handle);
  }
};

// What OpenSSL calls bytes.
inline const unsigned char* in(ByteView view) { return reinterpret_cast<const unsigned char*>(view.data()); }
inline unsigned char* out(std::byte* bytes) { return reinterpret_cast<unsigned char*>(bytes); }

using BioPtr = std::unique_ptr<BIO, OpenSslFree<BIO_free_all>>;
using PkeyPtr = std::unique_ptr<EVP_PKEY, OpenSslFree<EVP_PKEY_free>>;
using PkeyCtxPtr = std::unique_ptr<EVP_PKEY_CTX, OpenSslFree<EVP_PKEY_CTX_free>>;
using MdCtxPtr = std::unique_ptr<EVP_MD_CTX, OpenSslFree<EVP_MD_CTX_free>>;
using CipherCtxPtr = std::unique_ptr<EVP_CIPHER_CTX, OpenSslFree<EVP_CIPHER_CTX_free>>;
using X509Ptr = std::unique_ptr<X509, OpenSslFree<X509_free>>;
using X509StorePtr = std::unique_ptr<X509_STORE, OpenSslFree<X509_STORE_free>>;
using X509StoreCtxPtr = std::unique_ptr<X509_STORE_CTX, OpenSslFree<X509_STORE_CTX_free>>;

}  // namespace redoubt::crypto
