#include "common/net/tls_endpoint.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "common/crypto/openssl_error.h"
#include "common/net/tls_state.h"

namespace redoubt::net {
namespace {

// A handshake takes a few KiB (OpenSSL bounds each message, tls_context.cpp); its last piece may come with application
// data behind it, up to what a caller reads at once.
constexpr std::size_t kMaxHandshakeBytes = 128 * 1024;
constexpr std::string_view kExporterLabel = "EXPORTER-Channel-Binding";  // RFC 9266 section 2

// An IPv4 or IPv6 address, which is matched as an address and never sent as SNI (RFC 6066 section 3).
bool is_address(const std::string& host) {
  ASN1_OCTET_STRING* const address = a2i_IPADDRESS(host.c_str());
  ASN1_OCTET_STRING_free(address);
  crypto::clear_openssl_errors();
  return address != nullptr;
}

std::string last_reason() {
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  std::string out = reason == nullptr ? "connection ended" : reason;
  crypto::clear_openssl_errors();
  return out;
}

}  // namespace

struct TlsEndpoint::State {
  static Result<std::unique_ptr<State>> make(const TlsContext& context);

  TlsContext context;
  SslPtr ssl;
  BIO* in = nullptr;   // owned by ssl
  BIO* out = nullptr;  // owned by ssl
  std::size_t handshake_bytes = 0;
  bool open = false;
  bool closed_by_peer = false;
  bool failed = false;
};

TlsEndpoint::TlsEndpoint(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsEndpoint::TlsEndpoint(TlsEndpoint&&) noexcept = default;
TlsEndpoint& TlsEndpoint::operator=(TlsEndpoint&&) noexcept = default;
TlsEndpoint::~TlsEndpoint() = default;

Result<std::unique_ptr<TlsEndpoint::State>> TlsEndpoint::State::make(const TlsContext& context) {
  auto state = std::make_unique<State>(State{.context = context, .ssl = SslPtr(SSL_new(context.state().ctx.get()))});
  crypto::BioPtr in(BIO_new(BIO_s_mem()));
  crypto::BioPtr out(BIO_new(BIO_s_mem()));
  if (!state->ssl || !in || !out) return crypto::openssl_error("SSL_new");
  // An empty buffer means "wait", not "end of stream".
  BIO_ctrl(in.get(), BIO_C_SET_BUF_MEM_EOF_RETURN, -1, nullptr);
  BIO_ctrl(out.get(), BIO_C_SET_BUF_MEM_EOF_RETURN, -1, nullptr);
  state->in = in.get();
  state->out = out.get();
  SSL_set_bio(state->ssl.get(), in.release(), out.release());
  return state;
}

Result<TlsEndpoint> TlsEndpoint::accept(const TlsContext& context) {
  if (!context.state().server) return Error(Code::usage, "tls context: expected a server's");
  REDOUBT_TRY(auto state, State::make(context));
  SSL_set_accept_state(state->ssl.get());
  return TlsEndpoint(std::move(state));
}

Result<TlsEndpoint> TlsEndpoint::connect(const TlsContext& context, const std::string& host) {
  if (context.state().server) return Error(Code::usage, "tls context: expected a client's");
  REDOUBT_TRY(auto state, State::make(context));
  SSL* const ssl = state->ssl.get();
  SSL_set_connect_state(ssl);
  const bool address = is_address(host);
  std::string name = host;
  if (!address && !host.empty() &&
      SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) != 1) {
    return crypto::openssl_error("setting sni");
  }
  if (context.state().verify_name) {
    // An empty name would switch the check off.
    if (host.empty()) return Error(Code::usage, "host: expected a name or an address, found nothing");
    X509_VERIFY_PARAM* const param = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    const int set = address ? X509_VERIFY_PARAM_set1_ip_asc(param, host.c_str())
                            : X509_VERIFY_PARAM_set1_host(param, host.c_str(), host.size());
    if (set != 1) return Error(Code::usage, "host: not a name that a certificate can hold");
  }
  return TlsEndpoint(std::move(state));
}

Status TlsEndpoint::feed(ByteView ciphertext) {
  if (!state_->open) {
    state_->handshake_bytes += ciphertext.size();
    if (state_->handshake_bytes > kMaxHandshakeBytes) {
      state_->failed = true;
      return Error(Code::malformed, "tls handshake: longer than 131072 bytes");
    }
  }
  while (!ciphertext.empty()) {
    std::size_t taken = 0;
    if (BIO_write_ex(state_->in, ciphertext.data(), ciphertext.size(), &taken) != 1) {
      return crypto::openssl_error("BIO_write_ex");
    }
    ciphertext = ciphertext.subspan(taken);
  }
  return {};
}

Bytes TlsEndpoint::take() {
  Bytes out;
  take_into(out);
  return out;
}

void TlsEndpoint::take_into(Bytes& out) {
  const std::size_t pending = BIO_ctrl_pending(state_->out);
  if (pending == 0) return;
  const std::size_t before = out.size();
  out.resize(before + pending);
  std::size_t taken = 0;
  if (BIO_read_ex(state_->out, out.data() + before, pending, &taken) != 1) taken = 0;
  out.resize(before + taken);
}

bool TlsEndpoint::open() const { return state_->open; }

Result<bool> TlsEndpoint::handshake() {
  if (state_->failed) return Error(Code::malformed, "tls handshake: already refused");
  if (state_->open) return true;
  SSL* const ssl = state_->ssl.get();
  crypto::clear_openssl_errors();
  const int done = SSL_do_handshake(ssl);
  if (done != 1) {
    const int why = SSL_get_error(ssl, done);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return false;
    state_->failed = true;
    const long verified = SSL_get_verify_result(ssl);
    const std::string reason = last_reason();
    if (!state_->context.state().server && verified != X509_V_OK) {
      return Error(Code::chain, std::string("tls peer certificate: ") + (state_->context.state().pinned
                                    ? "its key is not the pinned one" : X509_verify_cert_error_string(verified)));
    }
    return Error(Code::malformed, "tls handshake: " + reason);
  }
  // Resumption would carry an old verdict into a new connection (docs/protocol.md section 2). No ticket was ever accepted, so a
  // resumed session means that somebody broke the rule.
  if (SSL_session_reused(ssl) != 0 || SSL_version(ssl) != TLS1_3_VERSION) {
    state_->failed = true;
    return Error(Code::refused, "tls handshake: expected a full handshake of tls 1.3");
  }
  state_->open = true;
  return true;
}

Result<TlsFacts> TlsEndpoint::facts() const {
  SSL* const ssl = state_->ssl.get();
  if (!state_->open) return Error(Code::binding, "tls facts: the handshake is not done");
  TlsFacts facts;
  if (SSL_export_keying_material(ssl, reinterpret_cast<unsigned char*>(facts.exporter.array().data()),
                                 TlsExporter::size, kExporterLabel.data(), kExporterLabel.size(), nullptr, 0, 0) != 1) {
    crypto::clear_openssl_errors();
    return Error(Code::binding, "tls exporter: not available on this connection");
  }
  facts.own_spki = spki_of(SSL_get_certificate(ssl));
  facts.peer_spki = spki_of(SSL_get0_peer_certificate(ssl));
  // A client without the server's key, or a server without its own, has nothing to bind to.
  if ((state_->context.state().server ? facts.own_spki : facts.peer_spki).empty()) {
    return Error(Code::binding, "tls facts: the server's key is not known");
  }
  const unsigned char* alpn = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl, &alpn, &size);
  facts.alpn = std::string(as_text(std::as_bytes(std::span(alpn, size))));
  return facts;
}

