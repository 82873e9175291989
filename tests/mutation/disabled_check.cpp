// The makers of checks, with one check switched off: for the programs mutants_* of tests/mutation alone. Linked in the place of
// common/attest/evidence/outcome.cpp: a failed check with the id in REDOUBT_DISABLED_CHECK becomes a passed one.
#include <cstdio>
#include <cstdlib>

#include "common/attest/evidence/check.h"

namespace redoubt::attest {

// insecure_disabled_check: read once; an id that is none ends the program, so that a misspelt run is not a green one.
std::optional<CheckId> insecure_disabled_check() {
  static const std::optional<CheckId> disabled = []() -> std::optional<CheckId> {
    const char* const text = std::getenv("REDOUBT_DISABLED_CHECK");
    if (text == nullptr) return std::nullopt;
    const auto id = check_from_text(text);
    if (!id) {
      std::fprintf(stderr, "REDOUBT_DISABLED_CHECK: expected the id of a check, found \"%s\"\n", text);
      std::_Exit(2);
    }
    return id;
  }();
  return disabled;
}

Check passed(CheckId id, std::string expected, std::string found) {
  return {id, Outcome::passed, std::move(expected), std::move(found), Code::malformed};
}

Check failed(CheckId id, Code code, std::string expected, std::string found) {
  // A check that was not made, or made twice, is the reducer's finding (verdict.h), and stays.
  if (id == insecure_disabled_check() && code != Code::internal) {
    std::fprintf(stderr, "switched off: %s\n", std::string(id_text(id)).c_str());
    return passed(id, std::move(expected), std::move(found));
  }
  return {id, Outcome::failed, std::move(expected), std::move(found), code};
}

Check not_applicable(CheckId id, std::string why) { return {id, Outcome::not_applicable, std::move(why), "", Code::malformed}; }

}  // namespace redoubt::attest
