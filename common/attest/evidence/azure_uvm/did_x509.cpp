#include "common/attest/evidence/azure_uvm/did_x509.h"

namespace redoubt::azure_uvm {
namespace {

constexpr std::string_view kPrefix = "did:x509:0:";
constexpr der::Oid kLeafExtendedKeyUsage = der::oid("2.5.29.37");

struct HashName {
  std::string_view name;
  crypto::HashKind kind;
  std::size_t size;
};
constexpr HashName kHashes[] = {{"sha256", crypto::HashKind::sha256, 32},
                                {"sha384", crypto::HashKind::sha384, 48},
                                {"sha512", crypto::HashKind::sha512, 64}};

// Attribute labels of the specification; any other attribute is written as its OID.
constexpr std::pair<std::string_view, std::string_view> kLabels[] = {
    {"CN", "2.5.4.3"}, {"C", "2.5.4.6"},   {"L", "2.5.4.7"},      {"ST", "2.5.4.8"},
    {"O", "2.5.4.10"}, {"OU", "2.5.4.11"}, {"STREET", "2.5.4.9"},
};

Error malformed_did(std::string message) { return Error(Code::malformed, "did:x509: " + std::move(message)); }
Error refused_did(std::string message) { return Error(Code::chain, "did:x509: " + std::move(message)); }

// split_first cuts `text` at the first `separator` and returns what stood before it; all of it when there is none.
std::string_view split_first(std::string_view& text, std::string_view separator) {
  const std::size_t at = text.find(separator);
  const std::string_view head = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view() : text.substr(at + separator.size());
  return head;
}

bool is_oid(std::string_view text) {
  if (text.empty() || text.front() == '.' || text.back() == '.' || text.find("..") != std::string_view::npos) return false;
  return text.find('.') != std::string_view::npos && text.find_first_not_of("0123456789.") == std::string_view::npos;
}

// percent_decode: letters, digits, "-", ".", "_" stand for themselves, every other byte is %XX.
Result<std::string> percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_') {
      out.push_back(c);
      continue;
    }
    if (c != '%' || i + 2 >= text.size()) return malformed_did("character that must be percent-encoded in " + std::string(text));
    std::string digits(text.substr(i + 1, 2));
    for (char& digit : digits) {
      if (digit >= 'A' && digit <= 'F') digit = static_cast<char>(digit - 'A' + 'a');
    }
    REDOUBT_TRY(const Bytes byte, hex_decode(digits).context("did:x509"));
    out.push_back(static_cast<char>(byte[0]));
    i += 2;
  }
  if (out.empty()) return malformed_did("expected a value, found an empty one");
  return out;
}

}  // namespace

Result<DidX509> DidX509::parse(std::string_view text) {
  if (text.size() > kMaxSize) return malformed_did("expected at most " + std::to_string(kMaxSize) + " bytes");
  if (!text.starts_with(kPrefix)) return malformed_did("expected " + std::string(kPrefix) + " at its start");
  std::string_view policies = text.substr(kPrefix.size());
  std::string_view authority = split_first(policies, "::");
  DidX509 out;
  const std::string_view name = split_first(authority, ":");
  const auto* known = std::ranges::find(kHashes, name, &HashName::name);
  if (known == std::end(kHashes)) return malformed_did("expected sha256, sha384 or sha512, found another hash");
  out.hash_ = known->kind;
  REDOUBT_TRY(out.fingerprint_, base64url_decode(authority).context("did:x509: fingerprint"));
  if (out.fingerprint_.size() != known->size) {
    return malformed_did("fingerprint: expected " + std::to_string(known->size) + " bytes, found " +
                     std::to_string(out.fingerprint_.size()));
  }
  // A text that ends in "::" leaves an empty policy, which is refused.
  const bool trailing = text.ends_with("::");
  std::size_t count = 0;
  while (!policies.empty()) {
    if (++count > kMaxPolicies) return malformed_did("expected at most " + std::to_string(kMaxPolicies) + " policies");
    REDOUBT_CHECK(out.add_policy(split_first(policies, "::")));
  }
  if (count == 0 || trailing) return malformed_did("expected a policy after each ::");
  return out;
}

