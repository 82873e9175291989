// Goal: what was acknowledged is there after a restart, and nothing else is ever taken for it: no older, shorter, longer, changed, reordered or copied state, none
// of another contract, program or TPM; and a state that is full or missing is not given up for a new one. Method: a real software TPM and real files; then one change to the
// file, the TPM or the order of events. What two programs and kills can do is journal_copies_test.cpp.
#include <sys/resource.h>

#include <csignal>

#include "enclave/seal/journal_test_fixture.h"

namespace redoubt::seal {
namespace {

TEST_F(JournalTest, WhatWasAcknowledgedIsThereAfterEveryRestart) {
  EXPECT_ERROR(resume(), Code::not_found, "there never was a state");
  three();
  std::vector<std::string> expected{"keys", "one", "two"};
  std::uint64_t epoch = 0;
  for (int boot = 0; boot < 3; ++boot) {
    auto resumed = OrDie(resume());
    EXPECT_EQ(resumed.instance, kInstance);
    EXPECT_EQ(texts(resumed), expected);
    EXPECT_EQ(resumed.dropped, 0U);
    if (boot > 0) {
      EXPECT_EQ(resumed.journal->epoch(), epoch + 1);
    }
    epoch = resumed.journal->epoch();
    for (const char* text : {"boot", "more"}) {
      ASSERT_OK(resumed.journal->append(as_bytes(text)));
      expected.emplace_back(text);
    }
  }
  // A start that ended before it kept anything changes nothing.
  OrDie(resume());
  EXPECT_EQ(texts(OrDie(resume())), expected);
}

TEST_F(JournalTest, NothingOfItIsReadableOnTheDisk) {
  const auto journal = create();
  ASSERT_OK(journal->append(as_bytes("a secret that is longer than any accident")));
  const Bytes bytes = read();
  EXPECT_EQ(std::string(as_text(bytes)).find("a secret that"), std::string::npos);
}

TEST_F(JournalTest, AnOlderCopyIsRefusedWithBothNumbers) {
  three();
  const Bytes old = read();
  {
    const auto resumed = OrDie(resume());
    ASSERT_OK(resumed.journal->append(as_bytes("boot")));
  }
  const Bytes newer = read();
  write(old);
  const auto refused = resume();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Code::freshness);
  const auto counter = OrDie(sealer_->counter());
  EXPECT_NE(refused.error().message().find("expected epoch " + std::to_string(counter)), std::string::npos) << refused.error().message();
  EXPECT_NE(refused.error().message().find("up to epoch " + std::to_string(counter - 1)), std::string::npos) << refused.error().message();
  write(newer);
  EXPECT_OK(resume());
}

TEST_F(JournalTest, AStateThatIsCutAnywhereIsRefused) {
  three();
  const Bytes whole = read();
  const auto parts = pieces(whole);
  ASSERT_EQ(parts.size(), 4U);
  write(joined({parts[0], parts[1], parts[2]}));
  EXPECT_ERROR(resume(), Code::freshness, "rolled back: expected epoch");
  write(joined({parts[0], parts[1]}));
  EXPECT_ERROR(resume(), Code::freshness, "found 1 records");
  write(parts[0]);
  EXPECT_ERROR(resume(), Code::freshness, "found 0 records");
  for (std::size_t size = 0; size < whole.size(); size += 41 * test::stride(5)) {
    write(ByteView(whole).first(size));
    EXPECT_FALSE(resume().ok()) << size;
  }
  write(whole);
  EXPECT_OK(resume());
}

TEST_F(JournalTest, AStateWithAChangedByteIsRefused) {
  three();
  const Bytes whole = read();
  for (std::size_t i = 0; i < whole.size(); i += (i < FileHead::kFixed ? 9 : 23) * test::stride(5)) {
    Bytes changed = whole;
    changed[i] ^= std::byte{1};
    write(changed);
    const auto refused = resume();
    EXPECT_FALSE(refused.ok()) << "byte " << i;
    if (!refused.ok()) {
      EXPECT_NE(refused.error().code(), Code::unavailable) << "byte " << i << refused.error().message();
    }
  }
  Bytes changed = whole;
  changed.back() ^= std::byte{0x80};
  write(changed);
  EXPECT_ERROR(resume(), Code::binding, "record 2: changed, or not from here");
  write(whole);
  EXPECT_OK(resume());
}

TEST_F(JournalTest, ReorderedAndRepeatedRecordsAreRefused) {
  three();
  const Bytes whole = read();
  const auto parts = pieces(whole);
  write(joined({parts[0], parts[1], parts[3], parts[2]}));
  EXPECT_ERROR(resume(), Code::binding, "record 1: found number 2");
  write(joined({parts[0], parts[1], parts[2], parts[2], parts[3]}));
  EXPECT_ERROR(resume(), Code::binding, "record 2: found number 1");
  write(joined({parts[0], parts[2], parts[3]}));
  EXPECT_ERROR(resume(), Code::binding, "record 0: found number 1");
  // With its number changed to fit it does not open.
  Bytes again = parts[2];
  again[19] = std::byte{2};
  write(joined({parts[0], parts[1], parts[2], again, parts[3]}));
  EXPECT_ERROR(resume(), Code::binding, "record 2: changed");
}

TEST_F(JournalTest, ATornTailThatWasNeverAcknowledgedIsCutOff) {
  three();
  const Bytes whole = read();
  for (const std::size_t torn : {std::size_t{1}, RecordHead::kSize - 1, RecordHead::kSize + 5}) {
    Bytes bytes = whole;
    bytes.resize(whole.size() + torn);
    write(bytes);
    const auto resumed = OrDie(resume());
    EXPECT_EQ(resumed.dropped, torn);
    EXPECT_EQ(texts(resumed).size(), 3U);
    EXPECT_EQ(read(), whole);
  }
}

TEST_F(JournalTest, AStateOfAnotherContractOrProgramIsRefused) {
  three();
  Journal::Options other = options();
  other.contract = ContractDigest(crypto::sha256(as_bytes("another contract")).array());
  EXPECT_ERROR(resume(other), Code::binding, "expected contract");
  other = options();
  other.program = StateProgram(crypto::sha256(as_bytes("another program")).array());
  EXPECT_ERROR(resume(other), Code::measurement, "expected program");
  // A host that changes the names in the head gets no further: the keys follow from them.
  Bytes changed = read();
  std::ranges::copy(other.program.view(), changed.begin() + 40);
  write(changed);
  EXPECT_ERROR(resume(other), Code::binding, "record 0: changed");
}

TEST_F(JournalTest, AStateWhoseAnchorWasRemovedIsRefused) {
  three();
  forwarding_->without_anchor = true;
  EXPECT_ERROR(resume(), Code::freshness, "holds no anchor");
}

TEST_F(JournalTest, ANewStateKeepsTheFirstOneThatWasSetAside) {
  three();
  const Bytes old = read();
  const InstanceId another;
  ASSERT_OK(Journal::create(options(), another, *forwarding_, random_, as_bytes("new keys")));
  EXPECT_EQ(test::read_file(folder_.path() / "state" / Journal::kRefusedFile), old);
  EXPECT_EQ(OrDie(resume()).instance, another);
  ASSERT_OK(Journal::create(options(), kInstance, *forwarding_, random_, as_bytes("newer keys")));
  EXPECT_EQ(test::read_file(folder_.path() / "state" / Journal::kRefusedFile), old);
  EXPECT_EQ(OrDie(resume()).instance, kInstance);
  write(old);
  EXPECT_ERROR(resume(), Code::freshness, "rolled back");
}

TEST_F(JournalTest, AStateThatIsGoneIsNoStateThatNeverWas) {
  three();
  const Bytes whole = read();
  std::filesystem::remove(file());
  EXPECT_ERROR(resume(), Code::not_found, "the platform's anchor says that there was one: mount or restore it");
  EXPECT_ERROR(resume("elsewhere"), Code::not_found, "make a file \"begin-anew\" there");
  write(whole);
  EXPECT_OK(resume());
  // Also where the TPM has forgotten it: another one was set aside here.
  std::filesystem::rename(file(), folder_.path() / "state" / Journal::kRefusedFile);
  forwarding_->without_anchor = true;
  EXPECT_ERROR(resume(), Code::not_found, "one was set aside there");
  std::ofstream(folder_.path() / "state" / Journal::kAnewFile);
  forwarding_->without_anchor = false;
  create();
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "state" / Journal::kAnewFile));
  EXPECT_OK(resume());
}

