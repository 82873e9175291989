#include "common/attest/evidence/ima/fields.h"

#include "common/base/reader.h"
#include "common/base/writer.h"

namespace redoubt::ima {
namespace {

constexpr std::size_t kMaxPath = 4096;         // PATH_MAX
constexpr std::size_t kMaxDigestField = 128;   // "verity:sha512:", NUL and 64 bytes

struct Known {
  std::string_view name;
  Template kind;
  bool v2;
  std::size_t fields;
};
constexpr std::array<Known, 7> kTemplates = {{{"ima", Template::ima, false, 2},
                                              {"ima-ng", Template::ng, false, 2},
                                              {"ima-ngv2", Template::ngv2, true, 2},
                                              {"ima-sig", Template::sig, false, 3},
                                              {"ima-sigv2", Template::sigv2, true, 3},
                                              {"ima-buf", Template::buf, false, 3},
                                              {"ima-modsig", Template::modsig, false, 5}}};

const Known& known(Template kind) { return kTemplates[static_cast<std::size_t>(kind)]; }

// Names of crypto/hash_info.c.
struct Algorithm {
  std::string_view name;
  std::size_t size;
};
constexpr std::array<Algorithm, 24> kAlgorithms = {{{"md4", 16}, {"md5", 16}, {"sha1", 20}, {"rmd160", 20}, {"sha256", 32},
                                                    {"sha384", 48}, {"sha512", 64}, {"sha224", 28}, {"rmd128", 16}, {"rmd256", 32},
                                                    {"rmd320", 40}, {"wp256", 32}, {"wp384", 48}, {"wp512", 64}, {"tgr128", 16},
                                                    {"tgr160", 20}, {"tgr192", 24}, {"sm3", 32}, {"sm3-256", 32},
                                                    {"streebog256", 32}, {"streebog512", 64}, {"sha3-256", 32},
                                                    {"sha3-384", 48}, {"sha3-512", 64}}};

// read_digest: "algorithm:" NUL digest, in templates v2 "type:algorithm:" NUL digest. Template modsig writes an absent digest as nothing.
Status read_digest(ByteView field, bool v2, Entry& entry) {
  const std::string_view text = as_text(field);
  const std::size_t end = text.find('\0');
  if (end == std::string_view::npos || end < 2 || text[end - 1] != ':') {
    return Error(Code::malformed, "ima entry: digest without its algorithm");
  }
  entry.algorithm = text.substr(0, end - 1);
  if (v2) {
    const std::size_t colon = entry.algorithm.find(':');
    entry.type = entry.algorithm.substr(0, colon);
    if (colon == std::string_view::npos || (entry.type != "ima" && entry.type != "verity")) {
      return Error(Code::malformed, "ima entry: expected a digest of type ima or verity");
    }
    entry.algorithm.remove_prefix(colon + 1);
  }
  entry.file_digest = field.subspan(end + 1);
  // Some kernels leave the place of a SHA-1 digest in a violation, whatever the algorithm (ima_eventdigest_init_common).
  const bool blank = entry.file_digest.size() == kOldDigestSize && digest_size(entry.algorithm) != 0 &&
                     std::ranges::all_of(entry.file_digest, [](std::byte b) { return b == std::byte{0}; });
  if (entry.violation() && blank) return {};
  return check_digest(entry.algorithm, entry.file_digest);
}

}  // namespace

std::string_view template_text(Template kind) { return known(kind).name; }
bool has_v2_digest(Template kind) { return known(kind).v2; }
std::size_t field_count(Template kind) { return known(kind).fields; }

std::optional<Template> template_from_text(std::string_view name) {
  const auto it = std::ranges::find(kTemplates, name, &Known::name);
  return it == kTemplates.end() ? std::nullopt : std::optional(it->kind);
}

std::size_t digest_size(std::string_view algorithm) {
  const auto it = std::ranges::find(kAlgorithms, algorithm, &Algorithm::name);
  return it == kAlgorithms.end() ? 0 : it->size;
}

Status check_digest(std::string_view algorithm, ByteView digest) {
  const std::size_t size = digest_size(algorithm);
  if (size == 0) return Error(Code::malformed, "ima entry: digest algorithm \"" + escaped(algorithm.substr(0, 32)) + "\" is unknown");
  if (digest.size() != size) {
    return Error(Code::malformed, "ima entry: digest: expected " + std::to_string(size) + " bytes, found " + std::to_string(digest.size()));
  }
  return {};
}

// Template data: (u32 size | field)*, little-endian; a name ends with its NUL.
Status read_template(Entry& entry) {
  Reader reader(entry.template_data, "ima entry");
  const ByteView digest = reader.sized32le(kMaxDigestField);
  const ByteView path = reader.sized32le(kMaxPath + 1);
  if (entry.kind == Template::sig || entry.kind == Template::sigv2 || entry.kind == Template::modsig) {
    entry.signature = reader.sized32le(kMaxTemplateData);
  }
  if (entry.kind == Template::buf) entry.buffer = reader.sized32le(kMaxTemplateData);
  ByteView modsig_digest;
  if (entry.kind == Template::modsig) {
    modsig_digest = reader.sized32le(kMaxDigestField);
    entry.modsig = reader.sized32le(kMaxTemplateData);
  }
  REDOUBT_CHECK(reader.finish());
  if (path.size() < 2 || path.back() != std::byte{0}) return Error(Code::malformed, "ima entry: path without its end");
  entry.path = as_text(path.first(path.size() - 1));
  if (entry.path.find('\0') != std::string_view::npos) return Error(Code::malformed, "ima entry: path with a NUL");
  REDOUBT_CHECK(read_digest(digest, has_v2_digest(entry.kind), entry));
  if (!modsig_digest.empty()) {
    Entry other;
    REDOUBT_CHECK(read_digest(modsig_digest, false, other));
  }
  return {};
}

Bytes old_template_data(ByteView digest, std::string_view path) {
  Bytes data = to_bytes(digest);
  append(data, as_bytes(path));
  data.resize(kOldDigestSize + kOldNameSize);
  return data;
}

Bytes template_data(const std::vector<Bytes>& fields) {
  Writer writer;
  for (const Bytes& field : fields) writer.u32le(static_cast<std::uint32_t>(field.size())).bytes(field);
  return writer.take();
}

}  // namespace redoubt::ima
