// Goal: a firmware log counts only as what the quoted PCRs back. Method: the logs of the recorded boots, cut into events by a
// second reader; every digest, index and algorithm changed, every event dropped, repeated and moved; the asserted check is the
// one that is there for it. Forms that the captures do not show are built byte by byte.
#include <gtest/gtest.h>

#include "common/attest/evidence/tpm/event_log.h"
#include "tests/support/tpm_vectors.h"

namespace redoubt::tpm {
namespace {

using test::TpmVerifier;
using Ids = std::set<std::string>;

// One event of a log with the SHA-256 bank alone: pcr 4, type 4, count 4, algorithm 2, digest 32, size 4, data.
constexpr std::size_t kAlgorithmAt = 12;
constexpr std::size_t kDigestAt = 14;
constexpr std::size_t kDataAt = 50;

std::uint32_t u32(const Bytes& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8 | std::to_integer<std::uint32_t>(bytes.at(at + i));
  return value;
}

// cut: the header, then each event.
std::vector<Bytes> cut(const Bytes& log) {
  const auto part = [&](std::size_t from, std::size_t size) {
    return to_bytes(ByteView(log).subspan(from, size));
  };
  std::size_t at = 32 + u32(log, 28);
  std::vector<Bytes> parts{part(0, at)};
  while (at < log.size()) {
    const std::size_t size = kDataAt + u32(log, at + kDataAt - 4);
    parts.push_back(part(at, size));
    at += size;
  }
  return parts;
}

Bytes join(const std::vector<Bytes>& parts) {
  Bytes log;
  for (const Bytes& part : parts) append(log, part);
  return log;
}

struct Boot {
  explicit Boot(std::string_view set) : raw(test::tpm_evidence(set)), verifier(set), parts(cut(raw.event_log)) {
    raw.ima_log.clear();
    ek = OrDie(verify_ek(raw.ek_certificate, raw.ek_intermediates, verifier.roots, verifier.now));
    verifier.verified_ek = &*ek;
    for (const AkEnrolment& enrolment : verifier.enrolments) {
      verifier.verified_enrolments.push_back(OrDie(VerifiedEnrolment::of(enrolment)));
    }
  }
  Boot(const Boot&) = delete;

  Ids failures(const std::vector<Bytes>& changed) {
    raw.event_log = join(changed);
    return verifier.failures(raw);
  }

