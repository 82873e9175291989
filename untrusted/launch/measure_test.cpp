// Goal: what a launcher measures is what PCR 14 and the log say, and nothing follows the cap.
// Method: a real software TPM; the log's replay is compared with the PCR; every call out of order.
#include "untrusted/launch/measure.h"

#include "tests/support/swtpm.h"

namespace redoubt::launch {
namespace {

const appraise::ProgramDigest kProgram(crypto::sha256(as_bytes("program")).array());
const ContractDigest kContract(crypto::sha256(as_bytes("contract")).array());

TEST(MeasureTest, WritesManifestContractAndCapThatReplayToThePcr) {
  REDOUBT_REQUIRE_SWTPM();
  test::TestTpm tpm;
  TpmChannel channel = OrDie(TpmChannel::connect(tpm->socket()));
  const auto log = OrDie(measure_launch(channel, kProgram, kContract));
  EXPECT_EQ(log.pcr, tpm::kLauncherPcr);
  EXPECT_EQ(OrDie(channel.read_pcr(tpm::kLauncherPcr)), log.replay());
  EXPECT_EQ(OrDie(channel.read_pcr(13)), crypto::Sha256Digest());
  std::vector<std::string> types;
  for (const Bytes& event : log.events) types.push_back(OrDie(tpm::ApplicationEvent::decode(event)).type);
  EXPECT_EQ(types, (std::vector<std::string>{"manifest", "contract", "cap"}));
  EXPECT_TRUE(equal(OrDie(tpm::ApplicationEvent::decode(log.events[0])).data, kProgram.view()));
  EXPECT_TRUE(equal(OrDie(tpm::ApplicationEvent::decode(log.events[1])).data, kContract.view()));

  // A second launch in the same boot of the TPM is refused, an extend behind our back shows.
  EXPECT_ERROR(measure_launch(channel, kProgram, kContract), Code::refused, "start the TPM anew");
  ASSERT_OK(channel.extend(tpm::kLauncherPcr, crypto::sha256(as_bytes("more"))));
  EXPECT_NE(OrDie(channel.read_pcr(tpm::kLauncherPcr)), log.replay());

  const test::TempDir folder;
  ASSERT_OK(write_log(log, folder.path() / "log"));
  EXPECT_EQ(OrDie(tpm::ApplicationLog::decode(test::read_file(folder.path() / "log"))).events, log.events);
  EXPECT_ERROR(write_log(log, folder.path() / "absent/log"), Code::unavailable, "writing");
}

TEST(MeasureTest, RefusesEventsOutOfOrderAndWithoutForm) {
  REDOUBT_REQUIRE_SWTPM();
  test::TestTpm tpm;
  TpmChannel channel = OrDie(TpmChannel::connect(tpm->socket()));
  LaunchLog log = OrDie(LaunchLog::begin(channel));
  EXPECT_ERROR(log.measure({"Upper case", {}}), Code::usage, "type");
  EXPECT_ERROR(log.measure({"large", Bytes(4097)}), Code::usage, "");
  EXPECT_ERROR(log.measure({"cap", {}}), Code::usage, "only cap()");
  EXPECT_TRUE(log.log().events.empty());
  for (int i = 0; i < 63; ++i) ASSERT_OK(log.measure({"other", {}}));
  EXPECT_ERROR(log.measure({"other", {}}), Code::usage, "full");
  ASSERT_OK(log.cap());
  EXPECT_ERROR(log.measure({"manifest", {}}), Code::refused, "capped");
  EXPECT_ERROR(log.cap(), Code::refused, "capped");
  EXPECT_EQ(OrDie(channel.read_pcr(tpm::kLauncherPcr)), log.log().replay());
}

TEST(MeasureTest, SaysWhenTheTpmIsGoneOrBusyOrRefuses) {
  REDOUBT_REQUIRE_SWTPM();
  test::TestTpm tpm;
  EXPECT_ERROR(TpmChannel::connect("/nonexistent"), Code::unavailable, "/nonexistent");
  EXPECT_ERROR(TpmChannel::connect(std::string(108, 'x')), Code::usage, "107");
  TpmChannel channel = OrDie(TpmChannel::connect(tpm->socket()));
  EXPECT_ERROR(channel.extend(99, crypto::Sha256Digest()), Code::refused, "the TPM answered");
  EXPECT_ERROR(channel.read_pcr(24), Code::usage, "PCR 24");
  tpm->kill();
  EXPECT_ERROR(channel.extend(14, crypto::Sha256Digest()), Code::unavailable, "");
  EXPECT_ERROR(channel.read_pcr(14), Code::unavailable, "");
}

TEST(SwTpmTest, KeepsItsIdentityOverRestartsAndSharesACa) {
  REDOUBT_REQUIRE_SWTPM();
  const test::TempDir folder;
  SwTpmOptions options;
  options.state = folder.path() / "a";
  options.ca = folder.path() / "ca";
  options.die_with_parent = true;
  std::string root;
  {
    SwTpm tpm = OrDie(SwTpm::start(options));
    EXPECT_TRUE(tpm.running());
    EXPECT_ERROR(tpm.power_on(), Code::usage, "runs already");
    root = test::read_text(tpm.root_pem());
    EXPECT_NE(root.find("BEGIN CERTIFICATE"), std::string::npos);
    EXPECT_NE(test::read_text(tpm.issuer_pem()), root);
    TpmChannel channel = OrDie(TpmChannel::connect(tpm.socket()));
    ASSERT_OK(channel.extend(14, crypto::sha256({})));
  }
  const auto made = std::filesystem::last_write_time(options.state / "manufactured");
  SwTpm again = OrDie(SwTpm::start(options));
  EXPECT_EQ(std::filesystem::last_write_time(options.state / "manufactured"), made);
  EXPECT_EQ(OrDie(OrDie(TpmChannel::connect(again.socket())).read_pcr(14)), crypto::Sha256Digest());
  SwTpmOptions second = options;
  second.state = folder.path() / "b";
  SwTpm other = OrDie(SwTpm::start(second));
  EXPECT_EQ(test::read_text(other.root_pem()), root);
  again.stop();
  EXPECT_FALSE(again.running());
  EXPECT_TRUE(other.running());

  SwTpmOptions bad = options;
  bad.name = "a,b";
  EXPECT_ERROR(SwTpm::start(bad), Code::usage, "TPM name");
  bad = options;
  bad.state = folder.path() / "with space";
  EXPECT_ERROR(SwTpm::start(bad), Code::usage, "without spaces");
  bad = options;
  bad.socket = "/" + std::string(101, 'x');
  EXPECT_ERROR(SwTpm::start(bad), Code::usage, "socket path");
  bad = options;
  bad.swtpm = "/nonexistent/swtpm";
  EXPECT_ERROR(SwTpm::start(bad), Code::missing_dependency, "/nonexistent/swtpm");
  bad = options;
  bad.state = folder.path() / "c";
  bad.swtpm_setup = "/bin/false";
  EXPECT_ERROR(SwTpm::start(bad), Code::unavailable, "manufacturing");
}

}  // namespace
}  // namespace redoubt::launch
