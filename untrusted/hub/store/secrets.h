// Secrets that the hubs of one database share. Whoever reads the database has them: they guard against callers, not against the operator.
#pragma once

#include "common/crypto/random.h"
#include "untrusted/hub/store/store.h"

namespace redoubt::hub {

// ensure_secret: 32 random bytes, made when they are first asked for; the same for every hub and every start.
Result<SecretBytes> ensure_secret(Transaction& transaction, crypto::Random& random, std::string_view name);

}  // namespace redoubt::hub
