#include "tests/support/evidence_tpm.h"

#include <cstdlib>

namespace redoubt::test {
namespace {

const Signer& root_key() { return test_signer(SignerKind::rsa2048, "tpm root"); }
const Signer& intermediate_key() { return test_signer(SignerKind::rsa2048, "tpm intermediate"); }

const Signer& ak_of(std::uint16_t scheme) {
  return scheme == tpm::kAlgEcdsa ? test_signer(SignerKind::p256, "tpm ak") : test_signer(SignerKind::rsa2048, "tpm ak");
}

SignerCertificate authority(std::string subject, std::string issuer) {
  SignerCertificate profile;
  profile.subject = std::move(subject);
  profile.issuer = std::move(issuer);
  profile.ca = true;
  return profile;
}

Bytes public_area(const TpmSample& sample, const Signer& key) {
  Writer out;
  out.u16be(sample.scheme == tpm::kAlgEcdsa ? tpm::kAlgEcc : tpm::kAlgRsa).u16be(tpm::kAlgSha256).u32be(sample.attributes).u16be(0);
  out.u16be(tpm::kAlgNull).u16be(sample.scheme);
  if (sample.scheme != tpm::kAlgNull) out.u16be(sample.hash);
  if (sample.scheme == tpm::kAlgEcdsa) {
    const auto [x, y] = key.point();
    return out.u16be(tpm::kCurveP256).u16be(tpm::kAlgNull).sized16be(x).sized16be(y).take();
  }
  return out.u16be(2048).u32be(sample.exponent).sized16be(key.modulus()).take();
}

}  // namespace

Bytes tpm_attest(const TpmQuoteSpec& spec) {
  std::uint32_t map = 0;
  Bytes values;
  for (const auto& [pcr, value] : spec.pcrs) {
    map |= 1U << static_cast<unsigned>(pcr);
    append(values, value);
  }
  return Writer()
      .u32be(0xff544347)
      .u16be(0x8018)
      .sized16be(spec.qualified_signer)
      .sized16be(spec.nonce)
      .u64be(3513262)
      .u32be(2)
      .u32be(0)
      .u8(spec.safe ? 1 : 0)
      .u64be(0x2020031200120003)
      .u32be(1)
      .u16be(spec.bank)
      .u8(3)
      .u8(static_cast<std::uint8_t>(map))
      .u8(static_cast<std::uint8_t>(map >> 8U))
      .u8(static_cast<std::uint8_t>(map >> 16U))
      .sized16be(crypto::hash(spec.digest, values))
      .take();
}

std::map<int, Bytes> tpm_values(std::uint16_t bank) {
  std::map<int, Bytes> out;
  const std::size_t size = bank == tpm::kAlgSha1 ? 20 : crypto::hash(tpm::hash_kind(bank).value(), {}).size();
  for (int pcr = 0; pcr < 8; ++pcr) out[pcr] = Bytes(size, static_cast<std::byte>(pcr + 1));
  return out;
}

Bytes tpm_sign(const Signer& key, std::uint16_t scheme, std::uint16_t hash, ByteView message) {
  const std::string family = scheme == tpm::kAlgEcdsa ? "ES" : scheme == tpm::kAlgRsapss ? "PS" : "RS";
  const std::string bits = hash == tpm::kAlgSha512 ? "512" : hash == tpm::kAlgSha384 ? "384" : "256";
  return key.sign(family + bits, as_text(message));
}

SignerExtension usage_extension(const der::Oid& usage) {
  Bytes value{std::byte{0x30}, static_cast<std::byte>(usage.size + 2), std::byte{0x06}, static_cast<std::byte>(usage.size)};
  append(value, usage.view());
  return {"2.5.29.37", value};
}

Bytes tpm_test_root() {
  static const Bytes der = signer_certificate(authority("tpm test root", "tpm test root"), root_key(), root_key());
  return der;
}

Bytes tpm_test_intermediate() {
  static const Bytes der = signer_certificate(authority("tpm test CA", "tpm test root"), intermediate_key(), root_key());
  return der;
}

Bytes tpm_crl(bool of_root, const std::vector<long>& revoked, Interval window) {
  return of_root ? signer_crl("tpm test root", root_key(), revoked, window) : signer_crl("tpm test CA", intermediate_key(), revoked, window);
}

Bytes tpm_ak_certificate(const SignerCertificate& profile, const Signer& key) { return signer_certificate(profile, key, intermediate_key()); }

TpmSample::TpmSample(std::uint16_t with_scheme, std::uint16_t with_hash, std::uint16_t bank)
    : scheme(with_scheme), hash(with_hash), ak_(ak_of(with_scheme)) {
  quote.bank = bank;
  quote.pcrs = tpm_values(bank);
  quote.digest = tpm::hash_kind(hash).value_or(crypto::HashKind::sha256);
  leaf.subject = "an attestation key";
  leaf.issuer = "tpm test CA";
  leaf.extensions = {usage_extension(tpm::kAkUsage)};
  auto root = crypto::Certificate::parse_der(tpm_test_root());
  if (!root.ok()) std::abort();
  roots.push_back(std::move(*root));
  remake();
}

void TpmSample::remake() {
  raw.attest = tpm_attest(quote);
  const Bytes signature = tpm_sign(ak_, scheme, hash, raw.attest);
  Writer wire;
  wire.u16be(scheme).u16be(hash);
  if (scheme == tpm::kAlgEcdsa) {
    wire.sized16be(ByteView(signature).first(32)).sized16be(ByteView(signature).last(32));
  } else {
    wire.sized16be(signature);
  }
  raw.signature = wire.take();
  raw.ak_public = public_area(*this, ak_);
  raw.ak_certificates = {tpm_ak_certificate(leaf, ak_), tpm_test_intermediate()};
  raw.bank = quote.bank;
  raw.pcrs.clear();
  raw.wide_pcrs.clear();
  for (const auto& [pcr, value] : quote.pcrs) {
    if (quote.bank == tpm::kAlgSha256) {
      std::ranges::copy(value, raw.pcrs[pcr].array().begin());
    } else {
      raw.wide_pcrs[pcr] = value;
    }
  }
}

tpm::Inputs TpmSample::inputs() const {
  tpm::Inputs inputs;
  inputs.expected_extra_data = expected_nonce;
  inputs.roots = roots;
  inputs.required_pcrs = required_pcrs;
  inputs.now = now;
  inputs.revocation = {lists, lists_required};
  inputs.roots_without_ak_usage = roots_without_usage;
  return inputs;
}

std::set<std::string> TpmSample::failures() const {
  const auto parsed = tpm::parse(raw.encode());
  if (!parsed.ok()) return {"parse"};
  const tpm::Outcome outcome = tpm::authenticate(*parsed, inputs());
  std::set<std::string> ids;
  for (const attest::Check& check : outcome.checks) {
    if (check.outcome == attest::Outcome::failed) ids.emplace(attest::id_text(check.id));
  }
  if (outcome.checks.size() != 15 || ids.empty() != outcome.authentic.has_value()) std::abort();
  return ids;
}

}  // namespace redoubt::test
