#include "client/sdk/receipt_check.h"

#include "common/attest/evidence/binding.h"
#include "common/jobs/cleanroom/carry_over.h"
#include "common/jobs/cleanroom/verdict.h"

namespace redoubt::sdk {
namespace {

using receipt::Outcome;
using receipt::ReceiptCheck;
using Owners = std::map<jobs::ManifestDigest, std::string>;

ReceiptCheck outcome_of(std::string id, const Status& status) {
  if (status.ok()) return {std::move(id), Outcome::passed, Code::binding, ""};
  return {std::move(id), Outcome::failed, status.error().code(), status.error().message()};
}

struct ParticipantSignature {
  const jobs::Participant* participant;
  crypto::Ed25519Signature signature;  // unverified
};

// read_signature: {"participant": name, "signature": hex}, of somebody whom the contract lists.
Result<ParticipantSignature> read_signature(const std::string& text, const jobs::Contract& contract, std::string_view what) {
  REDOUBT_TRY(const json::Value value, json::parse_signed(text, {.max_bytes = 1024, .max_depth = 1}).context(what));
  json::ObjectReader reader(value, what);
  const std::string name = reader.string("participant");
  const auto signature = reader.hex<crypto::Ed25519Signature>("signature");
  REDOUBT_CHECK(reader.finish());
  const jobs::Participant* participant = contract.find(name);
  if (participant == nullptr) return Error(Code::auth, "\"" + name.substr(0, 64) + "\" is not in the contract");
  return ParticipantSignature{participant, signature};
}

Status check_acceptances(const receipt::ReceiptFile& file, const jobs::Contract& contract, const InstanceId& instance) {
  const Bytes statement = jobs::instance_statement(contract.digest(), instance);
  std::vector<std::string> joined;
  for (const std::string& text : file.acceptances) {
    REDOUBT_TRY(const auto accepted, read_signature(text, contract, "acceptance"));
    const std::string& name = accepted.participant->name;
    REDOUBT_CHECK(crypto::verify(accepted.participant->signing_key, statement, accepted.signature).context("acceptance by " + name));
    joined.push_back(name);
  }
  for (const jobs::Participant& participant : contract.participants) {
    if (std::ranges::find(joined, participant.name) == joined.end()) {
      return Error(Code::binding, "participant \"" + participant.name + "\" has not accepted this instance");
    }
  }
  return {};
}

// check_carried: every participant signed that this instance goes on from the old logs, the last of which the receipt itself
// names; and the heads that old ballots name are heads of those logs.
Result<jobs::CarryOver> check_carried(const receipt::CarriedProof& carried, const jobs::Contract& contract, const receipt::ReceiptBody& body) {
  REDOUBT_TRY(auto statement, jobs::CarryOver::parse(carried.statement));
  jobs::CarryOver expected = statement;
  expected.contract = contract.digest();
  expected.instance = body.instance;
  REDOUBT_CHECK(jobs::check_carry_over(expected, statement));
  const jobs::CarriedHead& last = statement.heads.back();
  const receipt::TreeHead head{receipt::log_origin(last.instance), last.head.size, last.head.root};
  if (!body.previous || *body.previous != head) {
    return Error(Code::binding, "carry-over: the receipt does not name the head of " + last.instance.hex() + " as the one before");
  }
  std::vector<std::string> signers;
  for (const std::string& text : carried.signatures) {
    REDOUBT_TRY(const auto by, read_signature(text, contract, "carry-over"));
    REDOUBT_CHECK(jobs::verify_document(jobs::kCarryOverType, {carried.statement, by.signature}, by.participant->signing_key)
                      .context("carry-over by " + by.participant->name));
    signers.push_back(by.participant->name);
  }
  for (const jobs::Participant& participant : contract.participants) {
    if (std::ranges::find(signers, participant.name) == signers.end()) {
      return Error(Code::binding, "carry-over: participant \"" + participant.name + "\" has not signed it");
    }
  }
  for (const auto& [instance, earlier] : carried.heads) {
    const jobs::CarriedHead* old = statement.find(instance);
    if (old == nullptr) return Error(Code::binding, "carry-over: instance " + instance.hex() + " is not in it");
    REDOUBT_CHECK(receipt::verify_consistency(earlier.size, earlier.root, old->head.size, old->head.root, earlier.proof)
                      .context("carry-over: log of " + instance.hex()));
  }
  return statement;
}

// check_head: the log of the instance that the ballot names went on from the head that its voter saw.
Status check_head(const receipt::ReceiptFile& file, const jobs::Ballot& ballot, const InstanceId& instance, const jobs::CarryOver* carried) {
  const auto is_head = [&](const receipt::EarlierHead& head) { return head.size == ballot.head.size && head.root == ballot.head.root; };
  bool extended = false;
  if (ballot.terms.instance == instance) {
    extended = std::ranges::any_of(file.extends, is_head);
  } else if (carried == nullptr || carried->find(ballot.terms.instance) == nullptr) {
    return Error(Code::binding, "ballot of " + ballot.voter + ": made for another instance, which was not carried over");
  } else {
    extended = std::ranges::any_of(file.carried->heads, [&](const auto& head) {
      return head.instance == ballot.terms.instance && is_head(head.earlier);
    });
  }
  if (extended) return {};
  return Error(Code::log_proof, "ballot of " + ballot.voter + ": no proof that the log extends the head it names");
}

// check_manifests gives the owner of each manifest in the file.
Result<Owners> check_manifests(const receipt::ReceiptFile& file, const jobs::Contract& contract) {
  Owners owners;
  for (const std::string& text : file.manifests) {
    REDOUBT_TRY(const auto document, jobs::SignedDocument::decode(text, jobs::Manifest::kMaxBytes));
    REDOUBT_TRY(const auto manifest, jobs::Manifest::parse(document.text));
    const jobs::Participant* owner = contract.find(manifest.owner);
    if (owner == nullptr) return Error(Code::auth, "owner \"" + manifest.owner + "\" is not in the contract");
    REDOUBT_CHECK(jobs::verify_document(jobs::kManifestType, document, owner->signing_key).context("dataset " + manifest.dataset));
    if (manifest.contract != contract.digest()) return Error(Code::binding, "dataset " + manifest.dataset + ": of another contract");
    owners.emplace(manifest.digest(), manifest.owner);
  }
  return owners;
}

// What the ballots of a receipt are judged by, besides the file itself.
struct BallotContext {
  const jobs::Contract& contract;
  const receipt::ReceiptBody& body;
  const jobs::CarryOver* carried;                // what check_carried accepted, or null
  const Owners* owners;                          // what check_manifests accepted, or null
  std::optional<jobs::ProposalDigest> proposal;  // the one that was asked for, if that is known
};

// read_ballot: a ballot that one who has a vote signed for this contract, program and rule set, over a head that is proven.
Result<jobs::Ballot> read_ballot(const std::string& text, const receipt::ReceiptFile& file, const BallotContext& context) {
  REDOUBT_TRY(const auto document, jobs::SignedDocument::decode(text, jobs::Ballot::kMaxBytes));
  REDOUBT_TRY(auto ballot, jobs::Ballot::parse(document.text));
  const jobs::Participant* voter = context.contract.find(ballot.voter);
  if (voter == nullptr || !voter->votes) return Error(Code::auth, "\"" + ballot.voter + "\" has no vote in the contract");
  REDOUBT_CHECK(jobs::verify_document(jobs::kBallotType, document, voter->signing_key).context("ballot of " + ballot.voter));
  if (ballot.terms.contract != context.body.contract || ballot.terms.rule_set != context.body.rules ||
      !equal(ballot.terms.program.view(), context.body.measurement.view())) {
    return Error(Code::binding, "ballot of " + ballot.voter + ": made for another contract, program or rule set");
  }
  REDOUBT_CHECK(check_head(file, ballot, context.body.instance, context.carried));
  return ballot;
}

// entries_before: how many entries the program counted when it judged the ballots: those of the logs since the one that they name, and
// of its own up to its `run` entry, which stands just before the receipt.
std::uint64_t entries_before(const jobs::Terms& terms, const BallotContext& context) {
  std::uint64_t count = context.body.sequence == 0 ? 0 : context.body.sequence - 1;
  if (context.carried == nullptr || terms.instance == context.body.instance) return count;
  bool since = false;
  for (const jobs::CarriedHead& head : context.carried->heads) {
    since = since || head.instance == terms.instance;
    if (since) count += head.head.size;
  }
  return count;
}

// subject_of: what the contract's rule asks of the proposal. The receipt says who proposed it where that matters; the owners are those
// of the manifests that the voters signed for.
Result<jobs::Subject> subject_of(const jobs::Terms& terms, const BallotContext& context) {
  jobs::Subject subject;
  if (!context.contract.approval.submitter_counts) {
    const auto fact = context.body.facts.find(jobs::kProposerFact);
    if (fact == context.body.facts.end()) {
      return Error(Code::binding, "the receipt does not name the proposer, whose own approval the contract does not count");
    }
    subject.submitter = fact->second;
  }
  if (context.contract.approval.rule != jobs::ApprovalRule::owners) return subject;
  for (const jobs::ManifestDigest& digest : terms.manifests) {
    if (context.owners == nullptr || !context.owners->contains(digest)) {
      return Error(Code::binding, "manifest " + digest.hex() + ": not shown, so that nobody can tell whether its owner approved");
    }
    subject.owners.push_back(context.owners->at(digest));
  }
  return subject;
}

// check_ballots: the contract's rule, by the function that the program evaluated, at the time and log size at which it did.
Status check_ballots(const receipt::ReceiptFile& file, const BallotContext& context) {
  std::vector<jobs::Vote> votes;
  std::optional<jobs::Ballot> first;  // all of them must speak of one proposal in the same terms
  for (const std::string& text : file.ballots) {
    REDOUBT_TRY(const auto ballot, read_ballot(text, file, context));
    if (!first) first = ballot;
    const jobs::ProposalDigest proposal = context.proposal.value_or(first->proposal);
    if (ballot.proposal != proposal) {
      return Error(Code::binding, "ballot of " + ballot.voter + ": expected proposal " + proposal.hex() + ", found " + ballot.proposal.hex());
    }
    REDOUBT_CHECK(jobs::check_terms(first->terms, ballot.terms).context("ballot of " + ballot.voter));
    votes.push_back(jobs::Vote::of(ballot));
  }
  if (!first) return Error(Code::binding, "no ballots: nobody approved");
  REDOUBT_TRY(const jobs::Subject subject, subject_of(first->terms, context));
  const jobs::Verdict verdict = jobs::decide(context.contract, subject, votes, {context.body.time, entries_before(first->terms, context)});
  if (verdict.met()) return {};
  if (!verdict.awaited.empty()) return Error(Code::binding, verdict.reason + "; no approval by \"" + verdict.awaited.front() + "\"");
  return Error(Code::binding, verdict.reason);
}

// enrolments_of: those that can be read. An enrolment only adds trust, so one that is broken is as good as none: whoever left it must
// not be able to hinder the others.
std::vector<tpm::AkEnrolment> enrolments_of(const receipt::ReceiptFile& file) {
  std::vector<tpm::AkEnrolment> enrolments;
  for (const Bytes& bytes : file.enrolments) {
    auto enrolment = tpm::AkEnrolment::decode(bytes);
    if (enrolment.ok()) enrolments.push_back(std::move(*enrolment));
  }
  return enrolments;
}

}  // namespace

Status ReceiptVerdict::accepted() const {
  if (!appraisal) return Error(Code::internal, "the Evidence was not appraised");
  REDOUBT_CHECK(appraisal->accepted().context("appraising the Evidence"));
  REDOUBT_CHECK(report.accepted());
  for (const ReceiptCheck& check : report.checks) {
    if (check.outcome == Outcome::failed) return Error(check.code, check.id + ": " + check.detail);
  }
  return {};
}

Result<ReceiptVerdict> check_receipt(const receipt::ReceiptFile& file, ReceiptVerifier verifier) {
  REDOUBT_TRY(const attest::Claims claims, attest::Claims::parse(file.evidence.claims).context("claims"));
  appraise::Endorsements endorsements;
  endorsements.tpm_roots = std::move(verifier.roots);
  endorsements.enrolments = enrolments_of(file);
  endorsements.self = verifier.self;
  const ContractDigest contract = verifier.contract.digest();
  const appraise::Challenge challenge{attest::identity_statement(file.evidence.challenge, claims.digest()), claims, contract};
  REDOUBT_TRY(auto appraisal, verifier.appraise({file.evidence.format, file.evidence.bytes}, endorsements, challenge,
                                                verifier.contract.evidence, verifier.now)
                                  .context("appraising the Evidence"));
  receipt::SignerIdentity signer{claims.receipt_key, claims.digest(), claims.instance, claims.boot,
                                 claims.contract,    claims.workload, std::nullopt};
  if (appraisal.program) signer.measurement = receipt::Measurement(appraisal.program->array());
  verifier.knowledge.contract = contract;
  REDOUBT_TRY(auto report, receipt::verify_receipt(file, signer, verifier.knowledge));
  report.checks.push_back(outcome_of("contract.acceptances", check_acceptances(file, verifier.contract, report.body.instance)));
  std::optional<jobs::CarryOver> carried;
  if (file.carried) {
    auto checked = check_carried(*file.carried, verifier.contract, report.body);
    report.checks.push_back(outcome_of("contract.carried", checked.ok() ? Status() : Status(checked.error())));
    if (checked.ok()) carried = std::move(*checked);
  } else {
    report.checks.push_back({"contract.carried", Outcome::not_shown, Code::binding, "nothing was carried over from an earlier instance"});
  }
  const auto owners = check_manifests(file, verifier.contract);
  const BallotContext context{verifier.contract, report.body, carried ? &*carried : nullptr, owners.ok() ? &*owners : nullptr, verifier.proposal};
  report.checks.push_back(outcome_of("contract.ballots", check_ballots(file, context)));
  report.checks.push_back(outcome_of("contract.manifests", owners.ok() ? Status() : Status(owners.error())));
  return ReceiptVerdict{std::move(appraisal), std::move(report)};
}

Result<OpenedResult> open_result(ByteView sealed, const crypto::HpkePrivateKey& key, const crypto::Sha256Digest& receipt_body) {
  REDOUBT_TRY(const auto message, crypto::HpkeMessage::parse(sealed).context("result package"));
  const Bytes info = jobs::result_statement(receipt_body, key.public_key());
  REDOUBT_TRY(const Bytes padded, crypto::hpke_open(key, message, info, {}).context("opening the result package"));
  REDOUBT_TRY(const Bytes text, jobs::unpad(padded));
  REDOUBT_TRY(const json::Value package,
              json::parse_signed(as_text(text), {.max_bytes = 2 * jobs::ResultTable::kMaxBytes, .max_depth = 4}).context("result package"));
  json::ObjectReader reader(package, "result package");
  const std::string result = reader.nonempty("result", jobs::ResultTable::kMaxBytes);
  const auto salt_bytes = reader.hex<FixedBytes<struct PackageSaltTag, receipt::Salt::kSize>>("salt");
  REDOUBT_CHECK(reader.finish());
  REDOUBT_TRY(auto salt, receipt::Salt::from(salt_bytes.view()));
  REDOUBT_TRY(const json::Value value, json::parse(result, {.max_bytes = jobs::ResultTable::kMaxBytes}).context("result"));
  REDOUBT_TRY(auto table, jobs::ResultTable::from_json(value));
  return OpenedResult{result, std::move(salt), std::move(table)};
}

std::vector<receipt::Opening> openings_of(const OpenedResult& result, const ResultSubject& subject) {
  std::vector<receipt::Opening> openings;
  const auto add = [&](std::string_view label, ByteView value) {
    openings.push_back({std::string(label), result.salt.clone(), to_bytes(value)});
  };
  add(receipt::kRequest, as_bytes(subject.sql));
  add(receipt::kInputs, jobs::inputs_statement(subject.manifests));
  add(receipt::kParameters, jobs::parameters_statement(subject.level, subject.k, subject.noise));
  add(receipt::kResult, as_bytes(result.text));
  return openings;
}

}  // namespace redoubt::sdk
