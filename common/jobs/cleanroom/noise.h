// Noise: what a query at differential_privacy is approved with, and what an owner allows a dataset (docs/specs/differential-privacy.md).
//
// Decimal text with one spelling a number, so that equal terms are equal bytes; whoever computes with it parses it into exact
// numbers and refuses what is out of range. Pure.
#pragma once

#include <string>

#include "common/base/json.h"

namespace redoubt::jobs {

// PrivacyLoss: epsilon with at most 6 decimal places, delta with at most 18; neither is 0.
struct PrivacyLoss {
  std::string epsilon;
  std::string delta;
  friend bool operator==(const PrivacyLoss&, const PrivacyLoss&) = default;

  // check: `malformed` for another spelling, such as "0.50", ".5" or "5e-1".
  Status check() const;
};

// Noise: the loss of one query, and how much of one unit counts in it: groups of a released block that a unit touches (1 to 8), rows of a unit in one
// group (1 to 50).
struct Noise {
  static constexpr int kMaxGroups = 8;
  static constexpr int kMaxRows = 50;
  PrivacyLoss loss;
  int groups = kMaxGroups;
  int rows = kMaxRows;
  friend bool operator==(const Noise&, const Noise&) = default;

  // text: "epsilon 1, delta 0.000001, 8 groups and 50 rows a unit".
  std::string text() const;
};

}  // namespace redoubt::jobs
