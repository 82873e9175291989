// Goal: one statement in, a token out that the verifier accepts; whatever the launcher does wrong is an error with the expected code. Method:
// a real HTTP server on a Unix socket that writes tokens under test keys as the service does, and a raw socket for what no HTTP server says.
#include "enclave/collect/confidential_space/confidential_space_collector.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <thread>

#include "common/attest/evidence/gcp/confidential_space.h"
#include "common/net/server.h"
#include "tests/support/evidence_token.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"

namespace redoubt::collect {
namespace {

using test::SignerKind;

const Bytes kLaunchedStatement = to_bytes("a statement");
const std::string kAudience = "https://verifier.example";

const test::Signer& signer() { return test::test_signer(SignerKind::rsa2048, "launcher"); }

Bytes self_signed() { return test::signer_certificate({.ca = true}, signer(), signer()); }

std::string oidc_token(const std::string& payload) { return test::make_token(R"({"alg":"RS256","kid":"k1","typ":"JWT"})", payload, "RS256", signer()); }
std::string pki_token(const std::string& payload) {
  const Bytes certificate = self_signed();
  return test::make_token(R"({"alg":"RS256","typ":"JWT","x5c":)" + test::x5c({certificate, certificate, certificate}) + "}", payload, "RS256", signer());
}

std::string payload_of(const std::string& audience, const std::string& nonce) {
  return test::edited(test::edited(test::confidential_space_payload(), "https://verifier.example", audience),
                      R"(["first nonce of the sample","second nonce of the sample"])", "\"" + nonce + "\"");
}

// Launcher: as the launcher answers, unless a test says otherwise.
struct Launcher {
  Launcher() {
    net::Router router;
    router.post("/v1/token", net::Access::open, 4096, [this](const net::HttpRequest& request) { return answer(request); });
    net::ServerOptions options;
    options.listen = "unix:" + socket();
    server = OrDie(net::HttpServer::start(std::move(options), std::move(router)));
  }
  std::string socket() const { return folder.path() / "tee.sock"; }

  net::HttpResponse answer(const net::HttpRequest& request) {
    if (status != 200) return net::text_response(status, "no token today");
    const auto body = json::parse(as_text(request.body));
    const json::Object* fields = body.ok() ? body->object() : nullptr;
    const std::string* type = request.headers.find("content-type");
    if (fields == nullptr || fields->size() != 3 || type == nullptr || *type != "application/json") return net::text_response(400, "bad request");
    const std::string& audience = *fields->find("audience")->second.string();
    const json::Array& nonces = *fields->find("nonces")->second.array();
    const std::string& nonce = *nonces.at(0).string();
    if (nonces.size() != 1 || nonce.size() < 10 || nonce.size() > 74) return net::text_response(400, "bad nonce");
    const std::string token = *fields->find("token_type")->second.string() == "PKI" ? pki_token(payload_of(audience, nonce)) : oidc_token(payload_of(audience, nonce));
    if (chunked) return net::HttpResponse{.headers = {{"content-type", "text/html"}}, .body = in_pieces(token)};
    return net::HttpResponse{.status = 200, .headers = {{"content-type", "text/html"}}, .body = to_bytes(lie ? lie(token, nonce) : token)};
  }

  // in_pieces: a body of unknown length, as the launcher's own server sends what is longer than its buffer.
  static net::PullBody in_pieces(const std::string& text) {
    return {[rest = text]() mutable -> Result<Bytes> {
      const std::string piece = rest.substr(0, 500);
      rest.erase(0, piece.size());
      return to_bytes(piece);
    }};
  }

  Result<Collection> collect(TokenType type = TokenType::oidc) const { return collect(kAudience, type); }
  Result<Collection> collect(const std::string& audience, TokenType type = TokenType::oidc) const {
    return ConfidentialSpaceCollector({.socket = socket(), .audience = audience, .type = type}).collect(kLaunchedStatement);
  }

