#include "tests/support/evidence_azure_uvm.h"

#include "tests/support/expect.h"

namespace redoubt::test {
namespace {

using cbor::Value;

const TestKey& key(std::size_t index) {
  static const TestKey keys[] = {TestKey::rsa(), TestKey::rsa(), TestKey::rsa()};
  return keys[index];
}

}  // namespace

std::vector<CertificateSpec> uvm_specs() {
  constexpr std::int64_t kYear = 31536000;
  const auto around = [](std::int64_t years) {
    return Interval{kUvmSigningTime.plus_seconds(-86400), kUvmSigningTime.plus_seconds(years * kYear)};
  };
  const auto ca = [&](const char* name, std::int64_t years) {
    return CertificateSpec{{{"C", "US"}, {"O", "Test"}, {"CN", name}},
                           {{"basicConstraints", "critical,CA:TRUE"},
                            {"keyUsage", "critical,digitalSignature,keyCertSign,cRLSign"},
                            {"subjectKeyIdentifier", "hash"}},
                           around(years)};
  };
  CertificateSpec leaf{{{"C", "US"}, {"ST", "Test State"}, {"O", "Test"}, {"CN", "TestPlat"}},
                       {{"keyUsage", "critical,digitalSignature"},
                        {"extendedKeyUsage", "1.3.6.1.4.1.311.76.59.1.1,1.3.6.1.4.1.311.76.59.1.2"},
                        {"authorityKeyIdentifier", "keyid:always"},
                        {"basicConstraints", "critical,CA:FALSE"}},
                       around(1)};
  return {leaf, ca("Test SCD CA", 20), ca("Test Supply Chain Root", 25)};
}

UvmSample::UvmSample() : UvmSample(uvm_specs()) {}

UvmSample::UvmSample(const std::vector<CertificateSpec>& specs) : unprotected_header(Value::map({})) {
  for (std::size_t i = specs.size(); i-- > 0;) {
    certificates.insert(certificates.begin(), issue(specs[i], key(i), certificates.empty() ? nullptr : &certificates.front()));
  }
  cbor::Array chain;
  for (const TestCertificate& certificate : certificates) chain.push_back(Value::bytes(certificate.der));
  header(1) = Value::integer(-38);
  header(3) = Value::text("application/json");
  header(33) = Value::array(std::move(chain));
  header(34) = Value::array({Value::integer(-16), Value::bytes(crypto::sha256(certificates.front().der).view())});
  header("iss") = Value::text(did("eku:1.3.6.1.4.1.311.76.59.1.2"));
  header("feed") = Value::text(kUvmFeed);
  header("signingtime") = Value::tagged(1, Value::integer(kUvmSigningTime.unix_seconds()));
  payload = "{\n  \"x-ms-sevsnpvm-guestsvn\": \"100\",\n  \"x-ms-sevsnpvm-launchmeasurement\": \"" + measurement().hex() + "\"\n}";
}

azure_uvm::LaunchMeasurement UvmSample::measurement() const {
  return OrDie(azure_uvm::LaunchMeasurement::from(Bytes(48, std::byte{0x5a}), "measurement"));
}

Value& UvmSample::header(const Value& label) {
  for (auto& [name, value] : protected_header) {
    if (name == label) return value;
  }
  protected_header.emplace_back(label, Value());
  return protected_header.back().second;
}

void UvmSample::remove_header(const Value& label) {
  std::erase_if(protected_header, [&](const auto& entry) { return entry.first == label; });
}

crypto::RootPin UvmSample::root() const {
  const auto view = OrDie(crypto::CertificateView::parse(certificates.back().der));
  return {"a root of the tests", crypto::sha256(view.der), crypto::sha256(view.spki)};
}

std::string UvmSample::did(std::string_view policies, std::size_t certificate) const {
  return "did:x509:0:sha256:" + base64url_encode(crypto::sha256(certificates[certificate].der).view()) + "::" + std::string(policies);
}

Bytes UvmSample::encode() const {
  const Bytes header = cbor::encode(Value::map(protected_header));
  const ByteView body = as_bytes(payload);
  const Bytes to_be_signed =
      cbor::encode(Value::array({Value::text("Signature1"), Value::bytes(header), Value::bytes(ByteView{}), Value::bytes(body)}));
  const Value message = Value::array({Value::bytes(header), unprotected_header, Value::bytes(body),
                                      Value::bytes(signature ? *signature : certificates.front().key.sign_cose(to_be_signed))});
  return cbor::encode(tagged ? Value::tagged(18, message) : message);
}

}  // namespace redoubt::test