Status TlsEndpoint::read(Bytes& out, std::size_t max_size) {
  if (!state_->open || state_->failed) return Error(Code::internal, "tls read: the connection is not open");
  SSL* const ssl = state_->ssl.get();
  constexpr std::size_t kRecord = 16 * 1024;
  while (out.size() < max_size && !state_->closed_by_peer) {
    const std::size_t before = out.size();
    const std::size_t want = std::min(kRecord, max_size - before);
    out.resize(before + want);
    std::size_t got = 0;
    crypto::clear_openssl_errors();
    const int done = SSL_read_ex(ssl, out.data() + before, want, &got);
    out.resize(before + (done == 1 ? got : 0));
    if (done == 1) continue;
    switch (SSL_get_error(ssl, done)) {
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE: return {};
      case SSL_ERROR_ZERO_RETURN: state_->closed_by_peer = true; return {};
      default:
        state_->failed = true;
        return Error(Code::malformed, "tls record: " + last_reason());
    }
  }
  return {};
}

bool TlsEndpoint::closed_by_peer() const { return state_->closed_by_peer; }

Status TlsEndpoint::write(ByteView plaintext) {
  if (!state_->open || state_->failed) return Error(Code::internal, "tls write: the connection is not open");
  crypto::clear_openssl_errors();
  while (!plaintext.empty()) {
    std::size_t taken = 0;
    if (SSL_write_ex(state_->ssl.get(), plaintext.data(), plaintext.size(), &taken) != 1) {
      state_->failed = true;
      return Error(Code::internal, "tls write: " + last_reason());
    }
    plaintext = plaintext.subspan(taken);
  }
  return {};
}

void TlsEndpoint::shutdown() {
  if (!state_->open || state_->failed) return;
  SSL_shutdown(state_->ssl.get());
  crypto::clear_openssl_errors();
}

}  // namespace redoubt::net
