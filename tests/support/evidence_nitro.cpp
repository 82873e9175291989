#include "tests/support/evidence_nitro.h"

#include "tests/support/expect.h"

namespace redoubt::test {
namespace {

using cbor::Value;

Value pcrs() {
  cbor::Map out;
  for (unsigned i = 0; i < 16; ++i) out.emplace_back(Value::unsigned_integer(i), Value::bytes(Bytes(48, i < 5 ? std::byte(0x10 + i) : std::byte{0})));
  return Value::map(std::move(out));
}

Interval around(std::int64_t before, std::int64_t after) { return {kNitroTime.plus_seconds(-before), kNitroTime.plus_seconds(after)}; }

// map_bytes keeps the order and the doubles that Value::map would not.
Bytes map_bytes(const std::vector<std::pair<Value, Value>>& members, bool indefinite) {
  if (members.size() > 23) std::abort();
  Bytes out{indefinite ? std::byte{0xbf} : std::byte(0xa0 + members.size())};
  for (const auto& [key, value] : members) {
    append(out, cbor::encode(key));
    append(out, cbor::encode(value));
  }
  if (indefinite) out.push_back(std::byte{0xff});
  return out;
}

}  // namespace

std::vector<CertificateSpec> nitro_specs() {
  constexpr std::int64_t kYear = 31536000;
  const auto ca = [](const char* name, const char* constraints, Interval validity) {
    return CertificateSpec{{{"C", "US"}, {"O", "Test"}, {"CN", name}},
                           {{"basicConstraints", constraints},
                            {"keyUsage", "critical,digitalSignature,keyCertSign,cRLSign"},
                            {"subjectKeyIdentifier", "hash"}},
                           validity};
  };
  std::vector<CertificateSpec> out{ca("test.nitro-enclaves", "critical,CA:TRUE", around(kYear, 20 * kYear)),
                                   ca("region.test", "critical,CA:TRUE,pathlen:2", around(86400 * 5, 86400 * 15)),
                                   ca("zone.test", "critical,CA:TRUE,pathlen:1", around(86400, 86400 * 4)),
                                   ca("i-0123.test", "critical,CA:TRUE,pathlen:0", around(3600, 86400)),
                                   {{{"C", "US"}, {"O", "Test"}, {"CN", "i-0123-enc0456.test"}},
                                    {{"basicConstraints", "critical,CA:FALSE"}, {"keyUsage", "digitalSignature,nonRepudiation"}},
                                    around(60, 10740)}};
  for (std::size_t i = 1; i < 4; ++i) out[i].extensions.emplace_back("authorityKeyIdentifier", "keyid:always");
  return out;
}

NitroSample::NitroSample() : NitroSample(nitro_specs()) {}

NitroSample::NitroSample(const std::vector<CertificateSpec>& specs)
    : protected_header(Value::map({{Value::integer(1), Value::integer(-35)}})), unprotected_header(Value::map({})) {
  for (const CertificateSpec& spec : specs) {
    certificates.push_back(issue(spec, TestKey::p384(), certificates.empty() ? nullptr : &certificates.back()));
  }
  member("module_id") = Value::text("i-0123-enc0456");
  member("digest") = Value::text("SHA384");
  member("timestamp") = Value::unsigned_integer(static_cast<std::uint64_t>(kNitroTime.unix_seconds()) * 1000 + 215);
  member("pcrs") = pcrs();
  member("certificate") = Value::bytes(certificates.back().der);
  cbor::Array bundle;
  for (std::size_t i = 0; i + 1 < certificates.size(); ++i) bundle.push_back(Value::bytes(certificates[i].der));
  member("cabundle") = Value::array(std::move(bundle));
  member("public_key") = Value::bytes(Bytes(32, std::byte{7}));
  member("user_data") = Value();
  member("nonce") = Value::bytes(Bytes(16, std::byte{9}));
}

Value& NitroSample::member(std::string_view key) {
  for (auto& [name, value] : members) {
    if (*name.as_text() == key) return value;
  }
  members.emplace_back(Value::text(key), Value());
  return members.back().second;
}

void NitroSample::remove(std::string_view key) {
  std::erase_if(members, [&](const auto& entry) { return *entry.first.as_text() == key; });
}

crypto::RootPin NitroSample::root() const {
  const auto view = OrDie(crypto::CertificateView::parse(certificates.front().der));
  return {"a root of the tests", crypto::sha256(view.der), crypto::sha256(view.spki)};
}

std::vector<ByteView> NitroSample::cabundle() const {
  std::vector<ByteView> out;
  for (std::size_t i = 0; i + 1 < certificates.size(); ++i) out.emplace_back(certificates[i].der);
  return out;
}

Bytes NitroSample::encode() const {
  const Bytes header = cbor::encode(protected_header);
  const Bytes payload = map_bytes(members, indefinite);
  const Bytes to_be_signed = cbor::encode(
      Value::array({Value::text("Signature1"), Value::bytes(header), Value::bytes(ByteView{}), Value::bytes(payload)}));
  const Value message = Value::array({Value::bytes(header), unprotected_header, Value::bytes(payload),
                                      Value::bytes(signature ? *signature : certificates.back().key.sign_cose(to_be_signed))});
  return cbor::encode(tagged ? Value::tagged(18, message) : message);
}

}  // namespace redoubt::test
