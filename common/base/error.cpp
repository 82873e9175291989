#include "common/base/error.h"

namespace redoubt {

std::string_view code_name(Code code) {
  switch (code) {
    case Code::internal: return "internal";
    case Code::usage: return "usage";
    case Code::not_found: return "not_found";
    case Code::auth: return "auth";
    case Code::refused: return "refused";
    case Code::unavailable: return "unavailable";
    case Code::malformed: return "malformed";
    case Code::chain: return "chain";
    case Code::tcb: return "tcb";
    case Code::measurement: return "measurement";
    case Code::freshness: return "freshness";
    case Code::binding: return "binding";
    case Code::policy: return "policy";
    case Code::log_proof: return "log_proof";
    case Code::partial: return "partial";
    case Code::missing_dependency: return "missing_dependency";
  }
  return "internal";
}

Error Error::context(std::string_view doing) const { return Error(code_, std::string(doing) + ": " + message_); }

}  // namespace redoubt