  RawEvidence raw;
  TpmVerifier verifier;
  std::optional<VerifiedEk> ek;
  std::vector<Bytes> parts;
};

bool backed_no_more(const Ids& ids) { return ids.contains("L2") || ids.contains("L4"); }

TEST(TpmEventLog, EveryDigestIndexAndAlgorithmCounts) {
  for (const std::string_view set : {"good", "shim-grub"}) {
    Boot boot(set);
    ASSERT_EQ(boot.failures(boot.parts), Ids{});
    for (std::size_t i = 1; i < boot.parts.size(); ++i) {
      for (const std::size_t at : {std::size_t{0}, std::size_t{3}, kAlgorithmAt, kDigestAt, kDigestAt + 31}) {
        std::vector<Bytes> changed = boot.parts;
        changed[i][at] ^= std::byte{1};
        const Ids ids = boot.failures(changed);
        EXPECT_TRUE(ids.contains(at == 3 || at == kAlgorithmAt ? "L1" : "L2")) << set << " event " << i << " at " << at;
      }
    }
  }
}

TEST(TpmEventLog, AllEventsOfOnePcrLeftOutAreMissed) {
  for (const std::string_view set : {"good", "shim-grub"}) {
    Boot boot(set);
    for (std::uint32_t pcr = 0; pcr <= 14; ++pcr) {
      std::vector<Bytes> changed{boot.parts.front()};
      for (std::size_t i = 1; i < boot.parts.size(); ++i) {
        if (u32(boot.parts[i], 0) != pcr) changed.push_back(boot.parts[i]);
      }
      if (changed.size() == boot.parts.size()) continue;
      EXPECT_TRUE(boot.failures(changed).contains("L2")) << set << " without PCR " << pcr;
    }
  }
}

TEST(TpmEventLog, AnEventDroppedRepeatedOrMovedIsRefused) {
  for (const std::string_view set : {"good", "shim-grub"}) {
    Boot boot(set);
    for (std::size_t i = 1; i < boot.parts.size(); ++i) {
      std::vector<Bytes> changed = boot.parts;
      changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(i));
      // Without its one separator a PCR is not spoken of at all.
      EXPECT_TRUE(backed_no_more(boot.failures(changed))) << set << " without event " << i;

      changed = boot.parts;
      changed.insert(changed.begin() + static_cast<std::ptrdiff_t>(i), boot.parts[i]);
      EXPECT_TRUE(boot.failures(changed).contains("L2")) << set << " with event " << i << " twice";

      // Moved behind the next event of the same PCR.
      changed = boot.parts;
      for (std::size_t next = i + 1; next < changed.size(); ++next) {
        if (u32(changed[next], 0) != u32(changed[i], 0)) continue;
        const bool same = std::equal(changed[i].begin() + kDigestAt, changed[i].begin() + kDigestAt + 32,
                                     changed[next].begin() + kDigestAt);
        std::swap(changed[i], changed[next]);
        if (!same) {
          EXPECT_TRUE(boot.failures(changed).contains("L2")) << set << " event " << i << " after " << next;
        }
        break;
      }
    }
  }
}

TEST(TpmEventLog, ALogCutShortIsRefused) {
  Boot boot("good");
  for (std::size_t count = 1; count < boot.parts.size(); ++count) {
    EXPECT_TRUE(boot.failures({boot.parts.begin(), boot.parts.begin() + static_cast<std::ptrdiff_t>(count)}).contains("L2"))
        << count;
  }
  std::vector<Bytes> changed = boot.parts;
  changed.back().pop_back();
  EXPECT_TRUE(boot.failures(changed).contains("L1"));
  changed = boot.parts;
  changed.push_back(Bytes(4));
  EXPECT_TRUE(boot.failures(changed).contains("L1"));
}

TEST(TpmEventLog, DataThatADigestCoversCannotChange) {
  Boot boot("good");
  int covered = 0;
  for (std::size_t i = 1; i < boot.parts.size(); ++i) {
    const std::uint32_t type = u32(boot.parts[i], 4);
    if (type != kEvEfiVariableDriverConfig && type != kEvEfiVariableAuthority && type != kEvSeparator && type != kEvEfiAction) {
      continue;
    }
    ++covered;
    for (std::size_t at = kDataAt; at < boot.parts[i].size(); at += 1 + boot.parts[i].size() / 8) {
      std::vector<Bytes> changed = boot.parts;
      changed[i][at] ^= std::byte{1};
      EXPECT_TRUE(boot.failures(changed).contains("L3")) << "event " << i << " at " << at;
    }
  }
  EXPECT_EQ(covered, 17);
}

TEST(TpmEventLog, SecureBootCannotBeClaimedWhereItWasOff) {
  Boot boot("secureboot-off");
  std::size_t variable = 0;
  for (std::size_t i = 1; i < boot.parts.size() && variable == 0; ++i) {
    if (u32(boot.parts[i], 4) == kEvEfiVariableDriverConfig) variable = i;  // SecureBoot is the first of them
  }
  ASSERT_EQ(boot.parts.at(variable).back(), std::byte{0});
  std::vector<Bytes> changed = boot.parts;
  changed[variable].back() = std::byte{1};
  EXPECT_EQ(boot.failures(changed), (Ids{"L3", "L5"}));

  // With a digest that fits, the replay does not.
  const crypto::Sha256Digest digest = crypto::sha256(ByteView(changed[variable]).subspan(kDataAt));
  std::ranges::copy(digest.view(), changed[variable].begin() + kDigestAt);
  EXPECT_EQ(boot.failures(changed), Ids{"L2"});

  // A second variable, in an event that extends nothing.
  changed.insert(changed.begin() + 1, changed[variable]);
  changed[1][4] = std::byte{3};
  for (std::size_t at = 5; at < 8; ++at) changed[1][at] = std::byte{0};
  changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(variable) + 1);
  const Ids ids = boot.failures(changed);
  EXPECT_TRUE(ids.contains("L2"));
}

TEST(TpmEventLog, TheTypeOfAnEventIsNotBackedButSeparatorsAreCounted) {
  Boot boot("good");
  for (std::size_t i = 1; i < boot.parts.size(); ++i) {
    std::vector<Bytes> changed = boot.parts;
    const bool separator = u32(changed[i], 4) == kEvSeparator;
    // A separator called EV_IPL, and anything else called a separator.
    std::ranges::copy(Writer().u32le(separator ? 0x0d : kEvSeparator).view(), changed[i].begin() + 4);
    if (u32(changed[i], 0) <= 7) {
      EXPECT_TRUE(boot.failures(changed).contains("L4")) << "event " << i;
    }
    // Called EV_NO_ACTION it extends nothing.
    std::ranges::copy(Writer().u32le(kEvNoAction).view(), changed[i].begin() + 4);
    EXPECT_TRUE(backed_no_more(boot.failures(changed))) << "event " << i;
  }
}

TEST(TpmEventLog, ALogAboutPcrsThatAreNotQuotedBacksNothing) {
  Boot boot("good");
  std::vector<Bytes> other{boot.parts[0]};
  for (Bytes event : boot.parts) {
    if (&event != &boot.parts[0] && event.size() >= kDataAt && u32(event, 8) == 1) {
      event[0] = std::byte{18};
      other.push_back(event);
    }
  }
  const Ids ids = boot.failures(other);
  EXPECT_TRUE(ids.contains("L2"));
  EXPECT_TRUE(ids.contains("L4"));
}

