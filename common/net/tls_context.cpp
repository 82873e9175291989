#include "common/net/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include "common/crypto/digest.h"
#include "common/crypto/openssl_error.h"
#include "common/net/tls_state.h"

namespace redoubt::net {
namespace {

using crypto::BioPtr;
using crypto::PkeyPtr;
using crypto::X509Ptr;

constexpr std::size_t kMaxPemBytes = 1U << 20;

bool is_pem(ByteView bytes) { return as_text(bytes).starts_with("-----BEGIN "); }

BioPtr memory_bio(ByteView bytes) { return BioPtr(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size()))); }

// No key of ours is encrypted: never ask a terminal for a password.
int no_password(char*, int, int, void*) { return -1; }

Result<std::vector<X509Ptr>> read_certificates(ByteView bytes) {
  if (bytes.empty() || bytes.size() > kMaxPemBytes) {
    return Error(Code::malformed, "certificates: expected 1 to 1048576 bytes, found " + std::to_string(bytes.size()));
  }
  std::vector<X509Ptr> out;
  if (is_pem(bytes)) {
    const BioPtr bio = memory_bio(bytes);
    while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr)) out.emplace_back(certificate);
    const auto last = ERR_peek_last_error();
    // The one error that may end the list is "there is no further PEM block".
    if (ERR_GET_REASON(last) != PEM_R_NO_START_LINE) {
      crypto::clear_openssl_errors();
      return Error(Code::malformed, "certificates: a PEM block is not a certificate");
    }
    crypto::clear_openssl_errors();
  } else {
    const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
    const unsigned char* const end = at + bytes.size();
    X509Ptr certificate(d2i_X509(nullptr, &at, static_cast<long>(bytes.size())));
    crypto::clear_openssl_errors();
    if (certificate && at == end) out.push_back(std::move(certificate));
  }
  if (out.empty()) return Error(Code::malformed, "certificates: found none, neither PEM nor one DER certificate");
  return out;
}

Result<PkeyPtr> read_key(const SecretBytes& secret) {
  const ByteView bytes = secret.reveal();
  PkeyPtr key;
  if (is_pem(bytes)) {
    key.reset(PEM_read_bio_PrivateKey(memory_bio(bytes).get(), nullptr, no_password, nullptr));
  } else if (!bytes.empty()) {
    const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
    const unsigned char* const end = at + bytes.size();
    key.reset(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(bytes.size())));
    if (at != end) key.reset();
  }
  crypto::clear_openssl_errors();
  if (!key) return Error(Code::malformed, "private key: expected one unencrypted PKCS #8 key, PEM or DER");
  return key;
}

Status use_identity(SSL_CTX* ctx, const TlsIdentity& identity) {
  REDOUBT_TRY(auto chain, read_certificates(identity.certificates));
  REDOUBT_TRY(const PkeyPtr key, read_key(identity.private_key));
  if (SSL_CTX_use_certificate(ctx, chain.front().get()) != 1) return crypto::openssl_error("SSL_CTX_use_certificate");
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(ctx, chain[i].get()) != 1) return crypto::openssl_error("SSL_CTX_add1_chain_cert");
  }
  if (SSL_CTX_use_PrivateKey(ctx, key.get()) != 1 || SSL_CTX_check_private_key(ctx) != 1) {
    crypto::clear_openssl_errors();
    return Error(Code::malformed, "private key: does not belong to the certificate");
  }
  return {};
}

Result<std::vector<unsigned char>> alpn_wire(const std::vector<std::string>& alpns) {
  std::vector<unsigned char> out;
  for (const std::string& name : alpns) {
    if (name.empty() || name.size() > 255) {
      return Error(Code::usage, "alpn name: expected 1 to 255 bytes, found " + std::to_string(name.size()));
    }
    out.push_back(static_cast<unsigned char>(name.size()));
    out.insert(out.end(), name.begin(), name.end());
  }
  return out;
}

