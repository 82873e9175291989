#include "client/corpus/live_room.h"

#include <algorithm>

#include "client/sdk/contract_builder.h"
#include "client/sdk/dataset_sealer.h"
#include "client/sdk/program_files.h"
#include "common/attest/appraise/appraiser.h"

namespace redoubt::corpus {
namespace {

constexpr std::chrono::seconds kRoomStart{120};
constexpr std::chrono::seconds kRun{300};
constexpr std::chrono::milliseconds kFirstLook{100};
constexpr std::chrono::milliseconds kLastPoll{60};
// What all queries of one entry may cost a version of a dataset: far more than those that an entry names.
constexpr std::string_view kBudgetEpsilon = "32";
constexpr std::string_view kBudgetDelta = "0.0001";
// What a room says when data, or a limit, forbids an answer: one text for all of it.
constexpr std::string_view kNotAnswered = "the query was not answered";

// rule_in: the id behind "rule " in a refusal; empty when it names none.
std::string rule_in(std::string_view message) {
  constexpr std::string_view mark = ": rule ";
  const std::size_t at = message.find(mark);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = message.substr(at + mark.size());
  const std::size_t end = rest.find(':');
  return end == std::string_view::npos || end > 8 ? "" : std::string(rest.substr(0, end));
}

}  // namespace

struct LiveRoom::Party {
  explicit Party(sdk::KeyFile own) : keys(std::move(own)) {}

