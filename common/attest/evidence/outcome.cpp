#include "common/attest/evidence/check.h"

namespace redoubt::attest {

Check passed(CheckId id, std::string expected, std::string found) {
  return {id, Outcome::passed, std::move(expected), std::move(found), Code::malformed};
}

Check failed(CheckId id, Code code, std::string expected, std::string found) {
  return {id, Outcome::failed, std::move(expected), std::move(found), code};
}

Check not_applicable(CheckId id, std::string why) { return {id, Outcome::not_applicable, std::move(why), "", Code::malformed}; }

}  // namespace redoubt::attest
