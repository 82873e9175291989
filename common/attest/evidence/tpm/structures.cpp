#include "common/attest/evidence/tpm/structures.h"

#include "common/attest/evidence/tpm/attributes_text.h"
#include "common/base/der.h"
#include "common/base/reader.h"

namespace redoubt::tpm {
namespace {

constexpr std::uint32_t kGeneratedMagic = 0xff544347;  // TPM_GENERATED_VALUE
constexpr std::uint16_t kTypeQuote = 0x8018;           // TPM_ST_ATTEST_QUOTE
constexpr std::size_t kMaxName = 66;                   // algorithm and SHA-512
constexpr std::size_t kMaxDigestData = 64;                   // TPM2B_DATA is bounded by the largest digest
constexpr std::uint32_t kMaxBanks = 8;
constexpr std::uint32_t kRsaExponent = 65537;
constexpr std::size_t kMaxSelect = 4;  // bytes of a PCR bit map; 24 PCRs need 3
constexpr std::uint16_t kMaxRsaBits = 4096;

constexpr std::uint32_t kKnownAttributes = 0x000f0cf6;  // every bit that Part 2 section 8.3 defines

std::string hex16(std::uint32_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text = "0x";
  for (int shift = 12; shift >= 0; shift -= 4) text.push_back(kDigits[value >> shift & 15]);
  return text;
}

// fail_algorithm refuses an algorithm id by its number, so that one sees what the TPM used.
void expect_algorithm(Reader& reader, std::uint32_t found, std::uint32_t expected, std::string_view field) {
  if (reader.ok() && found != expected) {
    reader.fail(std::string(field) + ": expected algorithm " + hex16(expected) + ", found " + hex16(found));
  }
}

// number reads a TPM2B of at most 32 bytes as a number; some TPMs drop leading zeros.
P256Number number(Reader& reader, std::string_view field) {
  P256Number out;
  const ByteView bytes = reader.sized16be(P256Number::size);
  if (reader.ok() && bytes.empty()) reader.fail(std::string(field) + " is empty");
  std::ranges::copy(bytes, out.array().end() - static_cast<std::ptrdiff_t>(bytes.size()));
  return out;
}

constexpr struct {
  std::uint32_t bit;
  std::string_view name;
} kAttributeNames[] = {{kFixedTpm, "fixedTPM"},     {1U << 2, "stClear"},         {kFixedParent, "fixedParent"},
                       {kSensitiveDataOrigin, "sensitiveDataOrigin"},             {1U << 6, "userWithAuth"},
                       {1U << 7, "adminWithPolicy"}, {1U << 10, "noDA"},          {1U << 11, "encryptedDuplication"},
                       {kRestricted, "restricted"}, {kDecrypt, "decrypt"},        {kSign, "sign"},
                       {kX509Sign, "x509sign"}};

bool is_rsa_size(std::size_t size) { return size == 256 || size == 384 || size == 512; }

ShortList<int, 24> selected_pcrs(ByteView bitmap) {
  ShortList<int, 24> pcrs;
  for (std::size_t i = 0; i < bitmap.size() * 8; ++i) {
    if ((std::to_integer<unsigned>(bitmap[i / 8]) >> (i % 8) & 1U) != 0) pcrs.push_back(static_cast<int>(i));
  }
  return pcrs;
}

}  // namespace

Result<Attest> Attest::parse(ByteView bytes) {
  if (bytes.size() > kMaxSize) return Error(Code::malformed, "quote: more than 1024 bytes");
  Reader reader(bytes, "quote");
  reader.expect_u32be(kGeneratedMagic, "magic");
  reader.expect_u16be(kTypeQuote, "type");
  Attest attest;
  attest.qualified_signer.assign(reader.sized16be(kMaxName));
  attest.extra_data.assign(reader.sized16be(kMaxDigestData));
  attest.clock_ms = reader.u64be();
  attest.reset_count = reader.u32be();
  attest.restart_count = reader.u32be();
  const std::uint8_t safe = reader.u8();
  if (safe > 1) reader.fail("safe: expected 0 or 1");
  attest.safe = safe == 1;
  attest.firmware_version = reader.u64be();
  const std::uint32_t count = reader.u32be();
  if (count > kMaxBanks) reader.fail("more than 8 PCR banks selected");
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i) {
    Attest::Selection selection;
    selection.bank = reader.u16be();
    const std::uint8_t size = reader.u8();
    if (size > kMaxSelect) reader.fail("PCR bit map of more than 4 bytes");
    selection.pcrs = selected_pcrs(reader.bytes(size));
    attest.selections.push_back(std::move(selection));
  }
  attest.pcr_digest.assign(reader.sized16be(kMaxDigestData));
  REDOUBT_CHECK(reader.finish());
  return attest;
}

