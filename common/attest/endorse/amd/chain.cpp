#include "common/attest/endorse/amd/chain.h"

namespace redoubt::amd {
namespace {

using crypto::CertificateView;
using crypto::PublicKey;

Error wrong(Code code, std::string_view what, std::string_view expected, std::string_view found) {
  return Error(code, std::string(what) + ": expected " + std::string(expected) + ", found " + std::string(found));
}

SpkiDigest digest_of_spki(ByteView spki) { return SpkiDigest(crypto::sha256(spki).array()); }

Status check_scheme(crypto::SignatureScheme scheme, std::string_view what) {
  if (scheme == crypto::SignatureScheme::rsa_pss_sha384) return {};
  return wrong(Code::chain, std::string(what) + ": signature", "RSA-PSS with SHA-384", crypto::scheme_text(scheme));
}

Status check_time(const Interval& validity, Instant now, std::string_view what) {
  if (validity.contains(now)) return {};
  return wrong(Code::freshness, what, "a time from " + validity.begin.text() + " to " + validity.end.text(), now.text());
}

const Anchor* anchor_of(const SpkiDigest& ark, std::span<const Anchor> anchors) {
  const auto found = std::ranges::find(anchors, ark, &Anchor::ark);
  return found == anchors.end() ? nullptr : &*found;
}

}  // namespace

struct VerifiedAmdChain::State {
  Bytes intermediate_der, ark_der;
  CertificateView intermediate, ark;  // of the bytes above
  PublicKey intermediate_key, ark_key;
  Anchor anchor;
  KeyKind kind;
  Interval validity;
};

Result<IntermediateName> intermediate_name_of(ByteView der) {
  REDOUBT_TRY(const CertificateView view, CertificateView::parse(der).context("intermediate"));
  for (const Product product : {Product::milan, Product::genoa, Product::turin}) {
    for (const KeyKind kind : {KeyKind::vcek, KeyKind::vlek}) {
      if (is_amd_name(view.subject, intermediate_name(product, kind))) return IntermediateName{product, kind};
    }
  }
  return wrong(Code::malformed, "intermediate: subject", "AMD's name of an ASK or ASVK", crypto::name_text(view.subject));
}

KeyKind VerifiedAmdChain::kind() const { return state_->kind; }
const Anchor& VerifiedAmdChain::anchor() const { return state_->anchor; }
const Interval& VerifiedAmdChain::validity() const { return state_->validity; }
ByteView VerifiedAmdChain::intermediate() const { return state_->intermediate_der; }
ByteView VerifiedAmdChain::ark() const { return state_->ark_der; }
ByteView VerifiedAmdChain::intermediate_serial() const { return state_->intermediate.serial; }

Result<VerifiedAmdChain> verify_chain(ByteView intermediate, ByteView ark, std::span<const Anchor> anchors, Instant now) {
  Bytes intermediate_der = to_bytes(intermediate);
  Bytes ark_der = to_bytes(ark);
  REDOUBT_TRY(CertificateView root, CertificateView::parse(ark_der).context("ark"));
  REDOUBT_TRY(CertificateView between, CertificateView::parse(intermediate_der).context("intermediate"));

  const SpkiDigest pin = digest_of_spki(root.spki);
  const Anchor* anchor = anchor_of(pin, anchors);
  if (anchor == nullptr) return wrong(Code::chain, "ark", "a pinned key", "key " + pin.hex());
  const Product product = anchor->product;
  if (!is_amd_name(root.subject, ark_name(product))) {
    return wrong(Code::chain, "ark: subject", "AMD's name with CN=" + ark_name(product), crypto::name_text(root.subject));
  }
  std::optional<KeyKind> kind;
  for (const KeyKind one : {KeyKind::vcek, KeyKind::vlek}) {
    if (is_amd_name(between.subject, intermediate_name(product, one))) kind = one;
  }
  if (!kind) {
    return wrong(Code::chain, "intermediate: subject",
                 "AMD's name with CN=" + intermediate_name(product, KeyKind::vcek) + " or " + intermediate_name(product, KeyKind::vlek),
                 crypto::name_text(between.subject));
  }
  const auto& pinned = *kind == KeyKind::vcek ? anchor->ask : anchor->asvk;
  const SpkiDigest found = digest_of_spki(between.spki);
  if (pinned && *pinned != found) return wrong(Code::chain, "intermediate", "the pinned key " + pinned->hex(), found.hex());

  REDOUBT_CHECK(check_scheme(root.scheme, "ark"));
  REDOUBT_CHECK(check_scheme(between.scheme, "intermediate"));
  REDOUBT_TRY(PublicKey intermediate_key, between.public_key().context("intermediate"));
  REDOUBT_TRY(PublicKey ark_key, root.public_key().context("ark"));
  const CertificateView path[] = {between, root};
  REDOUBT_TRY(const Interval validity, crypto::check_path(path, now).context("intermediate and ark"));
  return VerifiedAmdChain(std::make_shared<const VerifiedAmdChain::State>(
      VerifiedAmdChain::State{std::move(intermediate_der), std::move(ark_der), std::move(between), std::move(root),
                              std::move(intermediate_key), std::move(ark_key), *anchor, *kind, validity}));
}

struct VerifiedVcek::State {
  Bytes der;
  Leaf leaf;
  SpkiDigest spki_digest;
  VerifiedAmdChain chain;
  Interval validity;
};

const Leaf& VerifiedVcek::leaf() const { return state_->leaf; }
ByteView VerifiedVcek::der() const { return state_->der; }
const SpkiDigest& VerifiedVcek::spki_digest() const { return state_->spki_digest; }
const VerifiedAmdChain& VerifiedVcek::chain() const { return state_->chain; }
const Interval& VerifiedVcek::validity() const { return state_->validity; }

Result<VerifiedVcek> verify_vcek(ByteView leaf, const VerifiedAmdChain& chain, Instant now) {
  REDOUBT_TRY(Leaf parsed, Leaf::parse(leaf));
  REDOUBT_TRY(const CertificateView view, CertificateView::parse(leaf));
  if (parsed.kind != chain.kind()) {
    return wrong(Code::chain, "intermediate", "the one for a " + std::string(key_kind_text(parsed.kind)),
                 "the one for a " + std::string(key_kind_text(chain.kind())));
  }
  // Extensions that are critical are among the eleven that Leaf::parse has read, so that none is left unread.
  REDOUBT_CHECK(crypto::check_issued(view, chain.state_->intermediate, chain.state_->intermediate_key)
                    .context("endorsement key certificate"));
  REDOUBT_CHECK(check_time(view.validity, now, "endorsement key certificate"));
  REDOUBT_CHECK(check_time(chain.validity(), now, "intermediate and ark"));
  const Interval validity = view.validity.intersect(chain.validity());
  const SpkiDigest digest = digest_of_spki(view.spki);
  return VerifiedVcek(std::make_shared<const VerifiedVcek::State>(
      VerifiedVcek::State{to_bytes(leaf), std::move(parsed), digest, chain, validity}));
}

struct VerifiedCrl::State {
  Bytes der;
  crypto::CrlView view;  // of the bytes above
  Interval validity;
  SpkiDigest ark;
};

ByteView VerifiedCrl::der() const { return state_->der; }
const Interval& VerifiedCrl::validity() const { return state_->validity; }
const SpkiDigest& VerifiedCrl::ark() const { return state_->ark; }
bool VerifiedCrl::revokes(ByteView serial) const { return state_->view.revokes(serial); }

Result<VerifiedCrl> verify_crl(ByteView crl, const VerifiedAmdChain& chain, Instant now) {
  Bytes der = to_bytes(crl);
  REDOUBT_TRY(crypto::CrlView view, crypto::CrlView::parse(der).context("revocation list"));
  REDOUBT_CHECK(check_scheme(view.scheme, "revocation list"));
  REDOUBT_CHECK(crypto::check_crl_issued(view, chain.state_->ark, chain.state_->ark_key).context("revocation list"));
  const Interval window{view.this_update, view.next_update};
  REDOUBT_CHECK(check_time(window, now, "revocation list"));
  return VerifiedCrl(std::make_shared<const VerifiedCrl::State>(
      VerifiedCrl::State{std::move(der), std::move(view), window, chain.anchor().ark}));
}

}  // namespace redoubt::amd
