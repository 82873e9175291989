#include "untrusted/hub/store/datasets.h"

#include "untrusted/hub/store/events.h"
#include "untrusted/hub/store/states.h"

namespace redoubt::hub {
namespace {

constexpr StateName<DatasetState> kDatasetStates[] = {
    {DatasetState::uploading, "uploading"}, {DatasetState::stored, "stored"}, {DatasetState::retired, "retired"}};

constexpr Table kDatasetTable{"datasets", "environment, id, version, owner, manifest, object, size, state, created"};

Result<Dataset> parse_dataset(sql::Row& row) {
  Dataset out;
  out.environment = row.text();
  out.id = row.text();
  out.version = row.count();
  out.owner = row.text();
  out.manifest = row.text();
  out.object = row.text();
  out.size = row.count();
  out.state = read_state(kDatasetStates, row);
  out.created = row.time();
  REDOUBT_CHECK(row.finish());
  return out;
}

Result<DatasetPart> parse_part(sql::Row& row) {
  DatasetPart out;
  out.part = row.count();
  out.size = row.count();
  out.sha256 = row.fixed<crypto::Sha256Digest>();
  REDOUBT_CHECK(row.finish());
  return out;
}

// The record's number, and its state now.
Result<std::pair<std::int64_t, DatasetState>> find(Transaction& transaction, const Dataset& dataset) {
  REDOUBT_TRY(auto rows, transaction.query("SELECT number, state FROM datasets WHERE environment = ? AND id = ? AND version = ?",
                                           {sql::text(dataset.environment), sql::text(dataset.id), sql::number(dataset.version)}));
  REDOUBT_TRY(sql::Row row, one(std::move(rows), "dataset"));
  const std::int64_t number = row.number();
  const DatasetState state = read_state(kDatasetStates, row);
  REDOUBT_CHECK(row.finish());
  return std::pair(number, state);
}

Error wrong_state(DatasetState expected, DatasetState found) {
  return Error(Code::refused, "dataset: expected state " + std::string(name_of(expected)) + ", found " + std::string(name_of(found)));
}

}  // namespace

std::string_view name_of(DatasetState state) { return state_name(kDatasetStates, state); }

Status add_dataset(Transaction& transaction, const Dataset& dataset) {
  REDOUBT_CHECK(check_id(dataset.id, "dataset id"));
  REDOUBT_CHECK(check_id(dataset.owner, "owner"));
  REDOUBT_TRY(auto rows, transaction.query("SELECT coalesce(max(version), 0) FROM datasets WHERE environment = ? AND id = ?",
                                           {sql::text(dataset.environment), sql::text(dataset.id)}));
  REDOUBT_TRY(sql::Row row, one(std::move(rows), "dataset"));
  const std::uint64_t last = row.count();
  REDOUBT_CHECK(row.finish());
  if (dataset.version <= last) {
    return Error(Code::refused, "dataset " + dataset.id + ": expected a version above " + std::to_string(last) + ", found " +
                                    std::to_string(dataset.version));
  }
  REDOUBT_CHECK(transaction
                    .change_one("INSERT INTO datasets (environment, id, version, owner, manifest, object, size, state, created) "
                                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                                {sql::text(dataset.environment), sql::text(dataset.id), sql::number(dataset.version), sql::text(dataset.owner),
                                 sql::text(dataset.manifest), sql::text(dataset.object), sql::number(dataset.size),
                                 sql::text(name_of(dataset.state)), sql::time(dataset.created)})
                    .context("dataset " + dataset.id));
  return add_event(transaction, dataset.environment, Event::Kind::dataset, dataset.object, name_of(dataset.state));
}

Result<Dataset> get_dataset(Transaction& transaction, std::string_view environment, std::string_view id, std::uint64_t version) {
  return read_one<Dataset>(transaction, select(kDatasetTable, "WHERE environment = ? AND id = ? AND version = ?"),
                           {sql::text(environment), sql::text(id), sql::number(version)}, "dataset", parse_dataset);
}

Result<Dataset> find_dataset(Transaction& transaction, std::string_view environment, std::string_view object) {
  return read_one<Dataset>(transaction, select(kDatasetTable, "WHERE environment = ? AND object = ?"),
                           {sql::text(environment), sql::text(object)}, "dataset", parse_dataset);
}

Result<Dataset> latest_dataset(Transaction& transaction, std::string_view environment, std::string_view id) {
  return read_one<Dataset>(transaction,
                           select(kDatasetTable, "WHERE environment = ? AND id = ? AND state = 'stored' ORDER BY version DESC LIMIT 1"),
                           {sql::text(environment), sql::text(id)}, "dataset", parse_dataset);
}

Status set_dataset_state(Transaction& transaction, const Dataset& dataset, DatasetState from, DatasetState to) {
  REDOUBT_TRY(const auto found, find(transaction, dataset));
  if (found.second != from) return wrong_state(from, found.second);
  REDOUBT_CHECK(transaction.change_one("UPDATE datasets SET state = ? WHERE number = ?", {sql::text(name_of(to)), sql::number(found.first)}));
  return add_event(transaction, dataset.environment, Event::Kind::dataset, dataset.object, name_of(to));
}

Result<Page<Dataset>> list_datasets(Transaction& transaction, std::string_view environment, const PageRequest& page) {
  return read_page<Dataset>(transaction, kDatasetTable, Filter{"environment = ?", environment}, page, parse_dataset);
}

Result<std::vector<std::string>> dataset_objects(Transaction& transaction) {
  REDOUBT_TRY(auto rows, transaction.query("SELECT object FROM datasets"));
  std::vector<std::string> out;
  for (sql::Row& row : rows) {
    out.push_back(row.text());
    REDOUBT_CHECK(row.finish());
  }
  return out;
}

Status put_part(Transaction& transaction, const Dataset& dataset, const DatasetPart& part) {
  REDOUBT_TRY(const auto found, find(transaction, dataset));
  if (found.second != DatasetState::uploading) return wrong_state(DatasetState::uploading, found.second);
  return transaction.change_one("INSERT INTO dataset_parts (dataset, part, size, sha256) VALUES (?, ?, ?, ?) "
                            "ON CONFLICT (dataset, part) DO UPDATE SET size = excluded.size, sha256 = excluded.sha256",
                            {sql::number(found.first), sql::number(part.part), sql::number(part.size), sql::blob(part.sha256.view())});
}

Result<std::vector<DatasetPart>> get_parts(Transaction& transaction, const Dataset& dataset) {
  REDOUBT_TRY(const auto found, find(transaction, dataset));
  return read_all<DatasetPart>(transaction, "SELECT part, size, sha256 FROM dataset_parts WHERE dataset = ? ORDER BY part",
                               {sql::number(found.first)}, parse_part);
}

}  // namespace redoubt::hub