TEST_F(JournalTest, AStateThatWasBegunAndNeverAnchoredHoldsNothing) {
  for (int round = 0; round < 2; ++round) {  // the first one of a TPM, and one after another state
    forwarding_->silent = true;
    EXPECT_ERROR(Journal::create(options(), kInstance, *forwarding_, random_, as_bytes("keys")), Code::unavailable, "does not answer");
    forwarding_->silent = false;
    EXPECT_ERROR(resume(), Code::freshness, round == 0 ? "holds no anchor" : "begun and never anchored");
    create();
    EXPECT_OK(resume());
  }
}

TEST_F(JournalTest, AFullJournalTakesNothingMoreAndStillStarts) {
  Journal::Options small = options();
  small.max_file = 16U << 10;
  small.reserve = 4U << 10;
  auto journal = OrDie(Journal::create(small, kInstance, *forwarding_, random_, as_bytes("keys")));
  std::size_t kept = 1;
  const Bytes record(1000);
  Status last;
  for (; (last = journal->append(record)).ok(); ++kept) ASSERT_LT(kept, 20U);
  EXPECT_ERROR(last, Code::refused, "full: no room for a record of 1000 bytes");
  EXPECT_FALSE(journal->broken());
  journal.reset();
  EXPECT_LE(std::filesystem::file_size(file()), small.max_file - small.reserve);
  // Each start has room for its record, and for no other.
  const Bytes boot(300);
  for (int start = 0; start < 5; ++start) {
    auto resumed = OrDie(resume(small));
    ASSERT_EQ(resumed.records.size(), kept);
    ASSERT_OK(resumed.journal->append(boot));
    ++kept;
    EXPECT_ERROR(resumed.journal->append(record), Code::refused, "full");
    EXPECT_FALSE(resumed.journal->broken());
  }
  // Also the reserve ends; the state is still there.
  for (int start = 0; start < 20; ++start) {
    auto resumed = OrDie(resume(small));
    ASSERT_EQ(resumed.records.size(), kept);
    last = resumed.journal->append(boot);
    if (!last.ok()) break;
    ++kept;
  }
  EXPECT_ERROR(last, Code::refused, "begins a new instance at the next start");
  EXPECT_LE(std::filesystem::file_size(file()), small.max_file);
  EXPECT_EQ(OrDie(resume(small)).records.size(), kept);
}

