// The open routes of the participants' door: what anyone may ask before any authentication. Health, version, Identity Evidence
// for a nonce of the asker's, and the enrolment of the attestation key. What costs a quote or a TPM command stands behind the gate.
#pragma once

#include "common/net/router.h"
#include "enclave/runtime/platform.h"

namespace redoubt::runtime {

// Borrowed: platform, gate and claims outlive the router.
struct PublicRoutes {
  Platform& platform;
  ratls::QuoteGate& gate;
  const attest::Claims& claims;
  std::string version;
  ratls::Now now;
};
void add_public_routes(net::Router& router, const PublicRoutes& context);

}  // namespace redoubt::runtime