// Our order of preference decides; a client whose list has none of ours gets the fatal alert of RFC 7301 section 3.2.
int select_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in, unsigned in_size,
                void* arg) {
  const auto& ours = *static_cast<const std::vector<unsigned char>*>(arg);
  unsigned char* selected = nullptr;
  if (SSL_select_next_proto(&selected, out_size, ours.data(), static_cast<unsigned>(ours.size()), in, in_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = selected;
  return SSL_TLSEXT_ERR_OK;
}

// TrustSpki and TrustExchange: no chain is built. The handshake itself has proven possession of the key.
int verify_key(X509_STORE_CTX* store, void* arg) {
  const auto& state = *static_cast<const TlsContext::State*>(arg);
  X509* const leaf = X509_STORE_CTX_get0_cert(store);
  const EVP_PKEY* const key = leaf == nullptr ? nullptr : X509_get0_pubkey(leaf);
  const bool good = key != nullptr && (!state.pinned || spki_digest(spki_of(leaf)) == *state.pinned);
  X509_STORE_CTX_set_error(store, good ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
  return good ? 1 : 0;
}

Result<SslCtxPtr> new_context(const SSL_METHOD* method) {
  SslCtxPtr ctx(SSL_CTX_new(method));
  if (!ctx) return crypto::openssl_error("SSL_CTX_new");
  SSL_CTX* const c = ctx.get();
  if (SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) != 1 || SSL_CTX_set_max_proto_version(c, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set1_groups_list(c, "P-256:X25519") != 1 ||
      SSL_CTX_set_ciphersuites(c, "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256") != 1) {
    return crypto::openssl_error("setting tls 1.3 parameters");
  }
  SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                             SSL_OP_CIPHER_SERVER_PREFERENCE);
  if (SSL_CTX_set_num_tickets(c, 0) != 1 || SSL_CTX_set_max_early_data(c, 0) != 1 ||
      SSL_CTX_set_recv_max_early_data(c, 0) != 1) {
    return crypto::openssl_error("switching resumption off");
  }
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_max_cert_list(c, 32 * 1024);
  return ctx;
}

}  // namespace

SpkiDigest spki_digest(ByteView spki) { return SpkiDigest(crypto::sha256(spki).array()); }

Bytes spki_of(X509* certificate) {
  Bytes out;
  if (certificate == nullptr) return out;
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (size > 0) out = to_bytes(std::as_bytes(std::span(der, static_cast<std::size_t>(size))));
  OPENSSL_free(der);
  return out;
}

Result<TlsContext> TlsContext::server(const TlsIdentity& identity, const std::vector<std::string>& alpns,
                                      bool ask_client_certificate) {
  auto state = std::make_shared<State>();
  state->server = true;
  REDOUBT_TRY(state->ctx, new_context(TLS_server_method()));
  SSL_CTX* const ctx = state->ctx.get();
  if (auto status = use_identity(ctx, identity); !status.ok()) return status.error().context("reading tls identity");
  REDOUBT_TRY(state->alpn_wire, alpn_wire(alpns));
  if (!state->alpn_wire.empty()) SSL_CTX_set_alpn_select_cb(ctx, select_alpn, &state->alpn_wire);
  if (ask_client_certificate) {
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_cert_verify_callback(ctx, verify_key, state.get());
  } else {
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, nullptr);
  }
  return TlsContext(std::move(state));
}

Result<TlsContext> TlsContext::client(const TlsTrust& trust, const std::vector<std::string>& alpns,
                                      const TlsIdentity* identity) {
  auto state = std::make_shared<State>();
  REDOUBT_TRY(state->ctx, new_context(TLS_client_method()));
  SSL_CTX* const ctx = state->ctx.get();
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
  if (const auto* certificates = std::get_if<TrustCertificates>(&trust)) {
    auto roots = read_certificates(as_bytes(certificates->pem));
    if (!roots.ok()) return roots.error().context("reading trusted certificates");
    X509_STORE* const store = SSL_CTX_get_cert_store(ctx);
    for (const X509Ptr& root : roots.value()) {
      if (X509_STORE_add_cert(store, root.get()) != 1) return crypto::openssl_error("X509_STORE_add_cert");
    }
    // A trusted certificate need not be self-signed: naming an intermediate, or the server's own, is enough.
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_PARTIAL_CHAIN);
    state->verify_name = true;
  } else {
    if (const auto* spki = std::get_if<TrustSpki>(&trust)) state->pinned = spki->digest;
    SSL_CTX_set_cert_verify_callback(ctx, verify_key, state.get());
    if (std::holds_alternative<TrustExchange>(trust) &&
        SSL_CTX_set1_sigalgs_list(ctx, "ecdsa_secp256r1_sha256") != 1) {
      return crypto::openssl_error("SSL_CTX_set1_sigalgs_list");
    }
  }
  if (identity != nullptr) {
    if (auto status = use_identity(ctx, *identity); !status.ok()) return status.error().context("reading tls identity");
  }
  REDOUBT_TRY(state->alpn_wire, alpn_wire(alpns));
  // This one call of OpenSSL returns 0 for success.
  if (!state->alpn_wire.empty() &&
      SSL_CTX_set_alpn_protos(ctx, state->alpn_wire.data(), static_cast<unsigned>(state->alpn_wire.size())) != 0) {
    return crypto::openssl_error("SSL_CTX_set_alpn_protos");
  }
  return TlsContext(std::move(state));
}

}  // namespace redoubt::net
