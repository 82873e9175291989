#include "common/attest/verifier/gather.h"

#include <algorithm>
#include <set>

#include "common/attest/evidence/azure/evidence.h"
#include "common/attest/evidence/snp/report.h"
#include "common/crypto/certificate_view.h"

namespace redoubt::verifier {
namespace {

using crypto::CertificateView;

constexpr std::size_t kMaxRoots = 4;
constexpr std::size_t kMaxDocuments = 4;  // of a kind, for one root
constexpr std::size_t kMaxAmdChains = 64;

struct Certificate {
  const Item* item = nullptr;  // null: of the Evidence's own chain
  CertificateView view;
};

// Magnitudes without leading zeros: the longer one is larger.
bool larger(const Bytes& a, const Bytes& b) { return a.size() != b.size() ? a.size() > b.size() : a > b; }

class Gatherer {
 public:
  Gatherer(const AtHand& at_hand, std::span<const Item> more, Instant now) : at_hand_(at_hand), now_(now) {
    std::set<crypto::Sha256Digest> seen;
    for (const std::span<const Item> some : {at_hand.items(), more}) {
      for (const Item& item : some) {
        if (!more.empty() && !seen.insert(item.read->digest).second) continue;
        items_.push_back(&item);
        if (item.read->certificate) certificates_.push_back({&item, *item.read->certificate});
      }
    }
  }

  Gathered take() && { return std::move(out_); }

  void lacks(std::string what) { out_.missing.push_back(std::move(what)); }

  // intel: for every root that is at hand, the best documents with what that root signed.
  void intel(ByteView quote) {
    const auto parsed = dcap::parse(quote);
    if (!parsed.ok()) return;  // the appraiser says why
    const dcap::QuoteFacts facts = dcap::unverified_facts(*parsed);
    // The quote's own chain: candidates like all others, since the root is pinned by the policy.
    const auto own = dcap::PckCertificates::from_pem(dcap::certification_data(*parsed));
    if (own.ok()) {
      own_ = *own;
      for (const CertificateView& view : {own_->authority(), own_->root()}) add_own(view.der);
    } else {
      bring_chain();
    }
    const std::string family = std::string(endorse::tee_text(facts.tee)) + (facts.fmspc ? " " + facts.fmspc->hex() : "");
    const auto tcb = documents(Kind::tcb_info, facts.tee, facts.fmspc);
    const auto qe = documents(Kind::qe_identity, facts.tee, std::nullopt);
    if (tcb.empty()) lacks("no TCB info of " + family);
    if (qe.empty()) lacks("no QE identity of " + std::string(endorse::tee_text(facts.tee)));
    if (tcb.empty() || qe.empty()) return;
    if (!tcb.front()->validity.contains(now_)) lacks("no TCB info of " + family + " that is valid at " + now_.text());
    std::size_t roots = 0;
    for (const Certificate& root : certificates_) {
      if (!root.view.self_issued() || crypto::common_name(root.view.subject) != "Intel SGX Root CA") continue;
      if (++roots > kMaxRoots) break;
      intel_under(root, tcb, qe);
    }
    if (roots == 0) lacks("no certificate of the Intel SGX Root CA");
  }

  void amd(ByteView report) {
    const auto parsed = snp::Report::parse(report);
    std::vector<const Certificate*> leaves;
    for (const Certificate& one : certificates_) {
      if (one.item != nullptr && one.item->kind == Kind::amd_leaf) leaves.push_back(&one);
    }
    if (leaves.empty()) lacks("no certificate of the key that signed the report (VCEK or VLEK)");
    // The key of this chip with this TCB, if it is there; otherwise each, so that the checks say what differs.
    std::vector<const Certificate*> fitting;
    for (const Certificate* leaf : leaves) {
      const auto extensions = amd::extensions_of(leaf->view);
      if (!parsed.ok() || !extensions.ok() || extensions->tcb != parsed->reported_tcb) continue;
      if (!extensions->chip_id || *extensions->chip_id == parsed->chip_id) fitting.push_back(leaf);
    }
    for (const Certificate* leaf : fitting.empty() ? leaves : fitting) amd_chain(*leaf);
    if (!leaves.empty() && out_.endorsements.amd.empty()) lacks("no ASK or ASVK with its ARK for " + crypto::name_text(leaves.front()->view.issuer));
  }

