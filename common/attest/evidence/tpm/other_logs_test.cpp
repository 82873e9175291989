// Goal: IMA lists and application logs count only as what the quoted PCRs back; what travels has one form. Method: the lists of
// the recorded boots, changed one thing at a time.
#include <gtest/gtest.h>

#include "common/attest/evidence/tpm/pcr.h"
#include "tests/support/evidence_ima.h"
#include "tests/support/tpm_vectors.h"

namespace redoubt::tpm {
namespace {

using test::TpmVerifier;
using Ids = std::set<std::string>;

Bytes part(const Bytes& bytes, std::size_t from, std::size_t to) {
  return Bytes(bytes.begin() + static_cast<std::ptrdiff_t>(from), bytes.begin() + static_cast<std::ptrdiff_t>(to));
}

// The entries of a list, each as its bytes.
std::vector<Bytes> entries_of(const Bytes& list) {
  const ima::List log = OrDie(ima::List::parse_binary(list));
  std::vector<Bytes> entries;
  std::size_t from = 0;
  for (const ima::Entry& entry : log.entries) {
    entries.push_back(part(list, from, entry.end));
    from = entry.end;
  }
  return entries;
}

Bytes list_of(const std::vector<Bytes>& parts) {
  Bytes all;
  for (const Bytes& bytes : parts) append(all, bytes);
  return all;
}

TEST(TpmImaLog, TheListReadsAsTheKernelPrintsIt) {
  const Bytes list = test::tpm_evidence("good").ima_log;
  const ima::List log = OrDie(ima::List::parse_binary(list));
  std::string text;
  for (const ima::Entry& entry : log.entries) {
    text += "10 " + entry.template_hash.hex() + " ima-ng " + std::string(entry.algorithm) + ":" + hex_encode(entry.file_digest) +
            " " + std::string(entry.path) + "\n";
  }
  EXPECT_EQ(text, test::read_text(test::tpm_vector("good", "ima_ascii_runtime_measurements")));
  EXPECT_EQ(log.entries.at(0).path, "boot_aggregate");
  // And the kernel's two forms of one list are the same list.
  const std::string ascii = test::read_text(test::tpm_vector("good", "ima_ascii_runtime_measurements"));
  EXPECT_EQ(json::canonical(describe(OrDie(ima::List::parse_ascii(ascii)))), json::canonical(describe(log)));
}

TEST(TpmImaLog, EveryByteOfEveryQuotedEntryCounts) {
  RawEvidence raw = test::tpm_evidence("good");
  const Bytes list = raw.ima_log;
  const PcrValue quoted = raw.pcrs.at(10);
  const eventlog::Digest digest = OrDie(eventlog::Digest::from(quoted.view()));
  const ima::List whole = OrDie(ima::List::parse_binary(list));
  ASSERT_EQ(quoted_prefix(whole, eventlog::kSha256, digest), whole.entries.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    Bytes changed = list;
    changed[i] ^= std::byte{1};
    const auto log = ima::List::parse_binary(changed);
    EXPECT_FALSE(log.ok() && mismatches(*log).empty() && quoted_prefix(*log, eventlog::kSha256, digest)) << "byte " << i;
  }
  const TpmVerifier verifier("good");
  const Ids unreadable = {"I1", "I2", "I3"};
  raw.ima_log[0] ^= std::byte{1};  // PCR
  EXPECT_EQ(verifier.failures(raw), unreadable);
  raw.ima_log = list;
  raw.ima_log[4] ^= std::byte{1};  // template hash: PCR 10 does not cover the SHA-1 column
  EXPECT_EQ(verifier.failures(raw), Ids{"I1"});
  raw.ima_log = list;
  raw.ima_log[60] ^= std::byte{1};  // file digest
  EXPECT_EQ(verifier.failures(raw), (Ids{"I1", "I3"}));
  raw.ima_log = part(list, 0, list.size() - 1);
  EXPECT_EQ(verifier.failures(raw), unreadable);
}

TEST(TpmImaLog, AnEntryDroppedRepeatedOrMovedIsRefused) {
  RawEvidence raw = test::tpm_evidence("good");
  const std::vector<Bytes> entries = entries_of(raw.ima_log);
  const TpmVerifier verifier("good");
  for (const std::size_t i : {std::size_t{0}, entries.size() / 2, entries.size() - 2}) {
    std::vector<Bytes> changed = entries;
    changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(i));
    raw.ima_log = list_of(changed);
    const Ids moved = i == 0 ? Ids{"I1", "I3"} : Ids{"I3"};  // another entry than the boot aggregate comes first
    EXPECT_EQ(verifier.failures(raw), moved);
    changed = entries;
    changed.insert(changed.begin() + static_cast<std::ptrdiff_t>(i), entries[i]);
    raw.ima_log = list_of(changed);
    EXPECT_EQ(verifier.failures(raw), Ids{"I3"});
    changed = entries;
    std::swap(changed[i], changed[i + 1]);
    raw.ima_log = list_of(changed);
    EXPECT_EQ(verifier.failures(raw), moved);
  }
  raw.ima_log = list_of({entries.begin(), entries.end() - 1});
  EXPECT_EQ(verifier.failures(raw), Ids{"I3"});
}

TEST(TpmImaLog, EntriesAfterTheQuoteAreDropped) {
  // Same boot, read later: the 29 entries of the first quote are a prefix of the 44.
  RawEvidence raw = test::tpm_evidence("good");
  const Bytes quoted = raw.ima_log;
  raw.ima_log = test::tpm_evidence("good-second-quote").ima_log;
  ASSERT_GT(raw.ima_log.size(), quoted.size());
  const TpmVerifier verifier("good");
  const Outcome outcome = authenticate(OrDie(parse(raw.encode())), verifier.inputs());
  ASSERT_TRUE(outcome.authentic);
  EXPECT_TRUE(equal((*outcome.authentic)->raw.ima_log, quoted));
  // Appended junk entries do not ride along either.
  std::vector<Bytes> more = entries_of(quoted);
  more.push_back(more.back());
  raw.ima_log = list_of(more);
  const Outcome again = authenticate(OrDie(parse(raw.encode())), verifier.inputs());
  ASSERT_TRUE(again.authentic);
  EXPECT_TRUE(equal((*again.authentic)->raw.ima_log, quoted));
}

TEST(TpmImaLog, AViolationIsAFactThatOnlyThePolicyMayTake) {
  RawEvidence raw = test::tpm_evidence("good");
  // A violation in place of the list's second entry; the quote does not fit then, but every check is told.
  std::fill(raw.ima_log.begin() + 4, raw.ima_log.begin() + 24, std::byte{0});
  TpmVerifier verifier("good");
  EXPECT_EQ(verifier.failures(raw), (Ids{"I2", "I3"}));
  Inputs inputs = verifier.inputs();
  inputs.accept_ima_violations = true;
  Ids failed;
  const Outcome outcome = authenticate(OrDie(parse(raw.encode())), inputs);
  for (const attest::Check& check : outcome.checks) {
    if (check.outcome == attest::Outcome::failed) failed.insert(std::string(attest::id_text(check.id)));
  }
  EXPECT_EQ(failed, Ids{"I3"});
}

TEST(TpmImaLog, TheBootAggregateIsOfTheQuotedPcrs) {
  const RawEvidence raw = test::tpm_evidence("good");
  Bytes joined;
  for (int pcr = 0; pcr < 10; ++pcr) append(joined, raw.pcrs.at(pcr).view());
  const ima::List list = OrDie(ima::List::parse_binary(raw.ima_log));
  EXPECT_EQ(hex_encode(list.entries.at(0).file_digest), crypto::sha256(joined).hex());
}

TEST(TpmApplicationLog, TheRecordedEventIsBackedByItsPcr) {
  RawEvidence raw = test::tpm_evidence("good");
  const TpmVerifier verifier("good");
  const auto failures = [&](ApplicationLog log) {
    raw.application_log = std::move(log);
    return verifier.failures(raw);
  };
  const ApplicationLog good = *raw.application_log;
  EXPECT_EQ(good.replay(), raw.pcrs.at(15));
  EXPECT_EQ(failures(good), Ids{});
  Bytes changed = good.events[0];
  changed[3] ^= std::byte{1};
  EXPECT_EQ(failures({15, {changed}}), Ids{"app.log"});
  EXPECT_EQ(failures({15, {}}), Ids{"app.log"});
  EXPECT_EQ(failures({15, {good.events[0], good.events[0]}}), Ids{"app.log"});
  EXPECT_EQ(failures({14, good.events}), Ids{"app.log"});
  for (const int pcr : {0, 7, 16, 23, 24}) EXPECT_EQ(failures({pcr, {}}), Ids{"parse"}) << pcr;
}

TEST(TpmApplicationLog, GoesOnWhereTheFirmwareEnds) {
  // shim measures its lists into PCR 14: an application log of that PCR starts after them.
  RawEvidence raw = test::tpm_evidence("shim-grub");
  raw.application_log = ApplicationLog{14, {}};
  const TpmVerifier verifier("shim-grub");
  const Outcome outcome = authenticate(OrDie(parse(raw.encode())), verifier.inputs());
  ASSERT_TRUE(outcome.authentic);
  // And never counts as typed events: the border between the two is the host's word.
  EXPECT_FALSE((*outcome.authentic)->application_events);
  raw.event_log.clear();
  EXPECT_EQ(verifier.failures(raw), Ids{"app.log"});
}

TEST(TpmApplicationLog, EventsAndLogsHaveOneForm) {
  const ApplicationEvent event{"manifest", Bytes(32, std::byte{7})};
  const Bytes encoded = event.encode();
  EXPECT_EQ(OrDie(ApplicationEvent::decode(encoded)).encode(), encoded);
  for (std::size_t size = 0; size < encoded.size(); ++size) {
    EXPECT_FALSE(ApplicationEvent::decode(part(encoded, 0, size)).ok());
  }
  EXPECT_ERROR(ApplicationEvent::decode(ApplicationEvent{"", {}}.encode()), Code::malformed, "type");
  EXPECT_ERROR(ApplicationEvent::decode(ApplicationEvent{"Cap", {}}.encode()), Code::malformed, "type");
  EXPECT_ERROR(ApplicationEvent::decode(ApplicationEvent{std::string(33, 'a'), {}}.encode()), Code::malformed, "limit");
  EXPECT_ERROR(ApplicationEvent::decode(ApplicationEvent{"a", Bytes(4097)}.encode()), Code::malformed, "limit");

  const ApplicationLog log{14, {encoded, {}}};
  const Bytes bytes = log.encode();
  EXPECT_EQ(OrDie(ApplicationLog::decode(bytes)).encode(), bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(ApplicationLog::decode(part(bytes, 0, size)).ok());
  EXPECT_ERROR(ApplicationLog::decode(ApplicationLog{14, std::vector<Bytes>(65)}.encode()), Code::malformed, "64 events");
}

TEST(TpmRawEvidence, ReadInPlaceIsTheSameWithoutACopy) {
  const RawEvidence raw = test::tpm_evidence("good");
  const Bytes wire = raw.encode();
  const TpmVerifier verifier("good");
  std::optional<Outcome> kept;
  {
    const Bytes gone = wire;
    kept = authenticate(OrDie(parse(gone)), verifier.inputs());
  }
  const Outcome in_place = authenticate(OrDie(parse_in_place(wire)), verifier.inputs());
  ASSERT_TRUE(kept->authentic && in_place.authentic);
  EXPECT_EQ(kept->checks, in_place.checks);
  const attest::Authentic<TpmEvidence> copy = *kept->authentic;
  kept.reset();
  const auto inside = [&](ByteView part) { return part.data() >= wire.data() && part.data() + part.size() <= wire.data() + wire.size(); };
  for (ByteView RawParts::*const part : {&RawParts::attest, &RawParts::signature, &RawParts::ak_public, &RawParts::ek_public, &RawParts::ek_certificate,
                                         &RawParts::event_log, &RawParts::ima_log}) {
    EXPECT_TRUE(equal(copy->raw.*part, (*in_place.authentic)->raw.*part));
    EXPECT_TRUE(inside((*in_place.authentic)->raw.*part));
    EXPECT_FALSE(inside(copy->raw.*part));
  }
  EXPECT_TRUE(equal(copy->raw.attest, raw.attest));
  EXPECT_TRUE(equal(copy->raw.ek_intermediates[0], raw.ek_intermediates.at(0)));
  EXPECT_TRUE(inside((*in_place.authentic)->raw.ek_intermediates[0]) && inside((*in_place.authentic)->raw.pcrs.bytes()));
  EXPECT_FALSE(inside(copy->raw.ek_intermediates[0]) || inside(copy->raw.pcrs.bytes()));
  EXPECT_EQ(copy->pcrs(), PcrValues(raw.pcrs));
}

TEST(TpmRawEvidence, HasOneForm) {
  const Bytes bytes = test::tpm_evidence("good").encode();
  EXPECT_EQ(OrDie(RawEvidence::decode(bytes)).encode(), bytes);
  Bytes more = bytes;
  more.push_back(std::byte{0});
  EXPECT_ERROR(RawEvidence::decode(more), Code::malformed, "trailing");
  for (std::size_t size = 0; size < bytes.size(); size += 37) EXPECT_FALSE(RawEvidence::decode(part(bytes, 0, size)).ok());
  RawEvidence raw = test::tpm_evidence("good");
  raw.ek_intermediates.resize(5);
  EXPECT_ERROR(RawEvidence::decode(raw.encode()), Code::malformed, "more than 4");
  raw = test::tpm_evidence("good");
  raw.pcrs[24] = PcrValue();
  EXPECT_ERROR(RawEvidence::decode(raw.encode()), Code::malformed, "PCR 24");
  EXPECT_FALSE(parse(RawEvidence().encode()).ok());
}

TEST(TpmEnrolment, HasOneForm) {
  const AkEnrolment enrolment = test::tpm_enrolment(test::tpm_evidence("good"), test::tpm_enroller());
  EXPECT_OK(enrolment.verify());
  const Bytes bytes = enrolment.encode();
  const AkEnrolment again = OrDie(AkEnrolment::decode(bytes));
  EXPECT_OK(again.verify());
  EXPECT_EQ(again.encode(), bytes);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    Bytes changed = bytes;
    changed[i] ^= std::byte{1};
    const auto decoded = AkEnrolment::decode(changed);
    EXPECT_FALSE(decoded.ok() && decoded->verify().ok()) << "byte " << i;
    EXPECT_FALSE(AkEnrolment::decode(part(bytes, 0, i)).ok());
  }
}

}  // namespace
}  // namespace redoubt::tpm
