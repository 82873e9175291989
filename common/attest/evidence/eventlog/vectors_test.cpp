// Goal: logs of real machines replay to the values that are published with them, and odd ones are refused for the right reason.
// Method: the shared collections of TPM and TDX event logs, the latter with the quotes that belong to them.
#include <gtest/gtest.h>

#include "common/attest/evidence/dcap/evidence.h"
#include "common/attest/evidence/eventlog/rtmr_log.h"
#include "common/base/json.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"

namespace redoubt::eventlog {
namespace {

using std::filesystem::path;

json::Value load(const path& file) { return OrDie(json::parse(test::read_text(file), {.max_bytes = 1U << 22, .max_depth = 32})); }
const json::Value& at(const json::Value& value, std::string_view key) { return value.object()->find(key)->second; }

TEST(EventLogVectors, EveryBankOfEveryGenuineLogReplays) {
  REDOUBT_REQUIRE_SHARED();
  const path folder = *test::shared_dir() / "vectors" / "tpm";
  const json::Value cases = load(folder / "eventlogs.json");
  std::size_t registers = 0;
  for (const json::Value& item : *cases.array()) {
    const std::string& file = *at(item, "file").string();
    const Bytes bytes = test::read_file(folder / file);
    const auto log = EventLog::parse(bytes);
    ASSERT_TRUE(log.ok()) << file << ": " << log.error().message();
    EXPECT_EQ(static_cast<std::int64_t>(log->events.size()), *at(item, "events").integer()) << file;
    EXPECT_EQ(log->form == Form::sha1, at(item, "format").string()->starts_with("sha1")) << file;
    const json::Object& banks = *at(item, "replayed_pcrs").object();
    EXPECT_EQ(banks.size(), log->banks.size()) << file;
    for (const auto& [name, expected] : banks) {
      const Bank* bank = log->bank(algorithm_from_text(name).value_or(0));
      ASSERT_NE(bank, nullptr) << file << " " << name;
      const Replay replayed = log->replay(*bank);
      for (int pcr = 0; pcr < kPcrCount; ++pcr) {
        const auto& value = replayed[static_cast<std::size_t>(pcr)];
        const auto it = expected.object()->find(std::to_string(pcr));
        ASSERT_EQ(value.has_value(), it != expected.object()->end()) << file << " " << name << " PCR " << pcr;
        if (!value) continue;
        EXPECT_EQ(value->hex(), *it->second.string()) << file << " " << name << " PCR " << pcr;
        ++registers;
      }
      EXPECT_OK(check_data(*log, *bank)) << file << " " << name;
      EXPECT_OK(check_separators(*log, *bank)) << file << " " << name;
      EXPECT_OK(boot_facts(*log, *bank)) << file << " " << name;
    }
  }
  EXPECT_GE(cases.array()->size(), 16U);
  EXPECT_GE(registers, 300U);
}

TEST(EventLogVectors, OddLogsAreRefusedOrShowWhatTheyLack) {
  REDOUBT_REQUIRE_SHARED();
  const path folder = *test::shared_dir() / "vectors" / "tpm" / "eventlogs-negative";
  const auto refused = [&](std::string_view name) {
    const Bytes bytes = test::read_file(folder / name);
    const auto log = EventLog::parse(bytes);
    return log.ok() ? std::string("accepted") : std::string(code_name(log.error().code())) + ": " + log.error().message();
  };
  EXPECT_EQ(refused("keylime-empty.bin"), "malformed: event log: expected an event that extends a register, found none");
  EXPECT_TRUE(refused("keylime-bogus.bin").starts_with("malformed: event log at offset 8: register index")) << refused("keylime-bogus.bin");
  EXPECT_EQ(refused("short-no-action.bin"), "malformed: event log: expected an event that extends a register, found none");

  // Replays, but firmware never said that it handed over: an appraisal of a finished boot has that fact to refuse by.
  const Bytes missing = test::read_file(folder / "ebs-event-missing.bin");
  const EventLog log = OrDie(EventLog::parse(missing));
  EXPECT_FALSE(OrDie(boot_facts(log, log.banks.front())).exit_boot_services);
  EXPECT_TRUE(log.replay(log.banks.front())[0]);

  const Bytes certificates = test::read_file(folder / "secure-boot-cert.bin");
  const EventLog part = OrDie(EventLog::parse(certificates));
  for (const Bank& bank : part.banks) {
    EXPECT_OK(check_data(part, bank));
    EXPECT_ERROR(check_separators(part, bank), Code::measurement, "PCR 0: expected one separator, found 0");
    EXPECT_EQ(OrDie(boot_facts(part, bank)).authorities.size(), 3U) << algorithm_text(bank.algorithm);
  }
}

// rtmrs: RTMR0 to RTMR3 that the quote states.
Rtmrs rtmrs(ByteView quote) {
  const auto stated = dcap::unverified_facts(OrDie(dcap::parse(quote))).rtmrs;
  Rtmrs out;
  for (std::size_t i = 0; i < out.size(); ++i) std::ranges::copy(stated.value().at(i).view(), out[i].array().begin());
  return out;
}

std::vector<std::string> failed_rtmr(const RtmrOutcome& outcome) {
  std::vector<std::string> ids;
  for (const attest::Check& check : outcome.checks) {
    if (check.outcome == attest::Outcome::failed) ids.emplace_back(attest::id_text(check.id));
  }
  return ids;
}

TEST(RtmrVectors, RegistersMatchTheirQuoteAsPublished) {
  REDOUBT_REQUIRE_SHARED();
  const path folder = *test::shared_dir() / "vectors" / "tdx-eventlog";
  const json::Value cases = load(folder / "cases.json");
  for (const json::Value& item : *cases.array()) {
    const std::string& file = *at(item, "file").string();
    const bool table = file.ends_with(".bin");
    Rtmrs quoted;
    if (const std::string* quote = at(item, "quote").string()) quoted = rtmrs(test::read_file(folder / *quote));
    const Bytes bytes = test::read_file(folder / file);
    const RtmrOutcome outcome = table ? authenticate_ccel(bytes, quoted) : authenticate_dstack(as_text(bytes), quoted);
    const json::Object& replayed = *at(item, "replayed").object();
    std::vector<std::string> matching;
    for (std::size_t i = 0; i < kRtmrCount; ++i) {
      const std::string name = "RTMR" + std::to_string(i);
      const auto expected = replayed.find(name);
      const auto& value = outcome.replayed[i + 1];
      ASSERT_EQ(value.has_value(), expected != replayed.end()) << file << " " << name;
      if (value) {
        EXPECT_EQ(value->hex(), *expected->second.string()) << file << " " << name;
      }
      if (outcome.matches[i]) matching.push_back(name);
    }
    const auto expected = OrDie(json::strings(at(at(item, "expect"), "registers_matching_quote"), "registers", 4));
    EXPECT_EQ(matching, expected) << file;
    // All registers that are not zero in the quote: only then is the log authentic.
    EXPECT_EQ(outcome.authentic.has_value(), expected.size() >= 3) << file;
    EXPECT_EQ(outcome.checks.size(), 6U) << file;
    if (replayed.empty()) {
      EXPECT_TRUE(outcome.checks.front().found.find("sha384 alone, found sm3_256") != std::string::npos) << outcome.checks.front().found;
      continue;
    }
    EXPECT_EQ(static_cast<std::int64_t>(outcome.event_count.value_or(0)), *at(item, "events").integer()) << file;
  }
  EXPECT_GE(cases.array()->size(), 6U);
}

TEST(RtmrVectors, ADuplicateSeparatorFailsTheSeparatorCheckToo) {
  REDOUBT_REQUIRE_SHARED();
  const path folder = *test::shared_dir() / "vectors";
  const Rtmrs quoted = rtmrs(test::read_file(folder / "intel-dcap/quotes/tdx-v4-00806f-google-cos113.bin"));
  const Bytes duplicate = test::read_file(folder / "tdx-eventlog/gcp-cos113-duplicate-separator.bin");
  EXPECT_EQ(failed_rtmr(authenticate_ccel(duplicate, quoted)), (std::vector<std::string>{"L2", "L4"}));
  const Bytes genuine = test::read_file(folder / "tdx-eventlog/gcp-cos113.bin");
  const RtmrOutcome outcome = authenticate_ccel(genuine, quoted);
  ASSERT_TRUE(outcome.authentic);
  EXPECT_TRUE((*outcome.authentic)->boot.exit_boot_services);
  EXPECT_EQ((*outcome.authentic)->covered, (std::array<bool, 4>{true, true, true, false}));
}

TEST(RtmrVectors, DstacksApplicationEventsAreReadAndEachChangeIsSeen) {
  REDOUBT_REQUIRE_SHARED();
  const path folder = *test::shared_dir() / "vectors";
  const Rtmrs quoted = rtmrs(test::read_file(folder / "intel-dcap/quotes/tdx-v4-90c06f-dstack.bin"));
  const std::string text = test::read_text(folder / "tdx-eventlog/dstack-rtmr-events.json");
  const RtmrOutcome outcome = authenticate_dstack(text, quoted);
  ASSERT_TRUE(outcome.authentic);
  const auto& events = (*outcome.authentic)->application_events;
  ASSERT_EQ(events.size(), 8U);
  EXPECT_EQ(events[2].name, "compose-hash");
  EXPECT_EQ(events[2].payload.size(), 32U);
  EXPECT_EQ(events[2].rtmr, 3);

  std::string renamed = text;
  renamed.replace(renamed.find("compose-hash"), 12, "compose-hasj");
  EXPECT_EQ(failed_rtmr(authenticate_dstack(renamed, quoted)), std::vector<std::string>{"L3"});
  std::string moved = text;
  moved.replace(moved.find("\"imr\": 3"), 8, "\"imr\": 2");
  EXPECT_EQ(failed_rtmr(authenticate_dstack(moved, quoted)), std::vector<std::string>{"L2"});
}

}  // namespace
}  // namespace redoubt::eventlog