  Status tokens(ByteView evidence) {
    for (const Item* const item : items_) {
      if (item->kind != Kind::key_set) continue;
      REDOUBT_TRY(auto keys, crypto::parse_jwk_set(as_text(item->bytes)));
      for (crypto::Jwk& key : keys) {
        const auto same = std::ranges::find(out_.endorsements.token_keys, key.key_id, &crypto::Jwk::key_id);
        if (same == out_.endorsements.token_keys.end()) {
          out_.endorsements.token_keys.push_back(std::move(key));
        } else if (!equal(same->key.spki(), key.key.spki())) {
          return Error(Code::malformed, "collateral: " + item->file + ": another key set has another key under the name \"" + key.key_id.substr(0, 64) + "\"");
        }
      }
    }
    if (out_.endorsements.token_keys.empty() && !brings_chain(evidence)) lacks("no key set of the token's issuer (JWKS)");
    return {};
  }

  // azure: the Endorsements of the composite's hardware, candidates for the anchors of its attestation key, and revocation lists.
  void azure(ByteView composite) {
    const auto parsed = azure::parse(composite);
    if (!parsed.ok()) return;  // the appraiser says why
    const azure::Parts parts = azure::unverified_parts(*parsed);
    parts.hardware == azure::Hardware::snp ? amd(parts.hardware_report) : intel(parts.hardware_report);
    add_roots();
    const auto raw = azure::RawComposite::decode(composite);
    if (raw.ok()) add_lists({&raw->ak_certificates, 1});
  }

  // tpm: candidates for the anchors, and the lists of those who issued the Evidence's certificates.
  void tpm(ByteView evidence) {
    add_roots();
    if (out_.endorsements.tpm_roots.empty()) lacks("no root certificate of a TPM vendor");
    const auto raw = tpm::RawEvidence::decode(evidence);
    if (!raw.ok()) return;  // the appraiser says why
    const std::vector<Bytes> certificates[] = {{raw->ek_certificate}, raw->ek_intermediates, raw->ak_certificates};
    add_lists(certificates);
  }

 private:
  // add_lists: of those who issued the certificates of the Evidence's TPM keys.
  void add_lists(std::span<const std::vector<Bytes>> certificates) {
    std::vector<Bytes> issuers;
    for (const auto& some : certificates) {
      for (const Bytes& der : some) {
        const auto view = CertificateView::parse(der);
        if (view.ok()) issuers.push_back(to_bytes(view->issuer));
      }
    }
    std::vector<const Item*> lists;
    for (const Item* const item : items_) {
      if (item->kind == Kind::crl && std::ranges::find(issuers, item->issuer) != issuers.end()) lists.push_back(item);
    }
    std::ranges::stable_sort(lists, [](const Item* a, const Item* b) { return a->validity.begin > b->validity.begin; });  // the newest first
    for (const Item* one : lists) {
      if (out_.endorsements.tpm_crls.size() < tpm::Revocation::kMaxLists) out_.endorsements.tpm_crls.push_back(one->bytes);
    }
  }

  void add_roots() {
    for (const Certificate& one : certificates_) {
      if (!one.view.self_issued() || one.item == nullptr) continue;
      auto certificate = crypto::Certificate::parse_der(one.view.der);
      if (certificate.ok()) out_.endorsements.tpm_roots.push_back(std::move(*certificate));
    }
  }

  // brings_chain: a token whose header carries certificates, which lead to a root of the policy.
  static bool brings_chain(ByteView evidence) {
    const auto parsed = token::parse(as_text(evidence));
    if (!parsed.ok()) return true;  // the appraiser says what is wrong
    const json::Value described = token::describe(*parsed);
    const auto header = described.object()->find("header");
    return header != described.object()->end() && header->second.object() != nullptr && header->second.object()->contains("x5c");
  }