// Built logs.

using Algorithms = std::vector<std::pair<std::uint16_t, std::uint16_t>>;  // id, digest size

struct Builder {
  Writer log;
  explicit Builder(Algorithms algorithms = {{kAlgSha256, 32}}) : algorithms_(algorithms) {
    Writer spec;
    spec.bytes(as_bytes(std::string_view("Spec ID Event03\0", 16))).u32le(0).u8(0).u8(2).u8(0).u8(2);
    spec.u32le(static_cast<std::uint32_t>(algorithms.size()));
    for (const auto& [id, size] : algorithms) spec.u16le(id).u16le(size);
    spec.u8(0);
    log.u32le(0).u32le(kEvNoAction).bytes(Bytes(20)).u32le(static_cast<std::uint32_t>(spec.size())).bytes(spec.view());
  }
  Builder& event(std::uint32_t pcr, std::uint32_t type, ByteView data) {
    log.u32le(pcr).u32le(type).u32le(static_cast<std::uint32_t>(algorithms_.size()));
    for (const auto& [id, size] : algorithms_) {
      log.u16le(id);
      log.bytes(id == kAlgSha256 ? to_bytes(crypto::sha256(data).view()) : Bytes(size, std::byte{0xaa}));
    }
    log.u32le(static_cast<std::uint32_t>(data.size())).bytes(data);
    return *this;
  }
  Algorithms algorithms_;
};

Bytes variable(std::string_view name, ByteView data) {
  Writer writer;
  writer.bytes(OrDie(hex_decode("61dfe48bca93d211aa0d00e098032b8c"))).u64le(name.size()).u64le(data.size());
  for (const char c : name) writer.u16le(static_cast<std::uint16_t>(c));
  return writer.bytes(data).take();
}

TEST(TpmEventLog, UnknownAlgorithmsAreSizedByTheHeader) {
  const Bytes four(4);
  Builder builder(Algorithms{{0x0004, 20}, {0x7777, 24}, {kAlgSha256, 32}});
  builder.event(3, kEvSeparator, four).event(3, 0x0d, as_bytes("x"));
  const EventLog log = OrDie(EventLog::parse(builder.log.view()));
  ASSERT_EQ(log.events.size(), 2U);
  const PcrReplay values = replay(log);
  EXPECT_EQ(values[3], extend(extend({}, crypto::sha256(four)), crypto::sha256(as_bytes("x"))));
  EXPECT_FALSE(values[2]);
}

TEST(TpmEventLog, HeadersThatLieAreMalformed) {
  EXPECT_ERROR(EventLog::parse({}), Code::malformed, "event log");
  EXPECT_ERROR(EventLog::parse(Builder(Algorithms{{0x0004, 20}}).log.view()), Code::malformed, "no SHA-256 bank");
  EXPECT_ERROR(EventLog::parse(Builder(Algorithms{{kAlgSha256, 20}}).log.view()), Code::malformed, "digest size 20");
  EXPECT_ERROR(EventLog::parse(Builder(Algorithms{{kAlgSha256, 32}, {kAlgSha256, 32}}).log.view()), Code::malformed, "twice");
  EXPECT_ERROR(EventLog::parse(Builder(Algorithms{{kAlgSha256, 32}, {0x7777, 65}}).log.view()), Code::malformed, "digest size 65");
  EXPECT_ERROR(EventLog::parse(Builder(Algorithms{}).log.view()), Code::malformed, "1 to 8 algorithms");
  Bytes sha1_log = Builder().log.take();
  sha1_log[32] = std::byte{'X'};
  EXPECT_ERROR(EventLog::parse(sha1_log), Code::malformed, "crypto-agile");
  EXPECT_ERROR(EventLog::parse(Bytes(EventLog::kMaxSize + 1)), Code::malformed, "262144");
  Builder many;
  for (std::size_t i = 0; i <= EventLog::kMaxEvents; ++i) many.event(0, 0x0d, {});
  EXPECT_ERROR(EventLog::parse(many.log.view()), Code::malformed, "more than 4096 events");
  Builder large;
  large.event(0, 0x0d, Bytes(EventLog::kMaxEventData + 1));
  EXPECT_ERROR(EventLog::parse(large.log.view()), Code::malformed, "above the limit");
}

