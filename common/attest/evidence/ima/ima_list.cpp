#include "common/attest/evidence/ima/ima_list.h"

#include "common/attest/evidence/ima/fields.h"
#include "common/base/reader.h"

namespace redoubt::ima {
namespace {

constexpr std::size_t kMaxTemplateName = 16;
constexpr std::size_t kUsualEntry = 80;  // bytes of a short one: with "ima-ng", SHA-256 and a path of ten characters

Status bounded(std::size_t size) {
  if (size <= List::kMaxSize) return {};
  return Error(Code::malformed, "ima list: expected at most 16777216 bytes, found " + std::to_string(size));
}

Status too_many() { return Error(Code::malformed, "ima list: more than 65536 entries"); }

// The template "ima" of the binary list has neither the size of its data nor that of its digest, and its name has no NUL.
Status read_old(Reader& reader, Entry& entry, List& list) {
  entry.algorithm = "sha1";
  entry.file_digest = reader.bytes(kOldDigestSize);
  const ByteView name = reader.sized32le(kOldNameSize - 1);
  if (reader.ok() && (name.empty() || std::ranges::find(name, std::byte{0}) != name.end())) reader.fail("path is empty or has a NUL");
  REDOUBT_CHECK(reader.status());
  entry.path = as_text(name);
  list.storage.push_back(old_template_data(entry.file_digest, entry.path));
  entry.template_data = list.storage.back();
  return {};
}

// words: `count` words from the front, split at one space each; the rest may be anything.
std::optional<std::vector<std::string_view>> words(std::string_view line, std::size_t count, std::string_view& rest) {
  std::vector<std::string_view> out;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos || space == 0) return std::nullopt;
    out.push_back(line.substr(0, space));
    line.remove_prefix(space + 1);
  }
  rest = line;
  return out;
}

bool is_hex(std::string_view text) {
  return text.size() % 2 == 0 && std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// take_tail takes the last word off `line` if it may be a field in hexadecimal; an absent field is an empty last word. A list from
// which blanks at line ends were cut has no last word then: the hash tells whether the reading was right.
Bytes take_tail(std::string_view& line) {
  const std::size_t space = line.rfind(' ');
  if (space == std::string_view::npos || !is_hex(line.substr(space + 1))) return {};
  const auto bytes = hex_decode(line.substr(space + 1));
  line = line.substr(0, space);
  return bytes.ok() ? *bytes : Bytes();
}

// digest_field: "algorithm:hex" (v2 "type:algorithm:hex") as the kernel stores it.
Result<Bytes> digest_field(std::string_view word) {
  const std::size_t colon = word.rfind(':');
  if (colon == std::string_view::npos) return Error(Code::malformed, "ima entry: digest without its algorithm");
  REDOUBT_TRY(const Bytes digest, hex_decode(word.substr(colon + 1)).context("ima entry: digest"));
  Bytes field = to_bytes(word.substr(0, colon + 1));
  field.push_back(std::byte{0});
  append(field, digest);
  return field;
}

Bytes name_field(std::string_view path) {
  Bytes field = to_bytes(path);
  field.push_back(std::byte{0});
  return field;
}

// A line: pcr template-hash template-name digest name [signature | buffer | signature digest modsig]
Result<Bytes> line_data(Template kind, std::string_view digest, std::string_view rest) {
  if (kind == Template::ima) {
    REDOUBT_TRY(const Bytes bytes, hex_decode(digest).context("ima entry: digest"));
    REDOUBT_CHECK(check_digest("sha1", bytes));
    if (rest.empty() || rest.size() >= kOldNameSize) return Error(Code::malformed, "ima entry: name: expected 1 to 255 bytes");
    return old_template_data(bytes, rest);
  }
  std::vector<Bytes> tail;
  if (kind == Template::modsig) {
    Bytes modsig = take_tail(rest);
    const std::size_t space = rest.rfind(' ');
    if (space == std::string_view::npos) return Error(Code::malformed, "ima entry: expected a digest of the signed part");
    Bytes signed_digest;
    if (const std::string_view word = rest.substr(space + 1); !word.empty()) {
      REDOUBT_TRY(signed_digest, digest_field(word));
    }
    rest = rest.substr(0, space);
    Bytes signature = take_tail(rest);
    tail = {std::move(signature), std::move(signed_digest), std::move(modsig)};
  } else if (field_count(kind) == 3) {
    tail.push_back(take_tail(rest));
  }
  REDOUBT_TRY(Bytes first, digest_field(digest));
  std::vector<Bytes> fields{std::move(first), name_field(rest)};
  std::ranges::move(tail, std::back_inserter(fields));
  Bytes data = template_data(fields);
  if (data.size() > kMaxTemplateData) return Error(Code::malformed, "ima entry: more than 65536 bytes of template data");
  return data;
}

Result<Entry> read_line(std::string_view line, List& list) {
  Entry entry;
  std::string_view rest;
  const auto head = words(line, 4, rest);
  if (!head) return Error(Code::malformed, "ima entry: expected PCR, template hash, template, digest and name");
  if ((*head)[0] != "10") return Error(Code::malformed, "ima entry: PCR: expected 10");
  REDOUBT_TRY(const Bytes hash, hex_decode((*head)[1]).context("ima entry: template hash"));
  if (hash.size() != eventlog::known_size(list.column)) {
    return Error(Code::malformed, "ima entry: template hash: expected " + std::to_string(eventlog::known_size(list.column)) +
                                      " bytes, found " + std::to_string(hash.size()));
  }
  REDOUBT_TRY(entry.template_hash, Digest::from(hash));
  const auto kind = template_from_text((*head)[2]);
  if (!kind) return Error(Code::malformed, "ima entry: template \"" + escaped((*head)[2].substr(0, 32)) + "\" is unknown");
  entry.kind = *kind;
  REDOUBT_TRY(Bytes data, line_data(*kind, (*head)[3], rest));
  list.storage.push_back(std::move(data));
  entry.template_data = list.storage.back();
  if (*kind == Template::ima) {
    entry.algorithm = "sha1";
    entry.file_digest = entry.template_data.first(kOldDigestSize);
    entry.path = rest;
  } else {
    REDOUBT_CHECK(read_template(entry));
  }
  return entry;
}

// column_of: the hash that the first line writes, by its length. SM3 is as long as SHA-256 and cannot be told from it.
std::uint16_t column_of(std::string_view text) {
  std::string_view rest;
  const auto head = words(text.substr(0, std::min<std::size_t>(text.size(), 256)), 2, rest);
  if (!head) return eventlog::kSha1;
  for (const std::uint16_t algorithm : {eventlog::kSha256, eventlog::kSha384, eventlog::kSha512}) {
    if ((*head)[1].size() == 2 * eventlog::known_size(algorithm)) return algorithm;
  }
  return eventlog::kSha1;
}

}  // namespace

