#include "common/attest/evidence/tpm/ima_log.h"

#include "common/attest/evidence/tpm/pcr.h"
#include "common/base/reader.h"

namespace redoubt::tpm {
namespace {

constexpr std::string_view kTemplate = "ima-ng";
constexpr std::size_t kMaxTemplateData = 8 * 1024;
constexpr std::size_t kMaxPath = 4096;     // PATH_MAX
constexpr std::size_t kMaxAlgorithm = 16;  // "sha256:" and its like, with the NUL
constexpr std::size_t kMaxDigest = 64;

// Template data of ima-ng: u32 size | "algorithm:\0" digest | u32 size | path with its NUL, little-endian.
Status read_template(ImaEntry& entry) {
  Reader reader(entry.template_data, "ima entry");
  const ByteView digest = reader.sized32le(kMaxAlgorithm + kMaxDigest);
  const ByteView path = reader.sized32le(kMaxPath + 1);
  REDOUBT_CHECK(reader.finish());
  const std::string_view text = as_text(digest);
  const std::size_t end = text.find('\0');
  if (end == std::string_view::npos || end < 2 || end >= kMaxAlgorithm || text[end - 1] != ':') {
    return Error(Code::malformed, "ima entry: digest without its algorithm");
  }
  if (path.empty() || path.back() != std::byte{0}) return Error(Code::malformed, "ima entry: path without its end");
  entry.algorithm = text.substr(0, end - 1);
  entry.file_digest = digest.subspan(end + 1);
  entry.path = as_text(path.first(path.size() - 1));
  return {};
}

}  // namespace

crypto::Sha256Digest ImaEntry::extended() const {
  if (!violation()) return crypto::sha256(template_data);
  crypto::Sha256Digest ones;  // the kernel extends every bank with all ones
  ones.array().fill(std::byte{0xff});
  return ones;
}

// An entry: u32 PCR | 20 bytes template hash | u32 size | template name | u32 size | template data, little-endian.
Result<ImaLog> ImaLog::parse(ByteView bytes) {
  if (bytes.size() > kMaxSize) {
    return Error(Code::malformed, "ima list: expected at most 1048576 bytes, found " + std::to_string(bytes.size()));
  }
  Reader reader(bytes, "ima list");
  ImaLog log;
  while (reader.ok() && reader.remaining() != 0) {
    if (log.entries.size() == kMaxEntries) reader.fail("more than 8192 entries");
    ImaEntry entry;
    const std::uint32_t pcr = reader.u32le();
    if (pcr != static_cast<std::uint32_t>(kImaPcr)) reader.fail("PCR: expected 10, found " + std::to_string(pcr));
    entry.template_hash = reader.fixed<crypto::Sha1Digest>();
    if (as_text(reader.sized32le(kTemplate.size())) != kTemplate) reader.fail("template: expected ima-ng");
    entry.template_data = reader.sized32le(kMaxTemplateData);
    if (!reader.ok()) break;
    REDOUBT_CHECK(read_template(entry));
    log.entries.push_back(entry);
  }
  REDOUBT_CHECK(reader.finish());
  return log;
}

Status check_templates(const ImaLog& log) {
  for (std::size_t i = 0; i < log.entries.size(); ++i) {
    const ImaEntry& entry = log.entries[i];
    const std::string name = "ima entry " + std::to_string(i + 1);
    if (entry.violation()) return Error(Code::measurement, name + ": a violation, the file changed while it was measured");
    const crypto::Sha1Digest hash = crypto::legacy_sha1(entry.template_data);
    if (hash != entry.template_hash) {
      return Error(Code::measurement, name + ": template hash is " + hash.hex() + ", found " + entry.template_hash.hex());
    }
  }
  return {};
}

std::optional<std::size_t> quoted_prefix(const ImaLog& log, const crypto::Sha256Digest& quoted) {
  crypto::Sha256Digest value;
  for (std::size_t i = 0; i < log.entries.size(); ++i) {
    value = extend(value, log.entries[i].extended());
    if (value == quoted) return i + 1;
  }
  return std::nullopt;
}

}  // namespace redoubt::tpm