Status DidX509::add_policy(std::string_view text) {
  std::string_view value = text;
  const std::string_view name = split_first(value, ":");
  if (name == "eku") {
    if (!is_oid(value)) return malformed_did("eku: expected one OID, found " + std::string(value));
    usages_.emplace_back(value);
    return {};
  }
  if (name == "subject") return add_subject(value);
  return malformed_did("expected the policies eku and subject, found " + std::string(name));
}

Status DidX509::add_subject(std::string_view text) {
  if (!subject_.empty()) return malformed_did("subject stands twice");
  if (text.empty()) return malformed_did("subject: expected an attribute, found none");
  while (!text.empty()) {
    const std::string_view label = split_first(text, ":");
    const auto* known = std::ranges::find(kLabels, label, [](const auto& entry) { return entry.first; });
    if (known == std::end(kLabels) && !is_oid(label)) return malformed_did("subject: unknown attribute " + std::string(label));
    std::string oid(known == std::end(kLabels) ? label : known->second);
    if (std::ranges::any_of(subject_, [&](const Attribute& attribute) { return attribute.oid == oid; })) {
      return malformed_did("subject: attribute " + std::string(label) + " stands twice");
    }
    const bool last = text.find(':') == std::string_view::npos;
    REDOUBT_TRY(std::string value, percent_decode(split_first(text, ":")).context("subject"));
    if (!last && text.empty()) return malformed_did("subject: expected an attribute after the last colon");
    subject_.push_back({std::move(oid), std::move(value)});
  }
  return {};
}

Status DidX509::check(std::span<const crypto::CertificateView> chain) const {
  if (chain.size() < 2) return refused_did("expected a chain with a CA, found " + std::to_string(chain.size()) + " certificates");
  const bool found = std::ranges::any_of(chain.subspan(1), [this](const crypto::CertificateView& certificate) {
    return equal(crypto::hash(hash_, certificate.der), fingerprint_);
  });
  if (!found) return refused_did("expected a CA with fingerprint " + hex_encode(fingerprint_) + ", found none in the chain");
  for (const std::string& usage : usages_) REDOUBT_CHECK(check_usage(chain.front(), usage));
  if (!subject_.empty()) REDOUBT_CHECK(check_subject(chain.front()));
  return {};
}

Status DidX509::check_usage(const crypto::CertificateView& leaf, std::string_view oid) const {
  const crypto::ExtensionView* extension = leaf.extension(kLeafExtendedKeyUsage);
  if (extension == nullptr) return refused_did("expected the extended usage " + std::string(oid) + ", found none");
  der::Reader outer(extension->value, "extended key usage");
  der::Reader usages = outer.enter(der::Tag::sequence, "extended key usage");
  bool found = false;
  while (usages.ok() && !usages.at_end()) found |= der::oid_text(usages.oid()) == oid;
  REDOUBT_CHECK(usages.finish());
  REDOUBT_CHECK(outer.finish());
  if (!found) return refused_did("expected the extended usage " + std::string(oid) + ", found others");
  return {};
}

Status DidX509::check_subject(const crypto::CertificateView& leaf) const {
  std::vector<Attribute> attributes;
  der::Reader outer(leaf.subject, "subject");
  der::Reader name = outer.enter(der::Tag::sequence, "subject");
  while (name.ok() && !name.at_end()) {
    der::Reader set = name.enter(der::Tag::set, "relative name");
    while (set.ok() && !set.at_end()) {
      der::Reader pair = set.enter(der::Tag::sequence, "attribute");
      std::string oid = der::oid_text(pair.oid());
      const der::Element value = pair.any();
      REDOUBT_CHECK(pair.finish());
      const bool text = value.tag == der::Tag::utf8_string || value.tag == der::Tag::printable_string || value.tag == der::Tag::ia5_string;
      attributes.push_back({std::move(oid), text ? std::string(as_text(value.content)) : std::string()});
    }
    REDOUBT_CHECK(set.finish());
  }
  REDOUBT_CHECK(name.finish());
  REDOUBT_CHECK(outer.finish());
  for (const Attribute& wanted : subject_) {
    // Of an attribute that stands twice nobody can say which one is meant.
    if (std::ranges::count(attributes, wanted.oid, &Attribute::oid) != 1 || std::ranges::find(attributes, wanted) == attributes.end()) {
      return refused_did("expected the subject attribute " + wanted.oid + " once, with the value " + wanted.value + ", found other");
    }
  }
  return {};
}

}  // namespace redoubt::azure_uvm
