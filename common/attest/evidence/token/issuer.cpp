#include "common/attest/evidence/token/issuer.h"

namespace redoubt::token {

Issuer google_oidc() {
  return {.name = "https://confidentialcomputing.googleapis.com",
          .algorithm = crypto::JwtAlgorithm::rs256,
          .key_source = KeySource::key_set,
          .key_address = std::nullopt,
          .has_audience = true,
          .nonce_claim = {"eat_nonce"}};
}

Issuer google_pki() {
  Issuer issuer = google_oidc();
  issuer.key_source = KeySource::certificate_chain;
  return issuer;
}

Issuer microsoft(std::string_view instance) {
  return {.name = std::string(instance),
          .algorithm = crypto::JwtAlgorithm::rs256,
          .key_source = KeySource::key_set,
          .key_address = std::string(instance) + "/certs",
          .has_audience = false,
          .nonce_claim = {"x-ms-runtime", "client-payload", "nonce"}};
}

Issuer intel(crypto::JwtAlgorithm algorithm) {
  return {.name = "https://portal.trustauthority.intel.com",
          .algorithm = algorithm,
          .key_source = KeySource::key_set,
          .key_address = "https://portal.trustauthority.intel.com/certs",
          .has_audience = false,
          .nonce_claim = {"verifier_nonce", "val"}};
}

const crypto::Sha256Digest& confidential_space_root() {
  static const crypto::Sha256Digest pin =
      crypto::Sha256Digest::from_hex("40b464f4d4ff947572c6b23869a7bccae3f69ba9c81ade6c09d035e4657e40c4", "pin").value();
  return pin;
}

}  // namespace redoubt::token
