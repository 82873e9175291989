// Goal: the statement that carries old logs over has one form, and old logs count only whole, in order and hanging together.
// Method: a statement written, read and changed; two logs as two instances would write them, then cut, forked, reordered,
// of another contract, too many, and with a link that is missing.
#include <gtest/gtest.h>

#include "common/jobs/cleanroom/carried_logs.h"
#include "tests/support/expect.h"

namespace redoubt::jobs {
namespace {

template <class F>
F filled(char c) {
  F out;
  out.array().fill(static_cast<std::byte>(c));
  return out;
}

const ContractDigest kContract = filled<ContractDigest>('c');
const InstanceId kFirst = filled<InstanceId>('1');
const InstanceId kSecond = filled<InstanceId>('2');
const InstanceId kThird = filled<InstanceId>('3');
const ProposalDigest kProposal = filled<ProposalDigest>('q');

Bytes entry(std::string_view kind, const crypto::Sha256Digest& content) { return receipt::LogEntry{std::string(kind), content}.encode(); }
Bytes entry(std::string_view kind, char c) { return entry(kind, filled<crypto::Sha256Digest>(c)); }

OldLog first() {
  return {kFirst, {entry("boot", 'b'), entry("acceptance", 'a'), entry("reservation", 'q'), entry("ballot", 'v')}};
}

OldLog second() {
  const CarryOver older = OrDie(CarriedLogs::build(kContract, {first()})).statement(kSecond);
  return {kSecond, {entry("boot", 'B'), entry("carried", older.digest()), entry("ballot", 'v')}};
}

CarryOver statement() { return OrDie(CarriedLogs::build(kContract, {first(), second()})).statement(kThird); }

TEST(CarryOver, HasOneFormAndRefusesEveryChange) {
  const std::string text = statement().canonical();
  EXPECT_EQ(OrDie(CarryOver::parse(text)), statement());
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    const auto parsed = CarryOver::parse(changed);
    if (parsed.ok()) {
      EXPECT_EQ(parsed->canonical(), changed);
      EXPECT_FALSE(check_carry_over(statement(), *parsed).ok()) << changed;
    }
    EXPECT_FALSE(CarryOver::parse(text.substr(0, i)).ok());
  }
  const json::Object whole = *OrDie(json::parse(text)).object();
  for (const auto& [name, value] : whole) {
    json::Object cut = whole;
    cut.erase(name);
    EXPECT_ERROR(CarryOver::parse(json::canonical(cut)), Code::malformed, "absent") << name;
  }
}

TEST(CarryOver, RefusesNoLogsTooManyLogsAndAnInstanceTwice) {
  CarryOver none = statement();
  none.heads.clear();
  EXPECT_ERROR(CarryOver::parse(none.canonical()), Code::malformed, "at least one head");
  CarryOver many = statement();
  for (char c = 0; c < 16; ++c) many.heads.push_back({filled<InstanceId>(c), {1, filled<receipt::TreeHash>('r')}});
  EXPECT_ERROR(CarryOver::parse(many.canonical()), Code::malformed, "heads");
  CarryOver twice = statement();
  twice.heads[1].instance = kFirst;
  EXPECT_ERROR(CarryOver::parse(twice.canonical()), Code::malformed, "occurs twice");
  CarryOver itself = statement();
  itself.instance = kSecond;
  EXPECT_ERROR(CarryOver::parse(itself.canonical()), Code::malformed, "occurs twice");
  CarryOver empty = statement();
  empty.heads[0].head.size = 0;
  EXPECT_ERROR(CarryOver::parse(empty.canonical()), Code::malformed, "at least one entry");
}

TEST(CarryOver, NamesTheFirstDifference) {
  EXPECT_OK(check_carry_over(statement(), statement()));
  const auto refuse = [](auto change, Code code, std::string_view why) {
    CarryOver other = statement();
    change(other);
    EXPECT_ERROR(check_carry_over(statement(), other), code, why);
  };
  refuse([](CarryOver& s) { s.contract = filled<ContractDigest>('x'); }, Code::binding, "expected contract");
  refuse([](CarryOver& s) { s.instance = filled<InstanceId>('x'); }, Code::binding, "expected instance");
  refuse([](CarryOver& s) { s.heads.pop_back(); }, Code::log_proof, "a number of old logs 2, found 1");
  refuse([](CarryOver& s) { s.heads[0].instance = filled<InstanceId>('x'); }, Code::binding, "old instance");
  refuse([](CarryOver& s) { s.heads[1].head.size = 2; }, Code::log_proof, "a size of the log");
  refuse([](CarryOver& s) { s.heads[1].head.root = filled<receipt::TreeHash>('x'); }, Code::log_proof, "root of the log");
}

TEST(CarriedLogs, GiveHeadsReservationsAndRuns) {
  const CarriedLogs logs = OrDie(CarriedLogs::build(kContract, {first(), second()}));
  ASSERT_EQ(logs.count(), 2U);
  EXPECT_EQ(logs.find(kFirst), 0U);
  EXPECT_EQ(logs.find(kSecond), 1U);
  EXPECT_FALSE(logs.find(kThird));
  EXPECT_EQ(logs.entries_after(0), 3U);
  EXPECT_EQ(logs.entries_after(1), 0U);
  EXPECT_EQ(logs.reservation(0, kProposal), 2U);
  EXPECT_FALSE(logs.reservation(1, kProposal));
  EXPECT_FALSE(logs.has_run(kProposal));
  OldLog ran = second();
  ran.entries.push_back(entry("run", 'q'));
  EXPECT_TRUE(OrDie(CarriedLogs::build(kContract, {first(), ran})).has_run(kProposal));
  EXPECT_FALSE(OrDie(CarriedLogs::build(kContract, {first(), ran})).has_run(filled<ProposalDigest>('Q')));
  const CarryOver said = logs.statement(kThird);
  EXPECT_EQ(said.heads[0].head.root, OrDie(receipt::Log::restore(kFirst, first().entries)).tree().root());
  EXPECT_EQ(said.heads[1].head.size, 3U);
}

TEST(CarriedLogs, RefuseLogsThatDoNotHangTogether) {
  const auto refuse = [](std::vector<OldLog> logs, Code code, std::string_view why, ContractDigest contract = kContract) {
    EXPECT_ERROR(CarriedLogs::build(contract, logs), code, why);
  };
  OldLog shorter = first();
  shorter.entries.pop_back();
  refuse({shorter, second()}, Code::log_proof, "did not take over from the logs before it");
  OldLog forked = first();
  forked.entries[3] = entry("ballot", 'w');
  refuse({forked, second()}, Code::log_proof, "did not take over from the logs before it");
  OldLog longer = first();
  longer.entries.push_back(entry("ballot", 'w'));
  refuse({longer, second()}, Code::log_proof, "did not take over from the logs before it");
  refuse({first(), second()}, Code::log_proof, "did not take over from the logs before it", filled<ContractDigest>('x'));
  refuse({second(), first()}, Code::log_proof, "took over from logs that are not here");
  refuse({second()}, Code::log_proof, "took over from logs that are not here");
  OldLog unlinked = second();
  unlinked.entries.erase(unlinked.entries.begin() + 1);
  refuse({first(), unlinked}, Code::log_proof, "did not take over from the logs before it");
  EXPECT_OK(CarriedLogs::build(kContract, {unlinked}));
}

TEST(CarriedLogs, RefuseJunkAndAreBounded) {
  EXPECT_ERROR(CarriedLogs::build(kContract, {}), Code::refused, "expected 1 to 16, found 0");
  EXPECT_ERROR(CarriedLogs::build(kContract, std::vector<OldLog>(17, first())), Code::refused, "found 17");
  EXPECT_ERROR(CarriedLogs::build(kContract, {first(), first()}), Code::malformed, "occurs twice");
  EXPECT_ERROR(CarriedLogs::build(kContract, {{kFirst, {}}}), Code::log_proof, "expected a boot entry first");
  EXPECT_ERROR(CarriedLogs::build(kContract, {{kFirst, {entry("ballot", 'v')}}}), Code::log_proof, "expected a boot entry first");
  OldLog junk = first();
  junk.entries[1] = to_bytes("junk");
  EXPECT_ERROR(CarriedLogs::build(kContract, {junk}), Code::malformed, "entry 1");
  OldLog large = first();
  large.entries.resize(CarriedLogs::kMaxEntries + 1, entry("ballot", 'v'));
  EXPECT_ERROR(CarriedLogs::build(kContract, {large}), Code::refused, "at most 65536 entries");
}

}  // namespace
}  // namespace redoubt::jobs
