// pem_decode: RFC 7468, the strict grammar with lines of at most 76 characters.
#include "common/crypto/certificate_view.h"

namespace redoubt::crypto {
namespace {

constexpr std::size_t kMaxLine = 76;

Error malformed_pem(std::string_view why) { return Error(Code::malformed, "pem: " + std::string(why)); }

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// take_line: the text up to the next line feed or the end, without its end of line, cut off `rest`.
std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// Boundary: the line before or after a block, "-----BEGIN label-----" or "-----END label-----".
struct Boundary {
  std::string_view word;  // with its blank
  std::string_view label;

  static constexpr std::string_view kDashes = "-----";
  std::size_t size() const { return 2 * kDashes.size() + word.size() + label.size(); }
  bool is(std::string_view line) const {
    if (line.size() != size() || !line.starts_with(kDashes) || !line.ends_with(kDashes)) return false;
    line = line.substr(kDashes.size(), word.size() + label.size());
    return line.starts_with(word) && line.ends_with(label);
  }
  std::string text() const { return std::string(kDashes).append(word).append(label).append(kDashes); }
};

}  // namespace

Result<std::vector<Bytes>> pem_decode(std::string_view text, std::string_view label, std::size_t max_blocks, std::size_t max_size) {
  if (text.ends_with('\0')) text.remove_suffix(1);
  const Boundary begin{"BEGIN ", label};
  const Boundary end{"END ", label};
  // Certificate chains in quotes of the years to 2021 lack the line feed between two blocks.
  const auto joined = [&](std::string_view line) {
    return line.size() == end.size() + begin.size() && end.is(line.substr(0, end.size())) && begin.is(line.substr(end.size()));
  };
  bool begun = false;
  std::vector<Bytes> blocks;
  blocks.reserve(std::min<std::size_t>(max_blocks, 4));
  std::string base64;
  base64.reserve(std::min(text.size(), max_size));
  for (;;) {
    while (!begun && !text.empty() && is_space(text.front())) text.remove_prefix(1);
    if (!begun && text.empty()) break;
    if (!begun && !begin.is(take_line(text))) return malformed_pem("expected the line " + begin.text());
    if (blocks.size() == max_blocks) return malformed_pem("more than " + std::to_string(max_blocks) + " blocks");
    base64.clear();
    std::string_view line;
    while (!end.is(line = take_line(text)) && !joined(line)) {
      if (line.empty() || line.size() > kMaxLine) return malformed_pem("expected lines of 1 to 76 characters up to " + end.text());
      if (base64.size() / 4 * 3 > max_size) return malformed_pem("a block above " + std::to_string(max_size) + " bytes");
      base64 += line;
    }
    begun = joined(line);
    auto block = base64_decode(base64);
    if (!block.ok()) return block.error().context("pem");
    if (block->empty()) return malformed_pem("an empty block");
    if (block->size() > max_size) return malformed_pem("a block above " + std::to_string(max_size) + " bytes");
    blocks.push_back(std::move(*block));
  }
  if (blocks.empty()) return malformed_pem("no block " + begin.text());
  return blocks;
}

}  // namespace redoubt::crypto
