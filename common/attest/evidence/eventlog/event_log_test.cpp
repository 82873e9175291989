// Goal: a log is read in the form that its header declares or not at all. Method: logs built event by event in each form; headers,
// counts, ids, lengths and padding changed one at a time; every truncation and every byte flip of one log with three banks.
#include <gtest/gtest.h>

#include "common/crypto/digest.h"
#include "tests/support/evidence_eventlog.h"
#include "tests/support/expect.h"

namespace redoubt::eventlog {
namespace {

using test::LogBuilder;
using test::Sha1LogBuilder;
using Banks = LogBuilder::Banks;

const Banks kThree = {{kSha1, 20}, {kSha256, 32}, {kSha384, 48}};
const Banks kRtmrBank = {{kSha384, 48}};
const std::string kLocality("StartupLocality\0\3", 17);

Result<EventLog> parse(const LogBuilder& builder) { return EventLog::parse(builder.view()); }
Replay replay(const EventLog& log, std::uint16_t algorithm) { return log.replay(*log.bank(algorithm)); }

TEST(EventLog, EachBankReplaysByItsOwnHash) {
  const Bytes four(4);
  LogBuilder builder({{kSha1, 20}, {kSha256, 32}, {kSha384, 48}, {kSha512, 64}});
  builder.event(3, kEvSeparator, four).event(3, 0x0d, as_bytes("x")).event(3, kEvNoAction, as_bytes("y"));
  const EventLog log = OrDie(parse(builder));
  EXPECT_EQ(log.events.size(), 3U);
  for (const Bank& bank : log.banks) {
    const Digest once = extend(bank.algorithm, Digest(bank.size), hash(bank.algorithm, four).view());
    const Digest twice = extend(bank.algorithm, once, hash(bank.algorithm, as_bytes("x")).view());
    EXPECT_EQ(log.replay(bank)[3], twice) << algorithm_text(bank.algorithm);
    EXPECT_FALSE(log.replay(bank)[2]);
  }
  // Against a hash that shares no code with extend().
  Bytes joined(48);
  append(joined, crypto::sha384(four).view());
  Bytes again = to_bytes(crypto::sha384(joined).view());
  append(again, crypto::sha384(as_bytes("x")).view());
  EXPECT_EQ(replay(log, kSha384)[3]->hex(), crypto::sha384(again).hex());
}

TEST(EventLog, UnknownAlgorithmsAreSizedByTheHeaderAndDoNotReplay) {
  LogBuilder builder({{kSha1, 20}, {0x7777, 24}, {kSha256, 32}});
  builder.event(3, kEvSeparator, Bytes(4));
  const EventLog log = OrDie(parse(builder));
  EXPECT_EQ(EventLog::digest(log.events[0], *log.bank(0x7777)).size(), 24U);
  EXPECT_FALSE(computable(0x7777));
  EXPECT_EQ(replay(log, kSha256)[3], extend(kSha256, Digest(32), hash(kSha256, Bytes(4)).view()));
  EXPECT_EQ(log.bank(kSha384), nullptr);
}

TEST(EventLog, HeadersThatLieAreMalformed) {
  const auto with = [](const Banks& banks) { return parse(LogBuilder(banks).event(0, 0x0d, {})); };
  EXPECT_ERROR(EventLog::parse({}), Code::malformed, "expected an event that extends a register");
  EXPECT_ERROR(parse(LogBuilder()), Code::malformed, "expected an event that extends a register");
  EXPECT_ERROR(parse(LogBuilder().event(0, kEvNoAction, {})), Code::malformed, "expected an event that extends a register");
  EXPECT_ERROR(with({{kSha256, 20}}), Code::malformed, "digest size 20 of algorithm sha256");
  EXPECT_ERROR(with({{kSha256, 32}, {kSha256, 32}}), Code::malformed, "sha256 stands twice");
  EXPECT_ERROR(with({{kSha256, 32}, {0x7777, 65}}), Code::malformed, "digest size 65 of algorithm 0x7777");
  EXPECT_ERROR(with({{kSha256, 32}, {0x7777, 0}}), Code::malformed, "digest size 0");
  EXPECT_ERROR(parse(LogBuilder(Banks{})), Code::malformed, "1 to 8 algorithms");
  const auto changed = [](std::size_t at, unsigned char value) {
    Bytes bytes = LogBuilder().event(0, 0x0d, {}).bytes();
    bytes.at(at) = std::byte{value};
    return EventLog::parse(bytes);
  };
  EXPECT_ERROR(changed(0, 1), Code::malformed, "another register than the first");
  EXPECT_ERROR(changed(4, 1), Code::malformed, "EV_NO_ACTION");
  EXPECT_ERROR(changed(8, 1), Code::malformed, "digest is not zero");
  EXPECT_ERROR(changed(32 + 21, 1), Code::malformed, "version 2.0");
  EXPECT_ERROR(changed(32 + 23, 3), Code::malformed, "UINTN size");
  EXPECT_ERROR(changed(32 + 32, 1), Code::malformed, "event log header");  // vendor info of one byte that is not there
  EXPECT_ERROR(EventLog::parse(Bytes(EventLog::kMaxSize + 1)), Code::malformed, "1048576");
}

TEST(EventLog, EventsThatLieAreMalformed) {
  EXPECT_ERROR(parse(LogBuilder().event(24, 0x0d, {})), Code::malformed, "expected 0 to 23, found 24");
  LogBuilder many;
  for (std::size_t i = 0; i <= EventLog::kMaxEvents; ++i) many.event(0, 0x0d, {});
  EXPECT_ERROR(parse(many), Code::malformed, "more than 4096 events");
  EXPECT_ERROR(parse(LogBuilder().event(0, 0x0d, Bytes(EventLog::kMaxEventData + 1))), Code::malformed, "above the limit");
  const std::size_t event = LogBuilder().bytes().size();
  Bytes bytes = LogBuilder().event(0, 0x0d, as_bytes("data")).bytes();
  ASSERT_OK(EventLog::parse(bytes));
  bytes[event + 8] = std::byte{2};
  EXPECT_ERROR(EventLog::parse(bytes), Code::malformed, "digest count: expected 1 as in the header, found 2");
  bytes[event + 8] = std::byte{1};
  bytes[event + 12] = std::byte{0x0c};
  EXPECT_ERROR(EventLog::parse(bytes), Code::malformed, "digest algorithm: expected one of the header, found sha384");
  bytes[event + 12] = std::byte{0x0b};
  bytes.push_back(std::byte{0});
  EXPECT_ERROR(EventLog::parse(bytes), Code::malformed, "event log at offset");
}

TEST(EventLog, DigestsMayStandInAnyOrderButEachOnce) {
  const auto with = [](std::uint16_t first, std::uint16_t second) {
    LogBuilder builder({{kSha1, 20}, {kSha256, 32}});
    Writer event;
    event.u32le(3).u32le(0x0d).u32le(2);
    for (const std::uint16_t algorithm : {first, second}) event.u16le(algorithm).bytes(hash(algorithm, as_bytes("x")).view());
    return builder.raw(event.u32le(0).view()).bytes();
  };
  const Bytes same = with(kSha1, kSha256);
  const Bytes turned = with(kSha256, kSha1);
  const EventLog log = OrDie(EventLog::parse(same));
  const EventLog other = OrDie(EventLog::parse(turned));
  for (const std::uint16_t algorithm : {kSha1, kSha256}) {
    EXPECT_EQ(replay(log, algorithm)[3], extend(algorithm, Digest(known_size(algorithm)), hash(algorithm, as_bytes("x")).view()));
    EXPECT_EQ(replay(other, algorithm), replay(log, algorithm));
  }
  EXPECT_ERROR(EventLog::parse(with(kSha1, kSha1)), Code::malformed, "digest algorithm sha1 stands twice");
}

TEST(EventLog, OnlyAnEventThatExtendsNothingMayHaveNoRegister) {
  const EventLog log = OrDie(parse(LogBuilder().event(0xffffffff, kEvNoAction, as_bytes("x")).event(3, 0x0d, {})));
  EXPECT_EQ(log.events.front().index, -1);
  EXPECT_EQ(log.register_text(-1), "none");
  EXPECT_ERROR(parse(LogBuilder().event(0xffffffff, 0x0d, {})), Code::malformed, "expected 0 to 23, found 4294967295");
}

TEST(EventLog, TheSha1FormHasNoHeaderAndOneBank) {
  Sha1LogBuilder builder;
  builder.event(4, 0x0d, as_bytes("x")).event(4, kEvNoAction, as_bytes("y")).event(4, kEvSeparator, Bytes(4));
  const EventLog log = OrDie(EventLog::parse(builder.view()));
  EXPECT_EQ(log.form, Form::sha1);
  ASSERT_EQ(log.banks.size(), 1U);
  EXPECT_EQ(log.bank(kSha256), nullptr);
  const Digest once = extend(kSha1, Digest(20), hash(kSha1, as_bytes("x")).view());
  EXPECT_EQ(replay(log, kSha1)[4], extend(kSha1, once, hash(kSha1, Bytes(4)).view()));
  for (std::size_t size = 0; size < builder.view().size(); ++size) {
    const auto part = EventLog::parse(builder.view().first(size));
    EXPECT_EQ(part.ok(), size == 33 || size == 66) << size;  // whole events only, and one that extends
  }
}

TEST(EventLog, StartupLocalityIsWherePcr0StartsInEveryBank) {
  const LogBuilder three = LogBuilder(kThree).event(0, kEvNoAction, as_bytes(kLocality)).event(0, 0x0d, as_bytes("x"));
  const EventLog log = OrDie(parse(three));  // views into it
  for (const Bank& bank : log.banks) {
    Digest start(bank.size);
    start.writable().back() = std::byte{3};
    EXPECT_EQ(log.replay(bank)[0], extend(bank.algorithm, start, hash(bank.algorithm, as_bytes("x")).view()));
  }
  const auto refused = [](const LogBuilder& builder, std::string_view part) {
    LogBuilder with = builder;
    EXPECT_ERROR(parse(with.event(0, 0x0d, {})), Code::malformed, part);
  };
  refused(LogBuilder().event(0, 0x0d, {}).event(0, kEvNoAction, as_bytes(kLocality)), "once, before the first event of PCR 0");
  refused(LogBuilder().event(1, kEvNoAction, as_bytes(kLocality)), "once, before the first event of PCR 0");
  refused(LogBuilder().event(0, kEvNoAction, as_bytes(kLocality)).event(0, kEvNoAction, as_bytes(kLocality)), "once");
  refused(LogBuilder().event(0, kEvNoAction, as_bytes(kLocality + "x")), "expected one byte after its name");
  refused(LogBuilder().event(0, kEvNoAction, as_bytes(kLocality.substr(0, 16) + "\5")), "expected 0 to 4, found 5");
}

TEST(Ccel, IsSha384AloneOverFourRegisters) {
  const LogBuilder good = LogBuilder(kRtmrBank).event(1, 0x0d, as_bytes("x")).event(4, 0x0d, as_bytes("y"));
  const EventLog log = OrDie(EventLog::parse_ccel(good.view()));
  EXPECT_EQ(log.registers, Registers::rtmrs);
  EXPECT_TRUE(replay(log, kSha384)[1] && replay(log, kSha384)[4]);
  EXPECT_EQ(log.register_text(4), "RTMR3");
  const auto refused = [](LogBuilder builder, std::string_view part) {
    EXPECT_ERROR(EventLog::parse_ccel(builder.view()), Code::malformed, part);
  };
  refused(LogBuilder(kThree).event(1, 0x0d, {}), "expected digests of sha384 alone, found sha1, sha256, sha384");
  refused(LogBuilder(Banks{{kSm3, 32}}).event(1, 0x0d, {}), "found sm3_256");
  refused(LogBuilder(kRtmrBank).event(0, 0x0d, {}), "extends MRTD");
  refused(LogBuilder(kRtmrBank).event(5, 0x0d, {}), "expected 0 to 4, found 5");
  refused(LogBuilder(kRtmrBank), "expected an event that extends a register");
  EXPECT_ERROR(EventLog::parse_ccel(Sha1LogBuilder().event(1, 0x0d, {}).view()), Code::malformed, "crypto-agile");
}

TEST(Ccel, OnlyFillerMayFollowTheLastEvent) {
  const auto events = [](ByteView rest) {
    const LogBuilder builder = LogBuilder(kRtmrBank).event(1, 0x0d, as_bytes("x")).raw(rest);
    const auto log = EventLog::parse_ccel(builder.view());
    return log.ok() ? log->events.size() : 0;
  };
  EXPECT_EQ(events(Bytes(8, std::byte{0xff})), 1U);
  EXPECT_EQ(events(Bytes(100)), 1U);
  EXPECT_EQ(events(Bytes(3, std::byte{0xff})), 1U);
  Bytes mixed(16, std::byte{0xff});
  mixed.back() = std::byte{0};
  EXPECT_EQ(events(mixed), 0U);
  mixed.assign(16, std::byte{0});
  mixed.back() = std::byte{1};
  EXPECT_EQ(events(mixed), 0U);
}

TEST(EventLog, NoTruncationOrFlipIsReadPastItsEndOrReplaysToTheSameValues) {
  LogBuilder builder(kThree);
  builder.event(0, kEvNoAction, as_bytes(kLocality)).event(0, 0x08, as_bytes("version")).separators(0, 7);
  const Bytes good = builder.bytes();
  const EventLog log = OrDie(EventLog::parse(good));
  const Replay expected = replay(log, kSha256);
  for (std::size_t size = 0; size < good.size(); ++size) {
    const auto part = EventLog::parse(ByteView(good).first(size));
    if (part.ok()) {
      EXPECT_NE(replay(*part, kSha256), expected) << size;
    }
  }
  std::size_t unseen = 0;
  for (std::size_t at = 0; at < good.size(); ++at) {
    Bytes changed = good;
    changed[at] ^= std::byte{0x10};
    const auto other = EventLog::parse(changed);
    if (other.ok() && other->bank(kSha256) != nullptr && replay(*other, kSha256) == expected) ++unseen;
  }
  // What the SHA-256 bank does not cover: platform class (4) and errata (1) of the header; per extending event the digests of the other
  // banks (68) and the type (4); data: "version" (7) and four zeros eight times; of the NO_ACTION event its digests (100).
  EXPECT_EQ(unseen, 4U + 1U + 9U * (68U + 4U) + 7U + 32U + 100U);
}

}  // namespace
}  // namespace redoubt::eventlog
