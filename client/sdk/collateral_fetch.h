// fetch_collateral: Intel's collateral for one platform family from a Provisioning Certification Service or a cache of one.
//
// Never called by itself: a person asks for it, and says in the configuration where to ask. What comes back is distrusted: it is
// collateral like any other, verified by whoever uses it, so that the service can withhold or delay and nothing else. The connection is
// pinned so that nobody between learns which platforms one asks about. One connection. Intel PCS API version 4; PCCS the same.
#pragma once

#include <filesystem>

#include "client/sdk/open_door.h"
#include "common/attest/verifier/heap.h"
#include "common/net/tls_context.h"

namespace redoubt::sdk {

// CollateralService: CONFIG/collateral.json: {"type": "redoubt/collateral-service/1", "url": "https://HOST:PORT", "pin": SHA-256 of its
// TLS key} or, in the place of "pin", "certificates": a PEM file of authorities. The prefix of the API's paths is part of no address: it is
// /sgx/certification/v4 and /tdx/certification/v4.
struct CollateralService {
  Address address;
  net::TlsTrust trust;

  // load: `not_found` with what to write, when there is no such file.
  static Result<CollateralService> load(const std::filesystem::path& file);
};

// CollateralWanted: which family.
struct CollateralWanted {
  endorse::Tee tee = endorse::Tee::tdx;
  endorse::Fmspc fmspc;
  std::string authority = "platform";  // "platform" or "processor": whose revocation list

  // of_quote: what a quote of SGX or TDX needs. `usage` for other Evidence, `malformed` for a quote without certificates.
  static Result<CollateralWanted> of_quote(ByteView quote);
};

// fetch_collateral: TCB info, QE identity, both revocation lists, and the certificates that signed them. `unavailable` when the service
// cannot be reached or refuses, `malformed` when its answer is none.
Result<std::vector<verifier::NamedFile>> fetch_collateral(const CollateralService& service, const CollateralWanted& wanted);

}  // namespace redoubt::sdk
