// Goal: a saved log and receipts are held against each other and against what the auditor kept; forks come with a proof that others can
// check, and what cannot be told is not claimed. Method: a real room's log and receipt; then logs and heads as a program that forks,
// reorders or forgets would sign them, and every part of the file changed.
#include "client/sdk/audit.h"

#include "common/receipt/boot_entry.h"
#include "enclave/workloads/cleanroom/room_test_fixture.h"

namespace redoubt::sdk {
namespace {

using receipt::Outcome;

class AuditTest : public cleanroom::RoomTest {
 protected:
  AuditTest() {
    provide(*room_);
    const jobs::Proposal query = proposal(*room_);
    EXPECT_OK(room_->propose(sign(query, analyst_)));
    early_ = head(room_->status().log_size);
    approve(*room_, query);
    file_ = OrDie(receipt::ReceiptFile::parse(OrDie(room_->run(query.digest())).receipt_file));
    for (const Bytes& bytes : room_->entries(0)) entries_.push_back(OrDie(receipt::LogEntry::parse(bytes)));
  }
  crypto::Ed25519PrivateKey key() const {
    test::FixedRandom seed(1);  // as make_room(1) draws it
    return OrDie(crypto::Ed25519PrivateKey::generate(seed));
  }
  // head: what the room's key signs of its log at this size.
  receipt::Checkpoint head(std::uint64_t size) const {
    std::vector<Bytes> encoded = room_->entries(0);
    encoded.resize(static_cast<std::size_t>(size));
    return OrDie(receipt::Log::restore(room_->claims().instance, encoded)).checkpoint(key());
  }
  // saved: these entries under a head that the room's key signed.
  SavedLog saved(const std::vector<receipt::LogEntry>& entries) const {
    receipt::Log log(room_->claims().instance);
    for (const auto& entry : entries) log.append(entry);
    return OrDie(SavedLog::of(log.instance(), log.checkpoint(key()), entries));
  }
  AuditKnowledge knowledge() const { return {key().public_key(), early_}; }
  static const receipt::ReceiptCheck& find(const AuditReport& report, std::string_view id) {
    const auto found = std::ranges::find(report.checks, id, &receipt::ReceiptCheck::id);
    EXPECT_NE(found, report.checks.end()) << id;
    return *found;
  }
  // issue: the receipt that a program signs for this log, as `change` leaves its file and body; appended to `entries`.
  receipt::ReceiptFile issue(std::vector<receipt::LogEntry>& entries, const std::function<void(receipt::ReceiptFile&, receipt::ReceiptBody&)>& change) const {
    receipt::Log log(room_->claims().instance);
    for (const auto& entry : entries) log.append(entry);
    receipt::ReceiptFile file = file_;
    receipt::ReceiptBody body = OrDie(receipt::ReceiptBody::parse(file_.receipt.body));
    body.sequence = log.size();
    if (change) change(file, body);
    file.receipt = OrDie(receipt::issue_receipt(body, file_.evidence.digest(), log, key()));
    entries.push_back({std::string(receipt::kReceiptEntry), body.digest()});
    return file;
  }
  // held: what the check of this receipt against these entries says.
  Status held(const std::vector<receipt::LogEntry>& entries, const receipt::ReceiptFile& file) const {
    const AuditReport report = audit(saved(entries), {key().public_key(), std::nullopt}, {{"r", file}});
    const receipt::ReceiptCheck& check = find(report, "receipt.r");
    if (check.outcome == Outcome::passed) return {};
    return Error(check.code, check.detail);
  }
  // as: the log with one entry of another kind in the place of the first of `kind`.
  std::vector<receipt::LogEntry> without(std::string_view kind) const {
    std::vector<receipt::LogEntry> out = entries_;
    out.erase(std::ranges::find(out, kind, &receipt::LogEntry::kind));
    return out;
  }
  std::optional<receipt::Checkpoint> early_;
  receipt::ReceiptFile file_;
  std::vector<receipt::LogEntry> entries_;
};

TEST_F(AuditTest, AnHonestLogWithItsReceiptPassesEveryCheck) {
  const SavedLog log = OrDie(SavedLog::parse(saved(entries_).json()));
  EXPECT_EQ(log.entries(), entries_);
  const AuditReport report = audit(log, knowledge(), {{"receipt.json", file_}});
  EXPECT_OK(report.accepted());
  for (const auto& check : report.checks) EXPECT_EQ(check.outcome, Outcome::passed) << check.id << ": " << check.detail;
  EXPECT_EQ(report.checks.size(), 4U);
  EXPECT_FALSE(report.fork);
}

TEST_F(AuditTest, ALogWhoseKeyNobodyNamedIsNotAccepted) {
  const AuditReport report = audit(saved(entries_), {}, {});
  EXPECT_ERROR(report.accepted(), Code::log_proof, "log.key: not shown: whose key signed the head is not known here");
  EXPECT_EQ(find(report, "log.key").outcome, Outcome::not_shown);
  EXPECT_EQ(find(report, "log.known_head").outcome, Outcome::not_shown);
  // Whoever was given the key and keeps no head has nothing to hold the log against: the report says so, and the rest stands.
  const AuditReport keyed = audit(saved(entries_), {key().public_key(), std::nullopt}, {{"receipt.json", file_}});
  EXPECT_OK(keyed.accepted());
  EXPECT_EQ(find(keyed, "log.known_head").outcome, Outcome::not_shown);
}

TEST_F(AuditTest, ALogCutBeforeWhatTheAuditorHoldsIsNotAccepted) {
  const auto cut = [&](std::uint64_t size) {
    return saved(std::vector<receipt::LogEntry>(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(size)));
  };
  const AuditReport old = audit(cut(early_->head().size - 1), knowledge(), {});
  EXPECT_ERROR(old.accepted(), Code::log_proof, "log.known_head: not shown: the saved log ends 1 entries before the head that is kept");
  EXPECT_EQ(find(old, "log.known_head").outcome, Outcome::not_shown);
  const AuditReport receipts = audit(cut(early_->head().size), knowledge(), {{"receipt.json", file_}});
  EXPECT_EQ(find(receipts, "log.known_head").outcome, Outcome::passed);
  EXPECT_EQ(find(receipts, "receipt.receipt.json").outcome, Outcome::not_shown);
  EXPECT_ERROR(receipts.accepted(), Code::log_proof, "receipt.receipt.json: not shown: the saved log ends before this receipt's checkpoint");
}

TEST_F(AuditTest, AForkedLogIsProvedAtTwoSizesAndAtOne) {
  std::vector<receipt::LogEntry> other = entries_;
  other[1].content.array()[0] ^= std::byte{1};
  AuditReport report = audit(saved(other), knowledge(), {});
  EXPECT_ERROR(report.accepted(), Code::log_proof, "log.known_head: the log was forked");
  ASSERT_TRUE(report.fork);
  EXPECT_OK(receipt::Divergence::verify(*report.fork, key().public_key()));
  other.resize(static_cast<std::size_t>(early_->head().size));
  report = audit(saved(other), knowledge(), {});
  ASSERT_TRUE(report.fork);
  EXPECT_OK(receipt::ForkProof::verify(*report.fork, key().public_key()));
}

TEST_F(AuditTest, AReceiptOfAnotherBranchProvesTheFork) {
  std::vector<receipt::LogEntry> other = entries_;
  other.back().content.array()[0] ^= std::byte{1};
  const AuditReport report = audit(saved(other), knowledge(), {{"r", file_}});
  EXPECT_EQ(find(report, "log.known_head").outcome, Outcome::passed);
  EXPECT_EQ(find(report, "receipt.r").outcome, Outcome::failed);
  ASSERT_TRUE(report.fork);
  EXPECT_OK(receipt::ForkProof::verify(*report.fork, key().public_key()));
}

TEST_F(AuditTest, AnotherKeyIsNotTheInstance) {
  AuditKnowledge other = knowledge();
  other.receipt_key = hospital_.key.public_key();
  EXPECT_ERROR(audit(saved(entries_), other, {}).accepted(), Code::binding, "log.key: receipt key: expected");
}

TEST_F(AuditTest, AReceiptWhoseBallotOrRunIsNotInTheLogIsRefused) {
  for (const std::string_view kind : {receipt::kBallotEntry, receipt::kRunEntry}) {
    // The program that forgot it signs a receipt for the log that it made.
    std::vector<receipt::LogEntry> rest = without(kind);
    rest.pop_back();
    const receipt::ReceiptFile forged = issue(rest, {});
    EXPECT_ERROR(held(rest, forged), Code::log_proof, "in the log ") << kind;
  }
  receipt::ReceiptFile moved = file_;
  moved.receipt.body.replace(moved.receipt.body.find("\"sequence\":\""), 12, "\"sequence\":\"1");
  EXPECT_ERROR(held(entries_, moved), Code::log_proof, "is not this receipt");
}

TEST_F(AuditTest, AReceiptFileWithOtherBallotsThanTheReceiptCountsIsRefused) {
  ASSERT_OK(held(entries_, file_));
  receipt::ReceiptFile fewer = file_;
  fewer.ballots.pop_back();
  EXPECT_ERROR(held(entries_, fewer), Code::binding, "ballots: the 1 in the file are not the 2");
  fewer.ballots.clear();
  EXPECT_ERROR(held(entries_, fewer), Code::binding, "ballots: the 0 in the file are not the 2");
  receipt::ReceiptFile twice = file_;
  twice.ballots[1] = twice.ballots[0];
  EXPECT_ERROR(held(entries_, twice), Code::binding, "ballots: the 2 in the file are not the 2");
  // A program that counted nobody.
  std::vector<receipt::LogEntry> entries(entries_.begin(), entries_.end() - 1);
  const receipt::ReceiptFile nobody = issue(entries, [](receipt::ReceiptFile& file, receipt::ReceiptBody& body) {
    file.ballots.clear();
    body.approvals.clear();
  });
  EXPECT_ERROR(held(entries, nobody), Code::binding, "nobody approved");
}

TEST_F(AuditTest, AReceiptOfAnotherQuerysBallotsOrFarFromItsRunIsRefused) {
  const jobs::Proposal query = proposal(*room_);
  EXPECT_OK(room_->propose(sign(query, analyst_)));
  approve(*room_, query);
  const auto other = OrDie(receipt::ReceiptFile::parse(OrDie(room_->run(query.digest())).receipt_file));
  entries_.clear();
  for (const Bytes& bytes : room_->entries(0)) entries_.push_back(OrDie(receipt::LogEntry::parse(bytes)));
  ASSERT_OK(held(entries_, file_));
  ASSERT_OK(held(entries_, other));
  // In the file alone, and by a program that counts the first query's ballots for the second one's run.
  receipt::ReceiptFile swapped = other;
  swapped.ballots = file_.ballots;
  EXPECT_ERROR(held(entries_, swapped), Code::binding, "are not the 2 that the receipt counts");
  std::vector<receipt::LogEntry> entries(entries_.begin(), entries_.end() - 1);
  const receipt::ReceiptFile counted = issue(entries, [&](receipt::ReceiptFile& file, receipt::ReceiptBody& body) {
    file.ballots = file_.ballots;
    body.approvals = OrDie(receipt::ReceiptBody::parse(file_.receipt.body)).approvals;
  });
  EXPECT_ERROR(held(entries, counted), Code::log_proof, "its run is not in the log just before the receipt");
  // Its run stands somewhere before, but something else stands between.
  entries.pop_back();
  entries.push_back({std::string(receipt::kRefusalEntry), crypto::Sha256Digest(query.digest().array())});
  const receipt::ReceiptFile late = issue(entries, {});
  EXPECT_ERROR(held(entries, late), Code::log_proof, "its run is not in the log just before the receipt");
  EXPECT_ERROR(check_order(entries), Code::log_proof, "a receipt whose run is not the entry before it");
}

TEST_F(AuditTest, ALogOutOfOrderIsRefused) {
  const crypto::Sha256Digest a = crypto::sha256(as_bytes("a"));
  const crypto::Sha256Digest b = crypto::sha256(as_bytes("b"));
  const auto order = [](std::vector<receipt::LogEntry> entries) { return check_order(entries); };
  EXPECT_OK(order({{"boot", a}, {"budget", a}, {"reservation", b}}));
  EXPECT_OK(order({{"boot", a}, {"budget", a}})) << "a host may have stored no more yet";
  EXPECT_ERROR(order({{"boot", a}, {"budget", a}, {"ballot", b}, {"reservation", b}}), Code::log_proof, "entry 2: a charge to budgets came before it");
  EXPECT_ERROR(order({{"boot", a}, {"budget", a}, {"budget", b}, {"reservation", b}}), Code::log_proof, "it is no reservation");
  EXPECT_OK(order({{"boot", a}, {"reservation", a}, {"run", a}, {"receipt", b}, {"reservation", b}}));
  EXPECT_OK(order({{"boot", a}, {"carried", b}, {"run", a}, {"receipt", b}}));
  EXPECT_OK(order({{"boot", a}, {"reservation", a}, {"run", a}}));  // its receipt is not stored yet
  EXPECT_OK(order({}));
  EXPECT_OK(order({{"boot", a}, {"change", a}, {"change-ballot", b}, {"hand-over", b}, {"boot", b}}));
  EXPECT_ERROR(order({{"boot", a}, {"change", a}, {"hand-over", b}, {"upload", b}}), Code::log_proof, "entry 3: the contract was handed over before it");
  EXPECT_ERROR(order({{"boot", a}, {"hand-over", b}, {"hand-over", b}}), Code::log_proof, "entry 2: the contract was handed over before it");
  EXPECT_ERROR(order({{"reservation", a}}), Code::log_proof, "entry 0: a log begins with its boot");
  EXPECT_ERROR(order({{"reservation", a}, {"boot", a}}), Code::log_proof, "entry 0: a log begins with its boot");
  EXPECT_OK(order({{"boot", a}, {"reservation", a}, {"boot", b}, {"run", a}, {"receipt", b}}));  // restarted with sealed state
  EXPECT_ERROR(order({{"boot", a}, {"boot", a}}), Code::log_proof, "entry 1: this boot was logged before");
  EXPECT_ERROR(order({{"boot", a}, {"run", a}}), Code::log_proof, "was not reserved before");
  EXPECT_ERROR(order({{"boot", a}, {"run", a}, {"reservation", a}}), Code::log_proof, "was not reserved before");
  EXPECT_ERROR(order({{"boot", a}, {"reservation", a}, {"reservation", a}}), Code::log_proof, "entry 2: this proposal was reserved before");
  EXPECT_ERROR(order({{"boot", a}, {"reservation", a}, {"run", a}, {"receipt", b}, {"run", a}}), Code::log_proof, "was run before");
  EXPECT_ERROR(order({{"boot", a}, {"reservation", a}, {"reservation", b}, {"run", a}, {"run", b}}), Code::log_proof, "has no receipt");
  const std::string_view apart = "a receipt whose run is not the entry before it";
  EXPECT_ERROR(order({{"boot", a}, {"receipt", a}}), Code::log_proof, apart);
  EXPECT_ERROR(order({{"boot", a}, {"reservation", a}, {"run", a}, {"ballot", b}, {"receipt", b}}), Code::log_proof, apart);
  EXPECT_ERROR(order({{"boot", a}, {"reservation", a}, {"run", a}, {"receipt", b}, {"receipt", b}}), Code::log_proof, apart);
}

TEST_F(AuditTest, ASavedLogIsItsEntriesAndNothingElse) {
  const std::string text = saved(entries_).json();
  const json::Object whole = *OrDie(json::parse(text)).object();
  for (const auto& [name, value] : whole) {
    json::Object cut = whole;
    cut.erase(name);
    EXPECT_ERROR(SavedLog::parse(json::canonical(cut)), Code::malformed, "absent") << name;
  }
  const auto refuse = [&](const char* member, json::Value value, Code code, std::string_view why) {
    json::Object changed = whole;
    changed[member] = std::move(value);
    EXPECT_ERROR(SavedLog::parse(json::canonical(changed)), code, why) << member;
  };
  json::Array entries = *whole.at("entries").array();
  std::swap(entries[1], entries[2]);
  refuse("entries", entries, Code::log_proof, "expected root");
  entries.pop_back();
  refuse("entries", entries, Code::log_proof, "entries, found");
  refuse("entries", json::Array{7}, Code::malformed, "expected base64");
  refuse("entries", json::Array{"AAAA"}, Code::malformed, "entry 0");
  refuse("receipt_key", hospital_.key.public_key().hex(), Code::chain, "saved log");
  refuse("instance", std::string(32, '7'), Code::chain, "saved log");
  refuse("checkpoint", "x", Code::malformed, "saved log");
  refuse("more", 1, Code::malformed, "unknown member");
  for (std::size_t i = 0; i < text.size(); i += 7) EXPECT_FALSE(SavedLog::parse(text.substr(0, i)).ok()) << i;
}

TEST_F(AuditTest, ABootGoesOnFromTheLogAsItStoodBefore) {
  const ClaimsDigest first = room_->claims().digest();
  EXPECT_OK(check_boot(saved(entries_), entries_.size(), first, std::nullopt));
  EXPECT_ERROR(check_boot(saved(entries_), 0, first, std::nullopt), Code::log_proof, "none in the first 0 entries");
  EXPECT_ERROR(check_boot(saved(entries_), entries_.size(), ClaimsDigest(), std::nullopt), Code::log_proof, "entry 0: not the boot with claims");
  EXPECT_ERROR(check_boot(saved(entries_), entries_.size(), first, early_->head()), Code::log_proof, "with the head that it takes over from");
  // A second boot: its entry names the head of this log, and no other.
  const ClaimsDigest second(crypto::sha256(as_bytes("claims of the second boot")).array());
  const receipt::TreeHead before = head(entries_.size()).head();
  const auto with = [&](const receipt::LogEntry& boot) {
    std::vector<receipt::LogEntry> entries = entries_;
    entries.push_back(boot);
    return saved(entries);
  };
  const std::uint64_t size = entries_.size() + 1;
  EXPECT_OK(check_boot(with(receipt::boot_entry(second, before)), size, second, std::nullopt));
  EXPECT_OK(check_boot(with(receipt::boot_entry(second, before)), size - 1, first, std::nullopt)) << "what came before it is of the first boot";
  EXPECT_ERROR(check_boot(with(receipt::boot_entry(second, before)), size, first, std::nullopt), Code::log_proof, "not the boot with claims");
  EXPECT_ERROR(check_boot(with(receipt::boot_entry(second, early_->head())), size, second, std::nullopt), Code::log_proof, "going on from the");
  EXPECT_ERROR(check_boot(with(receipt::boot_entry(second, std::nullopt)), size, second, std::nullopt), Code::log_proof, "going on from the");
  EXPECT_ERROR(check_boot(saved(entries_), entries_.size(), second, std::nullopt), Code::log_proof, "entry 0: not the boot") << "a boot that is not in the log";
}

TEST_F(AuditTest, AReceiptOfABootThatIsNotTheLastOneBeforeItIsRefused) {
  const auto without_receipt = [&] {
    std::vector<receipt::LogEntry> out = entries_;
    while (out.back().kind != receipt::kRunEntry) out.pop_back();
    return out;
  };
  // Another boot has taken over before the receipt of this one was made.
  std::vector<receipt::LogEntry> entries = without_receipt();
  const receipt::LogEntry run = entries.back();
  entries.pop_back();
  const ClaimsDigest other(crypto::sha256(as_bytes("claims of another boot")).array());
  entries.push_back(receipt::boot_entry(other, saved(entries).checkpoint().head()));
  entries.push_back(run);
  std::vector<receipt::LogEntry> with = entries;
  const receipt::ReceiptFile stale = issue(with, nullptr);
  EXPECT_ERROR(held(with, stale), Code::log_proof, "not the boot with claims");
  with = entries;
  const receipt::ReceiptFile fresh = issue(with, [&](receipt::ReceiptFile&, receipt::ReceiptBody& body) { body.claims = other; });
  EXPECT_OK(held(with, fresh));
}

}  // namespace
}  // namespace redoubt::sdk