  sdk::KeyFile keys;
  std::vector<tpm::AkEnrolment> enrolments;
  std::optional<sdk::EnclaveClient> enclave;
  std::optional<sdk::InstanceView> instance;
};

LiveRoom::LiveRoom(RoomPlan plan) : plan_(std::move(plan)) {}
LiveRoom::~LiveRoom() = default;

Result<std::unique_ptr<LiveRoom>> LiveRoom::open(RoomPlan plan) {
  std::unique_ptr<LiveRoom> room(new LiveRoom(std::move(plan)));
  for (const char* name : {"first", "second"}) {
    REDOUBT_TRY(auto made, sdk::KeyFile::generate(name, false, room->plan_.random));
    room->parties_.push_back(std::make_unique<Party>(std::move(made.keys)));
  }
  REDOUBT_TRY(room->hub_, sdk::HubClient::connect(room->plan_.hub));
  REDOUBT_CHECK(room->make_contract().context("making a contract"));
  REDOUBT_CHECK(room->join().context("joining the room"));
  for (const auto& [name, csv] : room->plan_.tables) {
    Dataset& dataset = room->datasets_[name];
    dataset.owner = room->parties_[room->datasets_.size() % room->parties_.size()].get();
    REDOUBT_CHECK(room->put(name, dataset).context("dataset " + name));
  }
  return room;
}

Status LiveRoom::make_contract() {
  REDOUBT_TRY(const auto platform, hub_->platform());
  REDOUBT_TRY(roots_, crypto::Certificate::parse_pem_bundle(platform.tpm_roots));
  REDOUBT_TRY(const auto program, sdk::measure_cleanroom(plan_.program));
  sdk::ContractPlan contract;
  contract.environment = plan_.name;
  for (const auto& party : parties_) contract.members.push_back({party->keys.public_keys(), true});
  contract.k = plan_.k;
  contract.privacy_floor = jobs::PrivacyLevel::none;
  contract.programs = {{"redoubt-cleanroom", program.digest()}};
  contract.tpm_roots = roots_;
  contract.accept_host_asserted = contract.accept_software_tpm = true;
  REDOUBT_TRY(contract_, sdk::build_contract(contract));
  REDOUBT_TRY(id_, hub_->create_environment(contract_.canonical(), contract_.digest().hex()));
  return {};
}

Status LiveRoom::join() {
  REDOUBT_TRY(auto view, hub_->environment(id_));
  for (auto waited = kFirstLook; view.state != "running" || view.address.empty(); waited += kFirstLook) {
    if (waited > kRoomStart || view.state == "failed") return Error(Code::unavailable, "the hub's program is " + view.state);
    plan_.sleep(kFirstLook);
    REDOUBT_TRY(view, hub_->environment(id_));
  }
  REDOUBT_TRY(const auto address, sdk::Address::parse(view.address));
  for (const auto& party : parties_) {
    REDOUBT_TRY(auto door, sdk::OpenDoor::connect(address));
    const sdk::Enrolling with{contract_.evidence, roots_, party->keys.enroller(), plan_.make_credential, plan_.random, plan_.now()};
    REDOUBT_TRY(auto enrolled, sdk::enrol(door, with, {}));
    party->enrolments = {enrolled.enrolment};
    appraise::Endorsements endorsements;
    endorsements.tpm_roots = roots_;
    endorsements.enrolments = party->enrolments;
    endorsements.self = party->keys.enroller().public_key();
    const sdk::Relying relying{contract_, party->keys,
                               [appraise = plan_.appraise, policy = contract_.evidence, endorsements](
                                   const appraise::Evidence& evidence, const appraise::Challenge& challenge, Instant now) {
                                 return appraise(evidence, endorsements, challenge, policy, now);
                               },
                               plan_.random, plan_.now};
    REDOUBT_TRY(auto connected, sdk::EnclaveClient::connect(address, relying));
    party->enclave.emplace(std::move(connected));
    REDOUBT_CHECK(party->enclave->leave_enrolment(enrolled.enrolment.encode()));
    REDOUBT_CHECK(party->enclave->join());
  }
  for (const auto& party : parties_) {
    REDOUBT_TRY(party->instance, party->enclave->instance());
  }
  return {};
}

Status LiveRoom::put(const std::string& name, Dataset& dataset) {
  const std::string& csv = plan_.tables.at(name);
  const jobs::PrivacyLoss budget{std::string(kBudgetEpsilon), std::string(kBudgetDelta)};
  sdk::DatasetPlan plan{name, dataset.version + 1, plan_.columns.at(name), budget};
  REDOUBT_TRY(auto sealed, sdk::seal_dataset(plan, as_bytes(csv), contract_.digest(), dataset.owner->keys, plan_.random));
  REDOUBT_TRY(const std::uint64_t held, hub_->put_dataset(id_, sealed.dataset.document));
  REDOUBT_CHECK(hub_->upload(id_, sealed.dataset.manifest.digest().hex(), sealed.envelope, held, {}));
  REDOUBT_CHECK(dataset.owner->enclave->release(sealed.dataset.document, sealed.dataset.object_key));
  ++versions_;
  dataset.version = plan.version;
  dataset.known = {std::move(sealed.dataset.manifest), std::move(sealed.dataset.document), "released"};
  dataset.asked = false;
  return {};
}

Status LiveRoom::fresh(const std::vector<std::string>& datasets) {
  for (const std::string& name : datasets) {
    const auto found = datasets_.find(name);
    if (found != datasets_.end() && found->second.asked) REDOUBT_CHECK(put(name, found->second).context("dataset " + name));
  }
  return {};
}

Result<jobs::Proposal> LiveRoom::proposal_of(const Question& question) {
  const Party& proposer = *parties_.front();
  sdk::ProposalPlan plan{question.sql, {}, {proposer.keys.name()}, question.k, plan_.now().plus_seconds(3600), question.level};
  for (const std::string& name : question.datasets) {
    const auto found = datasets_.find(name);
    if (found == datasets_.end()) return Error(Code::not_found, "no dataset \"" + name + "\"");
    plan.manifests.push_back(found->second.known.manifest.digest());
  }
  return sdk::make_proposal(plan, contract_, proposer.enclave->claims(), *proposer.instance, proposer.keys.name(), plan_.random);
}

// refused: a proposal that the room does not take. One without a rule was not refused for what it asks.
Result<Reply> LiveRoom::refused(const Error& error, const Question& question) const {
  Reply reply;
  if (error.code() == Code::refused) reply.rule = rule_in(error.message());
  if (!reply.rule.empty()) return reply;
  return error.context("asking at the level " + std::string(name_of(question.level)));
}

Result<Reply> LiveRoom::ask(const Question& question) {
  REDOUBT_TRY(const auto proposal, proposal_of(question));
  const Party& proposer = *parties_.front();
  const auto submitted = hub_->submit(id_, jobs::sign_document(jobs::kProposalType, proposal.canonical(), proposer.keys.signing()));
  if (!submitted.ok()) return refused(submitted.error(), question);
  if (question.level != jobs::PrivacyLevel::none) {
    for (const std::string& name : question.datasets) datasets_.at(name).asked = true;
  }
  REDOUBT_TRY([[maybe_unused]] const auto checkpoint,
              sdk::check_reservation(proposal.digest(), submitted->index, submitted->inclusion, submitted->checkpoint, proposer.enclave->claims()));
  REDOUBT_CHECK(approve(proposal).context("approving"));
  return outcome(proposal);
}

Status LiveRoom::approve(const jobs::Proposal& proposal) {
  std::vector<sdk::KnownDataset> known;
  for (const auto& [name, dataset] : datasets_) known.push_back(dataset.known);
  for (const auto& party : parties_) {
    REDOUBT_TRY(const auto seen, party->enclave->reservation(proposal.digest(), nullptr));
    REDOUBT_CHECK(sdk::judge_terms(seen.proposal, contract_, party->enclave->claims(), *party->instance, known, nullptr));
    const auto ballot = sdk::make_ballot(seen.proposal, jobs::Decision::approve, seen.head, seen.log_size, proposal.expires, party->keys, plan_.random);
    REDOUBT_TRY([[maybe_unused]] const auto tally, hub_->vote(id_, proposal.digest().hex(), jobs::Decision::approve, ballot));
  }
  return {};
}

Result<Reply> LiveRoom::outcome(const jobs::Proposal& proposal) {
  const std::string query = proposal.digest().hex();
  std::chrono::milliseconds pause{10};
  for (std::chrono::milliseconds waited{0}; waited < kRun; waited += pause) {
    REDOUBT_TRY(const auto view, hub_->query(id_, query));
    if (view.state == "done") {
      REDOUBT_TRY(const std::uint64_t rows, open_result(proposal).context("opening the result"));
      return Reply{true, "", rows};
    }
    if (view.state == "failed" && view.reason.ends_with(kNotAnswered)) return Reply{};
    if (view.state == "failed" || view.state == "rejected") return Error(Code::unavailable, "the query is " + view.state + ": " + view.reason);
    plan_.sleep(pause);
    pause = std::min(pause * 2, kLastPoll);
  }
  return Error(Code::unavailable, "the query was not run in time");
}

// open_result: as its recipient does, with the receipt that came with it.
Result<std::uint64_t> LiveRoom::open_result(const jobs::Proposal& proposal) {
  const Party& recipient = *parties_.front();
  const std::string query = proposal.digest().hex();
  REDOUBT_TRY(const std::string text, hub_->receipt(id_, query));
  REDOUBT_TRY(const auto file, receipt::ReceiptFile::parse(text));
  REDOUBT_TRY(const auto body, receipt::ReceiptBody::parse(file.receipt.body));
  REDOUBT_TRY(const Bytes sealed, hub_->result(id_, query, recipient.keys.name()));
  REDOUBT_TRY(const auto result, sdk::open_result(sealed, recipient.keys.hpke(), body.digest()));
  receipt::VerifierKnowledge knowledge;
  const jobs::Terms& terms = proposal.terms;
  knowledge.openings = sdk::openings_of(result, {proposal.sql, terms.manifests, terms.level, terms.k, terms.noise});
  REDOUBT_TRY(const auto verdict, sdk::check_receipt(file, {contract_, roots_, recipient.keys.enroller().public_key(), std::move(knowledge), plan_.appraise,
                                                            plan_.now(), proposal.digest()}));
  REDOUBT_CHECK(verdict.accepted());
  return result.table.rows.size();
}

}  // namespace redoubt::corpus
