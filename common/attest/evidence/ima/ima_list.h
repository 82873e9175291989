// The measurement list of Linux's Integrity Measurement Architecture: what ran or was read after boot, in its binary and its ASCII form.
//
// The attester hands it in. PCR 10 of each bank is extended with that bank's hash of an entry's template data; the list itself writes
// one of these hashes (SHA-1 as a rule), which is only compared. The list is read after the quote and may be longer than what was
// quoted: only the prefix that gives the quoted value is authentic. Kernels before 5.8 extended other banks than SHA-1 with a padded
// SHA-1; that is not accepted. Linux security/integrity/ima: ima_fs.c (forms), ima_template_lib.c (fields), ima_crypto.c (hashes).
// Pure and thread-safe.
#pragma once

#include <optional>
#include <vector>

#include "common/attest/evidence/eventlog/bank.h"
#include "common/base/json.h"

namespace redoubt::ima {

using eventlog::Digest;

inline constexpr int kPcr = 10;

// Template: which fields an entry has. d: file digest with its algorithm, n: name.
enum class Template { ima, ng, ngv2, sig, sigv2, buf, modsig };
std::string_view template_text(Template kind);

struct Entry {
  Digest template_hash;      // as the list writes it
  Template kind{};
  ByteView template_data;    // what is hashed; borrowed from the list or its storage, as the other views
  std::string_view type;     // of templates v2: "ima", or "verity": the digest is then of the file's Merkle tree
  std::string_view algorithm;  // of file_digest: "sha256"
  ByteView file_digest;
  std::string_view path;     // a label, not an identity: any name, spaces and newlines too; escaped() for people
  ByteView signature;        // templates sig, sigv2 and modsig; empty where the file had none
  ByteView buffer;           // template buf
  ByteView modsig;           // template modsig: PKCS#7
  std::size_t end = 0;       // offset behind the entry in the list

  // violation: the kernel could not say what the file was (it changed while in use). It extends all ones.
  bool violation() const;
  // extended: what PCR 10 of that bank, which is computable, was extended with.
  Digest extended(std::uint16_t bank) const;
  // signature_key: the key id of a signature in the kernel's format (type 03 or 06, version 2 or 3); nothing for other forms.
  std::optional<std::uint32_t> signature_key() const;
};

struct List {
  static constexpr std::size_t kMaxSize = std::size_t{16} << 20;
  static constexpr std::size_t kMaxEntries = 65536;

  std::vector<Entry> entries;
  std::uint16_t column = eventlog::kSha1;  // the hash that the list writes
  std::vector<Bytes> storage;              // what entries borrow beyond the list itself

  List() = default;
  List(List&&) noexcept = default;
  List& operator=(List&&) noexcept = default;

  // parse_binary and parse_ascii borrow the list for as long as the entries are used. `malformed` unless every entry is of PCR 10 and a
  // known template, its digest has the size of its algorithm, and nothing is left over. `column`: of the list of another bank.
  static Result<List> parse_binary(ByteView bytes, std::uint16_t column = eventlog::kSha1);
  static Result<List> parse_ascii(std::string_view text);
};

// digest_size: of file digest algorithms that the kernel names; 0 for others.
std::size_t digest_size(std::string_view algorithm);
// escaped: printable ASCII without space and backslash as it is, other bytes as \xNN, so that one name has one spelling in one word.
std::string escaped(std::string_view path);

// mismatches (I1): indices of entries whose written hash is not that of their template data; violations are none.
std::vector<std::size_t> mismatches(const List& list);
// violations (I2): how many of the first `count` entries are.
std::size_t violations(const List& list, std::size_t count);
// check_boot_aggregate (I1): the first entry is the boot aggregate, and where `pcrs` has what it is made of (PCR 0 to 9 of the bank of its
// algorithm, in SHA-1 0 to 7), its digest is that of their values; `measurement` otherwise. `pcrs` gives a value by index, or null.
struct PcrValues {
  std::uint16_t bank = 0;
  std::array<std::optional<Digest>, 10> values;
};
Status check_boot_aggregate(const List& list, const PcrValues& pcrs);
// replay: PCR 10 of a computable bank after all entries.
Digest replay(const List& list, std::uint16_t bank);
// quoted_prefix (I3): how many entries give `quoted`, at least one; nothing if no prefix does.
std::optional<std::size_t> quoted_prefix(const List& list, std::uint16_t bank, const Digest& quoted);

// describe: the entries as they stand, for people; nothing of it is verified.
json::Value describe(const List& list);

}  // namespace redoubt::ima
