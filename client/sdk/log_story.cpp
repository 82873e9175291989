#include "client/sdk/log_story.h"

#include <set>

#include "client/sdk/audit.h"
#include "common/jobs/cleanroom/log_entries.h"
#include "engines/sql/accounts/noise_budget.h"

namespace redoubt::sdk {
namespace {

using cleanroom::NoiseBudget;
using receipt::LogEntry;
using receipt::Outcome;
using receipt::ReceiptCheck;

// Finding: one check in the making: the first contradiction counts, and how many entries nothing could be said of.
struct Finding {
  std::optional<Error> wrong;
  std::size_t seen = 0;
  std::size_t untold = 0;
  std::string why;  // of the first untold one

  void fail(Code code, std::size_t index, std::string_view what) {
    if (!wrong) wrong.emplace(code, "entry " + std::to_string(index) + ": " + std::string(what));
  }
  void leave(std::size_t index, std::string_view reason) {
    if (untold++ == 0) why = "entry " + std::to_string(index) + ": " + std::string(reason);
  }
  ReceiptCheck check(std::string id) const {
    if (wrong) return {std::move(id), Outcome::failed, wrong->code(), wrong->message()};
    if (untold == 0) return {std::move(id), Outcome::passed, Code::log_proof, ""};
    return {std::move(id), Outcome::not_shown, Code::log_proof, std::to_string(untold) + " of " + std::to_string(seen) + " entries are not explained; " + why};
  }
};

crypto::Sha256Digest content_of(const jobs::ManifestDigest& digest) { return crypto::Sha256Digest(digest.array()); }
crypto::Sha256Digest content_of(const receipt::ApprovalDigest& digest) { return crypto::Sha256Digest(digest.array()); }
crypto::Sha256Digest content_of(const jobs::ProposalDigest& digest) { return crypto::Sha256Digest(digest.array()); }

std::string short_name(const crypto::Sha256Digest& proposal) { return "query " + proposal.hex().substr(0, 12); }
std::string name_of_version(const jobs::Manifest& manifest) { return manifest.dataset + " version " + std::to_string(manifest.version); }

// Signed: the documents whose authors are in the contract and signed them; all others are as good as absent.
struct Signed {
  std::map<crypto::Sha256Digest, jobs::Manifest> manifests;
  std::map<crypto::Sha256Digest, jobs::Proposal> proposals;
  std::map<crypto::Sha256Digest, jobs::Ballot> ballots;  // by the content of their entries
  std::map<crypto::Sha256Digest, crypto::Sha256Digest> renewed;  // a lapsed approval, by the ballot whose voter names it
};

Signed verified(const LogDocuments& documents, const jobs::Contract& contract) {
  Signed out;
  const ContractDigest digest = contract.digest();
  const auto by = [&](std::string_view type, const std::string& author, const jobs::SignedDocument& document) {
    const jobs::Participant* found = contract.find(author);
    return found != nullptr && jobs::verify_document(type, document, found->signing_key).ok();
  };
  for (const jobs::SignedDocument& document : documents.manifests) {
    auto manifest = jobs::Manifest::parse(document.text);
    if (!manifest.ok() || manifest->contract != digest || !by(jobs::kManifestType, manifest->owner, document)) continue;
    const auto content = content_of(manifest->digest());
    out.manifests.emplace(content, std::move(*manifest));
  }
  for (const jobs::SignedDocument& document : documents.proposals) {
    auto proposal = jobs::Proposal::parse(document.text);
    if (!proposal.ok() || proposal->terms.contract != digest || !by(jobs::kProposalType, proposal->proposer, document)) continue;
    const auto content = content_of(proposal->digest());
    out.proposals.emplace(content, std::move(*proposal));
  }
  for (const jobs::SignedDocument& document : documents.ballots) {
    auto ballot = jobs::Ballot::parse(document.text);
    if (!ballot.ok() || ballot->terms.contract != digest || !by(jobs::kBallotType, ballot->voter, document)) continue;
    const auto content = content_of(receipt::approval_digest(document.encode()));
    if (ballot->renews) out.renewed.emplace(content_of(*ballot->renews), content);
    out.ballots.emplace(content, std::move(*ballot));
  }
  return out;
}

class Teller {
 public:
  Teller(const SavedLog& log, const jobs::Contract& contract, const LogDocuments& documents)
      : log_(log), contract_(contract), documents_(documents), signed_(verified(documents, contract)) {}