Result<Signature> Signature::parse(ByteView bytes) {
  Reader reader(bytes, "quote signature");
  Signature signature;
  signature.scheme = reader.u16be();
  if (signature.scheme != kAlgEcdsa && signature.scheme != kAlgRsassa && signature.scheme != kAlgRsapss) {
    reader.fail("scheme: expected ECDSA, RSASSA or RSAPSS, found " + hex16(signature.scheme));
  }
  signature.hash = reader.u16be();
  if (!hash_kind(signature.hash)) {
    reader.fail("hash: expected SHA-256, SHA-384 or SHA-512, found " + hex16(signature.hash) + (signature.hash == kAlgSha1 ? " (SHA-1)" : ""));
  }
  if (signature.scheme == kAlgEcdsa) {
    const P256Number r = number(reader, "r");
    const P256Number s = number(reader, "s");
    signature.value.append(r.view());
    signature.value.append(s.view());
  } else {
    signature.value.assign(reader.sized16be(kMaxRsaBits / 8));
    if (reader.ok() && !is_rsa_size(signature.value.size())) {
      reader.fail("RSA signature: expected 256, 384 or 512 bytes, found " + std::to_string(signature.value.size()));
    }
  }
  REDOUBT_CHECK(reader.finish());
  return signature;
}

std::optional<crypto::HashKind> hash_kind(std::uint16_t algorithm) {
  switch (algorithm) {
    case kAlgSha256: return crypto::HashKind::sha256;
    case kAlgSha384: return crypto::HashKind::sha384;
    case kAlgSha512: return crypto::HashKind::sha512;
    default: return std::nullopt;
  }
}

std::string algorithm_text(std::uint16_t algorithm) {
  switch (algorithm) {
    case kAlgRsa: return "RSA";
    case kAlgSha1: return "SHA-1";
    case kAlgSha256: return "SHA-256";
    case kAlgSha384: return "SHA-384";
    case kAlgSha512: return "SHA-512";
    case kAlgNull: return "none";
    case kAlgRsassa: return "RSASSA";
    case kAlgRsapss: return "RSAPSS";
    case kAlgEcdsa: return "ECDSA";
    default: return hex16(algorithm);
  }
}

std::string attributes_text(std::uint32_t attributes) { return concat(AttributesText{attributes}); }

