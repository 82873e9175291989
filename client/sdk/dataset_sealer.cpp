#include "client/sdk/dataset_sealer.h"

#include <set>

#include <toml++/toml.h>

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

Result<json::Value> from_toml(const toml::node& node) {
  if (const auto* table = node.as_table()) {
    json::Object object;
    for (const auto& [key, member] : *table) {
      REDOUBT_TRY(json::Value value, from_toml(member));
      object.emplace(std::string(key.str()), std::move(value));
    }
    return json::Value(std::move(object));
  }
  if (const auto* array = node.as_array()) {
    json::Array items;
    for (const auto& member : *array) {
      REDOUBT_TRY(json::Value value, from_toml(member));
      items.push_back(std::move(value));
    }
    return json::Value(std::move(items));
  }
  if (const auto* text = node.as_string()) return json::Value(text->get());
  if (const auto* number = node.as_integer()) return json::Value(number->get());
  if (const auto* real = node.as_floating_point()) return json::Value(real->get());
  if (const auto* flag = node.as_boolean()) return json::Value(flag->get());
  return Error(Code::malformed, "schema: expected text, numbers, arrays and tables");
}

// check_headers refuses table headers without a key, on which the parser of toml++ 3.3 ends the process.
Status check_headers(std::string_view text) {
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::string_view current = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), current.size() + 1));
    std::size_t at = current.find_first_not_of(" \t");
    if (at == std::string_view::npos || current[at] != '[') continue;
    if (current.substr(at, 2) == "[[") ++at;
    at = current.find_first_not_of(" \t", at + 1);
    const char next = at == std::string_view::npos ? '\0' : current[at];
    const bool key = (next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z') || (next >= '0' && next <= '9') || next == '_' ||
                     next == '-' || next == '"' || next == '\'';
    if (!key) return Error(Code::malformed, "schema: line " + std::to_string(line) + ": expected a name after '['");
  }
  return {};
}

Result<json::Value> parse_schema(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  const bool is_json = first != std::string_view::npos && (text[first] == '{' || (text[first] == '[' && text.find("[[") != first));
  if (is_json) return json::parse(text, {.max_bytes = kMaxSchema, .max_depth = 4}).context("schema");
  REDOUBT_CHECK(check_headers(text));
  try {  // the one place that speaks to toml++
    return from_toml(toml::parse(text));
  } catch (const toml::parse_error& error) {
    return Error(Code::malformed, "schema: line " + std::to_string(error.source().begin.line) + ": " + std::string(error.description()));
  }
}

// Scanner walks over RFC 4180 fields without keeping values.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}
  bool done() const { return at_ >= text_.size(); }

  // record gives the fields of the next record when `fields` is not null, and their number.
  Result<std::size_t> record(std::vector<std::string>* fields) {
    std::size_t count = 0;
    while (true) {
      std::string field;
      REDOUBT_CHECK(read_field(fields == nullptr ? nullptr : &field));
      ++count;
      if (fields != nullptr) fields->push_back(std::move(field));
      if (done()) return count;
      const char end = text_[at_++];
      if (end == ',') continue;
      if (end == '\r' && !done() && text_[at_] == '\n') ++at_;
      return count;
    }
  }

 private:
  Status read_field(std::string* out) {
    if (done() || text_[at_] != '"') {
      const std::size_t end = std::min(text_.find_first_of(",\r\n", at_), text_.size());
      if (out != nullptr) *out = text_.substr(at_, end - at_);
      at_ = end;
      return {};
    }
    ++at_;
    while (true) {
      const std::size_t quote = text_.find('"', at_);
      if (quote == std::string_view::npos) return Error(Code::malformed, "a quoted field without its end");
      if (out != nullptr) out->append(text_.substr(at_, quote - at_));
      at_ = quote + 1;
      if (done() || text_[at_] != '"') return {};
      if (out != nullptr) out->push_back('"');
      ++at_;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::vector<jobs::ManifestColumn>> read_schema(std::string_view text) {
  if (text.size() > kMaxSchema) return Error(Code::malformed, "schema: more than " + std::to_string(kMaxSchema) + " bytes");
  REDOUBT_TRY(json::Value value, parse_schema(text));
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

Result<std::uint64_t> count_records(std::string_view csv, const std::vector<jobs::ManifestColumn>& columns) {
  Scanner scanner(csv);
  std::vector<std::string> header;
  if (scanner.done()) return Error(Code::malformed, "csv: expected a header, found an empty file");
  auto width = scanner.record(&header);
  if (!width.ok()) return width.error().context("csv: header");
  std::set<std::string> expected;
  for (const auto& column : columns) expected.insert(column.name);
  for (const std::string& name : header) {
    if (expected.erase(name) == 0) return Error(Code::malformed, "csv: header: column \"" + name.substr(0, 64) + "\" is not in the schema, or is there twice");
  }
  if (!expected.empty()) return Error(Code::malformed, "csv: header: expected column \"" + *expected.begin() + "\", which is not there");
  std::uint64_t rows = 0;
  while (!scanner.done()) {
    const auto found = scanner.record(nullptr);
    ++rows;
    if (!found.ok()) return found.error().context("csv: row " + std::to_string(rows));
    if (*found != *width) {
      return Error(Code::malformed, "csv: row " + std::to_string(rows) + ": expected " + std::to_string(*width) + " fields, found " + std::to_string(*found));
    }
  }
  return rows;
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
  REDOUBT_TRY(manifest.rows, count_records(as_text(csv), plan.columns));
  // Parsed once before the work: a name or a type that cannot be is told before anything is sealed.
  manifest.ciphertext_size = 0;
  REDOUBT_TRY([[maybe_unused]] const auto form, jobs::Manifest::parse(manifest.canonical()));
  sealed.dataset.object_key = random.secret(kObjectKey);
  const crypto::EnvelopeSubject subject{jobs::envelope_object_id(manifest), manifest.version};
  REDOUBT_TRY(sealed.envelope, crypto::seal_envelope(sealed.dataset.object_key, subject, csv, random));
  manifest.ciphertext_size = sealed.envelope.size();
  REDOUBT_TRY(manifest.ciphertext_root, jobs::ciphertext_root(sealed.envelope));
  sealed.dataset.document = jobs::sign_document(jobs::kManifestType, manifest.canonical(), owner.signing());
  return sealed;
}

}  // namespace redoubt::sdk