  LogStory tell() {
    LogStory story{about_receipts(log_.entries()), {}};
    for (std::size_t i = 0; i < log_.entries().size(); ++i) {
      const LogEntry& entry = log_.entries()[i];
      std::string& about = story.about[i];
      if (entry.kind == jobs::kUploadEntry) about = upload(i, entry);
      if (entry.kind == jobs::kKeyReleaseEntry) about = key_release(i, entry);
      if (entry.kind == receipt::kDatasetEntry) about = taken_in(i, entry);
      if (entry.kind == receipt::kReservationEntry) about = reservation(i, entry);
      if (entry.kind == receipt::kBallotEntry) about = ballot(i, entry);
      if (entry.kind == jobs::kBudgetEntry) about = charge(i);
      if (entry.kind == receipt::kRefusalEntry || entry.kind == receipt::kRunEntry) about = query(entry);
    }
    story.checks = {identity(), uploads_.check("log.uploads"), releases_.check("log.key_releases"), ballots_.check("log.ballots"), budgets_.check("log.budgets")};
    return story;
  }

 private:
  // identity: the claims are those that the last boot logged, of the instance and under the key that the log is of.
  ReceiptCheck identity() const {
    const auto result = [&]() -> Status {
      const attest::Claims& claims = documents_.claims;
      if (claims.instance != log_.instance()) return Error(Code::binding, "claims: expected instance " + log_.instance().hex() + ", found " + claims.instance.hex());
      if (claims.receipt_key != log_.checkpoint().key()) return Error(Code::binding, "claims: another receipt key than the one that signed the head");
      if (claims.contract != contract_.digest()) return Error(Code::binding, "claims: expected contract " + contract_.digest().hex() + ", found " + claims.contract.hex());
      std::optional<receipt::TreeHead> previous;
      if (!documents_.previous.empty()) {
        REDOUBT_TRY(previous, receipt::TreeHead::parse(documents_.previous).context("previous"));
      }
      return check_boot(log_, log_.entries().size(), claims.digest(), previous);
    }();
    if (result.ok()) return {"log.identity", Outcome::passed, Code::log_proof, ""};
    return {"log.identity", Outcome::failed, result.error().code(), result.error().message()};
  }

  // expect_key: the next key of a dataset version that its owner may release to this identity.
  void expect_key(const crypto::Sha256Digest& manifest, std::uint64_t number) {
    const jobs::Manifest& known = signed_.manifests.at(manifest);
    const attest::Claims& claims = documents_.claims;
    expected_keys_.emplace(jobs::key_release_entry({known.digest(), known.owner, claims.instance, claims.hpke_key, number}).content, std::pair(manifest, number));
  }

  std::string upload(std::size_t index, const LogEntry& entry) {
    ++uploads_.seen;
    const auto found = signed_.manifests.find(entry.content);
    if (found == signed_.manifests.end()) {
      ++unknown_uploads_;
      uploads_.leave(index, "no manifest at hand that its owner signed has this digest");
      return "";
    }
    const jobs::Manifest& manifest = found->second;
    const auto [newest, first] = newest_.emplace(manifest.dataset, &manifest);
    if (!first) {
      if (newest->second->owner != manifest.owner) uploads_.fail(Code::log_proof, index, "dataset \"" + manifest.dataset + "\" belongs to \"" + newest->second->owner + "\"");
      if (newest->second->version >= manifest.version) uploads_.fail(Code::freshness, index, name_of_version(manifest) + " after version " + std::to_string(newest->second->version));
      newest->second = &manifest;
    }
    expect_key(entry.content, 1);
    return manifest.owner + " uploads " + name_of_version(manifest);
  }

