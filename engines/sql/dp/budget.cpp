#include "engines/sql/dp/budget.h"

#include <vector>

#include "common/base/writer.h"

namespace redoubt::sql::dp {
namespace {

// The parts of a Loss never pass 2^50 and 2^60, so these sums cannot wrap.
Loss plus(const Loss& a, const Loss& b) { return {Rho{a.rho.units + b.rho.units}, a.delta + b.delta}; }
Loss minus(const Loss& a, const Loss& b) { return {Rho{a.rho.units - b.rho.units}, a.delta - b.delta}; }

bool in_range(const Loss& loss) { return loss.rho.units >= 1 && loss.rho.units <= Rho::kMaxUnits && loss.delta <= Delta::kMax; }

bool affords(const Budget::Account& account, const Loss& loss) {
  const Loss used = plus(plus(account.reserved, account.spent), loss);
  return used.rho <= account.total.rho && used.delta <= account.total.delta;
}

}  // namespace

DataDigest data_digest(std::span<const DatasetDigest> datasets) {
  const std::set<DatasetDigest> sorted(datasets.begin(), datasets.end());
  Fields fields("redoubt/dp-data/1");
  for (const DatasetDigest& dataset : sorted) fields.field(dataset.view());
  return DataDigest(crypto::sha256(fields.view()).array());
}

Status Budget::open(const DatasetDigest& dataset, const Loss& total) {
  if (accounts_.contains(dataset)) return Error(Code::refused, "budget: the dataset has an account already");
  if (accounts_.size() >= kMaxDatasets) return Error(Code::usage, "budget: too many datasets");
  if (!in_range(total)) return Error(Code::usage, "budget: total out of range");
  accounts_.emplace(dataset, Account{total, {}, {}});
  return {};
}

Result<Loss> Budget::total_for(Epsilon epsilon, Delta delta) {
  const std::uint64_t threshold_delta = delta.units() / 2;
  REDOUBT_TRY(const Delta loss_delta, Delta::from_units(delta.units() - threshold_delta));
  REDOUBT_TRY(const Rho rho, rho_for(epsilon, loss_delta));
  return Loss{rho, threshold_delta};
}

Result<bool> Budget::reserve(const Key& key, std::span<const DatasetDigest> datasets, const Loss& loss) {
  const std::set<DatasetDigest> touched(datasets.begin(), datasets.end());
  if (touched.empty() || touched.size() > kMaxTouched || touched.size() != datasets.size() || !in_range(loss) || data_digest(datasets) != key.data) {
    return Error(Code::usage, "budget: a reservation of other datasets than its key, or of no loss");
  }
  if (const auto known = reservations_.find(key); known != reservations_.end()) {
    if (known->second.loss != loss) return Error(Code::refused, "budget: this query has been answered at another price");
    return false;
  }
  if (reservations_.size() >= kMaxReservations) return Error(Code::unavailable, "budget: too many reservations");
  for (const DatasetDigest& dataset : touched) {
    const auto account = accounts_.find(dataset);
    if (account == accounts_.end()) return Error(Code::not_found, "budget: a dataset without an account");
    if (!affords(account->second, loss)) return Error(Code::refused, "budget: not enough left");
  }
  for (const DatasetDigest& dataset : touched) {
    Account& account = accounts_.at(dataset);
    account.reserved = plus(account.reserved, loss);
  }
  reservations_.emplace(key, Reservation{touched, loss, State::reserved});
  return true;
}

Status Budget::spend(const Key& key) {
  const auto found = reservations_.find(key);
  if (found == reservations_.end()) return Error(Code::not_found, "budget: no such reservation");
  Reservation& reservation = found->second;
  if (reservation.state == State::spent) return {};
  for (const DatasetDigest& dataset : reservation.datasets) {
    Account& account = accounts_.at(dataset);
    account.reserved = minus(account.reserved, reservation.loss);
    account.spent = plus(account.spent, reservation.loss);
  }
  reservation.state = State::spent;
  return {};
}

const Budget::Account* Budget::account(const DatasetDigest& dataset) const {
  const auto found = accounts_.find(dataset);
  return found == accounts_.end() ? nullptr : &found->second;
}

const Budget::Reservation* Budget::reservation(const Key& key) const {
  const auto found = reservations_.find(key);
  return found == reservations_.end() ? nullptr : &found->second;
}

}  // namespace redoubt::sql::dp
