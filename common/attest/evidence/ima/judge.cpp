// What an IMA list says beyond its form: hashes, violations, the boot aggregate, the quoted prefix.
#include "common/attest/evidence/ima/ima_list.h"

namespace redoubt::ima {
namespace {

constexpr std::string_view kBootAggregate = "boot_aggregate";

}  // namespace

bool Entry::violation() const {
  return std::ranges::all_of(template_hash.view(), [](std::byte b) { return b == std::byte{0}; });
}

Digest Entry::extended(std::uint16_t bank) const {
  if (!violation()) return eventlog::hash(bank, template_data);
  Digest ones(eventlog::known_size(bank));
  std::ranges::fill(ones.writable(), std::byte{0xff});
  return ones;
}

// signature_v2_hdr: u8 type | u8 version | u8 hash | u32 key id, big-endian | u16 size | signature.
std::optional<std::uint32_t> Entry::signature_key() const {
  constexpr std::size_t kHeader = 9;
  if (signature.size() <= kHeader) return std::nullopt;
  const auto at = [&](std::size_t i) { return std::to_integer<std::uint32_t>(signature[i]); };
  const bool known = (at(0) == 3 && at(1) == 2) || (at(0) == 6 && at(1) == 3);
  if (!known || signature.size() - kHeader != (at(7) << 8U | at(8))) return std::nullopt;
  return at(3) << 24U | at(4) << 16U | at(5) << 8U | at(6);
}

std::string escaped(std::string_view path) {
  std::string out;
  for (const char c : path) {
    if (c > ' ' && c < 0x7f && c != '\\') {
      out.push_back(c);
    } else {
      out += "\\x" + hex_encode(as_bytes(std::string_view(&c, 1)));
    }
  }
  return out;
}

std::vector<std::size_t> mismatches(const List& list) {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < list.entries.size(); ++i) {
    const Entry& entry = list.entries[i];
    if (!entry.violation() && eventlog::hash(list.column, entry.template_data) != entry.template_hash) out.push_back(i);
  }
  return out;
}

std::size_t violations(const List& list, std::size_t count) {
  const auto end = list.entries.begin() + static_cast<std::ptrdiff_t>(std::min(count, list.entries.size()));
  return static_cast<std::size_t>(std::count_if(list.entries.begin(), end, [](const Entry& entry) { return entry.violation(); }));
}

Status check_boot_aggregate(const List& list, const PcrValues& pcrs) {
  if (list.entries.empty()) return Error(Code::measurement, "ima list: expected boot_aggregate first, found no entry");
  const Entry& first = list.entries.front();
  if (first.path != kBootAggregate) {
    return Error(Code::measurement, "ima entry 1: expected boot_aggregate, found " + escaped(first.path.substr(0, 64)));
  }
  const auto bank = eventlog::algorithm_from_text(first.algorithm);
  if (first.violation() || !bank || *bank != pcrs.bank || !eventlog::computable(*bank)) return {};
  // SHA-1 never covered PCR 8 and 9 (ima_calc_boot_aggregate_tfm).
  const std::size_t count = *bank == eventlog::kSha1 ? 8 : 10;
  Bytes values;
  for (std::size_t i = 0; i < count; ++i) {
    if (!pcrs.values[i]) return {};
    append(values, pcrs.values[i]->view());
  }
  const Digest expected = eventlog::hash(*bank, values);
  if (equal(expected.view(), first.file_digest)) return {};
  return Error(Code::measurement, "ima entry 1: boot_aggregate of the quoted PCRs is " + expected.hex() + ", found " + hex_encode(first.file_digest));
}

Digest replay(const List& list, std::uint16_t bank) {
  Digest value(eventlog::known_size(bank));
  for (const Entry& entry : list.entries) {
    // What the list writes is what the kernel extended the bank of that hash with; whether it is true is for mismatches().
    const bool written = bank == list.column && !entry.violation();
    value = eventlog::extend(bank, value, written ? entry.template_hash.view() : entry.extended(bank).view());
  }
  return value;
}

std::optional<std::size_t> quoted_prefix(const List& list, std::uint16_t bank, const Digest& quoted) {
  Digest value(eventlog::known_size(bank));
  for (std::size_t i = 0; i < list.entries.size(); ++i) {
    value = eventlog::extend(bank, value, list.entries[i].extended(bank).view());
    if (value == quoted) return i + 1;
  }
  return std::nullopt;
}

json::Value describe(const List& list) {
  json::Array entries;
  for (const Entry& entry : list.entries) {
    json::Object out{{"template", template_text(entry.kind)},
                     {"digest", std::string(entry.algorithm) + ":" + hex_encode(entry.file_digest)},
                     {"name", escaped(entry.path)},
                     {"violation", entry.violation()}};
    if (!entry.type.empty()) out["type"] = entry.type;
    if (const auto key = entry.signature_key()) out["signature_key"] = std::int64_t{*key};
    if (!entry.buffer.empty()) out["buffer_size"] = static_cast<std::int64_t>(entry.buffer.size());
    entries.push_back(std::move(out));
  }
  return json::Object{{"entries", std::move(entries)}};
}

}  // namespace redoubt::ima