  test::TempDir folder;
  int status = 200;
  bool chunked = false;
  std::function<std::string(const std::string& token, const std::string& nonce)> lie;
  std::unique_ptr<net::HttpServer> server;
};

TEST(ConfidentialSpaceCollectorTest, ATokenIsAcceptedByTheVerifier) {
  const Launcher launcher;
  const Collection collection = OrDie(launcher.collect());
  EXPECT_EQ(collection.evidence.format, "token");
  const token::Issuer issuer = token::google_oidc();
  const auto keys = OrDie(crypto::parse_jwk_set(test::jwk_set(signer(), "k1", "RS256")));
  const std::string nonce = crypto::sha256(kLaunchedStatement).hex();
  token::Inputs inputs{.issuer = issuer, .key_set = keys, .audience = kAudience, .now = Instant(1790001000)};
  inputs.nonce = nonce;
  EXPECT_TRUE(gcp::authenticate(OrDie(gcp::parse(as_text(collection.evidence.bytes))), inputs).authentic.has_value());
}

TEST(ConfidentialSpaceCollectorTest, AsksForTheTypeAndTheAudienceThatItWasTold) {
  const Launcher launcher;
  for (const TokenType type : {TokenType::oidc, TokenType::pki}) {
    const Collection collection = OrDie(launcher.collect("https://other.example", type));
    EXPECT_EQ(gcp::unverified_audience(OrDie(gcp::parse(as_text(collection.evidence.bytes)))), "https://other.example");
    EXPECT_EQ(OrDie(crypto::Jwt::parse(as_text(collection.evidence.bytes))).header().certificates.has_value(), type == TokenType::pki);
  }
}

TEST(ConfidentialSpaceCollectorTest, ATokenMayComeInChunks) {
  Launcher launcher;
  launcher.chunked = true;
  EXPECT_OK(launcher.collect(TokenType::pki));
}

TEST(ConfidentialSpaceCollectorTest, AnAudienceMustBeGivenAndShort) {
  const Launcher launcher;
  EXPECT_OK(launcher.collect(std::string(512, 'a')));
  for (const std::string& audience : {std::string(), std::string(513, 'a'), std::string("\xff")}) {
    EXPECT_ERROR(launcher.collect(audience), Code::usage, "audience: expected 1 to 512 bytes of UTF-8, found " + std::to_string(audience.size()));
  }
}

TEST(ConfidentialSpaceCollectorTest, ANewlineAfterTheTokenIsNotPartOfIt) {
  Launcher launcher;
  launcher.lie = [](const std::string& token, const std::string&) { return token + "\n"; };
  EXPECT_FALSE(as_text(OrDie(launcher.collect()).evidence.bytes).ends_with('\n'));
  launcher.lie = [](const std::string& token, const std::string&) { return token + "\n\n"; };
  EXPECT_ERROR(launcher.collect(), Code::malformed, "");
}

TEST(ConfidentialSpaceCollectorTest, TokensAboutSomethingElseAreNotPassedOn) {
  Launcher launcher;
  launcher.lie = [](const std::string&, const std::string& nonce) { return oidc_token(payload_of("https://other.example", nonce)); };
  EXPECT_ERROR(launcher.collect(), Code::binding, "token: expected the audience https://verifier.example, found another");
  launcher.lie = [](const std::string&, const std::string& nonce) { return oidc_token(payload_of(kAudience, nonce.substr(1) + "0")); };
  EXPECT_ERROR(launcher.collect(), Code::binding, "token: expected the nonce " + crypto::sha256(kLaunchedStatement).hex() + ", found another");
  launcher.lie = [](const std::string&, const std::string&) { return oidc_token(test::edited(test::confidential_space_payload(), "eat_nonce", "nonce")); };
  EXPECT_ERROR(launcher.collect(), Code::binding, "token: expected the nonce");
  // Among other nonces is as good as alone: the verifier takes that too.
  launcher.lie = [](const std::string&, const std::string& nonce) {
    return oidc_token(test::edited(test::confidential_space_payload(), "second nonce of the sample", nonce));
  };
  EXPECT_OK(launcher.collect());
  launcher.lie = [](const std::string&, const std::string& nonce) { return pki_token(payload_of(kAudience, nonce)); };
  EXPECT_ERROR(launcher.collect(TokenType::oidc), Code::binding, "token: expected type OIDC, found one with certificates");
  launcher.lie = [](const std::string&, const std::string& nonce) { return oidc_token(payload_of(kAudience, nonce)); };
  EXPECT_ERROR(launcher.collect(TokenType::pki), Code::binding, "token: expected type PKI, found one without certificates");
}

TEST(ConfidentialSpaceCollectorTest, WhatIsNoTokenIsNotPassedOn) {
  Launcher launcher;
  for (const std::string& text : {std::string(), std::string("no token"), std::string("a.b.c"), std::string("{\"token\":\"a.b.c\"}")}) {
    launcher.lie = [&](const std::string&, const std::string&) { return text; };
    EXPECT_ERROR(launcher.collect(), Code::malformed, "collecting Evidence from Confidential Space at ") << text;
  }
  launcher.lie = [](const std::string&, const std::string& nonce) { return oidc_token(test::edited(payload_of(kAudience, nonce), R"("secboot":true)", R"("secboot":1)")); };
  EXPECT_ERROR(launcher.collect(), Code::malformed, "secboot");
  launcher.lie = [](const std::string& token, const std::string&) { return token + std::string(ConfidentialSpaceCollector::kMaxToken, 'A'); };
  EXPECT_ERROR(launcher.collect(), Code::malformed, "");
}

TEST(ConfidentialSpaceCollectorTest, EachStatusHasItsCode) {
  Launcher launcher;
  for (const auto& [status, code] : std::initializer_list<std::pair<int, Code>>{{400, Code::refused},     {403, Code::refused},     {404, Code::refused},
                                                                              {204, Code::refused},     {429, Code::unavailable}, {500, Code::unavailable},
                                                                              {503, Code::unavailable}}) {
    launcher.status = status;
    EXPECT_ERROR(launcher.collect(), code, "POST /v1/token: expected status 200, found " + std::to_string(status));
  }
}

// Raw: answers every connection with the same bytes, and holds it open where a test says so.
class Raw {
 public:
  Raw(std::string path, std::string answer, bool holds) : path_(std::move(path)), answer_(std::move(answer)), holds_(holds) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(path_, address.sun_path);
    socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || ::listen(socket_, 4) != 0) std::abort();
    thread_ = std::thread([this] { serve(); });
  }
  ~Raw() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    if (held_ >= 0) ::close(held_);
    ::close(socket_);
  }

 private:
  void serve() {
    for (;;) {
      const int client = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) return;
      std::array<char, 4096> request{};
      static_cast<void>(::recv(client, request.data(), request.size(), 0));
      static_cast<void>(::send(client, answer_.data(), answer_.size(), MSG_NOSIGNAL));
      if (holds_ && held_ < 0) {
        held_ = client;
      } else {
        // The request may come in parts: who closed before the last of them would break its sending.
        ::shutdown(client, SHUT_WR);
        while (::recv(client, request.data(), request.size(), 0) > 0) {
        }
        ::close(client);
      }
    }
  }
  const std::string path_, answer_;
  const bool holds_;
  int socket_ = -1;
  int held_ = -1;
  std::thread thread_;
};

