#include "untrusted/hub/api/tls_identity.h"

#include <fstream>
#include <iterator>

#include "common/crypto/tls_certificate.h"
#include "common/net/tls_facts.h"
#include "untrusted/hub/auth/admin_key.h"

namespace redoubt::hub {
namespace {
namespace fs = std::filesystem;

constexpr std::int64_t kTenYears = 10LL * 365 * 86400;
constexpr std::int64_t kClockSlack = 86400;
constexpr std::size_t kMaxFile = 64 * 1024;

Result<std::string> read_small(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error(Code::unavailable, "reading " + path.string());
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (text.size() > kMaxFile) return Error(Code::malformed, path.string() + ": too large");
  return text;
}

bool is_address(const std::string& name) {
  return name.find(':') != std::string::npos || name.find_first_not_of("0123456789.") == std::string::npos;
}

}  // namespace

Result<HubIdentity> hub_identity(const fs::path& state, const std::string& name, crypto::Random& random, Instant now) {
  const fs::path certificate_file = state / "hub.crt";
  const fs::path key_file = state / "hub.key";
  // The key comes first: a certificate without its key would be of no use, a key without a certificate gets a new one.
  if (!fs::exists(key_file)) {
    REDOUBT_TRY(const auto fresh, crypto::EcdsaP256PrivateKey::generate());
    const std::string text = base64_encode(fresh.pkcs8().reveal());
    REDOUBT_CHECK(write_private_file(key_file, as_bytes(text)));
    std::error_code ignored;
    fs::remove(certificate_file, ignored);
  }
  REDOUBT_TRY(std::string encoded, read_small(key_file));
  if (encoded.ends_with('\n')) encoded.pop_back();
  REDOUBT_TRY(Bytes der, base64_decode(encoded).context(key_file.string()));
  SecretBytes key_bytes = SecretBytes::copy_of(der);
  wipe(der);
  wipe(std::as_writable_bytes(std::span(encoded.data(), encoded.size())));
  REDOUBT_TRY(const auto key, crypto::EcdsaP256PrivateKey::from_pkcs8(key_bytes).context(key_file.string()));
  if (!fs::exists(certificate_file)) {
    crypto::TlsCertificateProfile profile{"redoubt-hub", {"localhost"}, {"127.0.0.1", "::1"},
                                          {now.plus_seconds(-kClockSlack), now.plus_seconds(kTenYears)}};
    if (!name.empty() && name != "localhost" && name != "127.0.0.1") (is_address(name) ? profile.ip_addresses : profile.dns_names).push_back(name);
    REDOUBT_TRY(const auto certificate, crypto::self_signed_certificate(key, profile, random));
    REDOUBT_CHECK(write_private_file(certificate_file, as_bytes(certificate.pem)));
  }
  HubIdentity identity;
  REDOUBT_TRY(const std::string pem, read_small(certificate_file));
  identity.tls = {to_bytes(pem), std::move(key_bytes)};
  identity.pin = net::spki_digest(key.public_key().spki());
  REDOUBT_CHECK(write_private_file(state / "hub.pin", as_bytes(identity.pin.hex())));
  return identity;
}

}  // namespace redoubt::hub
