// Budget: for each dataset how much privacy loss its owner allows, and which releases have reserved or spent it.
//
// A reservation is keyed by the digests of the query and of the data version. The same key is the same answer, bit by bit, so it is
// charged once however often it runs; the same key at another price is refused, since two answers with different noise would cost more
// than either. Reservations are never given back: a fork of the room may have run them. Nothing here persists or is protected against
// rollback: the caller puts canonical() into its log and its ballots. Not thread-safe.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "engines/sql/dp/noise_plan.h"

namespace redoubt::sql::dp {

// DataDigest: the versions of all datasets that a query touches; data_digest takes it from theirs, in any order.
using DataDigest = FixedBytes<struct DpDataDigestTag, 32>;
DataDigest data_digest(std::span<const DatasetDigest> datasets);

class Budget {
 public:
  static constexpr std::size_t kMaxDatasets = 256;
  static constexpr std::size_t kMaxReservations = 16384;
  static constexpr std::size_t kMaxTouched = 16;  // datasets of one query
  static constexpr std::size_t kMaxBytes = std::size_t{32} << 20;

  struct Key {
    QueryDigest query;
    DataDigest data;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  enum class State { reserved, spent };
  struct Reservation {
    std::set<DatasetDigest> datasets;
    Loss loss;
    State state = State::reserved;
    friend bool operator==(const Reservation&, const Reservation&) = default;
  };
  struct Account {
    Loss total;
    Loss reserved;
    Loss spent;
    friend bool operator==(const Account&, const Account&) = default;
  };

  // open adds a dataset with its total. `refused` if it is there already, `usage` for a total without rho, above Rho::kMaxUnits or
  // Delta::kMax, or when there are kMaxDatasets.
  Status open(const DatasetDigest& dataset, const Loss& total);
  // total_for: the Loss that (epsilon, delta) allows a dataset: rho_for at half of delta, the other half for thresholds.
  static Result<Loss> total_for(Epsilon epsilon, Delta delta);

  // reserve charges every dataset or none. True when it was charged now, false when the key was there at the same price. `not_found`: a
  // dataset without an account; `refused`: the key at another price, or a dataset whose total would be passed; `usage`: no dataset or more than kMaxTouched, a
  // data digest that is not theirs, a loss without rho; `unavailable`: kMaxReservations.
  Result<bool> reserve(const Key& key, std::span<const DatasetDigest> datasets, const Loss& loss);
  // spend marks a reservation as run; again is fine. `not_found` without a reservation.
  Status spend(const Key& key);

  // account and reservation: null when there is none. Borrowed until the next change.
  const Account* account(const DatasetDigest& dataset) const;
  const Reservation* reservation(const Key& key) const;

  // canonical: signed JSON (docs/specs/hashed-structures.md), type `redoubt/budget/1`. Sums are not written: they follow.
  std::string canonical() const;
  // parse reads canonical bytes and nothing else: reservations are charged anew, so a budget that is overspent is `refused`, and bytes of
  // any other form are `malformed`.
  static Result<Budget> parse(std::string_view text);

  friend bool operator==(const Budget&, const Budget&) = default;

 private:
  std::map<DatasetDigest, Account> accounts_;
  std::map<Key, Reservation> reservations_;
};

}  // namespace redoubt::sql::dp
