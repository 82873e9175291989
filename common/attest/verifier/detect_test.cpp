// Goal: every form of Evidence is known by its content, and what is none is called by its name with the way out. Method: one piece of
// each form made here; the same packed, encoded, cut and padded; collateral in its place; junk.
#include "common/attest/verifier/detect.h"

#include <random>

#include "common/attest/verifier/verifier_test_samples.h"
#include "tests/support/tpm_vectors.h"

namespace redoubt::verifier {
namespace {

Bytes certificate() {
  const test::Signer& signer = test::test_signer(test::SignerKind::p256, "detect");
  return test::signer_certificate({}, signer, signer);
}

struct Sample {
  Format format;
  Bytes bytes;
};

std::vector<Sample> samples() {
  return {{Format::sgx, dcap_maker(3, test::DcapMaker::kSgx).quote()},   {Format::sgx, dcap_maker(5, test::DcapMaker::kSgx).quote()},
          {Format::tdx, dcap_maker(4, test::DcapMaker::kTd10).quote()},  {Format::tdx, dcap_maker(5, test::DcapMaker::kTd15).quote()},
          {Format::snp, test::SnpSample().report},                       {Format::nitro, test::NitroSample().encode()},
          {Format::token, to_bytes(token_text("n"))},                    {Format::tpm, test::tpm_evidence("good").encode()},
          {Format::azure_snp, AzureScene(azure::Hardware::snp).bytes()}, {Format::azure_tdx, AzureScene(azure::Hardware::tdx).bytes()},
          {Format::hcl_report, AzureScene(azure::Hardware::snp).sample.raw.hcl_report},
          {Format::certificate, certificate()},                          {Format::certificate, to_bytes(pem_of("CERTIFICATE", certificate()))},
          {Format::evidence_file, to_bytes(R"({"type":"redoubt/evidence-file/1","format":"tpm"})")}};
}

void expect_error(ByteView bytes, std::string_view part) { EXPECT_ERROR(detect(bytes), Code::malformed, part); }

TEST(Detect, KnowsEachFormByItsContent) {
  for (const Sample& sample : samples()) {
    const auto found = detect(sample.bytes);
    ASSERT_OK(found);
    EXPECT_EQ(format_text(*found), format_text(sample.format));
  }
  EXPECT_EQ(OrDie(detect(to_bytes("\n" + token_text("n") + "\r\n"))), Format::token);
  test::NitroSample tagged;
  tagged.tagged = true;
  EXPECT_EQ(OrDie(detect(tagged.encode())), Format::nitro);
}

TEST(Detect, SaysWhatEncodedEvidenceIsAndHowToDecodeIt) {
  for (const Sample& sample : samples()) {
    const std::string what = "of a " + std::string(format_text(sample.format));
    std::string hex = hex_encode(sample.bytes);
    expect_error(to_bytes(hex), "looks like hexadecimal " + what + ": decode it first: xxd -r -p");
    expect_error(to_bytes("0x" + hex + "\n"), "hexadecimal " + what);
    for (char& c : hex) c = c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
    expect_error(to_bytes(hex), "hexadecimal " + what);
    std::string base64 = base64_encode(sample.bytes);
    expect_error(to_bytes(base64), "looks like base64 " + what + ": decode it first: base64 -d");
    for (std::size_t at = 64; at < base64.size(); at += 65) base64.insert(at, "\n");
    expect_error(to_bytes(base64), "base64 " + what);
  }
  const std::string url = base64url_encode(samples().at(4).bytes);
  if (url.find_first_of("-_") != std::string::npos) expect_error(to_bytes(url), "looks like base64url of a SEV-SNP report");
}

TEST(Detect, SaysWhatIsPackedOrOfAnotherKind) {
  const auto with = [](std::initializer_list<int> head) {
    Bytes bytes;
    for (const int value : head) bytes.push_back(static_cast<std::byte>(value));
    bytes.resize(100, std::byte{0x55});
    return bytes;
  };
  expect_error(with({0x1f, 0x8b, 8}), "looks like gzip: unpack it first: gzip -dc");
  expect_error(with({0x28, 0xb5, 0x2f, 0xfd}), "looks like zstd");
  expect_error(with({0xfd, 0x37, 0x7a, 0x58, 0x5a}), "looks like xz");
  expect_error(with({0x50, 0x4b, 3, 4}), "zip archive");
  expect_error(with({0x7f, 0x45, 0x4c, 0x46}), "a program (ELF)");
  expect_error(with({0xff, 0x54, 0x43, 0x47}), "bare TPM quote");
  expect_error(with({0xd2, 0x84, 0x59}), "is no Nitro document");
  expect_error(to_bytes("a letter, not Evidence"), "looks like text");
  expect_error(with({0x01, 0x02}), "begin with 01025555");
  expect_error({}, "empty");
  expect_error(to_bytes("  \n "), "blank");
  expect_error(Bytes(kMaxEvidence + 1), "at most");
  expect_error(to_bytes("<html>not found</html>"), "HTML");
  expect_error(to_bytes("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), "PEM of \"PRIVATE KEY\"");
  expect_error(to_bytes("-----BEGIN X509 CRL-----\n"), "--collateral");
  expect_error(to_bytes(R"({"tcbInfo":{},"signature":""})"), "--collateral");
  expect_error(to_bytes(R"({"quote":"00"})"), "take that member out");
  expect_error(to_bytes(R"({"type":"redoubt/policy/1"})"), "--policy");
  expect_error(to_bytes(R"({"a":1,"a":2})"), "cannot be read");
  expect_error(to_bytes(token_text("n") + ".AAAA"), "exactly three parts");
  expect_error(dcap_maker().collateral().root_crl, "revocation list");
}

TEST(Detect, SaysThatEvidenceIsCutOrPadded) {
  const Bytes report = test::SnpSample().report;
  expect_error(ByteView(report).first(1000), "expected 1184 bytes, found 1000; it is cut off");
  Bytes longer = report;
  longer.resize(4096);
  expect_error(longer, "head -c 1184");
  Bytes answer(0x20);
  answer[4] = std::byte{0xa0};
  answer[5] = std::byte{0x04};
  append(answer, report);
  expect_error(answer, "answer of the SEV guest device");
  const Bytes quote = dcap_maker().quote();
  expect_error(ByteView(quote).first(500), "the beginning of a TDX quote");
  const AzureScene azure(azure::Hardware::tdx);
  expect_error(ByteView(azure.bytes()).first(2000), "the Evidence of an Azure confidential VM: and cannot be read");
  expect_error(ByteView(azure.sample.raw.hcl_report).first(1300), "an HCL report of an Azure confidential VM: and cannot be read");
}

TEST(Detect, EndsOnEveryPrefixAndOnJunk) {
  for (const Sample& sample : samples()) {
    for (std::size_t size = 0; size < std::min<std::size_t>(sample.bytes.size(), 1300); ++size) {
      const auto found = detect(ByteView(sample.bytes).first(size));
      if (found.ok()) {
        EXPECT_EQ(*found, sample.format) << size;
      } else {
        EXPECT_EQ(found.error().code(), Code::malformed);
      }
    }
  }
  std::mt19937 generator(20261121);  // NOLINT: the same junk in every run
  for (int i = 0; i < 2000; ++i) {
    Bytes junk(generator() % 3000);
    for (std::byte& byte : junk) byte = static_cast<std::byte>(generator() % ((i % 2) == 0 ? 256 : 96) + ((i % 2) == 0 ? 0 : 32));
    static_cast<void>(detect(junk));
  }
}

}  // namespace
}  // namespace redoubt::verifier
