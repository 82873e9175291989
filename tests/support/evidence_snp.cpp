#include "tests/support/evidence_snp.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <cstdlib>

#include "tests/support/expect.h"
#include "tests/support/rsa_key.h"

namespace redoubt::test {
namespace {

using amd::KeyKind;
using amd::Product;

EVP_PKEY* native(const std::shared_ptr<void>& key) { return static_cast<EVP_PKEY*>(key.get()); }

void require(bool good) {
  if (!good) std::abort();
}

// --- DER, as far as certificates need it --------------------------------------------------------------------------
Bytes tlv(unsigned tag, ByteView content) {
  Bytes out{static_cast<std::byte>(tag)};
  if (content.size() >= 0x100) {
    out.push_back(std::byte{0x82});
    out.push_back(static_cast<std::byte>(content.size() >> 8U));
  } else if (content.size() >= 0x80) {
    out.push_back(std::byte{0x81});
  }
  out.push_back(static_cast<std::byte>(content.size() & 0xffU));
  append(out, content);
  return out;
}

Bytes join(std::initializer_list<Bytes> parts) {
  Bytes out;
  for (const Bytes& part : parts) append(out, part);
  return out;
}

Bytes seq(std::initializer_list<Bytes> parts) { return tlv(0x30, join(parts)); }
Bytes oid(const der::Oid& value) { return tlv(0x06, value.view()); }
Bytes octets(ByteView content) { return tlv(0x04, content); }
Bytes text(unsigned tag, std::string_view value) { return tlv(tag, as_bytes(value)); }

Bytes integer(std::uint32_t value) {
  Bytes big;
  for (int shift = 24; shift >= 0; shift -= 8) {
    const auto byte = static_cast<std::byte>((value >> static_cast<unsigned>(shift)) & 0xffU);
    if (!big.empty() || byte != std::byte{0} || shift == 0) big.push_back(byte);
  }
  if ((big[0] & std::byte{0x80}) != std::byte{0}) big.insert(big.begin(), std::byte{0});
  return tlv(0x02, big);
}

Bytes bits(ByteView content) { return tlv(0x03, join({Bytes{std::byte{0}}, to_bytes(content)})); }

Bytes utc_time(Instant at) {
  std::string out;
  for (const char c : at.text().substr(2)) {
    if (c >= '0' && c <= '9') out += c;
  }
  return text(0x17, out + "Z");
}

constexpr auto kSha384 = der::oid("2.16.840.1.101.3.4.2.2");

Bytes pss_sha384() {
  static constexpr auto kPss = der::oid("1.2.840.113549.1.1.10");
  static constexpr auto kMgf1 = der::oid("1.2.840.113549.1.1.8");
  const Bytes sha384 = seq({oid(kSha384), tlv(0x05, {})});
  return seq({oid(kPss), seq({tlv(0xa0, sha384), tlv(0xa1, seq({oid(kMgf1), sha384})), tlv(0xa2, integer(48))})});
}

Bytes attribute(const der::Oid& type, unsigned tag, std::string_view value) {
  return tlv(0x31, seq({oid(type), text(tag, value)}));
}

Bytes name(std::string_view common_name, std::string_view organization = "Advanced Micro Devices") {
  static constexpr auto kUnit = der::oid("2.5.4.11");
  static constexpr auto kCountry = der::oid("2.5.4.6");
  static constexpr auto kLocality = der::oid("2.5.4.7");
  static constexpr auto kState = der::oid("2.5.4.8");
  static constexpr auto kOrganization = der::oid("2.5.4.10");
  static constexpr auto kCommonName = der::oid("2.5.4.3");
  return seq({attribute(kUnit, 0x0c, "Engineering"), attribute(kCountry, 0x13, "US"), attribute(kLocality, 0x0c, "Santa Clara"),
              attribute(kState, 0x0c, "CA"), attribute(kOrganization, 0x0c, organization),
              attribute(kCommonName, 0x0c, common_name)});
}

Bytes signed_by(const SnpKey& key, const Bytes& tbs) {
  return seq({tbs, pss_sha384(), bits(key.sign_pss_sha384(tbs))});
}

struct Fields {
  Bytes serial, issuer, validity, subject, spki, extensions;
};

Bytes certificate(const SnpKey& signer, const Fields& fields) {
  return signed_by(signer, seq({tlv(0xa0, integer(2)), fields.serial, pss_sha384(), fields.issuer, fields.validity, fields.subject,
                                fields.spki, tlv(0xa3, tlv(0x30, fields.extensions))}));
}

Bytes extension(const Bytes& type, bool critical, ByteView value) {
  return seq({type, critical ? tlv(0x01, Bytes{std::byte{0xff}}) : Bytes(), octets(value)});
}

// amd_oid: "3.1" gives 1.3.6.1.4.1.3704.1.3.1; every arc below 128.
Bytes amd_oid(std::string_view below) {
  static constexpr auto kAmd = der::oid("1.3.6.1.4.1.3704.1");
  Bytes content = to_bytes(kAmd.view());
  for (const char c : below) {
    if (c != '.') content.push_back(static_cast<std::byte>(c - '0'));
  }
  return tlv(0x06, content);
}

Bytes key_id(const SnpKey& key) {
  Bytes digest = to_bytes(crypto::sha256(key.spki()).view());
  digest.resize(20);
  return digest;
}

Bytes authority_key_id(const SnpKey& key) {
  static constexpr auto kAuthorityKeyId = der::oid("2.5.29.35");
  return extension(oid(kAuthorityKeyId), false, seq({tlv(0x80, key_id(key))}));
}

SpkiDigest pin(const SnpKey& key) { return SpkiDigest(crypto::sha256(key.spki()).array()); }

void put(Bytes& report, std::size_t at, std::initializer_list<unsigned> values) {
  for (const unsigned value : values) report[at++] = static_cast<std::byte>(value);
}

constexpr unsigned kClassicTcb[8] = {4, 1, 0, 0, 0, 0, 24, 219};
constexpr unsigned kTurinTcb[8] = {2, 4, 1, 6, 0, 0, 0, 81};

}  // namespace

// --- keys -----------------------------------------------------------------------------------------------------------
SnpKey SnpKey::rsa() {
  return SnpKey({rsa_key(2048), [](void* key) { EVP_PKEY_free(static_cast<EVP_PKEY*>(key)); }});
}

SnpKey SnpKey::p384() {
  return SnpKey({EVP_EC_gen("P-384"), [](void* key) { EVP_PKEY_free(static_cast<EVP_PKEY*>(key)); }});
}

Bytes SnpKey::spki() const {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(native(key_), &der);
  require(size > 0);
  Bytes out = to_bytes(std::as_bytes(std::span(der, static_cast<std::size_t>(size))));
  OPENSSL_free(der);
  return out;
}

namespace {

Bytes sign(EVP_PKEY* key, ByteView message, bool pss) {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_PKEY_CTX* options = nullptr;
  require(EVP_DigestSignInit(context, &options, EVP_sha384(), nullptr, key) == 1);
  if (pss) {
    require(EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1);
    require(EVP_PKEY_CTX_set_rsa_pss_saltlen(options, 48) == 1);
  }
  const auto* data = reinterpret_cast<const unsigned char*>(message.data());
  std::size_t size = 0;
  require(EVP_DigestSign(context, nullptr, &size, data, message.size()) == 1);
  Bytes out(size);
  require(EVP_DigestSign(context, reinterpret_cast<unsigned char*>(out.data()), &size, data, message.size()) == 1);
  out.resize(size);
  EVP_MD_CTX_free(context);
  return out;
}

}  // namespace

Bytes SnpKey::sign_pss_sha384(ByteView message) const { return sign(native(key_), message, true); }

Bytes SnpKey::sign_ecdsa_sha384(ByteView message) const {
  const Bytes der = sign(native(key_), message, false);
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  ECDSA_SIG* signature = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
  require(signature != nullptr);
  Bytes out(96);
  auto* bytes = reinterpret_cast<unsigned char*>(out.data());
  require(BN_bn2binpad(ECDSA_SIG_get0_r(signature), bytes, 48) == 48);
  require(BN_bn2binpad(ECDSA_SIG_get0_s(signature), bytes + 48, 48) == 48);
  ECDSA_SIG_free(signature);
  return out;
}

// --- leaves ---------------------------------------------------------------------------------------------------------
Bytes& SnpLeafSpec::value(std::string_view oid) {
  const auto found = std::ranges::find(extensions, oid, &SnpExtension::oid);
  require(found != extensions.end());
  return found->value;
}

void SnpLeafSpec::remove(std::string_view oid) {
  require(std::erase_if(extensions, [&](const SnpExtension& one) { return one.oid == oid; }) == 1);
}

SnpLeafSpec leaf_spec(Product product, KeyKind kind) {
  const bool turin = product == Product::turin;
  const bool vcek = kind == KeyKind::vcek;
  const std::string line(amd::product_text(product));
  SnpLeafSpec spec;
  spec.kind = kind;
  spec.subject = vcek ? "SEV-VCEK" : "SEV-VLEK";
  spec.issuer = (vcek ? "SEV-" : "SEV-VLEK-") + line;
  const auto add = [&](std::string oid, Bytes value) { spec.extensions.push_back({std::move(oid), std::move(value)}); };
  add("1", integer(turin ? 1 : 0));
  add("2", text(0x16, vcek && product == Product::milan ? line + "-B0" : line));
  static constexpr std::string_view kClassic[8] = {"3.1", "3.2", "3.4", "3.5", "3.6", "3.7", "3.3", "3.8"};
  static constexpr std::string_view kTurin[8] = {"3.9", "3.1", "3.2", "3.3", "3.5", "3.6", "3.7", "3.8"};
  for (std::size_t i = 0; i < 8; ++i) {
    if (turin) {
      add(std::string(kTurin[i]), integer(kTurinTcb[i]));
    } else {
      add(std::string(kClassic[i]), integer(kClassicTcb[i]));
    }
  }
  if (vcek) {
    const Bytes report = report_of(product, kind);
    add("4", to_bytes(ByteView(report).subspan(0x1a0, turin ? 8 : 64)));
  } else {
    add("5", text(0x16, "CN=cc.cloud.example"));
  }
  return spec;
}

// --- authorities ----------------------------------------------------------------------------------------------------
SnpAuthority::SnpAuthority(Product product)
    : product_(product), ark_key_(SnpKey::rsa()), ask_key_(SnpKey::rsa()), asvk_key_(SnpKey::rsa()) {
  ark_ = ca(amd::ark_name(product), ark_key_, 0x10000, true);
  ask_ = ca(amd::intermediate_name(product, KeyKind::vcek), ask_key_, kSnpAskSerial, false);
  asvk_ = ca(amd::intermediate_name(product, KeyKind::vlek), asvk_key_, 0x10101, false);
}

Bytes SnpAuthority::ca(std::string_view subject, const SnpKey& key, std::uint32_t serial, bool root) const {
  static constexpr auto kKeyUsage = der::oid("2.5.29.15");
  static constexpr auto kBasicConstraints = der::oid("2.5.29.19");
  static constexpr auto kSubjectKeyId = der::oid("2.5.29.14");
  const Bytes yes = tlv(0x01, Bytes{std::byte{0xff}});
  const Bytes usage = root ? Bytes{std::byte{3}, std::byte{2}, std::byte{1}, std::byte{6}}
                           : Bytes{std::byte{3}, std::byte{2}, std::byte{2}, std::byte{4}};
  Bytes extensions = join({extension(oid(kKeyUsage), true, usage), extension(oid(kSubjectKeyId), false, octets(key_id(key))),
                           extension(oid(kBasicConstraints), true, root ? seq({yes}) : seq({yes, integer(0)}))});
  if (!root) append(extensions, authority_key_id(ark_key_));
  const Bytes validity = seq({utc_time(Instant(1603387385)), utc_time(Instant(2392305785))});  // 2020 to 2045
  return certificate(ark_key_, {integer(serial), name(amd::ark_name(product_)), validity, name(subject), key.spki(), extensions});
}

amd::Anchor SnpAuthority::anchor() const { return {product_, pin(ark_key_), pin(ask_key_), pin(asvk_key_)}; }

Bytes SnpAuthority::leaf(const SnpLeafSpec& spec, const SnpKey& key) const {
  Bytes extensions;
  for (const SnpExtension& one : spec.extensions) append(extensions, extension(amd_oid(one.oid), false, one.value));
  const Bytes validity = seq({utc_time(spec.validity.begin), utc_time(spec.validity.end)});
  return certificate(spec.kind == KeyKind::vcek ? ask_key_ : asvk_key_,
                     {tlv(0x02, spec.serial), name(spec.issuer), validity, name(spec.subject, spec.organization), key.spki(), extensions});
}

Bytes SnpAuthority::other_intermediate(const SnpKey& key) const {
  return ca(amd::intermediate_name(product_, KeyKind::vcek), key, 0x10002, false);
}

Bytes SnpAuthority::list(const std::string& issuer, const SnpKey& key, const std::vector<Bytes>& serials, Interval window) const {
  static constexpr auto kCrlNumber = der::oid("2.5.29.20");
  Bytes entries;
  for (const Bytes& serial : serials) append(entries, seq({tlv(0x02, serial), utc_time(window.begin)}));
  const Bytes revoked = entries.empty() ? Bytes() : tlv(0x30, entries);
  const Bytes extensions = tlv(0x30, join({authority_key_id(key), extension(oid(kCrlNumber), false, integer(7))}));
  return signed_by(key, seq({integer(1), pss_sha384(), name(issuer), utc_time(window.begin), utc_time(window.end), revoked,
                             tlv(0xa0, extensions)}));
}

Bytes SnpAuthority::crl(const std::vector<Bytes>& serials, Interval window) const {
  return list(amd::ark_name(product_), ark_key_, serials, window);
}

Bytes SnpAuthority::crl_by_intermediate(Interval window) const {
  return list(amd::intermediate_name(product_, KeyKind::vcek), ask_key_, {}, window);
}

const SnpAuthority& snp_authority(Product product) {
  switch (product) {
    case Product::milan: {
      static const SnpAuthority milan(Product::milan);
      return milan;
    }
    case Product::genoa: {
      static const SnpAuthority genoa(Product::genoa);
      return genoa;
    }
    case Product::turin: break;
  }
  static const SnpAuthority turin(Product::turin);
  return turin;
}

// --- reports --------------------------------------------------------------------------------------------------------
Bytes report_of(Product product, KeyKind kind) {
  const bool turin = product == Product::turin;
  Bytes report(snp::kReportSize);
  put(report, 0x000, {turin ? 5U : 3U});
  put(report, 0x004, {2});
  put(report, 0x008, {31, 0, 3});  // ABI 0.31, SMT, bit 17
  put(report, 0x010, {1});
  put(report, 0x020, {2});
  put(report, 0x034, {1});
  put(report, 0x040, {0x25});
  put(report, 0x048, {kind == KeyKind::vcek ? 0U : 4U});
  for (std::size_t i = 0; i < 64; ++i) report[0x050 + i] = static_cast<std::byte>(0x40 + i);
  for (std::size_t i = 0; i < 48; ++i) report[0x090 + i] = static_cast<std::byte>(0x80 + i);
  for (std::size_t i = 0; i < 32; ++i) report[0x0c0 + i] = static_cast<std::byte>(0xc0 + i);
  for (std::size_t i = 0; i < 32; ++i) report[0x140 + i] = static_cast<std::byte>(0x10 + i);
  std::fill_n(report.begin() + 0x160, 32, std::byte{0xff});
  for (const std::size_t at : {0x038U, 0x180U, 0x1e0U, 0x1f0U}) {
    for (std::size_t i = 0; i < 8; ++i) report[at + i] = static_cast<std::byte>(turin ? kTurinTcb[i] : kClassicTcb[i]);
  }
  report[0x38 + 7] = std::byte{222};  // running microcode above the committed one
  if (product == Product::milan) put(report, 0x188, {0x19, 0x01, 0x01});
  if (product == Product::genoa) put(report, 0x188, {0x19, 0x11, 0x01});
  if (turin) put(report, 0x188, {0x1a, 0x02, 0x01});
  for (std::size_t i = 0; i < (turin ? 8U : 64U); ++i) report[0x1a0 + i] = static_cast<std::byte>(0x02 + 3 * i);
  put(report, 0x1e8, {29, 55, 1});
  put(report, 0x1ec, {29, 55, 1});
  if (turin) {
    put(report, 0x1f8, {0x3f});
    put(report, 0x200, {0x7f});
  }
  return report;
}

void sign_report(Bytes& report, const SnpKey& key) {
  const Bytes signature = key.sign_ecdsa_sha384(ByteView(report).first(snp::kSignedSize));
  std::fill_n(report.begin() + snp::kSignedSize, 144, std::byte{0});
  std::reverse_copy(signature.begin(), signature.begin() + 48, report.begin() + snp::kSignedSize);
  std::reverse_copy(signature.begin() + 48, signature.end(), report.begin() + snp::kSignedSize + 72);
}

// --- samples --------------------------------------------------------------------------------------------------------
SnpSample::SnpSample(Product of, KeyKind by)
    : product(of), kind(by), authority(&snp_authority(of)), key(SnpKey::p384()), spec(leaf_spec(of, by)), report(report_of(of, by)) {
  intermediate = authority->intermediate(kind);
  ark = authority->ark();
  anchors = {authority->anchor()};
  resign();
}

void SnpSample::resign() {
  sign_report(report, key);
  leaf = authority->leaf(spec, key);
}

snp::Inputs SnpSample::inputs() const {
  snp::Inputs inputs;
  inputs.leaf = leaf;
  inputs.intermediate = intermediate;
  inputs.ark = ark;
  inputs.anchors = anchors;
  inputs.now = now;
  inputs.crl = crl;
  return inputs;
}

snp::Outcome SnpSample::authenticate() const { return snp::authenticate(OrDie(snp::parse(report)), inputs()); }

std::vector<std::string> SnpSample::failures() const {
  if (!snp::parse(report).ok()) return {"parse"};
  return failed_ids(authenticate());
}

std::vector<std::string> failed_ids(const snp::Outcome& outcome) {
  using attest::CheckId;
  constexpr CheckId kIds[] = {CheckId::n1, CheckId::n2, CheckId::n3, CheckId::n4, CheckId::n5, CheckId::n6, CheckId::n7, CheckId::n13};
  require(outcome.checks.size() == std::size(kIds));
  std::vector<std::string> failed;
  for (std::size_t i = 0; i < std::size(kIds); ++i) {
    const attest::Check& check = outcome.checks[i];
    require(check.id == kIds[i] && !check.expected.empty());
    if (check.outcome == attest::Outcome::failed) failed.emplace_back(attest::id_text(check.id));
  }
  require(failed.empty() == outcome.authentic.has_value());
  return failed;
}

}  // namespace redoubt::test
