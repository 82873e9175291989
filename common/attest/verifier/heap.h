// Heap: pieces of collateral and certificates as they lie in files, told apart by their content alone.
//
// Files come from anywhere, under any name. Every piece is read strictly into its form; nothing is verified here, so that a piece is
// never more than a candidate. A file that is none of the known forms is an error that names it. Pure; immutable after read;
// thread-safe. Bounds: 4096 files, 64 MiB together; about three times that in memory.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/attest/endorse/intel/tcb_info.h"
#include "common/base/bytes.h"
#include "common/base/instant.h"
#include "common/base/result.h"
#include "common/crypto/certificate_view.h"
#include "common/crypto/digest.h"

namespace redoubt::verifier {

struct NamedFile {
  std::string name;
  Bytes bytes;
};

enum class Kind {
  tcb_info, qe_identity,                       // Intel's JSON, wrapped with its signature
  intel_signer, pck_authority, pck_leaf,       // certificates of Intel
  amd_leaf, amd_intermediate,                  // VCEK or VLEK; ASK or ASVK
  root,                                        // self-issued: of any vendor
  certificate,                                 // any other
  crl,                                         // of any authority
  key_set,                                     // JSON Web Key Set
};
std::string_view kind_text(Kind kind);

// Read: what the bytes of an item were read into, once; views into its own copy of them. Immutable, shared by copies of the item.
struct Read {
  Bytes bytes;
  crypto::Sha256Digest digest;
  std::optional<crypto::CertificateView> certificate;
  std::optional<crypto::CrlView> list;
  std::string_view signed_text;  // of tcb_info and qe_identity
  Bytes signature;               // of them: r and s
};

struct Item {
  Kind kind{};
  std::string file;     // where it came from, for people
  Bytes bytes;          // DER, or the JSON text
  std::string what;     // for people: "TCB info of TDX 90c06f000000, evaluation number 18"
  Interval validity;    // as it says of itself
  // Of tcb_info and qe_identity:
  std::optional<endorse::Tee> tee = {};
  std::optional<endorse::Fmspc> fmspc = {};
  std::uint32_t evaluation_number = 0;
  // Of crl:
  Bytes issuer = {};    // whole Name element
  Bytes number = {};    // magnitude, big-endian
  std::shared_ptr<const Read> read = {};  // always there
};

inline constexpr std::size_t kMaxFiles = 4096;
inline constexpr std::size_t kMaxHeap = std::size_t{64} << 20;

// read_heap: every piece of every file; the same piece in two files is one item. `malformed` names the file and what it looks like.
Result<std::vector<Item>> read_heap(std::span<const NamedFile> files);

}  // namespace redoubt::verifier