  std::string key_release(std::size_t index, const LogEntry& entry) {
    ++releases_.seen;
    const auto found = expected_keys_.find(entry.content);
    if (found == expected_keys_.end()) {
      if (unknown_uploads_ == 0) {
        releases_.fail(Code::log_proof, index, "it is no key of a dataset in this log, released by its owner to this identity");
      } else {
        releases_.leave(index, "it is of a dataset whose manifest is not at hand");
      }
      return "";
    }
    const auto [manifest, number] = found->second;
    expected_keys_.erase(found);
    expect_key(manifest, number + 1);
    released_.insert(manifest);
    const jobs::Manifest& known = signed_.manifests.at(manifest);
    return known.owner + " releases key " + std::to_string(number) + " of " + name_of_version(known) + " to this instance";
  }

  std::string taken_in(std::size_t index, const LogEntry& entry) {
    ++uploads_.seen;
    const auto found = signed_.manifests.find(entry.content);
    if (found == signed_.manifests.end()) {
      uploads_.leave(index, "no manifest at hand that its owner signed has this digest");
      return "";
    }
    if (!released_.contains(entry.content)) uploads_.fail(Code::log_proof, index, name_of_version(found->second) + " was taken in, and its owner had released no key");
    return name_of_version(found->second) + " of " + found->second.owner;
  }

  std::string query(const LogEntry& entry) const {
    const auto found = signed_.proposals.find(entry.content);
    return found == signed_.proposals.end() ? "" : short_name(entry.content) + " by " + found->second.proposer;
  }

  std::string ballot(std::size_t index, const LogEntry& entry) {
    ++ballots_.seen;
    const auto found = signed_.ballots.find(entry.content);
    if (found == signed_.ballots.end()) {
      if (const auto renewed = signed_.renewed.find(entry.content); renewed != signed_.renewed.end()) return lapsed(index, entry, renewed->second);
      ballots_.leave(index, "no ballot at hand that its voter signed has this digest");
      return "";
    }
    const jobs::Ballot& ballot = found->second;
    const auto proposal = content_of(ballot.proposal);
    if (ballot.terms.instance == log_.instance() && !reserved_.contains(proposal)) ballots_.fail(Code::log_proof, index, "a ballot on " + short_name(proposal) + ", which was not reserved before it");
    if (!contract_.find(ballot.voter)->votes) ballots_.fail(Code::auth, index, "\"" + ballot.voter + "\" has no vote in the contract");
    const auto [before, first] = votes_.emplace(std::pair(proposal, ballot.voter), Voted{entry.content, &ballot});
    if (!first) {
      const bool follows = ballot.renews && content_of(*ballot.renews) == before->second.content && (before->second.ballot == nullptr || before->second.ballot->decision == jobs::Decision::approve);
      if (!follows) ballots_.fail(Code::log_proof, index, "\"" + ballot.voter + "\" has voted on " + short_name(proposal) + " before, and this one does not renew that");
      before->second = {entry.content, &ballot};
    }
    const std::string_view verb = ballot.decision == jobs::Decision::reject ? " rejects " : first ? " approves " : " approves again ";
    return ballot.voter + std::string(verb) + short_name(proposal);
  }

  // lapsed: a ballot that is not at hand, and that its voter's later one names.
  std::string lapsed(std::size_t index, const LogEntry& entry, const crypto::Sha256Digest& by) {
    const jobs::Ballot& later = signed_.ballots.at(by);
    const auto proposal = content_of(later.proposal);
    const bool first = votes_.emplace(std::pair(proposal, later.voter), Voted{entry.content, nullptr}).second;
    if (!first) ballots_.leave(index, "a ballot of \"" + later.voter + "\" that is not at hand comes after another");
    return later.voter + " approves " + short_name(proposal) + ", which lapsed";
  }

  std::string charge(std::size_t index) const {
    const std::vector<LogEntry>& entries = log_.entries();
    return index + 1 < entries.size() ? "charge for " + short_name(entries[index + 1].content) : "";
  }

