// Goal: a log explains RTMRs only as a whole. Method: a CCEL table and a list of RTMR events are built with the registers that they
// replay to; one event, register, name or byte is changed, and the check that is there for it must fail.
#include <gtest/gtest.h>

#include "common/attest/evidence/eventlog/rtmr_log.h"
#include "tests/support/evidence_eventlog.h"
#include "tests/support/expect.h"

namespace redoubt::eventlog {
namespace {

using test::LogBuilder;
using Ids = std::vector<std::string>;

Ids failed(const RtmrOutcome& outcome) {
  Ids ids;
  for (const attest::Check& check : outcome.checks) {
    if (check.outcome == attest::Outcome::failed) ids.emplace_back(attest::id_text(check.id));
  }
  EXPECT_EQ(outcome.authentic.has_value(), ids.empty());
  EXPECT_EQ(outcome.checks.size(), 6U);
  return ids;
}

Rtmrs replayed(const EventLog& log) {
  Rtmrs out;
  const Replay values = log.replay(log.banks.front());
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (values[i + 1]) std::ranges::copy(values[i + 1]->view(), out[i].array().begin());
  }
  return out;
}

LogBuilder table() {
  LogBuilder log({{kSha384, 48}});
  log.event(1, kEvEfiVariableDriverConfig, test::uefi_variable("SecureBoot", Bytes{std::byte{1}})).separators(1, 2);
  return log.event(2, kEvEfiAction, as_bytes("Exit Boot Services Returned with Success")).event(3, 0x0d, as_bytes("kernel"));
}

TEST(RtmrLog, ATableThatReplaysIsAuthenticAndTellsItsBoot) {
  const LogBuilder log = table();
  const Rtmrs quoted = replayed(OrDie(EventLog::parse_ccel(log.view())));
  const RtmrOutcome outcome = authenticate_ccel(log.view(), quoted);
  EXPECT_EQ(failed(outcome), Ids{});
  EXPECT_EQ((*outcome.authentic)->boot.secure_boot, true);
  EXPECT_TRUE((*outcome.authentic)->boot.exit_boot_services);
  EXPECT_EQ((*outcome.authentic)->covered, (std::array<bool, 4>{true, true, true, false}));
}

TEST(RtmrLog, APartialMatchIsNoMatch) {
  const LogBuilder log = table();
  const Rtmrs quoted = replayed(OrDie(EventLog::parse_ccel(log.view())));
  for (std::size_t i = 0; i < 3; ++i) {
    Rtmrs other = quoted;
    other[i].array()[5] ^= std::byte{1};
    const RtmrOutcome outcome = authenticate_ccel(log.view(), other);
    EXPECT_EQ(failed(outcome), Ids{"L2"}) << i;
    EXPECT_FALSE(outcome.matches[i]);
    EXPECT_EQ(match_registers(OrDie(EventLog::parse_ccel(log.view())), other), outcome.matches);
    EXPECT_TRUE(outcome.matches[(i + 1) % 3]);
  }
  // All events of a register left out; RTMR3 alone is the guest's own business.
  LogBuilder less({{kSha384, 48}});
  less.separators(1, 2);
  Rtmrs fitting = replayed(OrDie(EventLog::parse_ccel(less.view())));
  EXPECT_EQ(failed(authenticate_ccel(less.view(), fitting)), Ids{});
  fitting[3].array().fill(std::byte{3});
  EXPECT_EQ(failed(authenticate_ccel(less.view(), fitting)), Ids{});
  fitting[2].array().fill(std::byte{2});
  EXPECT_EQ(failed(authenticate_ccel(less.view(), fitting)), Ids{"L2"});
}

TEST(RtmrLog, SeparatorsDataAndVariablesAreJudgedEvenWhereTheRegistersFit) {
  const auto judged = [](const LogBuilder& log) {
    return failed(authenticate_ccel(log.view(), replayed(OrDie(EventLog::parse_ccel(log.view())))));
  };
  LogBuilder twice = table();
  EXPECT_EQ(judged(twice.separators(1, 1)), Ids{"L4"});
  LogBuilder data = table();
  EXPECT_EQ(judged(data.event(2, kEvEfiAction, as_bytes("a"), as_bytes("b"))), Ids{"L3"});
  LogBuilder late = table();
  EXPECT_EQ(judged(late.event(1, kEvEfiVariableDriverConfig, test::uefi_variable("SecureBoot", {}))), Ids{"L5"});
  LogBuilder none({{kSha384, 48}});
  EXPECT_EQ(judged(none.event(3, 0x0d, {})), Ids{"L4"});
}

TEST(RtmrLog, ALogThatIsNoneFailsEveryCheck) {
  const Ids all = {"L1", "L2", "L3", "L4", "L5", "L6"};
  EXPECT_EQ(failed(authenticate_ccel({}, {})), all);
  EXPECT_EQ(failed(authenticate_ccel(Bytes(64, std::byte{0xff}), {})), all);
  for (const std::string_view text : {"", "[]", "{}", "[1]", "[{\"imr\":0}]"}) EXPECT_EQ(failed(authenticate_dstack(text, {})), all) << text;
}

// dstack's list: fields of one event, so that a test can change one.
struct Item {
  std::int64_t imr;
  std::int64_t type;
  std::string digest, event, payload;
};

std::string hex384(ByteView bytes) { return crypto::sha384(bytes).hex(); }
Item firmware(std::int64_t imr, std::uint32_t type, ByteView data) { return {imr, type, hex384(data), "", hex_encode(data)}; }
Item application(std::string name, ByteView payload) {
  Bytes measured = to_bytes(as_bytes(std::string_view("\x01\x00\x00\x08:", 5)));
  append(measured, as_bytes(name + ":"));
  append(measured, payload);
  return {3, DstackLog::kEventType, hex384(measured), std::move(name), hex_encode(payload)};
}
std::vector<Item> items() {
  return {firmware(0, kEvSeparator, Bytes(4)), firmware(1, kEvSeparator, Bytes(4)), firmware(2, 6, as_bytes("initrd")),
          application("app-id", as_bytes("one")), application("compose-hash", as_bytes("two"))};
}
std::string text(const std::vector<Item>& list) {
  json::Array array;
  for (const Item& item : list) {
    array.push_back(json::Object{{"imr", item.imr}, {"event_type", item.type}, {"digest", item.digest}, {"event", item.event},
                                 {"event_payload", item.payload}});
  }
  return json::pretty(json::Value(std::move(array)));
}

TEST(DstackLog, ApplicationEventsAreThoseWhoseDigestFits) {
  const Rtmrs quoted = replayed(OrDie(DstackLog::parse(text(items()))).log);
  const RtmrOutcome outcome = authenticate_dstack(text(items()), quoted);
  EXPECT_EQ(failed(outcome), Ids{});
  EXPECT_EQ((*outcome.authentic)->application_events,
            (std::vector<ApplicationEvent>{{3, "app-id", to_bytes("one")}, {3, "compose-hash", to_bytes("two")}}));
  EXPECT_EQ((*outcome.authentic)->covered, (std::array<bool, 4>{true, true, true, true}));

  const auto judged = [&](auto change) {
    std::vector<Item> list = items();
    change(list);
    return failed(authenticate_dstack(text(list), quoted));
  };
  EXPECT_EQ(judged([](auto& list) { list[3].event = "app-ie"; }), Ids{"L3"});
  EXPECT_EQ(judged([](auto& list) { list[3].payload = "00"; }), Ids{"L3"});
  EXPECT_EQ(judged([](auto& list) { list[3].type = 6; }), Ids{"L3"});           // the name is covered by nothing then
  EXPECT_EQ(judged([](auto& list) { list[2].event = "app-id"; }), Ids{"L3"});   // nor here
  EXPECT_EQ(judged([](auto& list) { list[3] = application("app:id", as_bytes("one")); }), (Ids{"L2", "L3"}));
  EXPECT_EQ(judged([](auto& list) { list[0].payload = "01000000"; }), (Ids{"L3", "L4"}));
  EXPECT_EQ(judged([](auto& list) { list[0].payload = ""; }), Ids{});           // left out: the digest says it all
  EXPECT_EQ(judged([](auto& list) { list[2].payload = "ff"; }), Ids{});         // a hint that no digest covers
  EXPECT_EQ(judged([](auto& list) { std::swap(list[3], list[4]); }), Ids{"L2"});
  EXPECT_EQ(judged([](auto& list) { list.pop_back(); }), Ids{"L2"});
  EXPECT_EQ(judged([](auto& list) { list.push_back(list.back()); }), Ids{"L2"});
  EXPECT_EQ(judged([](auto& list) { list[4] = application("compose-hash", as_bytes("three")); }), Ids{"L2"});
}

TEST(DstackLog, ADigestLeftOutIsRecomputedAndVersion2IsCanonicalJson) {
  const Rtmrs quoted = replayed(OrDie(DstackLog::parse(text(items()))).log);
  std::vector<Item> list = items();
  list[3].digest.clear();
  EXPECT_EQ(failed(authenticate_dstack(text(list), quoted)), Ids{});
  list[3].event = "app-ie";
  EXPECT_EQ(failed(authenticate_dstack(text(list), quoted)), Ids{"L2"});
  list = items();
  list[0].digest.clear();  // firmware's own cannot be
  EXPECT_EQ(failed(authenticate_dstack(text(list), quoted)).size(), 6U);

  const std::string digest = hex384(as_bytes(R"({"event":"a:b","event_type":134217729,"payload":"6f6e65","version":2})"));
  const auto second = [&](std::string_view name, std::string_view version) {
    return text({items()[0], items()[1], items()[2]}).substr(0, text({items()[0], items()[1], items()[2]}).rfind(']')) +
           ",{\"imr\":3,\"event_type\":134217729,\"digest\":\"" + digest + "\",\"event\":\"" + std::string(name) +
           "\",\"event_payload\":\"6f6e65\",\"hash_input\":\"00\",\"version\":" + std::string(version) + "}]";
  };
  const Rtmrs registers = replayed(OrDie(DstackLog::parse(second("a:b", "2"))).log);
  const RtmrOutcome outcome = authenticate_dstack(second("a:b", "2"), registers);
  EXPECT_EQ(failed(outcome), Ids{});
  EXPECT_EQ((*outcome.authentic)->application_events, (std::vector<ApplicationEvent>{{3, "a:b", to_bytes("one")}}));
  EXPECT_EQ(failed(authenticate_dstack(second("a:b", "1"), registers)), Ids{"L3"});
  EXPECT_EQ(failed(authenticate_dstack(second("a:c", "2"), registers)), Ids{"L3"});
  EXPECT_EQ(failed(authenticate_dstack(second("a:b", "3"), registers)).size(), 6U);
}

TEST(DstackLog, FormsThatAreNotItsOwnAreMalformed) {
  const auto refused = [](auto change, std::string_view part) {
    std::vector<Item> list = items();
    change(list[3]);
    EXPECT_ERROR(DstackLog::parse(text(list)), Code::malformed, part);
  };
  ASSERT_OK(DstackLog::parse(text(items())));
  refused([](Item& item) { item.imr = 4; }, "event 4: rtmr event: member \"imr\": expected 0 to 3, found 4");
  refused([](Item& item) { item.imr = -1; }, "imr");
  refused([](Item& item) { item.type = 0x100000000; }, "event_type");
  refused([](Item& item) { item.digest.pop_back(); }, "digest");
  refused([](Item& item) { item.event.assign(257, 'a'); }, "at most 256 bytes");
  refused([](Item& item) { item.payload = "0"; }, "event_payload");
  refused([](Item& item) { item.payload.assign(2 * EventLog::kMaxEventData + 2, '0'); }, "at most 65536 bytes");
  std::string more = text(items());
  more.insert(more.find("\"event\""), "\"digests\": [], ");
  EXPECT_ERROR(DstackLog::parse(more), Code::malformed, "digests");
}

TEST(DstackLog, NoTruncationIsReadAndNoFlipIsAcceptedButWhereNothingIsCovered) {
  const std::string good = text({firmware(0, kEvSeparator, Bytes(4)), firmware(1, kEvSeparator, Bytes(4)), application("a", as_bytes("x"))});
  const Rtmrs quoted = replayed(OrDie(DstackLog::parse(good)).log);
  for (std::size_t size = 0; size + 1 < good.size(); ++size) {
    EXPECT_ERROR(DstackLog::parse(std::string_view(good).substr(0, size)), Code::malformed, "rtmr event list") << size;
  }
  for (std::size_t at = 0; at < good.size(); ++at) {
    if (good[at] == ' ' || good[at] == '\n') continue;  // white space covers nothing
    for (const char bit : {'\1', '\2', '\x10'}) {
      std::string changed = good;
      changed[at] = static_cast<char>(changed[at] ^ bit);
      EXPECT_FALSE(authenticate_dstack(changed, quoted).authentic) << at << " " << changed.substr(at, 8);
    }
  }
}

}  // namespace
}  // namespace redoubt::eventlog
