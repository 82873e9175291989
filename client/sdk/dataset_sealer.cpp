#include "client/sdk/dataset_sealer.h"

#include <set>

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
  manifest.budget = plan.budget;
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

bool holds_table(const Sealed& sealed, const DatasetPlan& plan, ByteView csv) {
  const jobs::Manifest& manifest = sealed.dataset.manifest;
  jobs::Manifest planned = manifest;
  planned.columns = plan.columns;
  planned.budget = plan.budget;
  if (planned.canonical() != manifest.canonical()) return false;
  const crypto::EnvelopeSubject subject{jobs::envelope_object_id(manifest), manifest.version};
  auto plain = crypto::open_envelope(sealed.dataset.object_key, subject, sealed.envelope);
  const bool same = plain.ok() && equal(*plain, csv);
  if (plain.ok()) wipe(*plain);
  return same;
}

}  // namespace redoubt::sdk
