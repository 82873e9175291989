#include "common/attest/endorse/amd/leaf.h"

namespace redoubt::amd {
namespace {

constexpr auto kStructVersion = der::oid("1.3.6.1.4.1.3704.1.1");
constexpr auto kProductName = der::oid("1.3.6.1.4.1.3704.1.2");
constexpr auto kBootLoader = der::oid("1.3.6.1.4.1.3704.1.3.1");
constexpr auto kTee = der::oid("1.3.6.1.4.1.3704.1.3.2");
constexpr auto kSnp = der::oid("1.3.6.1.4.1.3704.1.3.3");
constexpr auto kSpl4 = der::oid("1.3.6.1.4.1.3704.1.3.4");
constexpr auto kSpl5 = der::oid("1.3.6.1.4.1.3704.1.3.5");
constexpr auto kSpl6 = der::oid("1.3.6.1.4.1.3704.1.3.6");
constexpr auto kSpl7 = der::oid("1.3.6.1.4.1.3704.1.3.7");
constexpr auto kMicrocode = der::oid("1.3.6.1.4.1.3704.1.3.8");
constexpr auto kFmc = der::oid("1.3.6.1.4.1.3704.1.3.9");
constexpr auto kHardwareId = der::oid("1.3.6.1.4.1.3704.1.4");
constexpr auto kCspId = der::oid("1.3.6.1.4.1.3704.1.5");

constexpr std::size_t kExtensionCount = 11;
constexpr std::size_t kMaxProductName = 32;
constexpr std::size_t kMaxCspId = 256;
constexpr std::size_t kTurinHardwareIdSize = 8;

// The extensions that give the bytes of a TCB version, first byte first (product.h has the picture).
constexpr const der::Oid* kClassicTcb[] = {&kBootLoader, &kTee, &kSpl4, &kSpl5, &kSpl6, &kSpl7, &kSnp, &kMicrocode};
constexpr const der::Oid* kTurinTcb[] = {&kFmc, &kBootLoader, &kTee, &kSnp, &kSpl5, &kSpl6, &kSpl7, &kMicrocode};

Error wrong(std::string_view what, std::string_view expected, std::string_view found) {
  return Error(Code::malformed, std::string(what) + ": expected " + std::string(expected) + ", found " + std::string(found));
}

Result<ByteView> value_of(const crypto::CertificateView& certificate, const der::Oid& oid) {
  const crypto::ExtensionView* extension = certificate.extension(oid);
  if (extension == nullptr) return Error(Code::malformed, "extension " + der::oid_text(oid.view()) + ": expected one, found none");
  return extension->value;
}

Result<std::uint8_t> integer_of(const crypto::CertificateView& certificate, const der::Oid& oid) {
  REDOUBT_TRY(const ByteView value, value_of(certificate, oid));
  const std::string what = "extension " + der::oid_text(oid.view());
  der::Reader reader(value, what);
  const std::uint64_t number = reader.small(255);
  REDOUBT_CHECK(reader.finish());
  return static_cast<std::uint8_t>(number);
}

Result<std::string> text_of(const crypto::CertificateView& certificate, const der::Oid& oid, std::size_t max) {
  REDOUBT_TRY(const ByteView value, value_of(certificate, oid));
  const std::string what = "extension " + der::oid_text(oid.view());
  der::Reader reader(value, what);
  const std::string_view text = as_text(reader.content(der::Tag::ia5_string));
  REDOUBT_CHECK(reader.finish());
  const bool printable = std::ranges::all_of(text, [](char c) { return c >= 0x20 && c <= 0x7e; });
  if (text.empty() || text.size() > max || !printable) {
    return wrong(what, "1 to " + std::to_string(max) + " printable characters", std::to_string(text.size()) + " bytes that are not");
  }
  return std::string(text);
}

// The hardware id is the extension's value, raw; the Key Distribution Service has also given certificates where an OCTET STRING is
// around it. The two differ in length, so that each value has one reading.
Result<ChipId> hardware_id(const crypto::CertificateView& certificate, Product product) {
  REDOUBT_TRY(ByteView value, value_of(certificate, kHardwareId));
  const std::size_t size = product == Product::turin ? kTurinHardwareIdSize : ChipId::size;
  if (value.size() == size + 2) {
    der::Reader reader(value, "hardware id");
    value = reader.octet_string();
    REDOUBT_CHECK(reader.finish());
  }
  if (value.size() != size) return wrong("hardware id", std::to_string(size) + " bytes", std::to_string(value.size()));
  ChipId out;
  std::ranges::copy(value, out.array().begin());
  return out;
}

}  // namespace

std::string ark_name(Product product) { return "ARK-" + std::string(product_text(product)); }

std::string intermediate_name(Product product, KeyKind kind) {
  return (kind == KeyKind::vcek ? "SEV-" : "SEV-VLEK-") + std::string(product_text(product));
}

std::string_view leaf_name(KeyKind kind) { return kind == KeyKind::vcek ? "SEV-VCEK" : "SEV-VLEK"; }

bool is_amd_name(ByteView name, std::string_view common_name) {
  static constexpr auto kUnit = der::oid("2.5.4.11");
  static constexpr auto kCountry = der::oid("2.5.4.6");
  static constexpr auto kLocality = der::oid("2.5.4.7");
  static constexpr auto kState = der::oid("2.5.4.8");
  static constexpr auto kOrganization = der::oid("2.5.4.10");
  static constexpr auto kCommonName = der::oid("2.5.4.3");
  const std::pair<const der::Oid*, std::string_view> parts[] = {
      {&kUnit, "Engineering"}, {&kCountry, "US"}, {&kLocality, "Santa Clara"},
      {&kState, "CA"}, {&kOrganization, "Advanced Micro Devices"}, {&kCommonName, common_name}};
  der::Reader outer(name, "name");
  der::Reader names = outer.enter(der::Tag::sequence, "name");
  for (const auto& [oid, text] : parts) {
    der::Reader set = names.enter(der::Tag::set, "name");
    der::Reader pair = set.enter(der::Tag::sequence, "name");
    const ByteView type = pair.oid();
    const der::Element value = pair.any();
    const bool string = value.tag == der::Tag::utf8_string || value.tag == der::Tag::printable_string;
    if (!pair.finish().ok() || !set.finish().ok() || !(type == *oid) || !string || as_text(value.content) != text) return false;
  }
  return names.finish().ok() && outer.finish().ok();
}

Result<LeafExtensions> extensions_of(const crypto::CertificateView& certificate) {
  if (certificate.extensions.size() != kExtensionCount) {
    return wrong("extensions", std::to_string(kExtensionCount), std::to_string(certificate.extensions.size()));
  }
  LeafExtensions out;
  REDOUBT_TRY(out.struct_version, integer_of(certificate, kStructVersion));
  REDOUBT_TRY(out.product_name, text_of(certificate, kProductName, kMaxProductName));
  const auto product = product_of_name(out.product_name);
  if (!product) return wrong("product name", "Milan, Genoa or Turin, and a stepping", out.product_name);
  out.product = *product;
  const bool turin = out.product == Product::turin;
  const unsigned struct_version = turin ? 1 : 0;
  if (out.struct_version != struct_version) {
    return wrong("structure version of " + out.product_name, std::to_string(struct_version), std::to_string(out.struct_version));
  }
  const auto& tcb = turin ? kTurinTcb : kClassicTcb;
  for (std::size_t at = 0; at < TcbVersion::size; ++at) {
    REDOUBT_TRY(const std::uint8_t part, integer_of(certificate, *tcb[at]));
    out.tcb.array()[at] = static_cast<std::byte>(part);
  }
  // Ten are read: the count leaves room for exactly one more, which says what kind of key this is.
  if (certificate.extension(kHardwareId) != nullptr) {
    REDOUBT_TRY(out.chip_id, hardware_id(certificate, out.product));
  } else {
    REDOUBT_TRY(out.csp_id, text_of(certificate, kCspId, kMaxCspId));
  }
  return out;
}

Result<Leaf> Leaf::parse(ByteView der) {
  REDOUBT_TRY(const crypto::CertificateView view, crypto::CertificateView::parse(der).context("endorsement key certificate"));
  REDOUBT_TRY(LeafExtensions extensions, extensions_of(view).context("endorsement key certificate"));
  const KeyKind kind = extensions.kind();
  if (!is_amd_name(view.subject, leaf_name(kind))) {
    return wrong("endorsement key certificate: subject", "AMD's name with CN=" + std::string(leaf_name(kind)),
                 crypto::name_text(view.subject));
  }
  std::optional<Product> issuer;
  for (const Product product : {Product::milan, Product::genoa, Product::turin}) {
    if (is_amd_name(view.issuer, intermediate_name(product, kind))) issuer = product;
  }
  if (!issuer) {
    return wrong("endorsement key certificate: issuer", "AMD's name with CN=" + intermediate_name(extensions.product, kind),
                 crypto::name_text(view.issuer));
  }
  if (view.scheme != crypto::SignatureScheme::rsa_pss_sha384) {
    return wrong("endorsement key certificate: signature", "RSA-PSS with SHA-384", crypto::scheme_text(view.scheme));
  }
  REDOUBT_TRY(crypto::PublicKey key, view.public_key().context("endorsement key certificate"));
  if (key.kind() != crypto::KeyKind::p384) {
    return Error(Code::malformed, "endorsement key certificate: expected a key on P-384, found another");
  }
  return Leaf{*issuer, kind, std::move(extensions), std::move(key), to_bytes(view.serial), view.validity};
}

}  // namespace redoubt::amd
