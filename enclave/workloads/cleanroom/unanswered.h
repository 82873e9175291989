// One text for everything that may depend on data or on what others asked: limits, killed engines, rules T4 and T5, budgets.
#pragma once

#include "common/base/result.h"

namespace redoubt::cleanroom {

inline Error unanswered() { return Error(Code::refused, "the query was not answered"); }

}  // namespace redoubt::cleanroom
