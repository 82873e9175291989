#include "client/sdk/state.h"

#include <charconv>

#include "client/sdk/files.h"
#include "common/jobs/cleanroom/ciphertext_root.h"
#include "common/receipt/note.h"

namespace redoubt::sdk {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFile = 1U << 20;
constexpr std::size_t kMaxEnrolments = 64;
constexpr std::string_view kDatasetType = "redoubt/sealed-dataset/1";
constexpr std::string_view kLogType = "redoubt/known-log/1";

fs::path upload_file(const jobs::Manifest& manifest) {
  return fs::path("datasets") / (manifest.dataset + ".v" + std::to_string(manifest.version) + ".rdt");
}

fs::path dataset_file(std::string_view dataset, std::uint64_t version) {
  return fs::path("datasets") / (std::string(dataset) + ".v" + std::to_string(version) + ".json");
}

json::Value write_log(const KnownLog& log) {
  return json::Object{{"carried", log.carried},
                      {"checkpoint", log.note},
                      {"instance", log.instance.hex()},
                      {"open", log.open},
                      {"receipt_key", log.receipt_key.hex()},
                      {"type", kLogType}};
}

// read_log: files of an earlier release have neither `carried` nor `open`.
Result<KnownLog> read_log(const json::Value& value, std::string_view what) {
  json::ObjectReader reader(value, what);
  KnownLog log;
  reader.expect("type", kLogType);
  log.instance = reader.hex<InstanceId>("instance");
  log.receipt_key = reader.hex<crypto::Ed25519PublicKey>("receipt_key");
  log.note = reader.nonempty("checkpoint", receipt::kMaxNoteSize);
  if (reader.has("carried")) log.carried = reader.string("carried");
  if (reader.has("open")) log.open = reader.boolean("open");
  REDOUBT_CHECK(reader.finish());
  return log;
}

}  // namespace

Result<EnvironmentState> EnvironmentState::open(const fs::path& config, std::string_view name) {
  // A name holds no slash and does not begin with a dot, so it stays below the folder.
  REDOUBT_CHECK(jobs::check_name(name, "environment"));
  return EnvironmentState(std::string(name), config / "environments" / std::string(name));
}