  // add_own: a certificate that the Evidence brings, unless the heap has it.
  void add_own(ByteView der) {
    if (std::ranges::any_of(certificates_, [&](const Certificate& one) { return equal(one.view.der, der); })) return;
    kept_.push_back(std::make_unique<const Bytes>(to_bytes(der)));
    auto view = CertificateView::parse(*kept_.back());
    if (view.ok()) certificates_.push_back({nullptr, std::move(*view)});
  }

  // documents: of that kind and family: those that are valid now first, then by evaluation number and issue date.
  std::vector<const Item*> documents(Kind kind, endorse::Tee tee, const std::optional<endorse::Fmspc>& fmspc) const {
    std::vector<const Item*> out;
    for (const Item* const item : items_) {
      if (item->kind == kind && item->tee == tee && (!fmspc || item->fmspc == fmspc)) out.push_back(item);
    }
    const auto rank = [&](const Item* item) { return std::tuple(item->validity.contains(now_), item->evaluation_number, item->validity.begin); };
    std::ranges::stable_sort(out, [&](const Item* a, const Item* b) { return rank(a) > rank(b); });
    return out;
  }

  // signed_by: those of the documents that the key of `signer` signed; all of them when it signed none, so that the checks say so.
  std::vector<const Item*> signed_by(const Certificate& signer, const std::vector<const Item*>& documents) const {
    const auto key = signer.view.public_key();
    std::vector<const Item*> out;
    for (const Item* item : documents) {
      if (!key.ok() || out.size() == kMaxDocuments) break;
      const bool holds = at_hand_.signed_by(signer.item, item, [&] {
        return key->verify_raw(crypto::SignatureScheme::ecdsa_sha256, as_bytes(item->read->signed_text), item->read->signature).ok();
      });
      if (holds) out.push_back(item);
    }
    if (!out.empty()) return out;
    out = documents;
    if (out.size() > kMaxDocuments) out.resize(kMaxDocuments);
    return out;
  }

  // issued: the certificates that `root` signed, those that are valid now first.
  std::vector<const Certificate*> issued(const Certificate& root, auto&& wanted) const {
    std::vector<const Certificate*> out;
    const auto key = root.view.public_key();
    if (!key.ok()) return out;
    for (const Certificate& one : certificates_) {
      if (one.view.self_issued() || !wanted(one)) continue;
      if (at_hand_.signed_by(root.item, one.item, [&] { return crypto::check_issued(one.view, root.view, *key).ok(); })) out.push_back(&one);
    }
    const auto late = [&](const Certificate* one) { return std::pair(one->view.validity.contains(now_), one->view.validity.end); };
    std::ranges::stable_sort(out, [&](const Certificate* a, const Certificate* b) { return late(a) > late(b); });
    return out;
  }

  // newest_list: of those that `issuer` signed, one that is valid now, with the highest number.
  Bytes newest_list(const Certificate& issuer, bool needed) {
    const auto key = issuer.view.public_key();
    const Item* best = nullptr;
    for (const Item* const item : items_) {
      if (item->kind != Kind::crl || !item->read->list || !equal(item->issuer, issuer.view.subject)) continue;
      if (!key.ok() || !at_hand_.signed_by(issuer.item, item, [&] { return crypto::check_crl_issued(*item->read->list, issuer.view, *key).ok(); })) continue;
      const bool valid = item->validity.contains(now_);
      const bool best_valid = best != nullptr && best->validity.contains(now_);
      if (best == nullptr || (valid && !best_valid) || (valid == best_valid && larger(item->number, best->number))) best = item;
    }
    if (best == nullptr && needed) lacks("no revocation list of " + crypto::name_text(issuer.view.subject));
    return best == nullptr ? Bytes() : best->bytes;
  }

