// Goal: judging Evidence holds at most the stated multiple of what came in (docs/specs/checks.md, "Memory"), whatever came in. Method: the
// largest Evidence of each form that the readers take, the same damaged, collateral in great numbers, and large junk that looks like each
// form; the most that was held at once is counted, that of OpenSSL too.
#include <gtest/gtest.h>

#include "bench/allocations.h"
#include "common/attest/verifier/verifier_test_samples.h"
#include "tests/support/evidence_eventlog.h"
#include "tests/support/evidence_ima.h"
#include "tests/support/tpm_vectors.h"

namespace redoubt::verifier {
namespace {

constexpr std::size_t kTimes = 16;  // of the bytes that came in
constexpr std::size_t kBase = std::size_t{4} << 20;

struct Input {
  std::string name;
  Bytes evidence;
  std::vector<NamedFile> files = {};
  appraise::Policy policy = strict_policy();
  std::optional<Bytes> nonce = std::nullopt;
  Instant now = Instant(1795900000);
  bool accepted = false;  // what is measured is the whole of a verdict that trusts

  std::size_t size() const {
    std::size_t sum = evidence.size();
    for (const NamedFile& file : files) sum += file.bytes.size();
    return sum;
  }
};

void expect_bounded(const Input& input) {
  const auto judge = [&] { return verify(input.evidence, input.files, input.policy, input.nonce, input.now); };
  static_cast<void>(judge());  // what is made once for a process
  const bench::Peak peak;
  const auto appraisal = judge();
  const std::size_t held = peak.bytes();
  EXPECT_LE(held, kBase + kTimes * input.size()) << input.name << ", " << input.size() << " bytes";
  if (input.accepted) {
    ASSERT_OK(appraisal) << input.name;
    EXPECT_OK(appraisal->accepted()) << input.name;
  }
  std::printf("%-44s %9zu bytes in, %9zu held, %6.2f times\n", input.name.c_str(), input.size(), held,
              static_cast<double>(held) / static_cast<double>(std::max<std::size_t>(input.size(), 1)));
}

Bytes grown(Bytes bytes, std::size_t size, std::byte with = std::byte{0}) {
  bytes.resize(std::max(size, bytes.size()), with);
  return bytes;
}

Bytes repeated(std::string_view text, std::size_t size) {
  Bytes out;
  out.reserve(size + text.size());
  while (out.size() < size) append(out, as_bytes(text));
  return out;
}

// tpm_with: the recorded boot with other logs; the quote stays what it is, so that the logs are refused after they were read.
Bytes tpm_with(Bytes event_log, Bytes ima_log) {
  tpm::RawEvidence raw = test::tpm_evidence("good");
  if (!event_log.empty()) raw.event_log = std::move(event_log);
  if (!ima_log.empty()) raw.ima_log = std::move(ima_log);
  return raw.encode();
}

TEST(MemoryBound, EvidenceOfEachFormIsJudgedWithinTheStatedMultiple) {
  std::vector<Input> inputs;
  for (const std::uint16_t body : {test::DcapMaker::kSgx, test::DcapMaker::kTd10, test::DcapMaker::kTd15}) {
    test::DcapMaker maker = dcap_maker(5, body);
    maker.level_count = 60;  // far more levels than any platform has
    const Input input{"quote, body " + std::to_string(body), maker.quote(), files_of(maker.collateral()), with_root(maker.pin()), sample_nonce(), maker.now, true};
    inputs.push_back(input);
    inputs.push_back({input.name + ", zeros after it", grown(input.evidence, kMaxEvidence), input.files, input.policy, input.nonce, input.now});
    Input many = input;
    many.name += ", its collateral 200 times";
    many.accepted = false;
    for (int i = 0; i < 200; ++i) {
      for (NamedFile file : files_of(maker.collateral())) {
        file.bytes.push_back(std::byte{'\n'});  // another file of the same, where its form allows that
        many.files.push_back(std::move(file));
      }
    }
    inputs.push_back(std::move(many));
  }
  const test::SnpSample snp;
  inputs.push_back({"SEV-SNP report", snp.report, files_of(snp), with_root(crypto::Sha256Digest(snp.authority->anchor().ark.array())), std::nullopt, snp.now, true});
  test::NitroSample nitro;
  inputs.push_back({"Nitro document", nitro.encode()});
  inputs.push_back({"Nitro document, filled up", grown(nitro.encode(), 32 * 1024)});
  inputs.push_back({"token", to_bytes(token_text("n"))});
  for (const azure::Hardware hardware : kAzureHardware) {
    const AzureScene scene(hardware);
    inputs.push_back({"composite of Azure, " + std::string(azure::hardware_text(hardware)), scene.bytes(), scene.files(), scene.policy(), sample_nonce(), scene.now(), true});
  }
  for (const Input& input : inputs) expect_bounded(input);
}

TEST(MemoryBound, LongLogsAreJudgedWithinTheStatedMultiple) {
  const auto firmware = [](std::size_t size, std::size_t data) {
    test::LogBuilder log({{eventlog::kSha1, 20}, {eventlog::kSha256, 32}, {eventlog::kSha384, 48}});
    log.separators(0, 7);
    while (log.view().size() < size) log.event(4, eventlog::kEvSeparator + 1, Bytes(data, std::byte{7}));
    return log.bytes();
  };
  const auto ima = [](std::size_t size, std::size_t path) {
    test::ImaFields fields;
    fields.path = "/" + std::string(path, 'a');
    const Bytes entry = test::ima_binary(fields);
    Bytes out;
    while (out.size() < size) append(out, entry);
    return out;
  };
  constexpr std::size_t kLog = std::size_t{1} << 20;
  expect_bounded({"TPM, recorded boot", tpm_with({}, {})});
  expect_bounded({"TPM, 1 MiB of the smallest events", tpm_with(firmware(kLog, 0), {})});
  expect_bounded({"TPM, 1 MiB of large events", tpm_with(firmware(kLog, 60000), {})});
  expect_bounded({"TPM, 1 MiB of the smallest IMA entries", tpm_with({}, ima(kLog, 1))});
  expect_bounded({"TPM, 1 MiB of IMA entries with long paths", tpm_with({}, ima(kLog, 4000))});
}

TEST(MemoryBound, JunkIsRefusedWithinTheStatedMultiple) {
  const auto head = [](std::initializer_list<int> first, std::size_t size, int with) {
    Bytes out;
    for (const int value : first) out.push_back(static_cast<std::byte>(value));
    return grown(std::move(out), size, static_cast<std::byte>(with));
  };
  constexpr std::size_t kLarge = std::size_t{4} << 20;
  std::vector<Input> inputs = {{"zeros", Bytes(kMaxEvidence)},
                               {"beyond the largest", Bytes(std::size_t{64} << 20)},
                               {"open brackets", repeated("[", kLarge)},
                               {"a list of empty lists", repeated("[[],", kLarge)},
                               {"an array of small members", to_bytes("[" + std::string(as_text(repeated("{},", kLarge))) + "{}]")},
                               {"an object of small members", repeated("{\"a\":", kLarge)},
                               {"hexadecimal", repeated("00", kLarge)},
                               {"base64", repeated("AAAA", kLarge)},
                               {"a token of points", repeated("eyJhbGciOiJub25lIn0.", kLarge)},
                               {"PEM without an end", to_bytes("-----BEGIN CERTIFICATE-----\n" + std::string(as_text(repeated("AAAA\n", kLarge))))},
                               {"a CBOR array of a huge count", head({0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, kLarge, 0x80)},
                               {"nested CBOR arrays", head({0x84}, kLarge, 0x81)},
                               {"CBOR with a huge string", head({0x84, 0x5b, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff}, kLarge, 0)},
                               {"nested sequences of DER", repeated(std::string("\x30\x80", 2), kLarge)}};
  std::string numbers = "[0";
  while (numbers.size() < kLarge) numbers += ",0";
  inputs.push_back({"an array of numbers", to_bytes(numbers + "]")});
  inputs.push_back({"as many numbers as are read", to_bytes(numbers.substr(0, 2 * 65535) + "]")});
  for (Bytes bytes : {dcap_maker().quote(), test::SnpSample().report, test::NitroSample().encode(), test::tpm_evidence("good").encode(), AzureScene(azure::Hardware::tdx).bytes()}) {
    const std::string what = hex_encode(ByteView(bytes).first(4));
    inputs.push_back({"the begin of " + what + ", then ff", grown(Bytes(bytes.begin(), bytes.begin() + 200), kLarge, std::byte{0xff})});
    inputs.push_back({"all of " + what + ", then ff", grown(std::move(bytes), kLarge, std::byte{0xff})});
  }
  for (const Input& input : inputs) expect_bounded(input);
  // The same as collateral.
  const test::DcapMaker maker = dcap_maker();
  for (Input& input : inputs) {
    input = {"collateral: " + input.name, maker.quote(), {{"junk", std::move(input.evidence)}}, with_root(maker.pin()), sample_nonce(), maker.now};
    expect_bounded(input);
  }
}

}  // namespace
}  // namespace redoubt::verifier