TEST_F(JournalTest, AFullDiskLosesNothingThatWasAcknowledged) {
  three();
  auto resumed = OrDie(resume());
  ASSERT_OK(resumed.journal->append(as_bytes("boot")));
  const auto full = signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit narrow{read().size() + 50, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &narrow), 0);
  const Status kept = resumed.journal->append(Bytes(1000));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, full);
  EXPECT_ERROR(kept, Code::unavailable, "writing");
  EXPECT_ERROR(resumed.journal->append(as_bytes("more")), Code::unavailable, "must be started anew");
  resumed.journal.reset();
  EXPECT_EQ(texts(OrDie(resume())), (std::vector<std::string>{"keys", "one", "two", "boot"}));
}

TEST_F(JournalTest, ARecordThatIsTooLargeIsRefusedAndTheNextOneIsKept) {
  const auto journal = create();
  EXPECT_ERROR(journal->append(Bytes(RecordHead::kMaxPayload + 1)), Code::refused, "no room for a record");
  EXPECT_FALSE(journal->broken());
  EXPECT_OK(journal->append(as_bytes("one")));
}

TEST_F(JournalTest, AStateOfAnotherTpmOrOtherPcrsIsRefused) {
  three();
  unplug();
  ASSERT_OK(OrDie(launch::TpmChannel::connect((*tpm_)->socket())).extend(14, crypto::sha256(as_bytes("another program"))));
  plug(*tpm_);
  EXPECT_ERROR(resume(), Code::measurement, "the PCRs that hold program and contract");
  unplug();
  ASSERT_OK((*tpm_)->restart());
  plug(*tpm_);
  EXPECT_OK(resume());
  test::TestTpm another;
  plug(another);
  EXPECT_ERROR(resume(), Code::binding, "unsealing the root key");
  plug(*tpm_);
  EXPECT_OK(resume());
}

}  // namespace
}  // namespace redoubt::seal
