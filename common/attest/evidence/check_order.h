// sort_checks: checks in the order of their ids (check.h), where they are.
//
// An authentication makes its checks where what they need is there, and a policy adds its own behind them. A Check is two texts: to sort
// by comparing moves each of them several times, which costs more than some checks. Here each is moved once, to the place that counting
// gives it. Checks of one id, which a sound verdict has not, stay in the order in which they were made. Asks for no memory. Pure.
#pragma once

#include <span>

#include "common/attest/evidence/check.h"

namespace redoubt::attest {

void sort_checks(std::span<Check> checks);

}  // namespace redoubt::attest
