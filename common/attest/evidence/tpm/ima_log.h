// The IMA measurement list of a Linux kernel (binary form, template ima-ng): what ran or was read after boot.
//
// The attester hands it in. PCR 10 of the SHA-256 bank is extended with SHA-256(template data) of each entry; the list itself
// writes SHA-1 of the same data, which is only compared. The list is read after the quote and may be longer than what was
// quoted: only the prefix that gives the quoted value is authentic. Linux, security/integrity/ima/ima_fs.c. Pure.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/crypto/digest.h"
#include "common/crypto/sha1.h"

namespace redoubt::tpm {

inline constexpr int kImaPcr = 10;

struct ImaEntry {
  crypto::Sha1Digest template_hash;
  ByteView template_data;      // borrowed, as the other views
  std::string_view algorithm;  // of file_digest: "sha256"
  ByteView file_digest;
  std::string_view path;  // a label, not an identity; may hold spaces and newlines

  // violation: the kernel could not say what the file was (it changed while in use).
  bool violation() const { return template_hash == crypto::Sha1Digest(); }
  // extended: what PCR 10 of the SHA-256 bank was extended with.
  crypto::Sha256Digest extended() const;
};

struct ImaLog {
  static constexpr std::size_t kMaxSize = 1024 * 1024;
  static constexpr std::size_t kMaxEntries = 8192;

  std::vector<ImaEntry> entries;

  // parse borrows `bytes` for as long as the entries are used; `malformed` unless every entry is ima-ng in PCR 10.
  static Result<ImaLog> parse(ByteView bytes);
};

// check_templates (I1): every template hash is that of its data, and there is no violation; `measurement` otherwise.
Status check_templates(const ImaLog& log);

// quoted_prefix (I3): how many entries give `quoted`, at least one; nothing if no prefix does.
std::optional<std::size_t> quoted_prefix(const ImaLog& log, const crypto::Sha256Digest& quoted);

}  // namespace redoubt::tpm
