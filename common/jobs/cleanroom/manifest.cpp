#include "common/jobs/cleanroom/manifest.h"

#include <set>

#include "common/table/type.h"

namespace redoubt::jobs {
namespace {

constexpr std::int64_t kMaxVersion = 1'000'000'000;
constexpr std::size_t kMaxNumber = 40;

bool is_decimal(std::string_view text) {
  if (!text.empty() && text.front() == '-') text.remove_prefix(1);
  const std::size_t point = text.find('.');
  const auto digits = [](std::string_view part) {
    return !part.empty() && std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; });
  };
  if (text.size() > kMaxNumber) return false;
  if (point == std::string_view::npos) return digits(text);
  return digits(text.substr(0, point)) && digits(text.substr(point + 1));
}

Status check_type(const std::string& text) {
  const auto type = table::Type::parse(text);
  if (type.ok() && type->sound()) return {};
  return Error(Code::malformed,
               "column type: expected BIGINT, INTEGER, DOUBLE, DECIMAL(p,s), VARCHAR, BOOLEAN or DATE, found \"" + text + "\"");
}

Result<ColumnRole> parse_role(std::string_view name) {
  for (const ColumnRole role : {ColumnRole::unit, ColumnRole::identifier, ColumnRole::attribute}) {
    if (name == name_of(role)) return role;
  }
  return Error(Code::malformed, "column role: expected unit, identifier or attribute, found \"" + std::string(name) + "\"");
}

Result<ManifestColumn> read_column(const json::Value& value) {
  json::ObjectReader reader(value, "column");
  ManifestColumn column;
  column.name = reader.string("name");
  column.type = reader.string("type");
  const std::string role = reader.string("role");
  column.min = reader.string("min");
  column.max = reader.string("max");
  REDOUBT_CHECK(reader.finish());
  REDOUBT_CHECK(check_identifier(column.name, "column"));
  REDOUBT_CHECK(check_type(column.type).context(column.name));
  REDOUBT_TRY(column.role, parse_role(role));
  if (column.min.empty() != column.max.empty() ||
      (!column.min.empty() && (!is_decimal(column.min) || !is_decimal(column.max)))) {
    return Error(Code::malformed, "column " + column.name + ": expected both bounds as decimal numbers, or neither");
  }
  return column;
}

Status check_columns(const std::vector<ManifestColumn>& columns) {
  std::set<std::string_view> names;
  std::size_t units = 0;
  for (const ManifestColumn& column : columns) {
    if (!names.insert(column.name).second) return Error(Code::malformed, "manifest: column " + column.name + " occurs twice");
    if (column.role == ColumnRole::unit) ++units;
  }
  if (units != 1) return Error(Code::malformed, "manifest: expected exactly one unit column, found " + std::to_string(units));
  return {};
}

}  // namespace

std::string_view name_of(ColumnRole role) {
  switch (role) {
    case ColumnRole::unit: return "unit";
    case ColumnRole::identifier: return "identifier";
    case ColumnRole::attribute: return "attribute";
  }
  return "";
}

Status check_identifier(std::string_view name, std::string_view what) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  if (!name.empty() && name.size() <= 63 && letter(name.front()) &&
      std::ranges::all_of(name, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); })) {
    return {};
  }
  return Error(Code::malformed, std::string(what) + ": expected a lower-case SQL identifier of 1 to 63 characters, found \"" +
                                    std::string(name.substr(0, 80)) + "\"");
}

std::string Manifest::canonical() const {
  json::Array items;
  for (const ManifestColumn& column : columns) {
    items.emplace_back(json::Object{{"max", column.max},
                                    {"min", column.min},
                                    {"name", column.name},
                                    {"role", name_of(column.role)},
                                    {"type", column.type}});
  }
  return json::canonical(json::Object{{"budget_delta", budget ? budget->delta : ""},
                                      {"budget_epsilon", budget ? budget->epsilon : ""},
                                      {"ciphertext_root", ciphertext_root.hex()},
                                      {"ciphertext_size", std::to_string(ciphertext_size)},
                                      {"columns", std::move(items)},
                                      {"contract", contract.hex()},
                                      {"dataset", dataset},
                                      {"owner", owner},
                                      {"rows", std::to_string(rows)},
                                      {"type", kManifestType},
                                      {"version", static_cast<std::int64_t>(version)}});
}

Result<Manifest> Manifest::parse(std::string_view text) {
  REDOUBT_TRY(const json::Value value, json::parse_signed(text, {.max_bytes = kMaxBytes, .max_depth = 4}).context("manifest"));
  json::ObjectReader reader(value, "manifest");
  Manifest manifest;
  reader.expect("type", kManifestType);
  manifest.dataset = reader.string("dataset");
  manifest.version = static_cast<std::uint64_t>(reader.integer("version", 1, kMaxVersion));
  manifest.owner = reader.string("owner");
  manifest.contract = reader.hex<ContractDigest>("contract");
  manifest.rows = reader.counter("rows");
  manifest.ciphertext_size = reader.counter("ciphertext_size");
  manifest.ciphertext_root = reader.hex<receipt::TreeHash>("ciphertext_root");
  PrivacyLoss budget;
  budget.delta = reader.string("budget_delta");
  budget.epsilon = reader.string("budget_epsilon");
  const json::Array& columns = reader.array("columns", kMaxColumns);
  REDOUBT_CHECK(reader.finish());
  REDOUBT_CHECK(check_identifier(manifest.dataset, "dataset"));
  REDOUBT_CHECK(check_name(manifest.owner, "owner"));
  if (budget != PrivacyLoss()) {
    REDOUBT_CHECK(budget.check().context("manifest: budget"));
    manifest.budget = std::move(budget);
  }
  for (const json::Value& item : columns) {
    REDOUBT_TRY(ManifestColumn column, read_column(item).context("manifest"));
    manifest.columns.push_back(std::move(column));
  }
  REDOUBT_CHECK(check_columns(manifest.columns));
  return manifest;
}

ManifestDigest Manifest::digest() const { return crypto::digest_of<ManifestDigest>(kManifestType, as_bytes(canonical())); }

Bytes dataset_key_statement(const ManifestDigest& manifest, const InstanceId& instance) {
  return to_bytes(Fields("redoubt/dataset-key/1").field(manifest.view()).field(instance.view()).view());
}

std::string envelope_object_id(const Manifest& manifest) {
  return std::string(as_text(
      Fields("redoubt/dataset/1").field(manifest.contract.view()).text(manifest.owner).text(manifest.dataset).view()));
}

}  // namespace redoubt::jobs