  std::string reservation(std::size_t index, const LogEntry& entry) {
    reserved_.insert(entry.content);
    const LogEntry* const charged = index > 0 && log_.entries()[index - 1].kind == jobs::kBudgetEntry ? &log_.entries()[index - 1] : nullptr;
    if (charged != nullptr) ++budgets_.seen;
    const auto found = signed_.proposals.find(entry.content);
    if (found == signed_.proposals.end()) {
      if (charged != nullptr) lose(index - 1, "the proposal that it charges is not at hand");
      return "";
    }
    account(index, charged, found->second);
    return query(entry);
  }

  // lose: from here on nobody can tell what the accounts are.
  void lose(std::size_t index, std::string_view why) {
    lost_ = true;
    budgets_.leave(index, why);
  }

  // account replays one reservation, as the program did before it logged it.
  void account(std::size_t index, const LogEntry* charged, const jobs::Proposal& proposal) {
    if (!proposal.terms.noise) {
      if (charged != nullptr) budgets_.fail(Code::log_proof, index - 1, "it charges a query without noise");
      return;
    }
    if (charged == nullptr) ++budgets_.seen;
    if (!documents_.previous.empty()) return lose(index, "what the instances before this one were asked is not in this log");
    if (lost_) return budgets_.leave(index, "an earlier charge is not explained");
    std::vector<const jobs::Manifest*> manifests;
    for (const jobs::ManifestDigest& digest : proposal.terms.manifests) {
      const auto known = signed_.manifests.find(content_of(digest));
      if (known == signed_.manifests.end()) return lose(index, "the manifest of a dataset that it reads is not at hand");
      manifests.push_back(&known->second);
    }
    const auto verdict = accounts_.admit(proposal.terms, manifests);
    if (!verdict.ok() && verdict.error().code() != Code::refused) return lose(index, verdict.error().message());
    if (!verdict.ok() || *verdict == NoiseBudget::Verdict::refused) return budgets_.fail(Code::log_proof, index, "reserved, though the budgets of its datasets do not allow it");
    if (*verdict == NoiseBudget::Verdict::repeated) {
      if (charged != nullptr) budgets_.fail(Code::log_proof, index - 1, "it charges a question that was charged before");
      return;
    }
    if (charged == nullptr) return budgets_.fail(Code::log_proof, index, "a query with noise that was charged to no budget");
    const crypto::Sha256Digest expected = accounts_.digest(proposal.digest(), manifests);
    if (charged->content == expected) return;
    budgets_.fail(Code::log_proof, index - 1, "budgets: expected " + expected.hex() + ", found " + charged->content.hex());
  }

  const SavedLog& log_;
  const jobs::Contract& contract_;
  const LogDocuments& documents_;
  const Signed signed_;
  Finding uploads_, releases_, ballots_, budgets_;
  std::map<std::string, const jobs::Manifest*> newest_;  // by dataset name
  std::map<crypto::Sha256Digest, std::pair<crypto::Sha256Digest, std::uint64_t>> expected_keys_;  // entry to manifest and number
  std::set<crypto::Sha256Digest> released_, reserved_;
  struct Voted {
    crypto::Sha256Digest content;
    const jobs::Ballot* ballot;  // null where it is not at hand
  };
  std::map<std::pair<crypto::Sha256Digest, std::string>, Voted> votes_;
  std::size_t unknown_uploads_ = 0;
  NoiseBudget accounts_;
  bool lost_ = false;
};

}  // namespace

Status LogStory::refuted() const {
  for (const ReceiptCheck& check : checks) {
    if (check.outcome == Outcome::failed) return Error(check.code, check.id + ": " + check.detail);
  }
  return {};
}

LogStory explain(const SavedLog& log, const jobs::Contract& contract, const LogDocuments& documents) { return Teller(log, contract, documents).tell(); }

std::vector<std::string> about_receipts(const std::vector<receipt::LogEntry>& entries) {
  std::vector<std::string> out(entries.size());
  for (std::size_t i = 1; i < entries.size(); ++i) {
    if (entries[i].kind == receipt::kReceiptEntry && entries[i - 1].kind == receipt::kRunEntry) out[i] = "of " + short_name(entries[i - 1].content);
  }
  return out;
}

}  // namespace redoubt::sdk
