// Goal: logs replay in the bank that was quoted, whichever of the log's it is, and a log without that bank is refused. Method: Evidence
// made in software over each bank, with event log, IMA list and application log that fit it; one thing changed at a time.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/evidence_eventlog.h"
#include "tests/support/evidence_ima.h"
#include "tests/support/evidence_tpm.h"
#include "tests/support/expect.h"

namespace redoubt::tpm {
namespace {

using test::LogBuilder;
using test::TpmSample;
using Ids = std::set<std::string>;

constexpr std::uint16_t kBanks[] = {kAlgSha256, kAlgSha384, kAlgSha512};
const LogBuilder::Banks kAll = {{eventlog::kSha1, 20}, {eventlog::kSha256, 32}, {eventlog::kSha384, 48}, {eventlog::kSha512, 64}};

// log_of: a boot with Secure Boot on, in these banks.
Bytes log_of(const LogBuilder::Banks& banks, std::string_view firmware = "firmware") {
  LogBuilder log(banks);
  log.event(0, 8, as_bytes(firmware));
  log.event(7, eventlog::kEvEfiVariableDriverConfig, test::uefi_variable("SecureBoot", Bytes{std::byte{1}}));
  return log.separators(0, 7).bytes();
}

// Scene: a quote over `bank` of PCR 0 to 7 as the log gives them, 8 as the application log gives it, 14 zero.
struct Scene {
  explicit Scene(std::uint16_t bank, const LogBuilder::Banks& banks = kAll) : sample(kAlgEcdsa, kAlgSha256, bank) {
    sample.raw.event_log = log_of(banks);
    sample.raw.application_log = ApplicationLog{14, {to_bytes("first"), to_bytes("second")}};
    const Bytes whole = log_of(kAll);
    const auto log = OrDie(eventlog::EventLog::parse(whole));
    const eventlog::Replay replay = log.replay(*log.bank(bank));
    sample.quote.pcrs.clear();
    for (int pcr = 0; pcr < 8; ++pcr) sample.quote.pcrs[pcr] = to_bytes(replay[static_cast<std::size_t>(pcr)]->view());
    eventlog::Digest value(eventlog::known_size(bank));
    for (const Bytes& event : sample.raw.application_log->events) value = eventlog::extend(bank, value, eventlog::hash(bank, event).view());
    sample.quote.pcrs[14] = to_bytes(value.view());
    sample.remake();
  }

  TpmSample sample;
};

TEST(TpmOtherBank, LogsReplayInTheBankThatIsQuoted) {
  for (const std::uint16_t bank : kBanks) {
    const Scene scene(bank);
    EXPECT_EQ(scene.sample.failures(), Ids{}) << algorithm_text(bank);
    const auto outcome = authenticate(OrDie(parse(scene.sample.raw.encode())), scene.sample.inputs());
    ASSERT_TRUE(outcome.authentic) << algorithm_text(bank);
    EXPECT_EQ((**outcome.authentic).secure_boot, true) << algorithm_text(bank);
    for (const attest::Check& check : outcome.checks) {
      const bool log = (check.id >= attest::CheckId::l1 && check.id <= attest::CheckId::l5) || check.id == attest::CheckId::app_log;
      EXPECT_TRUE(!log || check.outcome == attest::Outcome::passed) << attest::id_text(check.id);
    }
    // The log needs no other bank than that one.
    const Scene alone(bank, {{bank, static_cast<std::uint16_t>(eventlog::known_size(bank))}});
    EXPECT_EQ(alone.sample.failures(), Ids{}) << algorithm_text(bank);
  }
}

TEST(TpmOtherBank, ALogWithoutTheQuotedBankIsRefusedForThatReason) {
  for (const std::uint16_t bank : kBanks) {
    LogBuilder::Banks others = kAll;
    std::erase_if(others, [&](const auto& one) { return one.first == bank; });
    Scene scene(bank, others);
    scene.sample.raw.application_log.reset();
    EXPECT_EQ(scene.sample.failures(), Ids{"L2"}) << algorithm_text(bank);
    const auto outcome = authenticate(OrDie(parse(scene.sample.raw.encode())), scene.sample.inputs());
    const auto replay = std::ranges::find(outcome.checks, attest::CheckId::l2, &attest::Check::id);
    EXPECT_EQ(replay->expected, "a log with the bank that is quoted, " + eventlog::algorithm_text(bank));
    EXPECT_TRUE(replay->found.starts_with("banks sha1, ")) << replay->found;
  }
}

TEST(TpmOtherBank, EachLogThatDiffersFromTheQuoteIsRefusedInItsOwnBank) {
  for (const std::uint16_t bank : kBanks) {
    Scene other(bank);
    other.sample.raw.event_log = log_of(kAll, "other firmware");
    EXPECT_EQ(other.sample.failures(), Ids{"L2"}) << algorithm_text(bank);
    // A digest of another bank is nobody's business; one of the quoted bank is.
    for (const std::uint16_t changed : kBanks) {
      Scene scene(bank);
      const Bytes digest = to_bytes(eventlog::hash(changed, as_bytes(std::string_view("firmware"))).view());
      Bytes& log = scene.sample.raw.event_log;
      const auto at = std::search(log.begin(), log.end(), digest.begin(), digest.end());
      ASSERT_NE(at, log.end());
      *at ^= std::byte{1};
      EXPECT_EQ(scene.sample.failures(), changed == bank ? Ids{"L2"} : Ids{}) << algorithm_text(bank) << " " << algorithm_text(changed);
    }
    Scene event(bank);
    event.sample.raw.application_log->events.pop_back();
    EXPECT_EQ(event.sample.failures(), Ids{"app.log"}) << algorithm_text(bank);
    // A boot PCR that is quoted and that no log speaks of.
    Scene silent(bank);
    silent.sample.quote.pcrs[9] = Bytes(eventlog::known_size(bank), std::byte{1});
    silent.sample.remake();
    EXPECT_EQ(silent.sample.failures(), Ids{"L2"}) << algorithm_text(bank);
    silent.sample.quote.pcrs[9] = Bytes(eventlog::known_size(bank));
    silent.sample.remake();
    EXPECT_EQ(silent.sample.failures(), Ids{}) << algorithm_text(bank);
  }
}

TEST(TpmOtherBank, AnImaListReplaysInTheBankThatIsQuoted) {
  for (const std::uint16_t bank : kBanks) {
    Scene scene(bank);
    const auto entries = test::ima_entries();
    for (std::size_t i = 0; i < 3; ++i) append(scene.sample.raw.ima_log, test::ima_binary(entries[i]));
    const auto list = OrDie(ima::List::parse_binary(scene.sample.raw.ima_log));
    scene.sample.quote.pcrs[10] = to_bytes(ima::replay(list, bank).view());
    scene.sample.remake();
    EXPECT_EQ(scene.sample.failures(), Ids{}) << algorithm_text(bank);
    scene.sample.quote.pcrs[10].back() ^= std::byte{1};
    scene.sample.remake();
    EXPECT_EQ(scene.sample.failures(), Ids{"I3"}) << algorithm_text(bank);
  }
}

TEST(TpmOtherBank, TheOlderFormOfLogsSpeaksOfNoBankThatIsTaken) {
  Scene scene(kAlgSha384);
  scene.sample.raw.event_log = to_bytes(test::Sha1LogBuilder().event(0, 8, as_bytes(std::string_view("firmware"))).view());
  const Ids ids = scene.sample.failures();
  EXPECT_TRUE(ids.contains("L1"));
  EXPECT_TRUE(ids.contains("L2"));
}

}  // namespace
}  // namespace redoubt::tpm
