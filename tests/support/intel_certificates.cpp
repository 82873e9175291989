#include "tests/support/intel_certificates.h"

#include <map>

namespace redoubt::test {
namespace {

constexpr std::string_view kSgxArc = "1.2.840.113741.1.13.1";

Bytes u8(std::uint8_t value) { return Bytes{std::byte{value}}; }
Bytes text(unsigned tag, std::string_view value) { return der_element(tag, {as_bytes(value)}); }
Bytes ecdsa_sha256() { return der_sequence({der_oid("1.2.840.10045.4.3.2")}); }
Bytes bits(ByteView content, std::uint8_t unused = 0) { return der_element(0x03, {u8(unused), content}); }

Bytes time_of(Instant at) {
  std::string digits;
  for (const char c : at.text()) {
    if (c >= '0' && c <= '9') digits += c;
  }
  const bool utc = digits < "2050";
  return text(utc ? 0x17 : 0x18, (utc ? digits.substr(2) : digits) + "Z");
}

Bytes name_of(std::string_view common_name) {
  const auto attribute = [](std::string_view oid, std::string_view value) {
    return der_element(0x31, {der_sequence({der_oid(oid), text(0x0c, value)})});
  };
  return der_sequence({attribute("2.5.4.3", common_name), attribute("2.5.4.10", "Redoubt test")});
}

Bytes extension(std::string_view oid, bool critical, ByteView value) {
  const Bytes flag = critical ? der_element(0x01, {u8(0xff)}) : Bytes();
  return der_sequence({der_oid(oid), flag, der_element(0x04, {value})});
}

Bytes key_id(ByteView spki) {
  const auto digest = crypto::sha256(spki);
  return to_bytes(digest.view().first(20));
}

Bytes usage_bits(std::uint16_t value) {
  // One byte holds every bit used here; DER wants the trailing zero bits counted.
  std::uint8_t unused = 0;
  while (unused < 7 && ((static_cast<unsigned>(value) >> unused) & 1U) == 0) ++unused;
  return bits(u8(static_cast<std::uint8_t>(value)), unused);
}

// Signed once for each content (which names subject and issuer by their keys): a root has the same bytes wherever it stands.
Bytes signed_structure(const Bytes& tbs, const crypto::EcdsaP256PrivateKey& key) {
  static std::map<crypto::Sha256Digest, Bytes> made;
  if (const auto found = made.find(crypto::sha256(tbs)); found != made.end()) return found->second;
  const auto signature = key.sign_digest(crypto::sha256(tbs));
  const Bytes der = der_sequence({der_integer(signature.r.view()), der_integer(signature.s.view())});
  return made[crypto::sha256(tbs)] = der_sequence({tbs, ecdsa_sha256(), bits(der)});
}

}  // namespace

Bytes der_element(unsigned tag, std::initializer_list<ByteView> parts) {
  std::size_t size = 0;
  for (const ByteView part : parts) size += part.size();
  Bytes out = u8(static_cast<std::uint8_t>(tag));
  if (size < 0x80) {
    append(out, u8(static_cast<std::uint8_t>(size)));
  } else if (size < 0x100) {
    append(out, Bytes{std::byte{0x81}, static_cast<std::byte>(size)});
  } else {
    append(out, Bytes{std::byte{0x82}, static_cast<std::byte>(size >> 8U), static_cast<std::byte>(size & 0xffU)});
  }
  for (const ByteView part : parts) append(out, part);
  return out;
}

Bytes der_sequence(std::initializer_list<ByteView> parts) { return der_element(0x30, parts); }

Bytes der_oid(std::string_view dotted) {
  std::vector<std::uint64_t> arcs;
  for (std::size_t at = 0; at <= dotted.size();) {
    const std::size_t dot = std::min(dotted.find('.', at), dotted.size());
    arcs.push_back(std::stoull(std::string(dotted.substr(at, dot - at))));
    at = dot + 1;
  }
  Bytes content = u8(static_cast<std::uint8_t>(arcs.at(0) * 40 + arcs.at(1)));
  for (std::size_t i = 2; i < arcs.size(); ++i) {
    Bytes groups = u8(static_cast<std::uint8_t>(arcs[i] & 0x7fU));
    for (std::uint64_t rest = arcs[i] >> 7U; rest != 0; rest >>= 7U) {
      groups.insert(groups.begin(), static_cast<std::byte>((rest & 0x7fU) | 0x80U));
    }
    append(content, groups);
  }
  return der_element(0x06, {content});
}

Bytes der_integer(ByteView magnitude) {
  while (magnitude.size() > 1 && magnitude[0] == std::byte{0}) magnitude = magnitude.subspan(1);
  const bool sign = (magnitude[0] & std::byte{0x80}) != std::byte{0};
  return der_element(0x02, {sign ? u8(0) : Bytes(), magnitude});
}

Bytes der_integer(std::uint64_t value) {
  Bytes bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::byte>((value >> shift) & 0xffU));
  return der_integer(ByteView(bytes));
}

