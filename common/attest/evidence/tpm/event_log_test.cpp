// Goal: a firmware log counts only as what the quoted PCRs back. Method: the logs of the recorded boots, cut into events by a
// second reader; every digest, index and algorithm changed, every event dropped, repeated and moved; the asserted check is the
// one that is there for it. Forms that the captures do not show are in the room of event logs.
#include <gtest/gtest.h>

#include "common/attest/evidence/eventlog/event_log.h"
#include "tests/support/tpm_vectors.h"

namespace redoubt::tpm {
namespace {

using eventlog::kEvEfiAction;
using eventlog::kEvEfiVariableAuthority;
using eventlog::kEvEfiVariableDriverConfig;
using eventlog::kEvNoAction;
using eventlog::kEvSeparator;

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

}  // namespace
}  // namespace redoubt::tpm
