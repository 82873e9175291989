// The hub's own TLS certificate: made at the first start, kept in its state folder, trusted by those who pin its key.
#pragma once

#include <filesystem>

#include "common/base/instant.h"
#include "common/crypto/random.h"
#include "common/net/tls_context.h"

namespace redoubt::hub {

struct HubIdentity {
  net::TlsIdentity tls;
  SpkiDigest pin;  // also in STATE/hub.pin, hexadecimal
};

// hub_identity reads STATE/hub.crt and STATE/hub.key (mode 0600), or makes them: P-256, 10 years, for 127.0.0.1, ::1, localhost and
// `name` if there is one. `malformed` for files that are not what was written, `unavailable` when they cannot be written.
Result<HubIdentity> hub_identity(const std::filesystem::path& state, const std::string& name, crypto::Random& random, Instant now);

}  // namespace redoubt::hub
