#include "client/sdk/conformance/entry.h"

#include "client/sdk/files.h"

namespace redoubt::conformance {
namespace {

constexpr std::size_t kMaxFile = std::size_t{16} << 20;

Result<Bytes> bytes_of(std::string_view hex) {
  auto bytes = hex_decode(hex);
  if (!bytes.ok()) return Error(Code::usage, "edit: " + bytes.error().message());
  return bytes;
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

Result<Bytes> Entry::read(std::string_view name) const {
  const auto content = sdk::read_file((folder / name).string(), kMaxFile);
  if (!content.ok()) return Error(Code::usage, "case: " + content.error().message());
  return to_bytes(*content);
}

Result<Bytes> Entry::file(std::string_view key) const {
  const std::string_view name = text(key);
  if (name.empty()) return Error(Code::usage, "case: no file \"" + std::string(key) + "\"");
  return read(name);
}

Result<Bytes> Entry::evidence(std::string_view key) const {
  REDOUBT_TRY(Bytes bytes, file(key));
  for (const json::Value& edit : edits) {
    REDOUBT_TRY(bytes, apply(std::move(bytes), edit));
  }
  return bytes;
}

}  // namespace redoubt::conformance
