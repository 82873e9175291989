// How GoogleTest writes a CheckId: by its text, so that a failed expectation names the check ("C2").
#pragma once

#include <ostream>

#include "common/attest/evidence/check.h"

namespace redoubt::attest {

inline void PrintTo(CheckId id, std::ostream* out) { *out << id_text(id); }

}  // namespace redoubt::attest