TEST(TpmEventLog, StartupLocalityIsWherePcr0Starts) {
  const std::string locality("StartupLocality\0\3", 17);
  const EventLog log =
      OrDie(EventLog::parse(Builder().event(0, kEvNoAction, as_bytes(locality)).event(0, 0x0d, as_bytes("x")).log.view()));
  crypto::Sha256Digest start;
  start.array()[31] = std::byte{3};
  EXPECT_EQ(replay(log)[0], extend(start, crypto::sha256(as_bytes("x"))));
  EXPECT_ERROR(EventLog::parse(Builder().event(0, 0x0d, {}).event(0, kEvNoAction, as_bytes(locality)).log.view()),
               Code::malformed, "StartupLocality");
  EXPECT_ERROR(EventLog::parse(Builder().event(1, kEvNoAction, as_bytes(locality)).log.view()), Code::malformed, "StartupLocality");
}

TEST(TpmEventLog, SecureBootIsReadOnceAndBeforeTheSeparator) {
  const Bytes on = variable("SecureBoot", Bytes{std::byte{1}});
  const Bytes off = variable("SecureBoot", Bytes{std::byte{0}});
  const Bytes four(4);
  const auto read = [](const Builder& builder) { return secure_boot(OrDie(EventLog::parse(builder.log.view()))); };
  const std::uint32_t config = kEvEfiVariableDriverConfig;
  EXPECT_EQ(OrDie(read(Builder().event(7, config, on))), true);
  EXPECT_EQ(OrDie(read(Builder().event(7, config, off))), false);
  EXPECT_EQ(OrDie(read(Builder().event(7, config, variable("SecureBoot", {})))), false);
  EXPECT_EQ(OrDie(read(Builder().event(1, config, on))), std::nullopt);  // another PCR
  EXPECT_EQ(OrDie(read(Builder().event(7, config, variable("SecureBoo", Bytes{std::byte{1}})))), std::nullopt);
  EXPECT_EQ(OrDie(read(Builder().event(7, kEvNoAction, on))), std::nullopt);
  EXPECT_ERROR(read(Builder().event(7, kEvSeparator, four).event(7, config, on)), Code::measurement, "after the separator");
  EXPECT_ERROR(read(Builder().event(7, config, off).event(7, config, on)), Code::measurement, "twice");
  EXPECT_ERROR(read(Builder().event(7, config, variable("SecureBoot", Bytes{std::byte{2}}))), Code::measurement, "found 02");
  EXPECT_ERROR(read(Builder().event(7, config, variable("SecureBoot", Bytes(2)))), Code::measurement, "found 0000");
  EXPECT_ERROR(read(Builder().event(7, config, as_bytes("junk"))), Code::measurement, "UEFI variable");
}

TEST(TpmEventLog, EachOfPcr0To7NeedsItsSeparator) {
  Builder builder;
  for (std::uint32_t pcr = 0; pcr < 7; ++pcr) builder.event(pcr, kEvSeparator, Bytes(4));
  const auto status = [](const Builder& b) { return check_separators(OrDie(EventLog::parse(b.log.view()))); };
  EXPECT_ERROR(status(builder), Code::measurement, "PCR 7: expected one separator, found 0");
  builder.event(7, kEvSeparator, Bytes(4));
  EXPECT_OK(status(builder));
  builder.event(9, kEvSeparator, Bytes(4));  // others may have as many as they like
  EXPECT_OK(status(builder));
  Builder twice = builder;
  twice.event(7, kEvSeparator, Bytes(4));
  EXPECT_ERROR(status(twice), Code::measurement, "found 2");
  Builder error = builder;
  error.event(0, kEvSeparator, Bytes{std::byte{1}, {}, {}, {}});  // the firmware's word for an error
  EXPECT_ERROR(status(error), Code::measurement, "found 01000000");
}

// Types are not authenticated: a host that boots without Secure Boot, extends PCR 7 with "SecureBoot = 1" and one more separator
// afterwards, and gives the firmware's own events other types, has a log whose replay and digests fit.
TEST(TpmEventLog, ASecureBootAppendedBehindARelabelledSeparatorIsRefused) {
  const std::uint32_t ipl = 0x0d;
  Builder builder;
  for (std::uint32_t pcr = 0; pcr < 7; ++pcr) builder.event(pcr, kEvSeparator, Bytes(4));
  builder.event(7, ipl, variable("SecureBoot", Bytes{std::byte{0}}));
  builder.event(7, ipl, Bytes(4));
  builder.event(7, kEvEfiVariableDriverConfig, variable("SecureBoot", Bytes{std::byte{1}}));
  builder.event(7, kEvSeparator, Bytes(4));
  const EventLog log = OrDie(EventLog::parse(builder.log.view()));
  EXPECT_OK(check_data(log));
  EXPECT_ERROR(check_separators(log), Code::measurement, "event 9 in PCR 7: a separator's digest under event type 13");
  EXPECT_ERROR(secure_boot(log), Code::measurement, "SecureBoot after the separator");
}

}  // namespace
}  // namespace redoubt::tpm
