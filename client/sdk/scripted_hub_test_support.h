// ScriptedHub: a hub that says what a test wants it to say, over real TLS. For tests.
#pragma once

#include <functional>
#include <mutex>

#include "common/crypto/x509.h"
#include "common/net/server.h"
#include "common/net/tls_facts.h"
#include "tests/support/expect.h"
#include "tests/support/self_signed.h"

namespace redoubt::sdk {

class ScriptedHub {
 public:
  using Answer = std::function<net::HttpResponse(const net::HttpRequest& request)>;

  explicit ScriptedHub(Answer answer) : answer_(std::move(answer)) {
    const auto made = test::self_signed();
    pin_ = net::spki_digest(OrDie(crypto::Certificate::parse_pem_bundle(made.certificate_pem)).at(0).spki());
    net::Router router;
    router.get("/{path...}", net::Access::open, [this](const net::HttpRequest& request) {
      const std::lock_guard lock(mutex_);
      return answer_(request);
    });
    net::ServerOptions options;
    options.listen = "127.0.0.1:0";
    options.identity = net::TlsIdentity{to_bytes(made.certificate_pem), made.key.clone()};
    server_ = OrDie(net::HttpServer::start(std::move(options), std::move(router)));
  }
  std::uint16_t port() const { return server_->port(); }
  const SpkiDigest& pin() const { return pin_; }

  // cut_off: an answer of which `text` comes before the connection breaks; of `size` bytes, if it is told.
  static net::HttpResponse cut_off(Bytes text, std::optional<std::uint64_t> size = {}) {
    auto given = std::make_shared<bool>(false);
    return {.status = 200, .body = net::PullBody{[given, text = std::move(text)]() -> Result<Bytes> {
                                                   if (std::exchange(*given, true)) return Error(Code::unavailable, "cut off");
                                                   return text;
                                                 },
                                                 size}};
  }

 private:
  std::mutex mutex_;
  Answer answer_;
  SpkiDigest pin_;
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace redoubt::sdk
