#include "common/crypto/certificate_view.h"

#include "common/crypto/certificate_der.h"

namespace redoubt::crypto {
namespace {

using der::Tag;

constexpr std::size_t kMaxSerial = 20;  // RFC 5280 section 4.1.2.2

Status read_basic_constraints(ByteView value, CertificateView& out) {
  der::Reader outer(value, "basic constraints");
  der::Reader reader = outer.enter(Tag::sequence, "basic constraints");
  bool ca = false;
  if (reader.peek() == Tag::boolean) {
    ca = reader.boolean();
    if (!ca) reader.fail("a CA flag of false, which is the default, written out");
  }
  if (reader.ok() && !reader.at_end()) {
    out.path_length = static_cast<unsigned>(reader.small(255));
    if (!ca) reader.fail("a path length without a CA");
  }
  REDOUBT_CHECK(reader.finish());
  REDOUBT_CHECK(outer.finish());
  out.is_ca = ca;
  return {};
}

Status read_known(const ExtensionView& extension, CertificateView& out) {
  if (extension.oid == kBasicConstraints) return read_basic_constraints(extension.value, out);
  if (extension.oid == kAuthorityKeyId) {
    REDOUBT_TRY(out.authority_key_id, read_authority_key_id(extension.value));
    return {};
  }
  if (extension.oid == kKeyUsage) {
    der::Reader reader(extension.value, "key usage");
    out.key_usage = reader.named_bits();
    return reader.finish();
  }
  if (extension.oid == kSubjectKeyId) {
    der::Reader reader(extension.value, "subject key identifier");
    out.subject_key_id = reader.octet_string();
    return reader.finish();
  }
  return {};
}

Status read_extensions(der::Reader& tbs, CertificateView& out) {
  der::Reader field = tbs.enter(der::context(3, true), "certificate extensions");
  der::Reader list = field.enter(Tag::sequence, "certificate extensions");
  REDOUBT_CHECK(field.finish());
  if (list.at_end()) return Error(Code::malformed, "certificate extensions: an empty list");
  while (!list.at_end()) {
    const ExtensionView extension = read_extension(list);
    REDOUBT_CHECK(list.status());
    if (out.extensions.size() == CertificateView::kMaxExtensions) {
      return Error(Code::malformed, "certificate extensions: more than 32");
    }
    for (const ExtensionView& other : out.extensions) {
      if (equal(other.oid, extension.oid)) {
        return Error(Code::malformed, "certificate extensions: " + der::oid_text(extension.oid) + " stands there twice");
      }
    }
    out.extensions.push_back(extension);
    REDOUBT_CHECK(read_known(extension, out));
  }
  return {};
}

}  // namespace

Result<CertificateView> CertificateView::parse(ByteView der) {
  REDOUBT_TRY(const SignedDer envelope, read_signed(der, kMaxSize, "certificate"));
  CertificateView out;
  out.der = der;
  out.tbs = envelope.tbs.whole;
  out.scheme = envelope.scheme;
  out.signature = envelope.signature;

  der::Reader tbs(envelope.tbs.content, "certificate");
  // Version 1 has no version field, and no extensions that could say what the certificate is for.
  if (tbs.peek() != der::context(0, true)) tbs.fail("expected version 3, found version 1");
  der::Reader version = tbs.enter(der::context(0, true), "certificate version");
  if (version.small(2) != 2) version.fail("expected version 3");
  REDOUBT_CHECK(version.finish());
  out.serial = tbs.unsigned_integer();
  if (out.serial.size() > kMaxSerial) tbs.fail("a serial number above 20 bytes");
  if (!equal(tbs.element(Tag::sequence).whole, envelope.algorithm)) tbs.fail("another signature algorithm inside than outside");
  out.issuer = read_name(tbs);
  der::Reader validity = tbs.enter(Tag::sequence, "certificate validity");
  out.validity.begin = validity.time();
  out.validity.end = validity.time();
  REDOUBT_CHECK(validity.finish());
  out.subject = read_name(tbs);
  const der::Element spki = tbs.element(Tag::sequence);
  out.spki = spki.whole;
  der::Reader key(spki.content, "certificate public key");
  (void)key.element(Tag::sequence);
  (void)key.bits();
  REDOUBT_CHECK(key.finish());
  // Unique identifiers ([1], [2]) stop here: RFC 5280 section 4.1.2.8 wants none.
  if (tbs.ok() && !tbs.at_end()) REDOUBT_CHECK(read_extensions(tbs, out));
  REDOUBT_CHECK(tbs.finish());
  return out;
}

const ExtensionView* CertificateView::extension(const der::Oid& oid) const {
  for (const ExtensionView& one : extensions) {
    if (one.oid == oid) return &one;
  }
  return nullptr;
}

}  // namespace redoubt::crypto
