#include "common/crypto/certificate_der.h"

namespace redoubt::crypto {
namespace {

using der::Tag;

struct Algorithm {
  der::Oid oid;
  SignatureScheme scheme;
};

// RFC 5758 section 3.2: ECDSA has no parameters; Mbed TLS, and so the RA-TLS certificates of Gramine and Open Enclave, writes a NULL
// there, which is taken. RFC 4055 section 5: RSA PKCS #1 has a NULL.
constexpr Algorithm kEcdsa[] = {{der::oid("1.2.840.10045.4.3.2"), SignatureScheme::ecdsa_sha256},
                                {der::oid("1.2.840.10045.4.3.3"), SignatureScheme::ecdsa_sha384},
                                {der::oid("1.2.840.10045.4.3.4"), SignatureScheme::ecdsa_sha512}};
constexpr Algorithm kRsa[] = {{der::oid("1.2.840.113549.1.1.11"), SignatureScheme::rsa_pkcs1_sha256},
                              {der::oid("1.2.840.113549.1.1.12"), SignatureScheme::rsa_pkcs1_sha384},
                              {der::oid("1.2.840.113549.1.1.13"), SignatureScheme::rsa_pkcs1_sha512}};
constexpr auto kPss = der::oid("1.2.840.113549.1.1.10");
constexpr auto kMgf1 = der::oid("1.2.840.113549.1.1.8");
struct PssHash {
  der::Oid oid;
  SignatureScheme scheme;
  std::uint64_t size;
};
constexpr PssHash kHashes[] = {{der::oid("2.16.840.1.101.3.4.2.1"), SignatureScheme::rsa_pss_sha256, 32},
                               {der::oid("2.16.840.1.101.3.4.2.2"), SignatureScheme::rsa_pss_sha384, 48},
                               {der::oid("2.16.840.1.101.3.4.2.3"), SignatureScheme::rsa_pss_sha512, 64}};

// read_hash: an AlgorithmIdentifier of a hash; its parameters are NULL or absent (RFC 4055 section 2.1 takes both).
const PssHash* read_hash(der::Reader& reader) {
  der::Reader algorithm = reader.enter(Tag::sequence, "hash algorithm");
  const ByteView oid = algorithm.oid();
  const auto parameters = algorithm.optional(Tag::null);
  if (!algorithm.finish().ok() || (parameters && !parameters->empty())) return nullptr;
  for (const PssHash& hash : kHashes) {
    if (oid == hash.oid) return &hash;
  }
  return nullptr;
}

// read_pss: RSASSA-PSS-params with every field that differs from the SHA-1 defaults; the trailer field is the default, left out
// or, as AMD's certificates have it, written out.
std::optional<SignatureScheme> read_pss(ByteView parameters) {
  der::Reader reader(parameters, "pss parameters");
  der::Reader hash_field = reader.enter(der::context(0, true), "pss hash");
  der::Reader mask_field = reader.enter(der::context(1, true), "pss mask");
  der::Reader salt_field = reader.enter(der::context(2, true), "pss salt");
  std::uint64_t trailer = 1;
  if (reader.peek() == der::context(3, true)) {
    der::Reader trailer_field = reader.enter(der::context(3, true), "pss trailer");
    trailer = trailer_field.small(1);
    if (!trailer_field.finish().ok()) return std::nullopt;
  }
  if (!reader.finish().ok()) return std::nullopt;

  const PssHash* const hash = read_hash(hash_field);
  der::Reader mask = mask_field.enter(Tag::sequence, "pss mask");
  const ByteView mask_oid = mask.oid();
  const PssHash* const mask_hash = read_hash(mask);
  const std::uint64_t salt = salt_field.small(64);
  if (!hash_field.finish().ok() || !mask.finish().ok() || !mask_field.finish().ok() || !salt_field.finish().ok()) return std::nullopt;
  const bool fits = hash != nullptr && mask_hash == hash && mask_oid == kMgf1 && salt == hash->size && trailer == 1;
  return fits ? std::optional(hash->scheme) : std::nullopt;
}

std::optional<SignatureScheme> read_scheme(ByteView algorithm) {
  der::Reader reader(algorithm, "signature algorithm");
  const ByteView oid = reader.oid();
  if (!reader.ok()) return std::nullopt;
  for (const Algorithm& one : kEcdsa) {
    if (!(oid == one.oid)) continue;
    const auto null = reader.optional(Tag::null);
    return reader.finish().ok() && (!null || null->empty()) ? std::optional(one.scheme) : std::nullopt;
  }
  for (const Algorithm& one : kRsa) {
    if (!(oid == one.oid)) continue;
    const ByteView null = reader.content(Tag::null);
    return reader.finish().ok() && null.empty() ? std::optional(one.scheme) : std::nullopt;
  }
  if (!(oid == kPss)) return std::nullopt;
  const ByteView parameters = reader.content(Tag::sequence);
  return reader.finish().ok() ? read_pss(parameters) : std::nullopt;
}

}  // namespace

Result<SignedDer> read_signed(ByteView bytes, std::size_t max_size, std::string_view what) {
  if (bytes.empty() || bytes.size() > max_size) {
    return Error(Code::malformed, std::string(what) + ": expected 1 to " + std::to_string(max_size) + " bytes, found " +
                                      std::to_string(bytes.size()));
  }
  der::Reader outer(bytes, what);
  der::Reader reader = outer.enter(Tag::sequence, what);
  SignedDer out;
  out.tbs = reader.element(Tag::sequence);
  const der::Element algorithm = reader.element(Tag::sequence);
  out.algorithm = algorithm.whole;
  out.signature = reader.bits();
  REDOUBT_CHECK(reader.finish());
  REDOUBT_CHECK(outer.finish());
  const auto scheme = read_scheme(algorithm.content);
  if (!scheme) {
    // The dotted OID is public and of a bounded length; it says at once that, say, a certificate is signed with SHA-1.
    der::Reader named(algorithm.content, what);
    return Error(Code::malformed, std::string(what) + ": a signature algorithm that is not accepted, or its parameters: " +
                                      der::oid_text(named.oid()));
  }
  out.scheme = *scheme;
  return out;
}

ByteView read_name(der::Reader& reader) {
  const der::Element name = reader.element(Tag::sequence);
  der::Reader sets(name.content, "name");
  while (sets.ok() && !sets.at_end()) {
    der::Reader set = sets.enter(Tag::set, "name");
    do {
      der::Reader attribute = set.enter(Tag::sequence, "attribute");
      (void)attribute.oid();
      (void)attribute.any();
      if (!attribute.finish().ok()) {
        reader.fail("a name that is not sets of attributes");
        return {};
      }
    } while (set.ok() && !set.at_end());
  }
  return name.whole;
}

ExtensionView read_extension(der::Reader& reader) {
  der::Reader one = reader.enter(Tag::sequence, "extension");
  ExtensionView extension;
  extension.oid = one.oid();
  if (one.peek() == Tag::boolean) {
    extension.critical = one.boolean();
    if (!extension.critical) one.fail("a criticality of false, which is the default, written out");
  }
  extension.value = one.octet_string();
  const Status status = one.finish();
  if (!status.ok()) reader.fail(status.error().message());
  return extension;
}

Result<std::optional<ByteView>> read_authority_key_id(ByteView value) {
  der::Reader outer(value, "authority key identifier");
  der::Reader reader = outer.enter(Tag::sequence, "authority key identifier");
  const auto key_id = reader.optional(der::context(0, false));
  (void)reader.optional(der::context(1, true));
  (void)reader.optional(der::context(2, false));
  REDOUBT_CHECK(reader.finish());
  REDOUBT_CHECK(outer.finish());
  return key_id;
}

}  // namespace redoubt::crypto
