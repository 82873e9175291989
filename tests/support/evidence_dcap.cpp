#include "tests/support/evidence_dcap.h"

#include "tests/support/expect.h"

namespace redoubt::test {
namespace {

crypto::EcdsaP256PrivateKey new_key() { return OrDie(crypto::EcdsaP256PrivateKey::generate()); }

Instant at(std::string_view text) { return OrDie(Instant::parse(text)); }

Bytes raw_signature(const crypto::EcdsaP256PrivateKey& key, ByteView message) {
  const auto signature = key.sign_digest(crypto::sha256(message));
  Bytes out = to_bytes(signature.r.view());
  append(out, signature.s.view());
  return out;
}

// Bytes that differ from field to field, so that a parser that mixes two up is seen.
Bytes pattern(std::size_t size, unsigned seed) {
  Bytes out;
  for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<std::byte>((seed * 7 + i) & 0xffU));
  return out;
}

Bytes sgx_body() {
  Bytes out(384);
  put(out, 0, pattern(16, 1));
  put(out, 32, pattern(16, 2));
  put(out, 48, little(0x05, 8));
  put(out, 56, little(0xe7, 8));
  put(out, 64, pattern(32, 3));
  put(out, 128, pattern(32, 4));
  put(out, 192, pattern(64, 5));
  put(out, 256, little(0x1234, 2));
  put(out, 258, little(7, 2));
  put(out, 260, little(0x0102, 2));
  put(out, 304, pattern(16, 6));
  put(out, 320, pattern(64, 7));
  return out;
}

Bytes td_body(bool v15) {
  Bytes out;
  append(out, Bytes{std::byte{5}, std::byte{1}, std::byte{3}});
  append(out, Bytes(13));
  append(out, pattern(48, 1));
  append(out, Bytes(48));                     // MRSIGNERSEAM: Intel's module
  append(out, Bytes(8));
  append(out, little(0x10000000, 8));         // SEPT_VE_DISABLE
  append(out, little(0x618e7, 8));
  for (unsigned seed = 2; seed < 10; ++seed) append(out, pattern(48, seed));
  append(out, pattern(64, 10));
  if (v15) {
    append(out, Bytes{std::byte{6}, std::byte{1}, std::byte{3}});
    append(out, Bytes(13));
    append(out, pattern(48, 11));
  }
  return out;
}

Bytes quoting_enclave(bool tdx) {
  Bytes out(384);
  put(out, 48, little(0x15, 8));
  put(out, 56, little(0xe7, 8));
  put(out, 64, pattern(32, 20));
  put(out, 128, Bytes(32, std::byte{0xdc}));
  put(out, 256, little(tdx ? 2 : 1, 2));
  put(out, 258, little(8, 2));
  return out;
}

std::string hex_of(std::size_t size, char digit) { return std::string(2 * size, digit); }

std::string components(std::string_view name, const std::vector<std::uint64_t>& svns) {
  std::string out = "\"" + std::string(name) + "\":[";
  for (std::size_t i = 0; i < svns.size(); ++i) {
    out += (i == 0 ? "" : ",") + std::string("{\"svn\":") + std::to_string(svns[i]) + ",\"category\":\"BIOS\",\"type\":\"Microcode\"}";
  }
  return out + "]";
}

std::string signed_body(std::string_view member, const std::string& inner, const crypto::EcdsaP256PrivateKey& key) {
  return "{\"" + std::string(member) + "\":" + inner + ",\"signature\":\"" + hex_encode(raw_signature(key, as_bytes(inner))) + "\"}";
}

}  // namespace

void put(Bytes& bytes, std::size_t offset, ByteView value) {
  if (offset > bytes.size() || value.size() > bytes.size() - offset) std::abort();
  std::ranges::copy(value, bytes.begin() + static_cast<std::ptrdiff_t>(offset));
}

Bytes little(std::uint64_t value, std::size_t size) {
  Bytes out;
  for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<std::byte>((value >> (8 * i)) & 0xffU));
  return out;
}

DcapMaker::DcapMaker(std::uint16_t quote_version, std::uint16_t type)
    : root_key(new_key()),
      authority_key(new_key()),
      pck_key(new_key()),
      attestation_key(new_key()),
      signer_key(new_key()),
      version(quote_version),
      body_type(type),
      tee_type(type == kSgx ? 0 : 0x81),
      vendor(OrDie(hex_decode("939a7233f79c4ca9940a0db3957f0607"))),
      body(type == kSgx ? sgx_body() : td_body(type == kTd15)),
      qe_report(quoting_enclave(type != kSgx)) {
  root_validity = {at("2018-05-21T10:45:10Z"), at("2049-12-31T23:59:59Z")};
  authority_validity = {at("2018-05-21T10:50:10Z"), at("2033-05-21T10:50:10Z")};
  pck_validity = {at("2025-02-06T23:25:51Z"), at("2032-02-06T23:25:51Z")};
  issue_date = at("2026-06-01T00:00:00Z");
  next_update = at("2026-07-01T00:00:00Z");
  now = at("2026-06-15T12:00:00Z");
}

Bytes DcapMaker::root() const {
  return make_certificate({root_name, root_name, 1, root_validity, 1, 0, {}}, root_key.public_key(), root_key);
}

Bytes DcapMaker::authority() const {
  return make_certificate({authority_name, root_name, authority_serial, authority_validity, 0, 0, {}}, authority_key.public_key(),
                          root_key);
}

Bytes DcapMaker::pck() const {
  CertificateRecipe recipe{pck_name, authority_name, pck_serial, pck_validity, pck_path_length, pck_key_usage, more_pck_extensions};
  recipe.more_extensions.push_back(
      sgx_extension_element(extension_value ? *extension_value : sgx_extension_value(extension.items())));
  return make_certificate(recipe, pck_key.public_key(), authority_key);
}