std::vector<std::string> EnvironmentState::list(const fs::path& config) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(config / "environments", error)) {
    if (fs::exists(entry.path() / "contract.json", error)) names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

Status EnvironmentState::keep(const fs::path& file, std::string_view text) const {
  return write_file(folder_ / file, as_bytes(text), FileKind::secret);
}

Result<std::optional<std::string>> EnvironmentState::read(const fs::path& file) const {
  const auto content = read_secret(folder_ / file, kMaxFile);
  if (!content.ok() && content.error().code() == Code::not_found) return std::optional<std::string>();
  if (!content.ok()) return content.error();
  return std::optional(std::string(as_text(content->reveal())));
}

Result<jobs::Contract> EnvironmentState::contract() const {
  REDOUBT_TRY(const auto text, read("contract.json"));
  if (!text) return Error(Code::not_found, "no contract of environment \"" + name_ + "\" is kept here");
  return jobs::Contract::parse(*text);
}

Status EnvironmentState::keep_contract(const jobs::Contract& contract) const {
  REDOUBT_TRY(const auto kept, read("contract.json"));
  if (kept && *kept != contract.canonical()) {
    return Error(Code::refused, "environment \"" + name_ + "\" has another contract here, with digest " +
                                    crypto::digest_of<ContractDigest>("redoubt/contract/1", as_bytes(*kept)).hex());
  }
  return keep("contract.json", contract.canonical());
}

Result<std::string> EnvironmentState::hub_id() const {
  REDOUBT_TRY(const auto text, read("hub.json"));
  if (!text) return Error(Code::not_found, "environment \"" + name_ + "\" is not known to a hub yet");
  REDOUBT_TRY(const json::Value value, json::parse(*text).context("hub.json"));
  json::ObjectReader reader(value, "hub.json");
  const std::string id = reader.nonempty("id", 128);
  REDOUBT_CHECK(reader.finish());
  return id;
}

Status EnvironmentState::keep_hub_id(std::string_view id) const {
  return keep("hub.json", json::pretty(json::Object{{"id", id}}));
}

Result<std::string> EnvironmentState::roots() const {
  REDOUBT_TRY(const auto text, read("roots.pem"));
  return text.value_or("");
}

Status EnvironmentState::keep_roots(std::string_view pem) const { return keep("roots.pem", pem); }

Result<std::vector<tpm::AkEnrolment>> EnvironmentState::enrolments() const {
  std::vector<tpm::AkEnrolment> enrolments;
  REDOUBT_TRY(const auto text, read("enrolments.json"));
  if (!text) return enrolments;
  REDOUBT_TRY(const json::Value value, json::parse(*text).context("enrolments.json"));
  REDOUBT_TRY(const auto items, json::strings(value, "enrolments.json", kMaxEnrolments));
  for (const std::string& item : items) {
    REDOUBT_TRY(const Bytes bytes, base64_decode(item));
    REDOUBT_TRY(auto enrolment, tpm::AkEnrolment::decode(bytes));
    enrolments.push_back(std::move(enrolment));
  }
  return enrolments;
}

Status EnvironmentState::keep_enrolment(const tpm::AkEnrolment& enrolment) const {
  REDOUBT_TRY(std::vector<tpm::AkEnrolment> all, enrolments());
  if (all.size() >= kMaxEnrolments) all.erase(all.begin());
  all.push_back(enrolment);
  json::Array items;
  for (const auto& item : all) items.emplace_back(base64_encode(item.encode()));
  return keep("enrolments.json", json::pretty(json::Value(std::move(items))));
}

Result<std::optional<KnownLog>> EnvironmentState::known_log() const {
  REDOUBT_TRY(const auto text, read("log.json"));
  if (!text) return std::optional<KnownLog>();
  REDOUBT_TRY(const json::Value value, json::parse(*text).context("log.json"));
  REDOUBT_TRY(auto log, read_log(value, "log.json"));
  return std::optional(std::move(log));
}

Status EnvironmentState::keep_log(const KnownLog& log) const { return keep("log.json", json::pretty(write_log(log))); }

Result<std::vector<KnownLog>> EnvironmentState::earlier_logs() const {
  std::vector<KnownLog> logs;
  REDOUBT_TRY(const auto text, read("earlier-logs.json"));
  if (!text) return logs;
  REDOUBT_TRY(const json::Value value, json::parse(*text).context("earlier-logs.json"));
  json::ObjectReader reader(value, "earlier-logs.json");
  const json::Array& items = reader.array("items", kMaxEarlier);
  REDOUBT_CHECK(reader.finish());
  for (const json::Value& item : items) {
    REDOUBT_TRY(logs.emplace_back(), read_log(item, "earlier-logs.json"));
  }
  return logs;
}

Status EnvironmentState::keep_earlier(const KnownLog& log) const {
  REDOUBT_TRY(auto logs, earlier_logs());
  std::erase_if(logs, [&](const KnownLog& other) { return other.instance == log.instance; });
  logs.push_back(log);
  if (logs.size() > kMaxEarlier) logs.erase(logs.begin());
  json::Array items;
  for (const KnownLog& item : logs) items.push_back(write_log(item));
  return keep("earlier-logs.json", json::pretty(json::Object{{"items", std::move(items)}}));
}

Result<fs::path> EnvironmentState::keep_fork(std::string_view json) const {
  for (int number = 1; number <= 1000; ++number) {
    const fs::path path = folder_ / ("fork-" + std::to_string(number) + ".json");
    const Status written = write_new(path, as_bytes(json), FileKind::secret);
    if (written.ok()) return path;
    if (written.error().code() != Code::refused) return written.error();
    const auto there = read_file(path, json.size());
    if (there.ok() && *there == json) return path;
  }
  return Error(Code::unavailable, folder_.string() + ": holds a thousand fork proofs");
}

Result<SealedDataset> EnvironmentState::dataset(std::string_view dataset) const {
  std::uint64_t newest = 0;
  for (const auto& [name, version] : datasets()) {
    if (name == dataset) newest = std::max(newest, version);
  }
  if (newest == 0) return Error(Code::not_found, "no key of dataset \"" + std::string(dataset) + "\" is kept here");
  REDOUBT_TRY(const SecretBytes content, read_secret(folder_ / dataset_file(dataset, newest), kMaxFile));
  const auto value = json::parse(as_text(content.reveal()), {.max_bytes = kMaxFile});
  if (!value.ok()) return Error(Code::malformed, "sealed dataset " + std::string(dataset) + ": not the file that `dataset put` writes");
  json::ObjectReader reader(*value, "sealed dataset");
  reader.expect("type", kDatasetType);
  std::string hex = reader.string("object_key");
  auto key = hex_decode(hex);
  wipe(std::as_writable_bytes(std::span(hex)));
  const json::Value& document = reader.object("manifest");
  REDOUBT_CHECK(reader.finish());
  if (!key.ok() || key->size() != 32) return Error(Code::malformed, "sealed dataset: expected an object key of 64 hexadecimal digits");
  SealedDataset sealed;
  sealed.object_key = SecretBytes::copy_of(*key);
  wipe(*key);
  REDOUBT_TRY(sealed.document, jobs::SignedDocument::from_json(document, jobs::Manifest::kMaxBytes));
  REDOUBT_TRY(sealed.manifest, jobs::Manifest::parse(sealed.document.text));
  return sealed;
}

Status EnvironmentState::keep_dataset(const SealedDataset& dataset) const {
  std::string key = hex_encode(dataset.object_key.reveal());
  std::string text = "{\n  \"manifest\": " + json::canonical(dataset.document.to_json()) + ",\n  \"object_key\": \"";
  text.reserve(text.size() + 256);
  text += key;
  text += "\",\n  \"type\": \"" + std::string(kDatasetType) + "\"\n}\n";
  const Status status =
      write_file(folder_ / dataset_file(dataset.manifest.dataset, dataset.manifest.version), as_bytes(text), FileKind::secret);
  wipe(std::as_writable_bytes(std::span(key)));
  wipe(std::as_writable_bytes(std::span(text)));
  return status;
}

Status EnvironmentState::keep_upload(const SealedDataset& dataset, ByteView envelope) const {
  REDOUBT_CHECK(write_file(folder_ / upload_file(dataset.manifest), envelope, FileKind::secret));
  return keep_dataset(dataset);
}

Result<std::optional<Bytes>> EnvironmentState::upload(const jobs::Manifest& manifest) const {
  auto content = read_file(folder_ / upload_file(manifest), manifest.ciphertext_size);
  if (!content.ok()) {
    if (content.error().code() == Code::unavailable) return content.error();
    return std::optional<Bytes>();
  }
  Bytes envelope = to_bytes(*content);
  const auto root = jobs::ciphertext_root(envelope);
  if (envelope.size() != manifest.ciphertext_size || !root.ok() || *root != manifest.ciphertext_root) return std::optional<Bytes>();
  return std::optional(std::move(envelope));
}

Status EnvironmentState::drop_upload(const jobs::Manifest& manifest) const {
  std::error_code error;
  fs::remove(folder_ / upload_file(manifest), error);
  if (error) return Error(Code::unavailable, "removing " + (folder_ / upload_file(manifest)).string() + ": " + error.message());
  return {};
}

std::vector<std::pair<std::string, std::uint64_t>> EnvironmentState::datasets() const {
  std::vector<std::pair<std::string, std::uint64_t>> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_ / "datasets", error)) {
    const std::string file = entry.path().filename().string();
    const std::size_t mark = file.rfind(".v");
    if (mark == std::string::npos || !file.ends_with(".json")) continue;
    const std::string digits = file.substr(mark + 2, file.size() - mark - 7);
    std::uint64_t version = 0;
    const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), version).ptr;
    if (end == digits.data() + digits.size() && version > 0) found.emplace_back(file.substr(0, mark), version);
  }
  std::ranges::sort(found);
  return found;
}

}  // namespace redoubt::sdk