// An entry: u32 PCR | template hash | u32 size | template name | u32 size | template data, little-endian.
Result<List> List::parse_binary(ByteView bytes, std::uint16_t column) {
  REDOUBT_CHECK(bounded(bytes.size()));
  Reader reader(bytes, "ima list");
  List list;
  list.column = column;
  list.entries.reserve(std::min(kMaxEntries, bytes.size() / kUsualEntry));
  while (reader.ok() && reader.remaining() != 0) {
    if (list.entries.size() == kMaxEntries) return too_many().error();
    Entry entry;
    const std::uint32_t pcr = reader.u32le();
    if (pcr != static_cast<std::uint32_t>(kPcr)) reader.fail("PCR: expected 10, found " + std::to_string(pcr));
    REDOUBT_TRY(entry.template_hash, Digest::from(reader.bytes(eventlog::known_size(column))));
    const auto kind = template_from_text(as_text(reader.sized32le(kMaxTemplateName)));
    if (!kind) reader.fail("template is unknown");
    if (!reader.ok()) break;
    entry.kind = *kind;
    if (*kind == Template::ima) {
      REDOUBT_CHECK(read_old(reader, entry, list));
    } else {
      entry.template_data = reader.sized32le(kMaxTemplateData);
      if (!reader.ok()) break;
      REDOUBT_CHECK(read_template(entry));
    }
    entry.end = reader.offset();
    list.entries.push_back(entry);
  }
  REDOUBT_CHECK(reader.finish());
  return list;
}

Result<List> List::parse_ascii(std::string_view text) {
  REDOUBT_CHECK(bounded(text.size()));
  List list;
  list.column = column_of(text);
  std::size_t at = 0;
  while (at < text.size()) {
    if (list.entries.size() == kMaxEntries) return too_many().error();
    const std::size_t end = std::min(text.find('\n', at), text.size());
    auto entry = read_line(text.substr(at, end - at), list);
    if (!entry.ok()) return entry.error().context("ima list: line " + std::to_string(list.entries.size() + 1));
    at = end + 1;
    entry->end = std::min(at, text.size());
    list.entries.push_back(*entry);
  }
  return list;
}

}  // namespace redoubt::ima
