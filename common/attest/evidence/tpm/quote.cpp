#include "common/attest/evidence/tpm/quote.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "common/base/concat.h"

namespace redoubt::tpm {
namespace {

using attest::CheckId;

using redoubt::append_text;  // beside those of this file
using redoubt::text_room;

// PcrList: indices with blanks between them, or "none", as a part of a text (concat).
struct PcrList {
  static constexpr std::string_view kNone = "none";
  std::span<const int> pcrs;
};
void append_text(std::string& out, PcrList list) {
  if (list.pcrs.empty()) out += PcrList::kNone;
  bool first = true;
  for (const int pcr : list.pcrs) {
    if (!std::exchange(first, false)) out += ' ';
    append_text(out, pcr);
  }
}
std::size_t text_room(PcrList list) { return list.pcrs.empty() ? PcrList::kNone.size() : 3 * list.pcrs.size(); }

using Digest = ShortBytes<crypto::Sha512Digest::size>;
Digest digest_of(crypto::HashKind hash, ByteView bytes) {
  switch (hash) {
    case crypto::HashKind::sha256: return Digest(crypto::sha256(bytes).view());
    case crypto::HashKind::sha384: return Digest(crypto::sha384(bytes).view());
    case crypto::HashKind::sha512: return Digest(crypto::sha512(bytes).view());
  }
  return {};
}

constexpr std::size_t kMostPcrs = 32;  // bits of the longest bit map that Attest::parse takes

std::size_t size_of(crypto::HashKind hash) {
  return hash == crypto::HashKind::sha256 ? 32 : hash == crypto::HashKind::sha384 ? 48 : 64;
}

}  // namespace

attest::Check check_quote(const Attest& attest, std::span<const Signer> signers) {
  constexpr std::string_view expected = "a quote with a safe clock";
  if (!attest.safe) return attest::failed(CheckId::m1, Code::freshness, std::string(expected), "the clock may have gone back");
  if (signers.empty()) {
    return attest::passed(CheckId::m1, std::string(expected), concat(expected, "; qualified signer not applicable: the key's parent is not known"));
  }
  std::string names;
  for (const Signer& signer : signers) {
    if (equal(signer.qualified_name.view(), attest.qualified_signer)) {
      return attest::passed(CheckId::m1, concat(expected, ", signed by ", Hex{signer.qualified_name.view()}), concat(expected, ", signed by ", signer.what));
    }
    names += (names.empty() ? "" : " or ") + signer.qualified_name.hex() + " (" + std::string(signer.what) + ")";
  }
  return attest::failed(CheckId::m1, Code::binding, "qualified signer " + names, hex_encode(attest.qualified_signer));
}

attest::Check check_extra_data(ByteView expected, ByteView found) {
  if (!expected.empty() && equal(expected, found)) return attest::passed(CheckId::m2, hex_encode(expected), hex_encode(found));
  return attest::failed(CheckId::m2, Code::binding, expected.empty() ? "a challenge" : hex_encode(expected), hex_encode(found));
}

Status verify_quote(const crypto::PublicKey& key, crypto::SignatureScheme scheme, ByteView attest, ByteView signature) {
  return key.kind() == crypto::KeyKind::rsa ? key.verify(scheme, attest, signature) : key.verify_raw(scheme, attest, signature);
}

attest::Check check_pcrs(const Attest& attest, const QuotedPcrs& pcrs, std::span<const int> required, crypto::HashKind hash) {
  const std::string bank = algorithm_text(pcrs.bank);
  ShortList<int, 24> supplied;
  for (const auto& [pcr, value] : pcrs.values) supplied.push_back(pcr);
  std::string expected = concat(bank, " bank, PCR ", PcrList{supplied}, ", among them ", PcrList{required});
  const auto failed = [](std::string wanted, std::string found) {
    return attest::failed(CheckId::m4, Code::measurement, std::move(wanted), std::move(found));
  };
  // SHA-1 has no kind: a bank of it shows nothing, since events with the same digest can be made.
  const auto bank_hash = hash_kind(pcrs.bank);
  if (!bank_hash) return failed("a bank of SHA-256, SHA-384 or SHA-512", bank);
  if (attest.selections.size() != 1 || attest.selections[0].bank != pcrs.bank) {
    return failed(expected, "a selection that is not of the " + bank + " bank alone, " + std::to_string(attest.selections.size()) + " banks");
  }
  const auto& selected = attest.selections[0].pcrs;
  if (selected != supplied) return failed(expected, concat("PCR ", PcrList{selected}));
  for (const int pcr : required) {
    if (std::ranges::find(supplied, pcr) == supplied.end()) return failed(expected, "no PCR " + std::to_string(pcr));
  }
  const std::size_t size = size_of(*bank_hash);
  std::array<std::byte, kMostPcrs * crypto::Sha512Digest::size> values;  // as many as are selected, in the longest bank
  std::span<std::byte> room = values;
  for (const auto& [pcr, value] : pcrs.values) {
    if (value.size() != size) return failed(expected, "PCR " + std::to_string(pcr) + " of " + std::to_string(value.size()) + " bytes");
    std::memcpy(room.first(size).data(), value.data(), size);
    room = room.subspan(size);
  }
  const Digest digest = digest_of(hash, ByteView(values).first(values.size() - room.size()));
  if (!equal(digest, attest.pcr_digest)) return failed("digest of the values " + hex_encode(digest), "quoted digest " + hex_encode(attest.pcr_digest));
  return attest::passed(CheckId::m4, std::move(expected), concat("PCR ", PcrList{supplied}, ", digest ", Hex{digest}));
}

}  // namespace redoubt::tpm
