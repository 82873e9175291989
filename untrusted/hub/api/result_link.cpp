#include "untrusted/hub/api/result_link.h"

#include "common/net/uri.h"

namespace redoubt::hub {

std::string ResultLink::signature(const SecretBytes& secret) const {
  Fields fields("redoubt/hub-result-link/1");
  fields.text(query).text(recipient).text(api_key).number(static_cast<std::uint64_t>(expires.unix_seconds()));
  return base64url_encode(crypto::hmac_sha256(secret.reveal(), fields.view()).reveal());
}

std::string ResultLink::target(const SecretBytes& secret) const {
  return "/api/tee/downloads/" + net::percent_encode(query) + "/" + net::percent_encode(recipient) + "?api_key=" + net::percent_encode(api_key) +
         "&expires=" + std::to_string(expires.unix_seconds()) + "&signature=" + signature(secret);
}

bool ResultLink::signed_by(const SecretBytes& secret, std::string_view given) const {
  // As texts: two texts that decode to one signature are not both its.
  return constant_time_equal(as_bytes(signature(secret)), as_bytes(given));
}

}  // namespace redoubt::hub