Result<Public> Public::parse(ByteView bytes) {
  if (bytes.size() > kMaxSize) return Error(Code::malformed, "TPM public area: more than 1024 bytes");
  Reader reader(bytes, "TPM public area");
  const std::uint16_t type = reader.u16be();
  if (reader.ok() && type != kAlgEcc && type != kAlgRsa) {
    reader.fail("type: expected 0x0023 (ECC) or 0x0001 (RSA), found " + hex16(type));
  }
  expect_algorithm(reader, reader.u16be(), kAlgSha256, "name algorithm (SHA-256)");
  Public key;
  key.attributes = reader.u32be();
  if ((key.attributes & ~kKnownAttributes) != 0) reader.fail("attributes: reserved bits are set");
  key.auth_policy.assign(reader.sized16be(kMaxDigestData));
  key.symmetric.algorithm = reader.u16be();
  if (key.symmetric.algorithm != kAlgNull) {
    expect_algorithm(reader, key.symmetric.algorithm, kAlgAes, "symmetric (AES or none)");
    key.symmetric.bits = reader.u16be();
    key.symmetric.mode = reader.u16be();
  }
  key.scheme.algorithm = reader.u16be();
  // Every scheme that has parameters has exactly a hash here; RSAES has none, and no use for a key of ours.
  if (key.scheme.algorithm != kAlgNull) key.scheme.hash = reader.u16be();
  if (type == kAlgEcc) {
    Ecc ecc;
    const std::uint16_t curve = reader.u16be();
    if (reader.ok() && curve != kCurveP256) reader.fail("curve: expected 0x0003 (P-256), found " + hex16(curve));
    expect_algorithm(reader, reader.u16be(), kAlgNull, "key derivation (none)");
    ecc.x = number(reader, "x");
    ecc.y = number(reader, "y");
    key.key = ecc;
  } else {
    Rsa rsa;
    const std::uint16_t bits = reader.u16be();
    if (reader.ok() && !is_rsa_size(bits / 8U)) reader.fail("RSA key: expected 2048, 3072 or 4096 bits, found " + std::to_string(bits));
    rsa.exponent = reader.u32be();
    rsa.modulus.assign(reader.sized16be(kMaxRsaBits / 8));
    if (reader.ok() && rsa.modulus.size() * 8 != bits) {
      reader.fail("RSA modulus: expected " + std::to_string(bits / 8) + " bytes, found " + std::to_string(rsa.modulus.size()));
    }
    key.key = std::move(rsa);
  }
  REDOUBT_CHECK(reader.finish());
  const crypto::Sha256Digest digest = crypto::sha256(bytes);
  key.name.array()[0] = std::byte{kAlgSha256 >> 8};
  key.name.array()[1] = std::byte{kAlgSha256 & 0xff};
  std::ranges::copy(digest.view(), key.name.array().begin() + 2);
  return key;
}

void append_text(std::string& out, AttributesText text) {
  std::string_view before;
  for (const auto& [bit, name] : kAttributeNames) {
    if ((text.attributes & bit) == 0) continue;
    out += before;
    out += name;
    before = "|";
  }
}

std::size_t text_room(AttributesText text) {
  std::size_t room = 0;
  for (const auto& [bit, name] : kAttributeNames) room += (text.attributes & bit) != 0 ? name.size() + 1 : 0;
  return room;
}

Result<ByteView> unwrap_sized(ByteView tpm2b, std::string_view what) {
  Reader reader(tpm2b, what);
  const ByteView inner = reader.sized16be(Public::kMaxSize);
  REDOUBT_CHECK(reader.finish());
  return inner;
}

bool ek_template_matches(const Public& ek) {
  // PolicySecret(TPM_RH_ENDORSEMENT), appendix B.3.3 of the profile.
  static constexpr std::array<unsigned char, 32> kPolicy = {
      0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24,
      0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa};
  // fixedTPM, fixedParent, sensitiveDataOrigin, adminWithPolicy, restricted, decrypt
  constexpr std::uint32_t kAttributes = 0x000300b2;
  constexpr std::size_t kEkModulus = 256;
  const Public::Rsa* rsa = ek.rsa();
  return rsa != nullptr && rsa->exponent == 0 && rsa->modulus.size() == kEkModulus && ek.attributes == kAttributes &&
         equal(ek.auth_policy, std::as_bytes(std::span(kPolicy))) && ek.symmetric.algorithm == kAlgAes &&
         ek.symmetric.bits == 128 && ek.symmetric.mode == kAlgCfb && ek.scheme.algorithm == kAlgNull;
}

