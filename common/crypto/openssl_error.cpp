#include "common/crypto/openssl_error.h"

#include <openssl/err.h>

namespace redoubt::crypto {

Error openssl_error(std::string_view call) {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  std::string message = std::string(call) + ": " + (reason == nullptr ? "unknown reason" : reason);
  ERR_clear_error();
  return Error(Code::internal, std::move(message));
}

void clear_openssl_errors() { ERR_clear_error(); }

}  // namespace redoubt::crypto
