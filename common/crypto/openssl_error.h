// openssl_error: an internal Error for a call into OpenSSL that cannot fail on valid input but did. Empties OpenSSL's
// error queue, so that nothing of it reaches the next caller.
#pragma once

#include "common/base/error.h"

namespace redoubt::crypto {

Error openssl_error(std::string_view call);

// clear_openssl_errors empties the queue after a failure that was expected (a bad signature, a key of another form).
void clear_openssl_errors();

}  // namespace redoubt::crypto
