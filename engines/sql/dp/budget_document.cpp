// The written form of a Budget: accounts and reservations, each in the order of its digests, as signed JSON.
#include "common/base/json.h"
#include "engines/sql/dp/budget.h"

namespace redoubt::sql::dp {
namespace {

constexpr std::string_view kType = "redoubt/budget/1";

std::string_view state_name(Budget::State state) { return state == Budget::State::spent ? "spent" : "reserved"; }

void write_loss(json::Object& object, const Loss& loss) {
  object.emplace("rho", std::to_string(loss.rho.units));
  object.emplace("delta", std::to_string(loss.delta));
}

Loss read_loss(json::ObjectReader& reader) { return {Rho{reader.counter("rho")}, reader.counter("delta")}; }

// Rising<T>: items must stand in strictly rising order, so that one budget has one written form.
template <class T>
class Rising {
 public:
  bool next(const T& item) {
    const bool rises = !last_ || *last_ < item;
    last_ = item;
    return rises;
  }

 private:
  std::optional<T> last_;
};

Error out_of_order(std::string_view what) {
  return Error(Code::malformed, "budget: " + std::string(what) + ": not in rising order");
}

Status read_account(const json::Value& value, Rising<DatasetDigest>& order, Budget& out) {
  json::ObjectReader reader(value, "account");
  const auto dataset = reader.hex<DatasetDigest>("dataset");
  const Loss total = read_loss(reader);
  REDOUBT_CHECK(reader.finish());
  if (!order.next(dataset)) return out_of_order("accounts");
  const Status opened = out.open(dataset, total);
  return opened.ok() ? Status() : Error(Code::malformed, opened.error().message());
}

Status read_reservation(const json::Value& value, Rising<Budget::Key>& order, Budget& out) {
  json::ObjectReader reader(value, "reservation");
  const Budget::Key key{reader.hex<QueryDigest>("query"), reader.hex<DataDigest>("data")};
  const json::Array& listed = reader.array("datasets", Budget::kMaxTouched);
  const Loss loss = read_loss(reader);
  const std::string state = reader.string("state");
  REDOUBT_CHECK(reader.finish());
  if (!order.next(key)) return out_of_order("reservations");
  if (state != "reserved" && state != "spent") return Error(Code::malformed, "reservation: no such state");
  std::vector<DatasetDigest> datasets;
  Rising<DatasetDigest> rising;
  for (const json::Value& item : listed) {
    if (item.string() == nullptr) return Error(Code::malformed, "reservation: datasets: expected strings");
    REDOUBT_TRY(const DatasetDigest dataset, DatasetDigest::from_hex(*item.string(), "dataset"));
    if (!rising.next(dataset)) return out_of_order("datasets");
    datasets.push_back(dataset);
  }
  if (const auto reserved = out.reserve(key, datasets, loss); !reserved.ok()) {
    const bool overspent = reserved.error().code() == Code::refused;
    return Error(overspent ? Code::refused : Code::malformed, reserved.error().message());
  }
  return state == "spent" ? out.spend(key) : Status();
}

}  // namespace

std::string Budget::canonical() const {
  json::Array accounts;
  for (const auto& [dataset, account] : accounts_) {
    json::Object object{{"dataset", dataset.hex()}};
    write_loss(object, account.total);
    accounts.emplace_back(std::move(object));
  }
  json::Array reservations;
  for (const auto& [key, reservation] : reservations_) {
    json::Array datasets;
    for (const DatasetDigest& dataset : reservation.datasets) datasets.emplace_back(dataset.hex());
    json::Object object{{"query", key.query.hex()},
                        {"data", key.data.hex()},
                        {"datasets", std::move(datasets)},
                        {"state", state_name(reservation.state)}};
    write_loss(object, reservation.loss);
    reservations.emplace_back(std::move(object));
  }
  return json::canonical(json::Object{
      {"type", kType}, {"accounts", std::move(accounts)}, {"reservations", std::move(reservations)}});
}

Result<Budget> Budget::parse(std::string_view text) {
  REDOUBT_TRY(const json::Value value, json::parse_signed(text, {.max_bytes = kMaxBytes, .max_depth = 8}));
  json::ObjectReader reader(value, "budget");
  reader.expect("type", kType);
  const json::Array& accounts = reader.array("accounts", kMaxDatasets);
  const json::Array& reservations = reader.array("reservations", kMaxReservations);
  REDOUBT_CHECK(reader.finish());
  Budget out;
  Rising<DatasetDigest> rising_accounts;
  for (const json::Value& item : accounts) REDOUBT_CHECK(read_account(item, rising_accounts, out));
  Rising<Key> rising_reservations;
  for (const json::Value& item : reservations) REDOUBT_CHECK(read_reservation(item, rising_reservations, out));
  return out;
}

}  // namespace redoubt::sql::dp
