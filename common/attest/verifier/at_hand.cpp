#include "common/attest/verifier/at_hand.h"

#include <algorithm>

#include "common/base/writer.h"

namespace redoubt::verifier {
namespace {

crypto::Sha256Digest key_of(const endorse::RawCollateral& raw, std::span<const endorse::RootPin> roots) {
  Writer writer;
  const auto all = [&](const std::vector<Bytes>& parts) {
    writer.u32be(static_cast<std::uint32_t>(parts.size()));
    for (const Bytes& part : parts) writer.bytes(crypto::sha256(part).view());
  };
  all({raw.tcb_info, raw.qe_identity, raw.root_crl, raw.pck_crl});
  all(raw.tcb_signing_chain);
  all(raw.qe_signing_chain);
  all(raw.pck_issuers);
  for (const endorse::RootPin& root : roots) writer.bytes(root.view());
  return crypto::sha256(writer.view());
}

}  // namespace

Result<std::shared_ptr<const AtHand>> AtHand::read(std::span<const NamedFile> files) {
  REDOUBT_TRY(std::vector<Item> items, read_heap(files));
  return std::shared_ptr<const AtHand>(new AtHand(std::move(items)));
}

AtHand::AtHand(std::vector<Item> items) : items_(std::move(items)) {
  std::vector<crypto::Sha256Digest> digests;
  for (const Item& item : items_) digests.push_back(item.read->digest);
  std::ranges::sort(digests);
  Writer writer;
  for (const crypto::Sha256Digest& digest : digests) writer.bytes(digest.view());
  digest_ = crypto::sha256(writer.view());
}

bool AtHand::holds(const Item* item) const { return item != nullptr && !items_.empty() && item >= items_.data() && item < items_.data() + items_.size(); }

bool AtHand::signed_by(const Item* signer, const Item* piece, const std::function<bool()>& check) const {
  if (!holds(signer) || !holds(piece)) return check();
  const std::pair key(signer, piece);
  const std::size_t hash = static_cast<std::size_t>(signer - items_.data()) * 31 + static_cast<std::size_t>(piece - items_.data());
  if (const bool* found = signed_.find(key, hash); found != nullptr) return *found;
  const bool result = check();
  signed_.keep(key, hash, result);
  return result;
}

std::shared_ptr<const endorse::VerifiedCollateral> AtHand::verified(const endorse::RawCollateral& raw, std::span<const endorse::RootPin> roots, Instant now,
                                                                    bool remember) const {
  const crypto::Sha256Digest key = remember ? key_of(raw, roots) : crypto::Sha256Digest();
  if (remember) {
    const auto* found = verified_.find(key, appraise::hash_of_digest(key), [&](const auto& one) { return one->validity().contains(now); });
    if (found != nullptr) return *found;
  }
  auto made = endorse::verify_collateral(raw, {.roots = roots, .now = now, .minimum_evaluation_number = std::nullopt, .leaf = nullptr}).verified;
  if (remember && made != nullptr) verified_.keep(key, appraise::hash_of_digest(key), made);
  return made;
}

}  // namespace redoubt::verifier