std::string DcapMaker::chain_pem() const { return pem_of(pck()) + pem_of(authority()) + pem_of(root()); }

Bytes DcapMaker::quote() const {
  Bytes out = little(version, 2);
  append(out, little(attestation_key_type, 2));
  append(out, little(tee_type, 4));
  append(out, version == 3 ? little(0x000d0008, 4) : Bytes(4));
  append(out, vendor);
  append(out, pattern(20, 30));
  if (version == 5) {
    append(out, little(body_type, 2));
    append(out, little(body.size(), 4));
  }
  append(out, body);

  const Bytes spki = attestation_key.public_key().spki();
  const Bytes point(spki.end() - 64, spki.end());
  const auto digest = crypto::sha256({point, auth_data});
  Bytes report = qe_report;
  put(report, 320, digest.view());
  put(report, 352, qe_report_data_tail);
  Bytes certification;
  append(certification, report);
  append(certification, raw_signature(pck_key, report));
  append(certification, little(auth_data.size(), 2));
  append(certification, auth_data);
  const Bytes data = certification_data ? *certification_data : to_bytes(chain_pem() + std::string(1, '\0'));
  append(certification, little(certification_type, 2));
  append(certification, little(data.size(), 4));
  append(certification, data);

  Bytes signature_data = raw_signature(attestation_key, out);
  append(signature_data, point);
  if (version >= 4) {
    append(signature_data, little(outer_type, 2));
    append(signature_data, little(certification.size(), 4));
  }
  append(signature_data, certification);
  append(out, little(signature_data.size(), 4));
  append(out, signature_data);
  append(out, Bytes(padding));
  return out;
}

endorse::RawCollateral DcapMaker::collateral() const {
  const bool tdx = body_type != kSgx;
  const std::string dates = "\"issueDate\":\"" + issue_date.text() + "\",\"nextUpdate\":\"" + next_update.text() + "\"";
  const std::string number = "\"tcbEvaluationDataNumber\":" + std::to_string(evaluation_number);
  const std::string level_facts = "\"tcbDate\":\"2025-05-14T00:00:00Z\",\"tcbStatus\":\"";

  std::string info = std::string("{\"id\":\"") + (tdx ? "TDX" : "SGX") + "\",\"version\":3," + dates + ",\"fmspc\":\"" + fmspc +
                     "\",\"pceId\":\"" + pce_id + "\",\"tcbType\":0," + number + ",";
  if (tdx) {
    const std::string module = "\"mrsigner\":\"" + hex_of(48, '0') + "\",\"attributes\":\"" + hex_of(8, '0') +
                               "\",\"attributesMask\":\"" + hex_of(8, 'F') + "\"";
    info += "\"tdxModule\":{" + module + "},\"tdxModuleIdentities\":[{\"id\":\"TDX_01\"," + module +
            ",\"tcbLevels\":[{\"tcb\":{\"isvsvn\":5}," + level_facts + "UpToDate\"}" +
            (old_module_level ? ",{\"tcb\":{\"isvsvn\":4}," + level_facts + "OutOfDate\"}" : std::string()) + "]}],";
  }
  info += "\"tcbLevels\":[";
  for (std::size_t i = 0; i < level_count; ++i) {
    // Later levels ask for less, as in real documents: newest first.
    auto sgx = extension.components;
    sgx[0] = sgx[0] > i ? sgx[0] - i : 0;
    info += (i == 0 ? "" : ",") + std::string("{\"tcb\":{") + components("sgxtcbcomponents", sgx) + ",\"pcesvn\":" +
            std::to_string(extension.pce_svn);
    if (tdx) info += "," + components("tdxtcbcomponents", {5, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    info += "}," + level_facts + (i == 0 ? tcb_status : "OutOfDate") + "\",\"advisoryIDs\":[\"INTEL-SA-0" +
            std::to_string(1000 + i) + "\"]}";
  }
  info += "]}";

  const std::string identity = std::string("{\"id\":\"") + (tdx ? "TD_QE" : "QE") + "\",\"version\":2," + dates + "," + number +
                               ",\"miscselect\":\"00000000\",\"miscselectMask\":\"FFFFFFFF\",\"attributes\":\"11" + hex_of(15, '0') +
                               "\",\"attributesMask\":\"FB" + hex_of(7, 'F') + hex_of(8, '0') + "\",\"mrsigner\":\"" +
                               [] {
                                 std::string signer;
                                 for (int i = 0; i < 32; ++i) signer += "DC";
                                 return signer;
                               }() +
                               "\",\"isvprodid\":" + (tdx ? "2" : "1") + ",\"tcbLevels\":[{\"tcb\":{\"isvsvn\":8}," + level_facts +
                               "UpToDate\"}]}";

  endorse::RawCollateral out;
  out.tcb_info = to_bytes(signed_body("tcbInfo", info, signer_key));
  out.qe_identity = to_bytes(signed_body("enclaveIdentity", identity, signer_key));
  const Bytes signer = make_certificate({"Intel SGX TCB Signing", root_name, signer_serial, authority_validity, {}, 0xc0, {}},
                                        signer_key.public_key(), root_key);
  out.tcb_signing_chain = {signer, root()};
  out.root_crl = make_crl({root_name, {issue_date, next_update}, 3, {}}, root_key);
  out.pck_crl = make_crl({authority_name, {issue_date, next_update}, 9, revoked}, authority_key);
  out.pck_issuers = {authority()};
  return out;
}

}  // namespace redoubt::test
