// Goal: TLS 1.3 with fresh keys each time, a peer that is who it must be, and an exporter on both sides. Method: endpoints
// joined in memory; a permissive peer built on OpenSSL directly for what ours refuse to do.
#include "common/net/tls_endpoint.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "common/net/net_test_support.h"
#include "common/net/tls_pair.h"

namespace redoubt::net {
namespace {

using test::certificate;
using test::identity;
using test::identity_of;
using test::trust;

TlsContext server_context(const std::vector<std::string>& alpns = {"redoubt/1", "http/1.1"}, bool ask = false) {
  return OrDie(TlsContext::server(identity(), alpns, ask));
}

TlsContext client_context(const TlsTrust& whom, const std::vector<std::string>& alpns = {"redoubt/1"}) {
  return OrDie(TlsContext::client(whom, alpns));
}

Status joined(const TlsContext& client, const TlsContext& server, const std::string& host = "localhost") {
  REDOUBT_TRY(auto pair, TlsPair::make(client, server, host));
  return pair.handshake();
}

TEST(TlsEndpoint, BothSidesSeeTheSameConnection) {
  auto pair = OrDie(TlsPair::make(client_context(trust()), server_context()));
  ASSERT_OK(pair.handshake());
  const TlsFacts client = OrDie(pair.client.facts());
  const TlsFacts server = OrDie(pair.server.facts());
  EXPECT_EQ(client.exporter, server.exporter);
  EXPECT_NE(client.exporter, TlsExporter());
  EXPECT_EQ(client.peer_spki, server.own_spki);
  EXPECT_EQ(server.own_spki.size(), 91U);  // RFC 5480, P-256
  EXPECT_TRUE(client.own_spki.empty());
  EXPECT_TRUE(server.peer_spki.empty());
  EXPECT_EQ(client.alpn, "redoubt/1");
  EXPECT_EQ(server.alpn, "redoubt/1");

  auto other = OrDie(TlsPair::make(client_context(trust()), server_context()));
  ASSERT_OK(other.handshake());
  EXPECT_NE(OrDie(other.client.facts()).exporter, client.exporter);
}

TEST(TlsEndpoint, CarriesBytesAndTellsACleanEnd) {
  auto pair = OrDie(TlsPair::make(client_context(trust()), server_context()));
  ASSERT_OK(pair.handshake());
  const Bytes large(100'000, std::byte{7});
  ASSERT_OK(pair.client.write(large));
  ASSERT_OK(pair.relay());
  Bytes got;
  ASSERT_OK(pair.server.read(got, 60'000));
  EXPECT_EQ(got.size(), 60'000U);
  ASSERT_OK(pair.server.read(got, 1U << 20));
  EXPECT_EQ(got, large);
  EXPECT_FALSE(pair.server.closed_by_peer());
  pair.client.shutdown();
  ASSERT_OK(pair.relay());
  ASSERT_OK(pair.server.read(got, 1U << 20));
  EXPECT_TRUE(pair.server.closed_by_peer());
}

// The end of the handshake and the first application data often come in one read.
TEST(TlsEndpoint, TakesDataRightBehindTheHandshake) {
  auto pair = OrDie(TlsPair::make(client_context(trust()), server_context()));
  ASSERT_FALSE(OrDie(pair.client.handshake()));
  ASSERT_OK(pair.relay());
  ASSERT_FALSE(OrDie(pair.server.handshake()));
  ASSERT_OK(pair.relay());
  ASSERT_TRUE(OrDie(pair.client.handshake()));
  ASSERT_OK(pair.client.write(Bytes(64'000)));
  ASSERT_OK(pair.relay());
  ASSERT_TRUE(OrDie(pair.server.handshake()));
  Bytes got;
  ASSERT_OK(pair.server.read(got, 1U << 20));
  EXPECT_EQ(got.size(), 64'000U);
}

TEST(TlsEndpoint, FactsBeforeTheHandshakeAreAnError) {
  auto pair = OrDie(TlsPair::make(client_context(trust()), server_context()));
  EXPECT_ERROR(pair.client.facts(), Code::binding, "not done");
  EXPECT_ERROR(pair.client.write(as_bytes("early")), Code::internal, "not open");
  Bytes none;
  EXPECT_ERROR(pair.server.read(none, 10), Code::internal, "not open");
}

TEST(TlsEndpoint, RefusesACertificateThatIsNotTrusted) {
  const auto stranger = redoubt::test::self_signed();
  EXPECT_ERROR(joined(client_context(TrustCertificates{stranger.certificate_pem}), server_context()), Code::chain, "");
  EXPECT_ERROR(joined(client_context(trust()), server_context(), "example.org"), Code::chain, "hostname");
  EXPECT_ERROR(joined(client_context(trust()), server_context(), "127.0.0.2"), Code::chain, "IP address");
  EXPECT_OK(joined(client_context(trust()), server_context(), "127.0.0.1"));
  EXPECT_ERROR(joined(client_context(trust()), server_context(), ""), Code::usage, "host") << "never without a name";
  const auto ended = redoubt::test::self_signed({"localhost"}, true);
  const auto old_server = OrDie(TlsContext::server(identity_of(ended), {"redoubt/1"}));
  EXPECT_ERROR(joined(client_context(TrustCertificates{ended.certificate_pem}), old_server), Code::chain, "expired");
}

TEST(TlsEndpoint, AcceptsOnlyThePinnedKey) {
  auto pair = OrDie(TlsPair::make(client_context(TrustExchange{}), server_context(), "any"));
  ASSERT_OK(pair.handshake());
  const SpkiDigest digest = spki_digest(OrDie(pair.client.facts()).peer_spki);
  EXPECT_OK(joined(client_context(TrustSpki{digest}), server_context(), "any"));
  SpkiDigest wrong = digest;
  wrong.array()[31] ^= std::byte{1};
  EXPECT_ERROR(joined(client_context(TrustSpki{wrong}), server_context(), "any"), Code::chain, "pinned");
}

TEST(TlsEndpoint, RefusesAPeerThatSpeaksNoCommonAlpn) {
  EXPECT_ERROR(joined(client_context(trust(), {"h2"}), server_context()), Code::malformed, "application protocol");
  auto silent = OrDie(TlsPair::make(client_context(trust(), {}), server_context()));
  ASSERT_OK(silent.handshake());
  EXPECT_EQ(OrDie(silent.server.facts()).alpn, "");
  auto both = OrDie(TlsPair::make(client_context(trust(), {"http/1.1", "redoubt/1"}), server_context()));
  ASSERT_OK(both.handshake());
  EXPECT_EQ(OrDie(both.server.facts()).alpn, "redoubt/1") << "the server's order decides";
}

TEST(TlsEndpoint, ShowsAClientsKeyWhenItIsAskedFor) {
  const auto own = identity();
  const auto with_key = OrDie(TlsContext::client(trust(), {"redoubt/1"}, &own));
  auto pair = OrDie(TlsPair::make(with_key, server_context({"redoubt/1"}, true)));
  ASSERT_OK(pair.handshake());
  EXPECT_EQ(OrDie(pair.server.facts()).peer_spki, OrDie(pair.client.facts()).own_spki);
  EXPECT_FALSE(OrDie(pair.server.facts()).peer_spki.empty());
}

TEST(TlsEndpoint, RefusesKeysAndCertificatesThatCannotBeRead) {
  const auto one = redoubt::test::self_signed();
  const auto other = redoubt::test::self_signed();
  const auto make = [](const std::string& cert, ByteView key) {
    return TlsContext::server({to_bytes(cert), SecretBytes::copy_of(key)}, {});
  };
  const ByteView key = one.key.reveal();
  const std::string pem = "-----BEGIN PRIVATE KEY-----\n" + base64_encode(key) + "\n-----END PRIVATE KEY-----\n";
  EXPECT_OK(make(one.certificate_pem, key));
  EXPECT_OK(make(one.certificate_pem, as_bytes(pem)));
  EXPECT_ERROR(make(one.certificate_pem, other.key.reveal()), Code::malformed, "does not belong");
  EXPECT_ERROR(make(one.certificate_pem, {}), Code::malformed, "private key");
  EXPECT_ERROR(make(one.certificate_pem, key.first(100)), Code::malformed, "private key");
  EXPECT_ERROR(make(one.certificate_pem, as_bytes(pem).first(100)), Code::malformed, "private key");
  Bytes longer = to_bytes(key);
  longer.push_back(std::byte{0});
  EXPECT_ERROR(make(one.certificate_pem, longer), Code::malformed, "private key");
  EXPECT_ERROR(make("", key), Code::malformed, "certificates");
  EXPECT_ERROR(make("junk", key), Code::malformed, "certificates");
  EXPECT_ERROR(make(one.certificate_pem.substr(0, 200), key), Code::malformed, "certificates");
  EXPECT_ERROR(TlsContext::client(TrustCertificates{""}, {}), Code::malformed, "certificates");
  EXPECT_ERROR(TlsContext::client(trust(), {""}), Code::usage, "alpn");
}

TEST(TlsEndpoint, RefusesEveryFlippedByteOfARecord) {
  auto pair = OrDie(TlsPair::make(client_context(trust()), server_context()));
  ASSERT_OK(pair.handshake());
  ASSERT_OK(pair.client.write(as_bytes("hello")));
  const Bytes record = pair.client.take();
  for (std::size_t i = 0; i < record.size(); i += 7) {
    auto fresh = OrDie(TlsPair::make(client_context(trust()), server_context()));
    ASSERT_OK(fresh.handshake());
    ASSERT_OK(fresh.client.write(as_bytes("hello")));
    Bytes bad = fresh.client.take();
    bad[i] ^= std::byte{1};
    // A length that grew waits for more; everything else is refused. Nothing is ever read.
    ASSERT_OK(fresh.server.feed(bad));
    Bytes got;
    const auto read = fresh.server.read(got, 100);
    EXPECT_TRUE(got.empty()) << i;
    if (i != 3 && i != 4) {
      EXPECT_ERROR(read, Code::malformed, "") << i;
    }
  }
}

TEST(TlsEndpoint, JunkAndEndlessHandshakesAreRefused) {
  auto server = OrDie(TlsEndpoint::accept(server_context()));
  ASSERT_OK(server.feed(as_bytes("GET / HTTP/1.1\r\n\r\n")));
  EXPECT_ERROR(server.handshake(), Code::malformed, "");
  EXPECT_FALSE(server.handshake().ok());
  auto patient = OrDie(TlsEndpoint::accept(server_context()));
  EXPECT_ERROR(patient.feed(Bytes(140'000)), Code::malformed, "131072");
  EXPECT_FALSE(patient.handshake().ok());
}

// --- a peer that does what ours refuse to do ----------------------------------------------------------------------------
struct Loose {
  SSL_CTX* ctx;
  SSL* ssl = nullptr;
  explicit Loose(const SSL_METHOD* method) : ctx(SSL_CTX_new(method)) {}
  ~Loose() {
    SSL_free(ssl);
    SSL_CTX_free(ctx);
  }
  void start(bool server) {
    ssl = SSL_new(ctx);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    server ? SSL_set_accept_state(ssl) : SSL_set_connect_state(ssl);
  }
  Bytes take() {
    Bytes out(BIO_ctrl_pending(SSL_get_wbio(ssl)));
    if (!out.empty()) BIO_read(SSL_get_wbio(ssl), out.data(), static_cast<int>(out.size()));
    return out;
  }
  void feed(const Bytes& bytes) { BIO_write(SSL_get_rbio(ssl), bytes.data(), static_cast<int>(bytes.size())); }
};

bool run_against(Loose& client, TlsEndpoint& server) {
  for (int i = 0; i < 6; ++i) {
    SSL_do_handshake(client.ssl);
    if (!server.feed(client.take()).ok()) return false;
    const auto done = server.handshake();
    client.feed(server.take());
    if (!done.ok()) return false;
    if (*done && SSL_is_init_finished(client.ssl)) return true;
  }
  return false;
}

TEST(TlsEndpoint, RefusesAClientOfTls12) {
  Loose client(TLS_client_method());
  SSL_CTX_set_max_proto_version(client.ctx, TLS1_2_VERSION);
  client.start(false);
  auto server = OrDie(TlsEndpoint::accept(server_context()));
  EXPECT_FALSE(run_against(client, server));
  EXPECT_ERROR(server.handshake(), Code::malformed, "");
}

TEST(TlsEndpoint, RefusesGroupsOtherThanItsOwn) {
  Loose client(TLS_client_method());
  SSL_CTX_set1_curves_list(client.ctx, "P-384");
  client.start(false);
  auto server = OrDie(TlsEndpoint::accept(server_context()));
  EXPECT_FALSE(run_against(client, server));
}

// A loose server with the same key hands out a ticket; our server must neither hand out one nor take it.
TEST(TlsEndpoint, GivesNoTicketAndTakesNone) {
  Loose giver(TLS_server_method());
  BIO* const cert_bio = BIO_new_mem_buf(certificate().certificate_pem.data(), -1);
  X509* const x = PEM_read_bio_X509(cert_bio, nullptr, nullptr, nullptr);
  const auto* der = reinterpret_cast<const unsigned char*>(certificate().key.reveal().data());
  EVP_PKEY* const key = d2i_AutoPrivateKey(nullptr, &der, static_cast<long>(certificate().key.size()));
  SSL_CTX_use_certificate(giver.ctx, x);
  SSL_CTX_use_PrivateKey(giver.ctx, key);
  giver.start(true);

  static SSL_SESSION* ticket = nullptr;
  static int tickets = 0;
  Loose client(TLS_client_method());
  SSL_CTX_set_session_cache_mode(client.ctx, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(client.ctx, [](SSL*, SSL_SESSION* session) {
    ++tickets;
    SSL_SESSION_free(std::exchange(ticket, session));
    return 1;
  });
  client.start(false);
  for (int i = 0; i < 6; ++i) {
    SSL_do_handshake(client.ssl);
    giver.feed(client.take());
    SSL_do_handshake(giver.ssl);
    client.feed(giver.take());
  }
  char byte = 0;
  SSL_read(client.ssl, &byte, 1);
  ASSERT_NE(ticket, nullptr) << "the loose server gives tickets";
  const int before = tickets;

  SSL_free(client.ssl);
  client.start(false);
  SSL_set_session(client.ssl, ticket);
  auto server = OrDie(TlsEndpoint::accept(server_context()));
  ASSERT_TRUE(run_against(client, server));
  EXPECT_EQ(SSL_session_reused(client.ssl), 0);
  ASSERT_OK(server.write(as_bytes("x")));
  client.feed(server.take());
  EXPECT_EQ(SSL_read(client.ssl, &byte, 1), 1);
  EXPECT_EQ(tickets, before) << "our server gave no ticket";
  SSL_SESSION_free(std::exchange(ticket, nullptr));
  BIO_free_all(cert_bio);
  X509_free(x);
  EVP_PKEY_free(key);
}

}  // namespace
}  // namespace redoubt::net
