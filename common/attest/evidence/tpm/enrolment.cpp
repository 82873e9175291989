#include "common/attest/evidence/tpm/enrolment.h"

#include "common/base/reader.h"

namespace redoubt::tpm {
namespace {

constexpr std::string_view kEnrolmentLabel = "redoubt/ak-enrolment/1";
constexpr std::int64_t kLastSecond = 253402300799;  // 9999-12-31T23:59:59Z

// The bytes that are signed; encode() puts the signature after them as one more field.
Fields statement(const AkEnrolment& enrolment) {
  Fields fields(kEnrolmentLabel);
  fields.field(enrolment.ek_certificate.view())
      .field(enrolment.ak_name.view())
      .field(enrolment.enroller.view())
      .number(static_cast<std::uint64_t>(enrolment.time.unix_seconds()));
  return fields;
}

template <class F>
F fixed_field(Reader& reader, std::string_view name) {
  reader.expect_u32be(F::size, name);
  return reader.fixed<F>();
}

}  // namespace

AkEnrolment AkEnrolment::sign(const crypto::Sha256Digest& ek_certificate, const AkName& ak_name, Instant time,
                              const crypto::Ed25519PrivateKey& enroller) {
  AkEnrolment enrolment{ek_certificate, ak_name, enroller.public_key(), time, {}};
  enrolment.signature = enroller.sign(statement(enrolment).view());
  return enrolment;
}

Status AkEnrolment::verify() const {
  return crypto::verify(enroller, statement(*this).view(), signature).context("ak enrolment");
}

Result<VerifiedEnrolment> VerifiedEnrolment::of(const AkEnrolment& enrolment) {
  REDOUBT_CHECK(enrolment.verify());
  return VerifiedEnrolment(enrolment);
}

Result<VerifiedEnrolment> VerifiedEnrolment::of(const AkEnrolment& enrolment, ByteView ak_public) {
  REDOUBT_TRY(VerifiedEnrolment verified, of(enrolment));
  REDOUBT_TRY(const Public ak, Public::parse(ak_public).context("enrolled key"));
  if (ak.name != enrolment.ak_name) {
    return Error(Code::binding, "enrolled key: expected the name " + enrolment.ak_name.hex() + ", found " + ak.name.hex());
  }
  REDOUBT_TRY(verified.key_, public_key(ak).context("enrolled key"));
  return verified;
}

Bytes AkEnrolment::encode() const { return to_bytes(statement(*this).field(signature.view()).view()); }

Result<AkEnrolment> AkEnrolment::decode(ByteView bytes) {
  Reader reader(bytes, "ak enrolment");
  if (as_text(reader.sized32be(kEnrolmentLabel.size())) != kEnrolmentLabel) reader.fail("expected redoubt/ak-enrolment/1");
  AkEnrolment enrolment;
  enrolment.ek_certificate = fixed_field<crypto::Sha256Digest>(reader, "certificate digest size");
  enrolment.ak_name = fixed_field<AkName>(reader, "name size");
  enrolment.enroller = fixed_field<crypto::Ed25519PublicKey>(reader, "enroller size");
  reader.expect_u32be(8, "time size");
  const std::uint64_t time = reader.u64be();
  if (time > static_cast<std::uint64_t>(kLastSecond)) reader.fail("time: after the year 9999");
  enrolment.time = Instant(static_cast<std::int64_t>(time));
  enrolment.signature = fixed_field<crypto::Ed25519Signature>(reader, "signature size");
  REDOUBT_CHECK(reader.finish());
  return enrolment;
}

}  // namespace redoubt::tpm
