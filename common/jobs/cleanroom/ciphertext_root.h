// ciphertext_root: the root that a manifest holds for its envelope, the RFC 9162 tree over the envelope's header (leaf 0) and its
// chunks in order. Owners take it when they seal, the enclave checks it before it decrypts, a host can check what it stores.
#pragma once

#include "common/receipt/merkle.h"

namespace redoubt::jobs {

// `malformed` when the bytes are not the size of an envelope. Authenticates nothing.
Result<receipt::TreeHash> ciphertext_root(ByteView envelope);

}  // namespace redoubt::jobs