Result<crypto::PublicKey> public_key(const Public& key) {
  if (const Public::Ecc* ecc = key.ecc()) {
    return crypto::PublicKey::from_point(crypto::KeyKind::p256, ecc->x.view(), ecc->y.view());
  }
  const Public::Rsa& rsa = *key.rsa();
  if (rsa.exponent != 0 && rsa.exponent != kRsaExponent) {
    return Error(Code::malformed, "RSA key: expected the exponent 65537, found " + std::to_string(rsa.exponent));
  }
  return crypto::PublicKey::from_rsa(rsa.modulus);
}

ByteView rsa_modulus(ByteView spki) {
  constexpr auto kRsaEncryption = der::oid("1.2.840.113549.1.1.1");
  der::Reader outer(spki, "rsa key");
  der::Reader info = outer.enter(der::Tag::sequence, "rsa key");
  der::Reader algorithm = info.enter(der::Tag::sequence, "algorithm");
  const bool rsa = equal(algorithm.content(der::Tag::oid), kRsaEncryption.view()) && algorithm.content(der::Tag::null).empty();
  der::Reader bits(info.bits(), "rsa key");
  der::Reader numbers = bits.enter(der::Tag::sequence, "rsa key");
  const ByteView modulus = numbers.unsigned_integer();
  const std::uint64_t exponent = numbers.small(UINT32_MAX);
  for (der::Reader* reader : {&algorithm, &numbers, &bits, &info, &outer}) {
    if (!reader->finish().ok()) return {};
  }
  return rsa && exponent == kRsaExponent ? modulus : ByteView();
}

bool is_key_of(const Public::Rsa& key, ByteView spki) {
  const ByteView modulus = rsa_modulus(spki);
  return !modulus.empty() && equal(modulus, key.modulus);
}

Result<crypto::SignatureScheme> signature_scheme(const Public& key) {
  using enum crypto::SignatureScheme;
  const auto hash = hash_kind(key.scheme.hash);
  const bool fits = key.ecc() != nullptr ? key.scheme.algorithm == kAlgEcdsa
                                         : key.scheme.algorithm == kAlgRsassa || key.scheme.algorithm == kAlgRsapss;
  if (!fits || !hash) {
    const std::string scheme = algorithm_text(key.scheme.algorithm) +
                               (key.scheme.algorithm == kAlgNull ? "" : " with " + algorithm_text(key.scheme.hash));
    return Error(Code::chain, "the key's scheme: expected ECDSA on P-256, RSASSA or RSAPSS with SHA-256, SHA-384 or SHA-512, found " + scheme);
  }
  constexpr crypto::SignatureScheme kSchemes[][3] = {{ecdsa_sha256, ecdsa_sha384, ecdsa_sha512},
                                                     {rsa_pkcs1_sha256, rsa_pkcs1_sha384, rsa_pkcs1_sha512},
                                                     {rsa_pss_sha256, rsa_pss_sha384, rsa_pss_sha512}};
  const std::size_t family = key.scheme.algorithm == kAlgEcdsa ? 0 : key.scheme.algorithm == kAlgRsassa ? 1 : 2;
  return kSchemes[family][static_cast<std::size_t>(*hash)];
}

AkName qualified_name(const AkName& name, ByteView parent) {
  AkName out;
  out.array()[0] = std::byte{kAlgSha256 >> 8};
  out.array()[1] = std::byte{kAlgSha256 & 0xff};
  std::ranges::copy(crypto::sha256({parent, name.view()}).view(), out.array().begin() + 2);
  return out;
}

AkName primary_qualified_name(const AkName& name, std::uint32_t hierarchy) {
  std::array<std::byte, 4> handle{};
  for (std::size_t i = 0; i < handle.size(); ++i) handle[i] = static_cast<std::byte>(hierarchy >> (24 - 8 * i) & 0xffU);
  return qualified_name(name, handle);
}

}  // namespace redoubt::tpm