Result<Collection> collect_from(const std::string& socket) {
  return ConfidentialSpaceCollector({.socket = socket, .audience = kAudience, .answer_time = std::chrono::milliseconds(200)}).collect(kLaunchedStatement);
}

TEST(ConfidentialSpaceCollectorTest, AnAbsentDeadOrSilentLauncherIsUnavailable) {
  const test::TempDir folder;
  const std::string socket = folder.path() / "s";
  EXPECT_ERROR(collect_from(socket), Code::unavailable, "at " + socket);
  {
    const Raw leaves(socket, "", false);
    EXPECT_ERROR(collect_from(socket), Code::unavailable, "at " + socket);
  }
  EXPECT_ERROR(collect_from(socket), Code::unavailable, "at " + socket);  // a socket that nobody listens on
  ::unlink(socket.c_str());
  {
    const Raw stalls(socket, "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc", true);
    EXPECT_ERROR(collect_from(socket), Code::unavailable, "at " + socket);
  }
  EXPECT_ERROR(collect_from(std::string(200, 'x')), Code::usage, "unix socket: expected a path of 1 to 107 bytes");
}

TEST(ConfidentialSpaceCollectorTest, WhatIsNoWholeHttpAnswerIsMalformed) {
  const test::TempDir folder;
  int count = 0;
  for (const std::string& answer : {std::string("SSH-2.0-x\r\n\r\n"), std::string("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc"),
                                    std::string("HTTP/1.1 200 OK\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\nabcd"),
                                    "HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(ConfidentialSpaceCollector::kMaxToken + 1) + "\r\n\r\nabcd"}) {
    const std::string socket = folder.path() / std::to_string(++count);
    const Raw server(socket, answer, false);
    EXPECT_ERROR(collect_from(socket), Code::malformed, "at " + socket) << answer;
  }
}

}  // namespace
}  // namespace redoubt::collect