Bytes concatenated(const std::vector<Bytes>& parts) {
  Bytes out;
  for (const Bytes& part : parts) append(out, part);
  return out;
}

Bytes make_certificate(const CertificateRecipe& recipe, const crypto::EcdsaP256PublicKey& subject,
                       const crypto::EcdsaP256PrivateKey& issuer) {
  const Bytes spki = subject.spki();
  const bool ca = recipe.path_length.has_value();
  const Bytes constraints =
      ca ? der_sequence({der_element(0x01, {u8(0xff)}), der_integer(static_cast<std::uint64_t>(*recipe.path_length))})
         : der_sequence({});
  Bytes extensions;
  append(extensions, extension("2.5.29.35", false, der_sequence({der_element(0x80, {key_id(issuer.public_key().spki())})})));
  append(extensions, extension("2.5.29.14", false, der_element(0x04, {key_id(spki)})));
  append(extensions, extension("2.5.29.15", true, usage_bits(ca ? 0x06 : recipe.key_usage)));
  append(extensions, extension("2.5.29.19", true, constraints));
  append(extensions, concatenated(recipe.more_extensions));
  const Bytes tbs = der_sequence({der_element(0xa0, {der_integer(2)}), der_integer(recipe.serial), ecdsa_sha256(),
                                  name_of(recipe.issuer),
                                  der_sequence({time_of(recipe.validity.begin), time_of(recipe.validity.end)}),
                                  name_of(recipe.subject), spki, der_element(0xa3, {der_sequence({extensions})})});
  return signed_structure(tbs, issuer);
}

Bytes make_crl(const CrlRecipe& recipe, const crypto::EcdsaP256PrivateKey& issuer) {
  Bytes entries;
  for (const std::uint64_t serial : recipe.revoked) {
    append(entries, der_sequence({der_integer(serial), time_of(recipe.validity.begin)}));
  }
  const Bytes list = recipe.revoked.empty() ? Bytes() : der_sequence({entries});
  Bytes extensions = extension("2.5.29.20", false, der_integer(recipe.number));
  append(extensions, extension("2.5.29.35", false, der_sequence({der_element(0x80, {key_id(issuer.public_key().spki())})})));
  const Bytes tbs = der_sequence({der_integer(1), ecdsa_sha256(), name_of(recipe.issuer), time_of(recipe.validity.begin),
                                  time_of(recipe.validity.end), list, der_element(0xa0, {der_sequence({extensions})})});
  return signed_structure(tbs, issuer);
}

std::vector<Bytes> SgxExtensionRecipe::tcb_items() const {
  const auto item = [](std::size_t arc, const Bytes& value) {
    return der_sequence({der_oid(std::string(kSgxArc) + ".2." + std::to_string(arc)), value});
  };
  std::vector<Bytes> out;
  for (std::size_t i = 0; i < components.size(); ++i) out.push_back(item(i + 1, der_integer(components[i])));
  out.push_back(item(17, der_integer(pce_svn)));
  out.push_back(item(18, der_element(0x04, {cpu_svn})));
  return out;
}

std::vector<Bytes> SgxExtensionRecipe::items() const {
  const auto item = [](std::string_view arc, const Bytes& value) {
    return der_sequence({der_oid(std::string(kSgxArc) + "." + std::string(arc)), value});
  };
  const auto octets = [](const Bytes& value) { return der_element(0x04, {value}); };
  std::vector<Bytes> out = {item("1", octets(ppid)), item("2", der_sequence({concatenated(tcb_items())})), item("3", octets(pce_id)),
                            item("4", octets(fmspc)), item("5", der_element(0x0a, {u8(static_cast<std::uint8_t>(type))}))};
  if (platform) {
    const Bytes yes = der_element(0x01, {u8(0xff)});
    const Bytes no = der_element(0x01, {u8(0)});
    out.push_back(item("6", octets(Bytes(16, std::byte{0x22}))));
    out.push_back(item("7", der_sequence({item("7.1", yes), item("7.2", no), item("7.3", yes)})));
  }
  return out;
}

Bytes sgx_extension_value(const std::vector<Bytes>& items) { return der_sequence({concatenated(items)}); }

Bytes sgx_extension_element(ByteView value) { return extension(kSgxArc, false, value); }

std::string pem_of(ByteView der) {
  const std::string text = base64_encode(der);
  std::string out = "-----BEGIN CERTIFICATE-----\n";
  for (std::size_t at = 0; at < text.size(); at += 64) out += text.substr(at, 64) + "\n";
  return out + "-----END CERTIFICATE-----\n";
}

}  // namespace redoubt::test