  void intel_under(const Certificate& root, const std::vector<const Item*>& all_tcb, const std::vector<const Item*>& all_qe) {
    const auto signers = issued(root, [](const Certificate& one) { return crypto::common_name(one.view.subject) == "Intel SGX TCB Signing"; });
    const auto authorities = issued(root, [&](const Certificate& one) {
      const std::string_view name = crypto::common_name(one.view.subject);
      const bool named = name == "Intel SGX PCK Platform CA" || name == "Intel SGX PCK Processor CA";
      return named && (!own_ || equal(one.view.subject, own_->leaf().issuer));
    });
    if (signers.empty()) lacks("no TCB signing certificate under " + crypto::name_text(root.view.subject));
    if (authorities.empty()) lacks("no certificate of the PCK CA");
    if (signers.empty() || authorities.empty()) return;
    const std::vector<const Item*> tcb = signed_by(*signers.front(), all_tcb);
    const std::vector<const Item*> qe = signed_by(*signers.front(), all_qe);
    endorse::RawCollateral raw;
    raw.tcb_signing_chain = {to_bytes(signers.front()->view.der), to_bytes(root.view.der)};
    raw.root_crl = newest_list(root, true);
    raw.pck_crl = newest_list(*authorities.front(), true);
    raw.pck_issuers = {to_bytes(authorities.front()->view.der)};
    for (const Item* info : tcb) {
      raw.tcb_info = info->bytes;
      // The QE identity of the highest number, and the one that was published with this TCB info.
      std::vector<const Item*> fitting{qe.front()};
      const auto same = std::ranges::find_if(qe, [&](const Item* one) {
        return one->evaluation_number == info->evaluation_number && one->validity.contains(now_) == info->validity.contains(now_);
      });
      if (same != qe.end() && *same != qe.front()) fitting.push_back(*same);
      for (const Item* identity : fitting) {
        raw.qe_identity = identity->bytes;
        out_.endorsements.intel.push_back(raw);
      }
    }
  }

  // bring_chain: a PCK chain from the heap, for quotes that carry none.
  void bring_chain() {
    const auto by_subject = [&](ByteView name) {
      return std::ranges::find_if(certificates_, [&](const Certificate& one) { return equal(one.view.subject, name); });
    };
    for (const Certificate& leaf : certificates_) {
      if (leaf.item == nullptr || leaf.item->kind != Kind::pck_leaf) continue;
      const auto authority = by_subject(leaf.view.issuer);
      if (authority == certificates_.end()) continue;
      const auto root = by_subject(authority->view.issuer);
      if (root == certificates_.end()) continue;
      out_.endorsements.pck_chain = {to_bytes(leaf.view.der), to_bytes(authority->view.der), to_bytes(root->view.der)};
      return;
    }
    lacks("no PCK certificate with its chain, and the quote carries none");
  }

  void amd_chain(const Certificate& leaf) {
    for (const Certificate& intermediate : certificates_) {
      if (intermediate.view.self_issued() || !equal(intermediate.view.subject, leaf.view.issuer)) continue;
      for (const Certificate& ark : certificates_) {
        if (!ark.view.self_issued() || !equal(ark.view.subject, intermediate.view.issuer)) continue;
        if (out_.endorsements.amd.size() == kMaxAmdChains) return;
        appraise::AmdCertificates one{to_bytes(leaf.view.der), to_bytes(intermediate.view.der), to_bytes(ark.view.der), newest_list(ark, false)};
        out_.endorsements.amd.push_back(std::move(one));
      }
    }
  }

  const AtHand& at_hand_;
  std::vector<const Item*> items_;
  Instant now_;
  std::vector<std::unique_ptr<const Bytes>> kept_;  // certificates of the Evidence itself
  std::vector<Certificate> certificates_;           // views into what was read, and into kept_
  std::shared_ptr<const dcap::PckCertificates> own_;
  Gathered out_;
};

}  // namespace

Result<Gathered> gather(const AtHand& at_hand, std::span<const Item> more, Format format, ByteView evidence, Instant now) {
  Gatherer gatherer(at_hand, more, now);
  switch (format) {
    case Format::sgx:
    case Format::tdx: gatherer.intel(evidence); break;
    case Format::snp: gatherer.amd(evidence); break;
    case Format::token: REDOUBT_CHECK(gatherer.tokens(evidence)); break;
    case Format::tpm: gatherer.tpm(evidence); break;
    case Format::azure_snp:
    case Format::azure_tdx: gatherer.azure(evidence); break;
    case Format::nitro:
    case Format::certificate:
    case Format::hcl_report:
    case Format::evidence_file: break;  // nothing of theirs comes from files
  }
  return std::move(gatherer).take();
}

}  // namespace redoubt::verifier
