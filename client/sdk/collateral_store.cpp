#include "client/sdk/collateral_store.h"

#include <algorithm>

#include "client/sdk/files.h"
#include "common/attest/endorse/intel/qe_identity.h"
#include "common/base/json.h"
#include "common/crypto/certificate_view.h"

namespace redoubt::sdk {
namespace {

using verifier::Item;
using verifier::Kind;

constexpr std::string_view kNumbersFile = "highest.json";
constexpr std::string_view kNumbersType = "redoubt/highest-collateral/1";
constexpr std::size_t kMaxPiece = std::size_t{4} << 20;
constexpr std::size_t kMaxNumbers = 4096;

Bytes magnitude(std::uint32_t value) {
  Bytes out;
  for (int shift = 24; shift >= 0; shift -= 8) {
    const auto byte = static_cast<std::byte>((value >> static_cast<unsigned>(shift)) & 0xffU);
    if (!out.empty() || byte != std::byte{0}) out.push_back(byte);
  }
  return out;
}

Bytes number_of(const Item& item) {
  if (item.kind != Kind::crl) return magnitude(item.evaluation_number);
  Bytes out = item.number;
  while (!out.empty() && out.front() == std::byte{0}) out.erase(out.begin());
  return out;
}

bool below(const Bytes& a, const Bytes& b) { return a.size() != b.size() ? a.size() < b.size() : a < b; }

bool is_numbered(const Item& item) { return item.kind == Kind::tcb_info || item.kind == Kind::qe_identity || (item.kind == Kind::crl && !item.number.empty()); }

// number_text: of an evaluation number in decimal, as Intel writes it; of a list in hexadecimal.
std::string number_text(const Item& item, const Bytes& number) {
  if (item.kind == Kind::crl) return "0x" + hex_encode(number);
  std::uint64_t value = 0;
  for (const std::byte byte : number) value = (value << 8U) | std::to_integer<std::uint64_t>(byte);
  return std::to_string(value);
}

// signed_by: the document's signature verifies under this signer's key.
bool signed_by(const Item& document, const crypto::PublicKey& key) {
  const auto verifies = [&](const auto& parsed) {
    return parsed.ok() && key.verify_raw(crypto::SignatureScheme::ecdsa_sha256, as_bytes(parsed->signed_bytes), parsed->signature.view()).ok();
  };
  const std::string_view text = as_text(document.bytes);
  return document.kind == Kind::tcb_info ? verifies(endorse::parse_tcb_info(text)) : verifies(endorse::parse_qe_identity(text));
}

}  // namespace

std::optional<std::string> CollateralStore::number_key(const Item& item, std::span<const Item> all) const {
  for (const Item& one : all) {
    if (item.kind == Kind::crl ? is_numbered(one) || one.kind == Kind::key_set : one.kind != Kind::intel_signer) continue;
    const auto certificate = crypto::CertificateView::parse(one.bytes);
    if (!certificate.ok()) continue;
    const auto key = certificate->public_key();
    if (!key.ok()) continue;
    if (item.kind == Kind::crl) {
      const auto list = crypto::CrlView::parse(item.bytes);
      if (list.ok() && equal(list->issuer, certificate->subject) && crypto::check_crl_issued(*list, *certificate, *key).ok()) {
        return "crl " + crypto::sha256(certificate->spki).hex();
      }
      continue;
    }
    if (!signed_by(item, *key)) continue;
    for (const Item& root : all) {
      const auto issuer = crypto::CertificateView::parse(root.bytes);
      if (root.kind != Kind::root || !issuer.ok() || std::ranges::find(roots_, crypto::sha256(issuer->spki)) == roots_.end()) continue;
      const auto issuer_key = issuer->public_key();
      if (!issuer_key.ok() || !crypto::check_issued(*certificate, *issuer, *issuer_key).ok()) continue;
      const std::string tee(endorse::tee_text(*item.tee));
      return item.kind == Kind::tcb_info ? "tcb-info " + tee + " " + item.fmspc->hex() : "qe-identity " + tee;
    }
  }
  return std::nullopt;
}

Result<CollateralStore::Numbers> CollateralStore::highest() const {
  Numbers out;
  const auto text = read_file(folder_ / kNumbersFile, kMaxPiece);
  if (!text.ok() && text.error().code() == Code::not_found) return out;
  if (!text.ok()) return text.error();
  REDOUBT_TRY(const json::Value value, json::parse(*text).context(std::string(kNumbersFile)));
  json::ObjectReader reader(value, kNumbersFile);
  reader.expect("type", kNumbersType);
  const json::Value& numbers = reader.object("numbers");
  REDOUBT_CHECK(reader.finish());
  if (numbers.object()->size() > kMaxNumbers) return Error(Code::malformed, "highest.json: more than 4096 numbers");
  for (const auto& [key, number] : *numbers.object()) {
    if (number.string() == nullptr) return Error(Code::malformed, "highest.json: \"" + key + "\": expected hexadecimal text");
    REDOUBT_TRY(Bytes bytes, hex_decode(*number.string()).context("highest.json"));
    out.emplace(key, std::move(bytes));
  }
  return out;
}

Status CollateralStore::keep(const Numbers& highest) const {
  json::Object numbers;
  for (const auto& [key, number] : highest) numbers.emplace(key, hex_encode(number));
  const std::string text = json::pretty(json::Object{{"numbers", std::move(numbers)}, {"type", kNumbersType}});
  return write_file(folder_ / kNumbersFile, as_bytes(text), FileKind::open);
}

Result<AddedCollateral> CollateralStore::add(std::span<const verifier::NamedFile> files, bool allow_older) {
  REDOUBT_TRY(std::vector<Item> fresh, verifier::read_heap(files));
  REDOUBT_TRY(const std::vector<StoredCollateral> stored, list());
  REDOUBT_TRY(Numbers numbers, highest());
  std::vector<Item> all = fresh;
  for (const StoredCollateral& one : stored) all.push_back(one.item);
  AddedCollateral out;
  // What comes in one call counts as seen too: a folder that holds older pieces beside newer ones needs the permission.
  Numbers raised = numbers;
  for (const Item& item : all) {
    if (!is_numbered(item)) continue;
    const auto key = number_key(item, all);
    if (!key) continue;
    const Bytes number = number_of(item);
    const auto found = raised.find(*key);
    if (found == raised.end() || below(found->second, number)) raised.insert_or_assign(*key, number);
  }
  for (Item& item : fresh) {
    const crypto::Sha256Digest digest = crypto::sha256(item.bytes);
    if (std::ranges::find(stored, digest, &StoredCollateral::digest) != stored.end()) {
      ++out.known;
      continue;
    }
    if (is_numbered(item)) {
      const auto key = number_key(item, all);
      if (!key) out.unverified.push_back(item.file + ": " + item.what);
      const auto seen = key ? raised.find(*key) : raised.end();
      if (!allow_older && seen != raised.end() && below(number_of(item), seen->second)) {
        return Error(Code::freshness, "collateral: " + item.file + ": " + item.what + ": number " + number_text(item, number_of(item)) + " is below " +
                                          number_text(item, seen->second) + ", the highest seen");
      }
    }
    out.added.push_back({digest, std::move(item)});
  }
  for (const StoredCollateral& one : out.added) REDOUBT_CHECK(write_file(folder_ / one.digest.hex(), one.item.bytes, FileKind::open));
  if (raised != numbers) REDOUBT_CHECK(keep(raised));
  return out;
}

Result<std::vector<verifier::NamedFile>> CollateralStore::files() const {
  std::vector<verifier::NamedFile> out;
  std::error_code error;
  if (!std::filesystem::exists(folder_, error)) return out;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    const std::string name = entry.path().filename().string();
    const auto digest = crypto::Sha256Digest::from_hex(name, "name");
    if (!digest.ok()) continue;  // highest.json, and files that are being written
    REDOUBT_TRY(const std::string content, read_file(entry.path(), kMaxPiece));
    Bytes bytes = to_bytes(content);
    if (crypto::sha256(bytes) != *digest) {
      return Error(Code::binding, entry.path().string() + ": the content is not what the name says; remove the file and add it again");
    }
    out.push_back({name, std::move(bytes)});
    if (out.size() > verifier::kMaxFiles) return Error(Code::malformed, folder_.string() + ": expected at most 4096 pieces");
  }
  if (error) return Error(Code::unavailable, folder_.string() + ": " + error.message());
  std::ranges::sort(out, {}, &verifier::NamedFile::name);
  return out;
}

Result<std::vector<StoredCollateral>> CollateralStore::list() const {
  REDOUBT_TRY(const std::vector<verifier::NamedFile> held, files());
  REDOUBT_TRY(std::vector<Item> items, verifier::read_heap(held));
  std::vector<StoredCollateral> out;
  for (Item& item : items) out.push_back({crypto::sha256(item.bytes), std::move(item)});
  std::ranges::sort(out, [](const StoredCollateral& a, const StoredCollateral& b) {
    return std::tie(a.item.kind, a.item.what, a.digest) < std::tie(b.item.kind, b.item.what, b.digest);
  });
  return out;
}

}  // namespace redoubt::sdk
