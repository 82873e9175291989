// The run: from approved ballots to sealed packages and a receipt.
#include "enclave/workloads/cleanroom/room.h"
#include "enclave/workloads/cleanroom/unanswered.h"

namespace redoubt::cleanroom {

Result<std::vector<TableView>> Room::tables(const jobs::Terms& terms) const {
  std::vector<TableView> views;
  for (const jobs::ManifestDigest& digest : terms.manifests) {
    const auto found = datasets_.find(digest);
    if (found == datasets_.end() || found->second.state() != DatasetState::ready) {
      return Error(Code::unavailable, "dataset " + digest.hex() + " is not ready: its owner releases the key, the host its ciphertext");
    }
    const jobs::Manifest& manifest = found->second.manifest();
    if (const std::uint64_t newest = versions_.at(manifest.dataset); manifest.version < newest) {
      return Error(Code::freshness, "dataset \"" + manifest.dataset + "\" has a newer version " + std::to_string(newest) +
                                        " than the approved " + std::to_string(manifest.version));
    }
    views.push_back(found->second.view());
  }
  return views;
}

Result<RunOutput> Room::run(const jobs::ProposalDigest& proposal) {
  const std::lock_guard lock(mutex_);
  const auto begun = tick_.begin();
  const auto found = queries_.find(proposal);
  if (found != queries_.end() && found->second.output) return *found->second.output;
  REDOUBT_CHECK(require_open());
  REDOUBT_TRY(const Instant time, now());
  if (found == queries_.end()) return Error(Code::not_found, "no proposal " + proposal.hex());
  Query& query = found->second;
  REDOUBT_CHECK(check_approved(query, time));
  const jobs::Terms& terms = query.reserved.proposal.terms;
  REDOUBT_TRY(const std::vector<TableView> views, tables(terms));
  REDOUBT_TRY(const std::vector<Asked> before, earlier(query.reserved));
  bool allowed = true;
  if (terms.noise) {
    REDOUBT_TRY(allowed, noise_allowed(query.reserved));
  }
  REDOUBT_TRY(const SecretBytes seed, noise_seed(terms));
  const auto table = allowed ? engine_.run(query.reserved.proposal.sql, views, {terms.level, terms.k, terms.noise}, before, seed.reveal())
                             : Result<jobs::ResultTable>(unanswered());
  if (!table.ok()) return not_answered(proposal, "", begun);
  REDOUBT_TRY(const RoomRecord kept, finish(query, *table, time));
  const Status settled = settle(kept);
  if (!settled.ok() && settled.error().code() == Code::refused) return not_answered(proposal, "", begun);  // too large to be kept, which its text would tell
  REDOUBT_CHECK(settled);
  return *query.output;
}

receipt::ReceiptBody Room::receipt_body(const Query& query, const std::string& result, const receipt::Salt& salt,
                                        std::uint64_t sequence, Instant now) const {
  const jobs::Terms& terms = query.reserved.proposal.terms;
  receipt::ReceiptBody body;
  body.workload = identity_.claims.workload;
  body.contract = contract_digest_;
  body.instance = identity_.claims.instance;
  body.boot = identity_.claims.boot;
  body.sequence = sequence;
  body.measurement = receipt::Measurement(identity_.program.array());
  body.claims = identity_.claims.digest();
  body.time = {floor_.value(), now};
  body.commitments.emplace(receipt::kRequest, commit(receipt::kRequest, salt, as_bytes(query.reserved.proposal.sql)));
  body.commitments.emplace(receipt::kInputs, commit(receipt::kInputs, salt, jobs::inputs_statement(terms.manifests)));
  body.commitments.emplace(receipt::kParameters, commit(receipt::kParameters, salt, jobs::parameters_statement(terms.level, terms.k, terms.noise)));
  body.commitments.emplace(receipt::kResult, commit(receipt::kResult, salt, as_bytes(result)));
  body.facts.emplace("level", name_of(terms.level));
  body.facts.emplace("k", std::to_string(terms.k));
  if (terms.noise) {
    body.facts.emplace("epsilon", terms.noise->loss.epsilon);
    body.facts.emplace("delta", terms.noise->loss.delta);
  }
  if (!contract_.approval.submitter_counts) body.facts.emplace(jobs::kProposerFact, query.reserved.proposal.proposer);
  for (const std::string& voter : query.counted) {
    body.approvals.push_back(receipt::approval_digest(query.ballot_documents.at(voter).encode()));
  }
  for (const std::string& name : terms.recipients) {
    body.recipients.push_back(receipt::recipient_digest(contract_.find(name)->hpke_key.view()));
  }
  std::ranges::sort(body.approvals);
  std::ranges::sort(body.recipients);
  body.rules = terms.rule_set;
  body.previous = identity_.previous;
  return body;
}

ResultPackage Room::seal(const jobs::Participant& recipient, const std::string& result, const receipt::Salt& salt,
                         const crypto::Sha256Digest& body) const {
  const std::string package = json::canonical(json::Object{{"result", result}, {"salt", hex_encode(salt.reveal())}});
  const Bytes padded = jobs::pad_to_bucket(as_bytes(package));
  const Bytes info = jobs::result_statement(body, recipient.hpke_key);
  // Only a recipient key of small order could fail, and no contract has one.
  const auto message = crypto::hpke_seal(recipient.hpke_key, info, {}, padded, random_);
  return {recipient.name, message.ok() ? message->bytes() : Bytes()};
}

Result<std::optional<receipt::CarriedProof>> Room::carried_proof(const Query& query) const {
  REDOUBT_TRY(const Origin from, origin(query.reserved.proposal.terms.instance));
  if (!from.position) return std::optional<receipt::CarriedProof>();
  std::vector<jobs::LogHead> heads;
  for (const std::string& voter : query.counted) heads.push_back(query.ballots.at(voter).head);
  REDOUBT_TRY(auto proof, predecessor_.proof(*from.position, heads));
  return std::optional(std::move(proof));
}

Status Room::add_heads(const Query& query, const receipt::Log& log, receipt::ReceiptFile& file) const {
  if (file.carried) return {};
  for (const std::string& voter : query.counted) {
    const jobs::LogHead& head = query.ballots.at(voter).head;
    REDOUBT_TRY(auto proof, log.tree().consistency(head.size, log.size()));
    file.extends.push_back({head.size, head.root, std::move(proof)});
  }
  return {};
}

Result<RoomRecord> Room::finish(const Query& query, const jobs::ResultTable& table, Instant now) const {
  const std::string result = json::canonical(table.to_json());
  const receipt::Salt salt = receipt::Salt::draw(random_);
  // The `run` entry comes first and the receipt next, both in one record with the packages: a run without a receipt would be one that
  // nobody can check, and that is made again.
  const receipt::ReceiptBody body = receipt_body(query, result, salt, log_.size() + 1, now);
  REDOUBT_CHECK(receipt::ReceiptBody::parse(body.canonical()).context("receipt"));

  RoomRecord kept = record(RoomRecord::Kind::run);
  std::vector<ResultPackage> packages;
  for (const std::string& name : query.reserved.proposal.terms.recipients) {
    packages.push_back(seal(*contract_.find(name), result, salt, body.digest()));
    if (packages.back().sealed.empty()) return Error(Code::malformed, "the key of recipient \"" + name + "\" cannot be used");
  }

  receipt::ReceiptFile file;
  file.previous = predecessor_.checkpoint();
  REDOUBT_TRY(file.carried, carried_proof(query));

  receipt::Log ahead = log_;  // as it will be
  kept.entries.push_back({std::string(receipt::kRunEntry), crypto::Sha256Digest(query.reserved.digest.array())});
  ahead.append(kept.entries.back());
  REDOUBT_TRY(file.receipt, receipt::issue_receipt(body, identity_.evidence.digest(), ahead, identity_.receipt_key));
  kept.entries.push_back({std::string(receipt::kReceiptEntry), body.digest()});
  REDOUBT_CHECK(add_heads(query, ahead, file));
  file.evidence = identity_.evidence;
  for (const auto& [name, enrolment] : identity_.enrolments) file.enrolments.push_back(enrolment);
  file.contract = contract_.canonical();
  for (const auto& [name, signature] : joined_) {
    file.acceptances.push_back(json::canonical(json::Object{{"participant", name}, {"signature", signature.hex()}}));
  }
  for (const std::string& voter : query.counted) file.ballots.push_back(query.ballot_documents.at(voter).encode());
  for (const jobs::ManifestDigest& digest : query.reserved.proposal.terms.manifests) {
    file.manifests.push_back(datasets_.at(digest).document().encode());
  }
  kept.add(query.reserved.digest.view()).add(file.json());
  for (const ResultPackage& package : packages) kept.add(package.recipient).add(package.sealed);
  return kept;
}

}  // namespace redoubt::cleanroom
