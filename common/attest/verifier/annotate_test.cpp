// Goal: every byte of a piece of Evidence is named once, and what is decoded stands at its place. Method: one piece of each form; the
// fields must lie side by side from the first byte to the last; a few values compared with what was put in.
#include "common/attest/verifier/annotate.h"

#include "common/attest/verifier/verifier_test_samples.h"
#include "tests/support/tpm_vectors.h"

namespace redoubt::verifier {
namespace {

const Field* field(const Annotated& annotated, std::string_view name) {
  const auto found = std::ranges::find(annotated.fields, name, &Field::name);
  return found == annotated.fields.end() ? nullptr : &*found;
}

void expect_covers(const Annotated& annotated, std::size_t size) {
  std::size_t at = 0;
  for (const Field& one : annotated.fields) {
    EXPECT_EQ(one.offset, at) << one.name;
    EXPECT_GT(one.length, 0U) << one.name;
    EXPECT_FALSE(one.name.empty());
    at = one.offset + one.length;
  }
  EXPECT_EQ(at, size);
}

TEST(Annotate, NamesEveryByteOfAQuote) {
  for (const auto& [version, body] : {std::pair<std::uint16_t, std::uint16_t>(3, test::DcapMaker::kSgx), {4, test::DcapMaker::kSgx}, {4, test::DcapMaker::kTd10},
                                      {5, test::DcapMaker::kSgx}, {5, test::DcapMaker::kTd10}, {5, test::DcapMaker::kTd15}}) {
    test::DcapMaker maker = dcap_maker(version, body);
    maker.padding = 7;
    const Bytes quote = maker.quote();
    const Annotated annotated = OrDie(annotate(quote));
    expect_covers(annotated, quote.size());
    EXPECT_EQ(field(annotated, "header.version")->value, std::to_string(version));
    EXPECT_TRUE(field(annotated, "body.report_data")->value.starts_with(hex_encode(sample_nonce())));
    EXPECT_EQ(field(annotated, "after_the_quote_covered_by_nothing")->length, 7U);
    EXPECT_TRUE(field(annotated, "certification_data")->value.starts_with("-----BEGIN CERTIFICATE-----"));
    const std::string size = field(annotated, version >= 4 ? "inner_certification_size" : "certification_size")->value;
    EXPECT_EQ(size, std::to_string(field(annotated, "certification_data")->length));
    EXPECT_FALSE(*annotated.description.object()->at("verified").boolean());
  }
}

TEST(Annotate, NamesEveryByteOfTheOtherForms) {
  const test::SnpSample sample;
  const Annotated report = OrDie(annotate(sample.report));
  expect_covers(report, sample.report.size());
  EXPECT_EQ(field(report, "measurement")->offset, 0x90U);
  EXPECT_EQ(field(report, "chip_id")->offset, 0x1a0U);
  EXPECT_EQ(field(report, "signature_r")->offset, 0x2a0U);

  for (const bool tagged : {false, true}) {
    test::NitroSample nitro;
    nitro.tagged = tagged;
    nitro.indefinite = tagged;
    const Bytes bytes = nitro.encode();
    const Annotated document = OrDie(annotate(bytes));
    expect_covers(document, bytes.size());
    for (const char* name : {"protected_header", "payload.module_id", "payload.pcrs", "payload.cabundle", "signature"}) EXPECT_NE(field(document, name), nullptr) << name;
    EXPECT_EQ(field(document, "signature")->length, 96U);
  }

  const Bytes tpm = test::tpm_evidence("good").encode();
  const Annotated evidence = OrDie(annotate(tpm));
  expect_covers(evidence, tpm.size());
  EXPECT_EQ(field(evidence, "label")->value, "redoubt/tpm-evidence/1");
  auto certified = test::tpm_evidence("good");
  certified.ak_certificates = {certified.ek_certificate};  // any certificate: nothing is verified here
  const Bytes form_2 = certified.encode();
  const Annotated second = OrDie(annotate(form_2));
  expect_covers(second, form_2.size());
  EXPECT_EQ(field(second, "label")->value, "redoubt/tpm-evidence/2");
  EXPECT_EQ(field(second, "ak_certificate")->length, certified.ek_certificate.size());
  EXPECT_EQ(field(second, "pcr 0")->value, field(evidence, "pcr 0")->value);

  const test::Signer& key = test::test_signer(test::SignerKind::p256, "annotate");
  const Bytes quote = dcap_maker(3, test::DcapMaker::kSgx).quote();
  const Bytes der = test::signer_certificate({.extensions = {{"1.2.840.113741.1337.6", quote}}}, key, key);
  const Annotated certificate = OrDie(annotate(der));
  expect_covers(certificate, der.size());
  EXPECT_EQ(field(certificate, "extension 1.2.840.113741.1337.6")->length, quote.size());
}

TEST(Annotate, NamesEveryByteOfACompositeAndOfAnHclReport) {
  for (const azure::Hardware hardware : kAzureHardware) {
    const AzureScene scene(hardware);
    const Bytes bytes = scene.bytes();
    const Annotated composite = OrDie(annotate(bytes));
    expect_covers(composite, bytes.size());
    EXPECT_EQ(composite.format, scene.snp() ? Format::azure_snp : Format::azure_tdx);
    EXPECT_EQ(field(composite, "label")->value, "redoubt/azure-evidence/1");
    EXPECT_EQ(field(composite, "attest.extra_data")->value, hex_encode(sample_nonce()));
    EXPECT_EQ(field(composite, "hcl.json_size")->value, std::to_string(scene.sample.runtime.size()));
    EXPECT_EQ(field(composite, "hcl.report.report_data") != nullptr, scene.snp());
    EXPECT_EQ(field(composite, "td_quote.body.mrtd") != nullptr, !scene.snp());
    EXPECT_EQ(field(composite, "signature")->length, 256U);
    EXPECT_EQ(field(composite, "pcr 7")->length, 32U);
    EXPECT_EQ(field(composite, "ak_certificate")->length, scene.sample.raw.ak_certificates.front().size());
    EXPECT_FALSE(*composite.description.object()->at("verified").boolean());
    const Bytes& hcl = scene.sample.raw.hcl_report;
    const Annotated report = OrDie(annotate(hcl));
    expect_covers(report, hcl.size());
    EXPECT_EQ(report.format, Format::hcl_report);
    EXPECT_EQ(field(report, "signature")->value, "HCLA");
    EXPECT_EQ(field(report, "runtime_data")->offset, 1236U);
    for (std::size_t size = 1; size < bytes.size(); size += 89) EXPECT_FALSE(annotate(ByteView(bytes).first(size)).ok()) << size;
  }
}

TEST(Annotate, ShowsHeaderAndClaimsOfAToken) {
  const Annotated token = OrDie(annotate(to_bytes(token_text("n") + "\n")));
  EXPECT_TRUE(token.fields.empty());
  EXPECT_EQ(*token.description.object()->at("header").object()->at("kid").string(), "k1");
  EXPECT_TRUE(token.description.object()->at("claims").object()->contains("iss"));
}

TEST(Annotate, RefusesWhatTheVerifierCannotRead) {
  const Bytes quote = dcap_maker().quote();
  EXPECT_FALSE(annotate(ByteView(quote).first(quote.size() - 1)).ok());
  EXPECT_ERROR(annotate(to_bytes("text")), Code::malformed, "looks like");
  const test::NitroSample nitro;
  const Bytes document = nitro.encode();
  for (std::size_t size = 1; size < document.size(); size += 97) EXPECT_FALSE(annotate(ByteView(document).first(size)).ok()) << size;
}

}  // namespace
}  // namespace redoubt::verifier
