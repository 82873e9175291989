// Goal: a contract follows another only where the old one's participants approved exactly it by the old one's rule and the old identity says so in its log; whoever holds the old contract sees any
// other. Method: an honest hand-over of real keys and a real log; then each part forged, replayed, reordered, left out or of another contract, as a host, a participant or a made-up identity would.
#include "common/jobs/cleanroom/contract_change.h"

#include "common/jobs/cleanroom/verdict_test_contract.h"
#include "tests/support/expect.h"
#include "tests/support/fixed_random.h"

namespace redoubt::jobs {
namespace {

constexpr Instant kChangeTime(1'800'000'000);

class ContractChangeTest : public testing::Test {
 protected:
  ContractChangeTest() {
    for (const char* name : {"analyst", "bank", "clinic", "donor", "newcomer", "stranger"}) keys_.emplace(name, OrDie(crypto::Ed25519PrivateKey::generate(random_)));
    old_ = with_keys(voting_contract(Approval()));
    next_ = successor(old_);
  }
  Contract with_keys(Contract contract) const {
    for (Participant& participant : contract.participants) participant.signing_key = keys_.at(participant.name).public_key();
    return OrDie(Contract::parse(contract.canonical()));
  }
  // successor: donor leaves, newcomer comes, and any two decide.
  Contract successor(const Contract& old) const {
    Contract next = old;
    next.previous = old.digest();
    next.epoch = old.epoch + 1;
    std::erase_if(next.participants, [](const Participant& participant) { return participant.name == "donor"; });
    if (next.find("newcomer") == nullptr) next.participants.push_back(voting_participant("newcomer", true));
    next.approval = {ApprovalRule::k_of_n, 2, {}, true};
    return with_keys(std::move(next));
  }
  ContractChange change() const {
    return {old_.digest(), instance_, next_.canonical(), "analyst", BallotNonce(), kChangeTime.plus_seconds(3600)};
  }
  ChangeBallot ballot(const ContractChange& change, const std::string& voter) {
    return {old_.digest(), instance_, change.digest(), OrDie(Contract::parse(change.next)).digest(), voter, Decision::approve, kChangeTime.plus_seconds(600), log_.size() + 100,
            random_.fixed<BallotNonce>(), {log_.size(), log_.tree().root()}};
  }
  SignedDocument sign(const ContractChange& document, const std::string& by) const { return sign_document(kContractChangeType, document.canonical(), keys_.at(by)); }
  SignedDocument sign(const ChangeBallot& document, const std::string& by) const { return sign_document(kChangeBallotType, document.canonical(), keys_.at(by)); }
  SignedDocument sign(const HandOver& document, const crypto::Ed25519PrivateKey& key) const { return sign_document(kHandOverType, document.canonical(), key); }
  void log(std::string_view kind, const crypto::Sha256Digest& content) { log_.append({std::string(kind), content}); }

  // made: what an honest identity makes of these ballots; all of them are counted.
  HandOverFile made(const ContractChange& change, const std::vector<SignedDocument>& ballots) {
    HandOver hand_over{old_.digest(), instance_, change.digest(), OrDie(Contract::parse(change.next)).digest(), {kChangeTime.plus_seconds(-100), kChangeTime}, {}, {}};
    for (const SignedDocument& document : ballots) {
      log(kChangeBallotEntry, crypto::Sha256Digest(receipt::approval_digest(document.encode()).array()));
      hand_over.ballots.push_back(receipt::approval_digest(document.encode()));
    }
    std::ranges::sort(hand_over.ballots);
    hand_over.head = {log_.size(), log_.tree().root()};
    HandOverFile file{old_.canonical(), sign(change, change.proposer), ballots, sign(hand_over, receipt_key_), {}, {}, ""};
    for (const SignedDocument& document : ballots) {
      const LogHead head = OrDie(ChangeBallot::parse(document.text)).head;
      file.extends.push_back({head.size, head.root, OrDie(log_.tree().consistency(head.size, log_.size()))});
    }
    log(kHandOverEntry, crypto::Sha256Digest(hand_over.digest().array()));
    file.inclusion = OrDie(log_.tree().inclusion(log_.size() - 1, log_.size()));
    file.checkpoint = log_.checkpoint(receipt_key_).note();
    return file;
  }
  // honest: everybody who votes approves.
  HandOverFile honest() {
    start();
    const ContractChange asked = change();
    std::vector<SignedDocument> ballots;
    for (const char* voter : {"bank", "clinic", "donor"}) ballots.push_back(sign(ballot(asked, voter), voter));
    return made(asked, ballots);
  }
  void start() {
    log_ = receipt::Log(instance_);
    log(receipt::kBootEntry, crypto::sha256(as_bytes("boot")));
    log(kChangeEntry, crypto::Sha256Digest(change().digest().array()));
  }
  auto verify(const HandOverFile& file) const { return verify_hand_over(file, old_, receipt_key_.public_key()); }
  // again: the hand-over of a file changed, and signed by the same key.
  HandOverFile again(HandOverFile file, const std::function<void(HandOver&)>& change) const {
    HandOver hand_over = OrDie(HandOver::parse(file.hand_over.text));
    change(hand_over);
    file.hand_over = sign(hand_over, receipt_key_);
    return file;
  }

  test::FixedRandom random_{77};
  std::map<std::string, crypto::Ed25519PrivateKey> keys_;
  crypto::Ed25519PrivateKey receipt_key_ = OrDie(crypto::Ed25519PrivateKey::generate(random_));
  InstanceId instance_ = random_.fixed<InstanceId>();
  receipt::Log log_{instance_};
  Contract old_, next_;
};

TEST_F(ContractChangeTest, WhoHoldsTheOldContractLearnsTheNextOne) {
  const HandOverFile file = OrDie(HandOverFile::parse(honest().json()));
  const VerifiedHandOver shown = OrDie(verify(file));
  EXPECT_EQ(shown.next.digest(), next_.digest());
  EXPECT_EQ(shown.hand_over.instance, instance_);
  EXPECT_TRUE(shown.verdict.met());
  EXPECT_OK(verify_hand_over(file, old_, std::nullopt));
  // A chain is checked link by link: the next contract is held from here on, and neither end stands for the other.
  EXPECT_ERROR(verify_hand_over(file, next_, receipt_key_.public_key()), Code::binding, "from another contract than the one that is held");
  old_ = next_;
  next_ = successor(old_);
  start();
  const ContractChange second = change();
  const HandOverFile link = made(second, {sign(ballot(second, "bank"), "bank"), sign(ballot(second, "newcomer"), "newcomer")});
  EXPECT_EQ(OrDie(verify(link)).next.epoch, 3U);
  EXPECT_ERROR(verify_hand_over(link, with_keys(voting_contract(Approval())), receipt_key_.public_key()), Code::binding, "from another contract");
}

TEST_F(ContractChangeTest, AForgedPartIsRefused) {
  const HandOverFile good = honest();
  ASSERT_OK(verify(good));
  const auto refuse = [&](auto change, Code code, std::string_view why) {
    HandOverFile file = good;
    change(file);
    EXPECT_ERROR(verify(file), code, why);
  };
  const crypto::Ed25519PrivateKey& stranger = keys_.at("stranger");
  refuse([&](HandOverFile& f) { f.change = sign_document(kContractChangeType, f.change.text, stranger); }, Code::chain, "contract change");
  refuse([&](HandOverFile& f) { f.ballots[1] = sign_document(kChangeBallotType, f.ballots[1].text, keys_.at("bank")); }, Code::chain, "change ballot of clinic");
  refuse([&](HandOverFile& f) { f.ballots[1] = sign_document(kBallotType, f.ballots[1].text, keys_.at("clinic")); }, Code::chain, "change ballot of clinic");
  refuse([&](HandOverFile& f) { f.hand_over = sign_document(kHandOverType, f.hand_over.text, stranger); }, Code::chain, "hand-over");
  refuse([&](HandOverFile& f) { f.checkpoint = log_.checkpoint(stranger).note(); }, Code::chain, "checkpoint");
  refuse([&](HandOverFile& f) { f.ballots.pop_back(); }, Code::binding, "the 2 ballots in the file are not the 3");
  refuse([&](HandOverFile& f) { f.ballots.push_back(f.ballots[0]); }, Code::binding, "the 4 ballots in the file are not the 3");
  refuse([&](HandOverFile& f) { f.extends.pop_back(); f.extends.clear(); }, Code::log_proof, "no proof that the log extends");
  refuse([&](HandOverFile& f) { f.old_contract = next_.canonical(); }, Code::binding, "from another contract");
  // By a key that calls itself the old identity's: only who knows that key sees it.
  HandOverFile made_up = good;
  made_up.hand_over = sign_document(kHandOverType, good.hand_over.text, stranger);
  EXPECT_OK(verify_hand_over(made_up, old_, std::nullopt));
}

TEST_F(ContractChangeTest, AHandOverThatSaysSomethingElseThanItsBallotsIsRefused) {
  const HandOverFile good = honest();
  const auto refuse = [&](const std::function<void(HandOver&)>& change, Code code, std::string_view why) { EXPECT_ERROR(verify(again(good, change)), code, why); };
  refuse([](HandOver& h) { h.contract = ContractDigest(); }, Code::binding, "hand-over: contract");
  refuse([](HandOver& h) { h.next = ContractDigest(); }, Code::binding, "hand-over: next contract");
  refuse([](HandOver& h) { h.change = ChangeDigest(); }, Code::binding, "hand-over: change");
  refuse([](HandOver& h) { h.instance = InstanceId(); }, Code::binding, "contract change: instance");
  refuse([](HandOver& h) { h.ballots.pop_back(); }, Code::binding, "ballots in the file");
  refuse([](HandOver& h) { h.time.end = kChangeTime.plus_seconds(601); }, Code::refused, "3 expired");
  refuse([](HandOver& h) { h.head.size += 1000; }, Code::log_proof, "change ballot of");
  refuse([](HandOver& h) { h.head.root.array()[0] ^= std::byte{1}; }, Code::log_proof, "change ballot of");
  refuse([](HandOver& h) { h.time.begin = h.time.begin.plus_seconds(1); }, Code::log_proof, "its place in the log");  // the entry is of another one
}

TEST_F(ContractChangeTest, BallotsOnSomethingElseDoNotCount) {
  start();
  const ContractChange asked = change();
  const auto refuse = [&](auto change_one, Code code, std::string_view why) {
    start();
    std::vector<SignedDocument> ballots;
    for (const char* voter : {"bank", "clinic", "donor"}) {
      ChangeBallot cast = ballot(asked, voter);
      if (cast.voter == "clinic") change_one(cast);
      ballots.push_back(sign(cast, voter));
    }
    EXPECT_ERROR(verify(made(asked, ballots)), code, why);
  };
  refuse([](ChangeBallot& b) { b.change = ChangeDigest(); }, Code::binding, "change ballot of clinic: change");
  refuse([](ChangeBallot& b) { b.next = ContractDigest(); }, Code::binding, "change ballot of clinic: next contract");
  refuse([](ChangeBallot& b) { b.contract = ContractDigest(); }, Code::binding, "change ballot of clinic: contract");
  refuse([](ChangeBallot& b) { b.instance = InstanceId(); }, Code::binding, "change ballot of clinic: instance");
  refuse([](ChangeBallot& b) { b.decision = Decision::reject; }, Code::refused, "2 approved, 1 rejected");
  refuse([](ChangeBallot& b) { b.expires = kChangeTime.plus_seconds(-1); }, Code::refused, "1 expired");
  refuse([](ChangeBallot& b) { b.expires_at_size = 1; }, Code::refused, "1 expired");
  refuse([](ChangeBallot& b) { b.voter = "analyst"; }, Code::auth, "no vote in the old contract");
  refuse([](ChangeBallot& b) { b.voter = "newcomer"; }, Code::auth, "no vote in the old contract");  // of the next contract only
  refuse([](ChangeBallot& b) { b.head.root.array()[0] ^= std::byte{1}; }, Code::log_proof, "change ballot of clinic");  // the voter saw a fork
}

TEST_F(ContractChangeTest, ApprovingTwiceCountsOnceAndTheRestMustAgreeAsTheOldRuleSays) {
  const auto decided = [&](Approval approval, const std::vector<std::string>& voters) {
    old_ = with_keys(voting_contract(std::move(approval)));
    next_ = successor(old_);
    start();
    const ContractChange asked = change();
    std::vector<SignedDocument> ballots;
    for (const std::string& voter : voters) ballots.push_back(sign(ballot(asked, voter), voter));
    return verify(made(asked, ballots));
  };
  const Approval two{ApprovalRule::k_of_n, 2, {}, true};
  EXPECT_ERROR(decided(two, {"bank", "bank"}), Code::refused, "1 approved");
  EXPECT_OK(decided(two, {"bank", "donor"}));
  EXPECT_OK(decided(two, {"bank", "bank", "donor"}));
  EXPECT_ERROR(decided(Approval(), {"bank", "clinic"}), Code::refused, "1 missing");
  EXPECT_ERROR(decided({ApprovalRule::k_of_n, 2, {"clinic"}, true}, {"bank", "donor"}), Code::refused, "1 missing");
  EXPECT_ERROR(decided({ApprovalRule::majority, 0, {}, true}, {"bank"}), Code::refused, "1 approved");
  // Under `owners` a change is everybody's.
  EXPECT_ERROR(decided({ApprovalRule::owners, 0, {}, true}, {"bank", "clinic"}), Code::refused, "1 missing");
  EXPECT_OK(decided({ApprovalRule::owners, 0, {}, true}, {"bank", "clinic", "donor"}));
}

TEST_F(ContractChangeTest, OnlyAContractThatFollowsMayBeNext) {
  const auto refuse = [&](auto change_next, std::string_view why) {
    next_ = successor(old_);
    change_next(next_);
    EXPECT_ERROR(check_successor(old_, next_), Code::binding, why);
    EXPECT_ERROR(verify(honest()), Code::binding, why);
  };
  refuse([](Contract& c) { c.previous = ContractDigest(); }, "as its previous one");
  refuse([](Contract& c) { c.epoch = 3; }, "expected epoch 2, found 3");
  refuse([](Contract& c) { c.environment = "another"; }, "expected environment \"study\"");
  refuse([](Contract& c) { c.epoch = 1; c.previous.reset(); }, "as its previous one, found none");
}

template <class Document>
void one_form(const Document& document) {
  const std::string text = document.canonical();
  EXPECT_EQ(OrDie(Document::parse(text)).canonical(), text);
  const json::Object whole = *OrDie(json::parse(text)).object();
  for (const auto& [name, value] : whole) {
    json::Object cut = whole;
    cut.erase(name);
    EXPECT_ERROR(Document::parse(json::canonical(cut)), Code::malformed, "absent") << name;
    cut[name] = 7;
    EXPECT_FALSE(Document::parse(json::canonical(cut)).ok()) << name;
  }
  json::Object wider = whole;
  wider["zzz"] = 1;
  EXPECT_ERROR(Document::parse(json::canonical(wider)), Code::malformed, "unknown member");
  EXPECT_FALSE(Document::parse(" " + text).ok());
  for (std::size_t i = 0; i < text.size(); i += 5) EXPECT_FALSE(Document::parse(text.substr(0, i)).ok()) << i;
}

TEST_F(ContractChangeTest, DocumentsHaveOneFormAndJunkIsRefused) {
  const HandOverFile file = honest();
  one_form(OrDie(ContractChange::parse(file.change.text)));
  one_form(OrDie(ChangeBallot::parse(file.ballots[0].text)));
  const HandOver hand_over = OrDie(HandOver::parse(file.hand_over.text));
  one_form(hand_over);
  HandOver twice = hand_over;
  twice.ballots.push_back(twice.ballots.back());
  EXPECT_ERROR(HandOver::parse(twice.canonical()), Code::malformed, "sorted, each once");
  HandOver backwards = hand_over;
  std::swap(backwards.time.begin, backwards.time.end);
  EXPECT_ERROR(HandOver::parse(backwards.canonical()), Code::malformed, "host clock below the floor");
  ContractChange bad = change();
  bad.next = "{}";
  EXPECT_ERROR(ContractChange::parse(bad.canonical()), Code::malformed, "next");
  const std::string text = file.json();
  EXPECT_EQ(OrDie(HandOverFile::parse(text)).json(), text);
  const json::Object whole = *OrDie(json::parse(text)).object();
  for (const auto& [name, value] : whole) {
    json::Object cut = whole;
    cut.erase(name);
    EXPECT_ERROR(HandOverFile::parse(json::canonical(cut)), Code::malformed, "absent") << name;
    cut[name] = 7;
    EXPECT_FALSE(HandOverFile::parse(json::canonical(cut)).ok()) << name;
  }
  for (std::size_t i = 0; i < text.size(); i += 41) EXPECT_FALSE(HandOverFile::parse(text.substr(0, i)).ok()) << i;
}

}  // namespace
}  // namespace redoubt::jobs
