#include "common/attest/evidence/tpm/certificates.h"

namespace redoubt::tpm {
namespace {

using crypto::CertificateView;

constexpr std::size_t kMaxPath = 6;
constexpr std::size_t kMaxTries = 32;  // chains that are looked at, whatever certificates there are
constexpr auto kAkExtendedKeyUsage = der::oid("2.5.29.37");
constexpr auto kSubjectAltName = der::oid("2.5.29.17");
constexpr auto kSubjectDirectoryAttributes = der::oid("2.5.29.9");
constexpr der::Oid kTaken[] = {kAkExtendedKeyUsage, kSubjectAltName, kSubjectDirectoryAttributes};

// Search: chains from a leaf to a root by names; the links themselves are check_path's.
class Search {
 public:
  Search(std::span<const CertificateView> between, std::span<const CertificateView> roots, Instant now)
      : between_(between), roots_(roots), now_(now) {}

  // extend: the validity of the first chain through `path_` that holds; anchor() is its root.
  std::optional<Interval> from(const CertificateView& leaf) {
    path_ = {leaf};
    return extend();
  }
  const CertificateView& anchor() const { return path_.back(); }
  std::span<const CertificateView> path() const { return path_; }
  const Error& why() const { return why_; }

 private:
  std::optional<Interval> extend() {
    for (const CertificateView& root : roots_) {
      if (!equal(root.subject, path_.back().issuer) || tries_ >= kMaxTries) continue;
      ++tries_;
      path_.push_back(root);
      auto checked = crypto::check_path(path_, now_, {.known_critical = kTaken});
      if (checked.ok()) return *checked;
      why_ = checked.error();
      path_.pop_back();
    }
    if (path_.size() + 1 >= kMaxPath) return std::nullopt;
    for (const CertificateView& next : between_) {
      const bool used = std::ranges::any_of(path_, [&](const CertificateView& one) { return equal(one.der, next.der); });
      if (used || !equal(next.subject, path_.back().issuer) || tries_ >= kMaxTries) continue;
      ++tries_;
      path_.push_back(next);
      if (auto found = extend()) return found;
      path_.pop_back();
    }
    return std::nullopt;
  }

  std::span<const CertificateView> between_, roots_;
  Instant now_;
  std::vector<CertificateView> path_;
  std::size_t tries_ = 0;
  Error why_{Code::chain, "no chain to a named anchor"};
};

// check_revocation: what the lists say of a chain that holds, leaf first, root last; in words where nothing is wrong.
Result<std::string> check_revocation(std::span<const CertificateView> path, const Revocation& revocation, Instant now) {
  if (revocation.lists.size() > Revocation::kMaxLists) return Error(Code::malformed, "more than 64 revocation lists");
  std::vector<crypto::CrlView> lists;
  for (const Bytes& der : revocation.lists) {
    auto list = crypto::CrlView::parse(der);
    if (list.ok()) lists.push_back(std::move(*list));
  }
  std::string unknown;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    const CertificateView& issuer = path[i + 1];
    bool covered = false;
    for (const crypto::CrlView& list : lists) {
      if (!equal(list.issuer, issuer.subject) || list.this_update > now) continue;
      const auto key = issuer.public_key();
      if (!key.ok() || !crypto::check_crl_issued(list, issuer, *key).ok()) continue;
      if (list.revokes(path[i].serial)) {
        return Error(Code::chain, "certificate " + hex_encode(path[i].serial) + " of " + crypto::name_text(path[i].subject) + ": revoked by the list of " +
                                      list.this_update.text());
      }
      covered = covered || now <= list.next_update;
    }
    if (!covered) unknown += (unknown.empty() ? "" : ", ") + crypto::name_text(issuer.subject);
  }
  if (unknown.empty()) return std::string("not revoked");
  if (revocation.required) return Error(Code::chain, "expected a revocation list, valid at " + now.text() + ", of " + unknown + ", found none");
  return "revocation not known: no valid list of " + unknown;
}

}  // namespace

Result<ByteView> unpad(ByteView nv) {
  der::Reader reader(nv, "nv certificate");
  const ByteView certificate = reader.element(der::Tag::sequence).whole;
  REDOUBT_CHECK(reader.status());
  const ByteView padding = nv.subspan(certificate.size());
  for (const std::byte b : padding) {
    if ((b != std::byte{0} && b != std::byte{0xff}) || b != padding[0]) {
      return Error(Code::malformed, "nv certificate: expected padding of 00 or ff after " + std::to_string(certificate.size()) + " bytes, found other bytes");
    }
  }
  return certificate;
}

bool has_usage(const CertificateView& certificate, const der::Oid& usage) {
  const crypto::ExtensionView* extension = certificate.extension(kAkExtendedKeyUsage);
  if (extension == nullptr) return false;
  der::Reader outer(extension->value, "extended key usage");
  der::Reader list = outer.enter(der::Tag::sequence, "extended key usage");
  bool found = false;
  while (list.ok() && !list.at_end()) found = list.oid() == usage || found;
  return found && list.finish().ok() && outer.finish().ok();
}

Result<KeyChain> verify_chain(ByteView leaf, std::span<const Bytes> intermediates, std::span<const ByteView> roots, Instant now,
                              const der::Oid* usage, const Revocation& revocation) {
  REDOUBT_TRY(const CertificateView certificate, CertificateView::parse(leaf));
  std::vector<CertificateView> between;
  for (const Bytes& der : intermediates) {
    REDOUBT_TRY(CertificateView one, CertificateView::parse(der).context("intermediate"));
    between.push_back(std::move(one));
  }
  std::vector<CertificateView> anchors;
  for (const ByteView der : roots) {
    // A root in another form than these chains have ends none of them.
    auto parsed = CertificateView::parse(der);
    if (parsed.ok()) anchors.push_back(std::move(*parsed));
  }
  if (usage != nullptr && !has_usage(certificate, *usage)) {
    return Error(Code::chain, "expected the extended usage " + der::oid_text(usage->view()) + ", found none such");
  }
  if (certificate.is_ca.value_or(false)) return Error(Code::chain, "expected an end entity, found a CA");
  Search search(between, anchors, now);
  const auto validity = search.from(certificate);
  if (!validity) return search.why();
  REDOUBT_TRY(std::string revoked, check_revocation(search.path(), revocation, now));
  return KeyChain{crypto::sha256(search.anchor().der), *validity, to_bytes(certificate.spki), std::move(revoked)};
}

}  // namespace redoubt::tpm
