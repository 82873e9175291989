// fetch_collateral: what a vendor says of one platform, from the vendor's service or a cache of it: Intel's for a platform family, AMD's for
// a chip.
//
// Never called by itself: a person asks for it, and says in the configuration where to ask. What comes back is distrusted: it is
// collateral like any other, verified by whoever uses it, so that the service can withhold or delay and nothing else. The connection is
// pinned so that nobody between learns which platforms one asks about. One connection. Intel PCS API version 4, PCCS the same; AMD 57230
// (VCEK certificate and Key Distribution Service) sections 4.1 and 4.2.
#pragma once

#include <filesystem>
#include <variant>

#include "client/sdk/open_door.h"
#include "common/attest/endorse/amd/leaf.h"
#include "common/attest/verifier/heap.h"
#include "common/net/tls_context.h"

namespace redoubt::sdk {

// CollateralService: CONFIG/collateral.json for Intel's and CONFIG/collateral-amd.json for AMD's: {"type":
// "redoubt/collateral-service/1", "url": "https://HOST:PORT", "pin": SHA-256 of its TLS key} or, in the place of "pin",
// "certificates": a PEM file of authorities. The prefix of the API's paths is part of no address: it is /sgx/certification/v4 and
// /tdx/certification/v4, or /vcek/v1 and /vlek/v1.
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

// AmdWanted: which chip, and the TCB version that its key was derived with.
struct AmdWanted {
  amd::Product product = amd::Product::milan;
  amd::KeyKind key = amd::KeyKind::vcek;
  amd::ChipId chip;  // of a VCEK
  amd::TcbVersion tcb;

  // of_report: what an SEV-SNP report needs. A report of version 2 does not name its processor: then `product` must. `usage` where
  // that is missing or contradicts the report, and where the platform masks the chip id, so that there is nothing to ask by.
  static Result<AmdWanted> of_report(ByteView report, const std::optional<amd::Product>& product);
};

// wanted_by: what Evidence of any form needs from a vendor: a quote, a report, the hardware's part of a composite, the quote inside a
// certificate. `usage` for Evidence whose Endorsements no such service has.
using AnyWanted = std::variant<CollateralWanted, AmdWanted>;
Result<AnyWanted> wanted_by(ByteView evidence, const std::optional<amd::Product>& product);

// fetch_collateral: TCB info, QE identity, both revocation lists, and the certificates that signed them. `unavailable` when the service
// cannot be reached or refuses, `malformed` when its answer is none.
Result<std::vector<verifier::NamedFile>> fetch_collateral(const CollateralService& service, const CollateralWanted& wanted);
// The same of AMD's: the chip's certificate, its chain, and the revocation list. A VLEK's certificate is its cloud provider's to give:
// of these the chain and the list alone.
Result<std::vector<verifier::NamedFile>> fetch_collateral(const CollateralService& service, const AmdWanted& wanted);

}  // namespace redoubt::sdk
