#include "client/sdk/conformance/entry.h"

#include "client/sdk/files.h"
#include "common/attest/evidence/cert/container.h"
#include "common/crypto/certificate_view.h"

namespace redoubt::conformance {
namespace {

constexpr std::size_t kMaxFile = std::size_t{16} << 20;

Result<Bytes> bytes_of(std::string_view hex) {
  auto bytes = hex_decode(hex);
  if (!bytes.ok()) return Error(Code::usage, "edit: " + bytes.error().message());
  return bytes;
}

constexpr std::string_view kOperations[] = {"xor", "set", "truncate", "append"};

bool known_operation(const json::Value& edit) {
  const json::Value op = member_or_null(edit, "op");
  return op.string() != nullptr && std::ranges::find(kOperations, *op.string()) != std::end(kOperations);
}

Result<Bytes> apply(Bytes bytes, const json::Value& edit) {
  const auto number = [&](std::string_view key) -> Result<std::size_t> {
    const json::Value value = member_or_null(edit, key);
    if (value.integer() == nullptr || *value.integer() < 0) return Error(Code::usage, "edit: expected the number \"" + std::string(key) + "\"");
    return static_cast<std::size_t>(*value.integer());
  };
  const json::Value op = member_or_null(edit, "op");
  if (op.string() == nullptr) return Error(Code::usage, "edit: expected an operation");
  const json::Value hex = member_or_null(edit, "hex");
  if (*op.string() == "xor") {
    REDOUBT_TRY(const std::size_t offset, number("offset"));
    REDOUBT_TRY(const std::size_t value, number("value"));
    if (offset >= bytes.size() || value > 255) return Error(Code::usage, "edit: outside of the file");
    bytes[offset] ^= static_cast<std::byte>(value);
  } else if (*op.string() == "set" && hex.string() != nullptr) {
    REDOUBT_TRY(const std::size_t offset, number("offset"));
    REDOUBT_TRY(const Bytes value, bytes_of(*hex.string()));
    if (offset > bytes.size() || value.size() > bytes.size() - offset) return Error(Code::usage, "edit: outside of the file");
    std::ranges::copy(value, bytes.begin() + static_cast<std::ptrdiff_t>(offset));
  } else if (*op.string() == "truncate") {
    REDOUBT_TRY(const std::size_t length, number("length"));
    if (length > bytes.size()) return Error(Code::usage, "edit: outside of the file");
    bytes.resize(length);
  } else if (*op.string() == "append" && hex.string() != nullptr) {
    REDOUBT_TRY(const Bytes value, bytes_of(*hex.string()));
    append(bytes, value);
  } else {
    return Error(Code::usage, "edit: unknown operation " + *op.string());
  }
  return bytes;
}

}  // namespace

json::Value member_or_null(const json::Value& object, std::string_view key) {
  if (object.object() == nullptr) return {};
  const auto found = object.object()->find(key);
  return found == object.object()->end() ? json::Value() : found->second;
}

std::string_view Entry::text(std::string_view key) const {
  const auto found = members.find(key);
  return found == members.end() || found->second.string() == nullptr ? std::string_view() : std::string_view(*found->second.string());
}

Result<Instant> Entry::at() const {
  std::string text(this->text("at"));
  if (text.empty()) {
    const auto window = members.find("window");
    if (window == members.end() || window->second.array() == nullptr || window->second.array()->empty() ||
        window->second.array()->front().string() == nullptr) {
      return Error(Code::usage, "case: no time to judge it at");
    }
    text = *window->second.array()->front().string();
  }
  constexpr std::size_t kSeconds = 19;  // YYYY-MM-DDThh:mm:ss
  if (text.size() > kSeconds) text = text.substr(0, kSeconds) + "Z";
  const auto time = Instant::parse(text);
  if (!time.ok()) return Error(Code::usage, "case: " + time.error().message());
  return *time;
}

Result<Bytes> Entry::edited(Bytes bytes, std::string_view name, std::string_view key, bool evidence) const {
  for (const json::Value& edit : edits) {
    const json::Value file = member_or_null(edit, "file");
    const std::string_view named = file.string() != nullptr ? std::string_view(*file.string()) : std::string_view();
    const bool of_this = named.empty() ? evidence : named == name || named == key || name.ends_with("/" + std::string(named));
    if (!of_this) continue;
    REDOUBT_TRY(bytes, apply(std::move(bytes), edit));
  }
  return bytes;
}

Result<Bytes> Entry::read(std::string_view name, std::string_view key, bool evidence) const {
  const auto content = sdk::read_file((folder / name).string(), kMaxFile);
  if (!content.ok()) return Error(Code::usage, "case: " + content.error().message());
  return edited(to_bytes(*content), name, key, evidence);
}

Result<Bytes> Entry::file(std::string_view key) const {
  const std::string_view name = text(key);
  if (name.empty()) return Error(Code::usage, "case: no file \"" + std::string(key) + "\"");
  return read(name, key);
}

Result<Bytes> Entry::evidence(std::string_view key) const {
  const std::string_view name = text(key);
  if (name.empty()) return Error(Code::usage, "case: no file \"" + std::string(key) + "\"");
  return read(name, key, true);
}

std::optional<std::string> unread_edit(const json::Array& edits) {
  for (const json::Value& edit : edits) {
    if (edit.string() != nullptr) return "its edit is prose that has no recipe here";
    if (!known_operation(edit)) return "its edit has no form that is known here: " + json::canonical(edit).substr(0, 80);
  }
  return std::nullopt;
}

Result<Bytes> first_certificate(Bytes file) {
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  std::string_view text = as_text(file);
  const std::size_t begin = text.find("-----BEGIN CERTIFICATE-----");
  if (begin == std::string_view::npos) return file;
  text.remove_prefix(begin);
  text = text.substr(0, std::min(text.find(kEnd), text.size()) + kEnd.size());
  REDOUBT_TRY(auto blocks, crypto::pem_decode(text, "CERTIFICATE", 1, cert::Container::kMaxSize));
  return std::move(blocks.front());
}

}  // namespace redoubt::conformance
