#include "client/sdk/dataset_sealer.h"

#include "client/sdk/members.h"
#include "common/crypto/envelope.h"
#include "common/jobs/cleanroom/ciphertext_root.h"

namespace redoubt::sdk {
namespace {

constexpr std::size_t kObjectKey = 32;
constexpr std::size_t kMaxSchema = 256 * 1024;

Result<jobs::ColumnRole> role_of(std::string_view name) {
  for (const jobs::ColumnRole role : {jobs::ColumnRole::unit, jobs::ColumnRole::identifier, jobs::ColumnRole::attribute}) {
    if (name == jobs::name_of(role)) return role;
  }
  return Error(Code::malformed, "role: expected unit, identifier or attribute, found \"" + std::string(name) + "\"");
}

// bound_text: bounds are decimal text in the manifest; numbers in a schema are written out.
std::string bound_text(const json::Value& value) {
  if (value.string() != nullptr) return *value.string();
  return json::canonical(value);
}

Result<jobs::ManifestColumn> column_of(const json::Value& value) {
  if (value.object() == nullptr) return Error(Code::malformed, "expected a table with name and type");
  jobs::ManifestColumn column;
  column.role = jobs::ColumnRole::attribute;
  for (const auto& [name, member] : *value.object()) {
    const std::string* text = member.string();
    if (name == "min" || name == "max") {
      (name == "min" ? column.min : column.max) = bound_text(member);
    } else if (text == nullptr) {
      return Error(Code::malformed, "\"" + name + "\": expected text");
    } else if (name == "name") {
      column.name = *text;
    } else if (name == "type") {
      column.type = *text;
    } else if (name == "role") {
      REDOUBT_TRY(column.role, role_of(*text));
    } else {
      return Error(Code::malformed, "unknown member \"" + name + "\"");
    }
  }
  return column;
}

}  // namespace

Result<std::vector<jobs::ManifestColumn>> read_schema(std::string_view text) {
  REDOUBT_TRY(json::Value value, json::parse(text, {.max_bytes = kMaxSchema, .max_depth = 4}).context("schema"));
  if (value.array() != nullptr) value = json::Object{{"columns", value}};
  json::ObjectReader reader(value, "schema");
  const json::Array& items = reader.array("columns", jobs::Manifest::kMaxColumns);
  REDOUBT_CHECK(reader.finish());
  std::vector<jobs::ManifestColumn> columns;
  for (const json::Value& item : items) {
    auto column = column_of(item);
    if (!column.ok()) return column.error().context("schema: column " + std::to_string(columns.size() + 1));
    columns.push_back(std::move(*column));
  }
  return columns;
}

Result<table::Encoded> table_file_of(const std::string& dataset, const std::vector<jobs::ManifestColumn>& manifest_columns, ByteView csv) {
  std::vector<table::Column> columns;
  for (const jobs::ManifestColumn& column : manifest_columns) {
    REDOUBT_TRY(const table::Type type, table::Type::parse(column.type).context("schema: column " + column.name));
    columns.push_back({column.name, type});
  }
  return table::encode_csv(as_text(csv), dataset, columns).context("csv");
}

Result<Sealed> seal_dataset(const DatasetPlan& plan, ByteView csv, const ContractDigest& contract, const KeyFile& owner,
                            crypto::Random& random) {
  Sealed sealed;
  jobs::Manifest& manifest = sealed.dataset.manifest;
  manifest.dataset = plan.dataset;
  manifest.version = plan.version;
  manifest.owner = owner.name();
  manifest.contract = contract;
  manifest.columns = plan.columns;
  manifest.budget = plan.budget;
  REDOUBT_TRY(const table::Encoded table, table_file_of(plan.dataset, plan.columns, csv));
  manifest.rows = table.rows;
  // Parsed once before the work: a name or a type that cannot be is told before anything is sealed.
  manifest.ciphertext_size = 0;
  REDOUBT_TRY([[maybe_unused]] const auto form, jobs::Manifest::parse(manifest.canonical()));
  sealed.dataset.object_key = random.secret(kObjectKey);
  const crypto::EnvelopeSubject subject{jobs::envelope_object_id(manifest), manifest.version};
  REDOUBT_TRY(sealed.envelope, crypto::seal_envelope(sealed.dataset.object_key, subject, table.file.reveal(), random));
  manifest.ciphertext_size = sealed.envelope.size();
  REDOUBT_TRY(manifest.ciphertext_root, jobs::ciphertext_root(sealed.envelope));
  sealed.dataset.document = jobs::sign_document(jobs::kManifestType, manifest.canonical(), owner.signing());
  return sealed;
}

bool holds_table(const Sealed& sealed, const DatasetPlan& plan, ByteView csv) {
  const jobs::Manifest& manifest = sealed.dataset.manifest;
  jobs::Manifest planned = manifest;
  planned.columns = plan.columns;
  planned.budget = plan.budget;
  if (planned.canonical() != manifest.canonical()) return false;
  const crypto::EnvelopeSubject subject{jobs::envelope_object_id(manifest), manifest.version};
  const auto table = table_file_of(plan.dataset, plan.columns, csv);
  if (!table.ok()) return false;
  auto plain = crypto::open_envelope(sealed.dataset.object_key, subject, sealed.envelope);
  const bool same = plain.ok() && constant_time_equal(*plain, table->file.reveal());
  if (plain.ok()) wipe(*plain);
  return same;
}

}  // namespace redoubt::sdk
