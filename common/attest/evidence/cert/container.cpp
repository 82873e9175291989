#include "common/attest/evidence/cert/container.h"

namespace redoubt::cert {
namespace {

using crypto::SignatureScheme;
using der::Tag;

struct Algorithm {
  der::Oid oid;
  SignatureScheme scheme;
};
constexpr Algorithm kAlgorithms[] = {
    {der::oid("1.2.840.10045.4.3.2"), SignatureScheme::ecdsa_sha256},
    {der::oid("1.2.840.10045.4.3.3"), SignatureScheme::ecdsa_sha384},
    {der::oid("1.2.840.10045.4.3.4"), SignatureScheme::ecdsa_sha512},
    {der::oid("1.2.840.113549.1.1.11"), SignatureScheme::rsa_pkcs1_sha256},
    {der::oid("1.2.840.113549.1.1.12"), SignatureScheme::rsa_pkcs1_sha384},
    {der::oid("1.2.840.113549.1.1.13"), SignatureScheme::rsa_pkcs1_sha512},
};

// time: UTCTime `YYMMDDhhmmssZ` or GeneralizedTime `YYYYMMDDhhmmssZ`, any year from 1970.
Instant time(der::Reader& reader) {
  const der::Element element = reader.any();
  std::string_view text = as_text(element.content);
  std::string year;
  if (element.tag == Tag::utc_time && text.size() == 13) {
    year = (text[0] < '5' ? "20" : "19") + std::string(text.substr(0, 2));
    text.remove_prefix(2);
  } else if (element.tag == Tag::generalized_time && text.size() == 15) {
    year = text.substr(0, 4);
    text.remove_prefix(4);
  } else {
    reader.fail("expected a time in seconds with 'Z'");
    return {};
  }
  const auto two = [&](std::size_t at) { return std::string(text.substr(at, 2)); };
  const auto instant = Instant::parse(year + "-" + two(0) + "-" + two(2) + "T" + two(4) + ":" + two(6) + ":" + two(8) +
                                      std::string(text.substr(10)));
  if (!instant.ok()) {
    reader.fail("expected a time in seconds with 'Z'");
    return {};
  }
  return *instant;
}

// algorithm: an AlgorithmIdentifier with no parameters or NULL; others leave the scheme absent.
Status algorithm(ByteView whole, Container& out) {
  der::Reader outer(whole, "signature algorithm");
  der::Reader fields = outer.enter(Tag::sequence, "signature algorithm");
  out.signature_algorithm = fields.oid();
  const bool plain = fields.at_end() || (fields.peek() == Tag::null && fields.content(Tag::null).empty() && fields.at_end());
  while (fields.peek()) fields.any();
  REDOUBT_CHECK(fields.finish());
  for (const Algorithm& known : kAlgorithms) {
    if (plain && out.signature_algorithm == known.oid) out.scheme = known.scheme;
  }
  return {};
}

Status read_extensions(der::Reader& tbs, Container& out) {
  der::Reader explicit_tag = tbs.enter(der::context(3, true), "certificate extensions");
  der::Reader list = explicit_tag.enter(Tag::sequence, "certificate extensions");
  while (list.peek()) {
    der::Reader entry = list.enter(Tag::sequence, "certificate extension");
    Extension extension;
    extension.oid = entry.oid();
    if (entry.peek() == Tag::boolean) entry.boolean();
    extension.value = entry.octet_string();
    REDOUBT_CHECK(entry.finish());
    if (out.extensions.size() == Container::kMaxExtensions) return Error(Code::malformed, "certificate: more than 32 extensions");
    out.extensions.push_back(extension);
  }
  REDOUBT_CHECK(list.finish());
  return explicit_tag.finish();
}

Status key(Container& out) {
  der::Reader outer(out.spki, "certificate key");
  der::Reader fields = outer.enter(Tag::sequence, "certificate key");
  fields.content(Tag::sequence);
  out.key_bits = fields.bits();
  return fields.finish();
}

}  // namespace

Result<Container> Container::parse(ByteView bytes) {
  if (bytes.size() > kMaxSize) {
    return Error(Code::malformed, "certificate: expected at most 131072 bytes, found " + std::to_string(bytes.size()));
  }
  Container out;
  der::Reader document(bytes, "certificate");
  der::Reader outer = document.enter(Tag::sequence, "certificate");
  REDOUBT_CHECK(document.finish());
  out.tbs = outer.element(Tag::sequence).whole;
  const ByteView outer_algorithm = outer.element(Tag::sequence).whole;
  out.signature = outer.bits();
  REDOUBT_CHECK(outer.finish());

  der::Reader wrapper(out.tbs, "certificate");
  der::Reader tbs = wrapper.enter(Tag::sequence, "certificate");
  der::Reader version = tbs.enter(der::context(0, true), "certificate version");
  if (version.small(2) != 2) version.fail("expected version 3");
  REDOUBT_CHECK(version.finish());
  tbs.content(Tag::integer);
  const ByteView inner_algorithm = tbs.element(Tag::sequence).whole;
  out.issuer = tbs.element(Tag::sequence).whole;
  der::Reader validity = tbs.enter(Tag::sequence, "certificate validity");
  out.validity.begin = time(validity);
  out.validity.end = time(validity);
  REDOUBT_CHECK(validity.finish());
  out.subject = tbs.element(Tag::sequence).whole;
  out.spki = tbs.element(Tag::sequence).whole;
  if (tbs.peek() == der::context(3, true)) REDOUBT_CHECK(read_extensions(tbs, out));
  REDOUBT_CHECK(tbs.finish());
  if (!equal(inner_algorithm, outer_algorithm)) {
    return Error(Code::malformed, "certificate: two signature algorithms that differ");
  }
  REDOUBT_CHECK(algorithm(inner_algorithm, out));
  REDOUBT_CHECK(key(out));
  return out;
}

}  // namespace redoubt::cert
