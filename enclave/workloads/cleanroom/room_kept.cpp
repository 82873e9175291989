// What was kept, checked once more when it is read back.
//
// The seal says that this program wrote the records, and nobody else could. Where the TPM is its operator's own software he can open the seal and write records himself; what
// participants signed he still cannot write. So nothing that needs a signature counts without it, and no record logs anything else than its kind does.
#include "common/attest/evidence/tpm/enrolment.h"
#include "common/base/reader.h"
#include "common/receipt/boot_entry.h"
#include "enclave/workloads/cleanroom/room.h"

namespace redoubt::cleanroom {
namespace {

using Entries = std::vector<receipt::LogEntry>;

template <class D>
receipt::LogEntry entry_of(std::string_view kind, const D& digest) {
  return {std::string(kind), crypto::Sha256Digest(digest.array())};
}

Status check_entries(const RoomRecord& record, const Entries& expected) {
  if (record.entries == expected) return {};
  return Error(Code::log_proof, "it logs something else than what it says");
}

Result<std::uint64_t> index_of(const RoomRecord& record) {
  Reader reader(record.fields[1].reveal(), "index");
  const std::uint64_t index = reader.u64be();
  REDOUBT_CHECK(reader.finish());
  return index;
}

}  // namespace

receipt::LogEntry Room::acceptance_of(const std::string& name, const crypto::Ed25519Signature& signature) const {
  return {std::string(receipt::kAcceptanceEntry), crypto::sha256(Fields("redoubt/acceptance/1").text(name).field(signature.view()).view())};
}

receipt::LogEntry Room::key_release_of(const Dataset& dataset) const {
  return jobs::key_release_entry({dataset.digest(), dataset.manifest().owner, identity_.claims.instance, identity_.claims.hpke_key, dataset.keys() + 1});
}

Result<const jobs::Participant*> Room::signer_of(const std::string& name) const {
  const jobs::Participant* found = contract_.find(name);
  if (found == nullptr) return Error(Code::chain, "\"" + name + "\" is not in this contract");
  return found;
}

Status Room::check_kept(const RoomRecord& record) const {
  using Kind = RoomRecord::Kind;
  switch (record.kind) {
    case Kind::boot:
      if (record.entries.size() != 1 || record.entries[0].kind != receipt::kBootEntry) return Error(Code::log_proof, "a boot that does not log itself");
      if (log_.size() == 0 || record.text(1) == log_.head().text()) return {};
      return Error(Code::log_proof, "a boot that does not go on from the head before it");
    case Kind::join: {
      REDOUBT_TRY(const jobs::Participant* const participant, signer_of(record.text(0)));
      REDOUBT_TRY(const auto signature, record.fixed<crypto::Ed25519Signature>(1, "join"));
      REDOUBT_CHECK(crypto::verify(participant->signing_key, jobs::instance_statement(contract_digest_, identity_.claims.instance), signature));
      return check_entries(record, {acceptance_of(participant->name, signature)});
    }
    case Kind::carry_over: {  // its signature: Predecessor::sign, when it is applied
      REDOUBT_TRY([[maybe_unused]] const jobs::Participant* const participant, signer_of(record.text(0)));
      REDOUBT_TRY([[maybe_unused]] const auto document, jobs::SignedDocument::decode(record.text(1), jobs::CarryOver::kMaxBytes));
      return check_entries(record, {});
    }
    case Kind::carried:
      REDOUBT_CHECK(require_open());
      if (carried_ || !predecessor_.complete()) return Error(Code::chain, "old logs are said to be carried over, and not everyone has signed that");
      return check_entries(record, {entry_of(receipt::kCarriedEntry, predecessor_.statement()->digest())});
    case Kind::enrolment: {
      REDOUBT_TRY([[maybe_unused]] const jobs::Participant* const participant, signer_of(record.text(0)));
      REDOUBT_TRY(const tpm::AkEnrolment enrolment, tpm::AkEnrolment::decode(record.fields[1].reveal()));
      REDOUBT_CHECK(enrolment.verify());
      return check_entries(record, {});
    }
    case Kind::old_logs: return check_entries(record, {});  // they must give the head that the first boot names: Predecessor::offer
    case Kind::manifest: {
      REDOUBT_TRY(const auto document, jobs::SignedDocument::decode(record.text(0), jobs::Manifest::kMaxBytes));
      REDOUBT_TRY(const auto manifest, jobs::Manifest::parse(document.text));
      REDOUBT_TRY(const jobs::Participant* const owner, signer_of(manifest.owner));
      REDOUBT_CHECK(jobs::verify_document(jobs::kManifestType, document, owner->signing_key));
      if (manifest.contract != contract_digest_) return Error(Code::binding, "a manifest of another contract");
      return check_entries(record, {jobs::upload_entry(manifest.digest())});
    }
    case Kind::key: {
      REDOUBT_TRY(const auto digest, record.fixed<jobs::ManifestDigest>(0, "dataset"));
      const auto found = datasets_.find(digest);
      if (found == datasets_.end()) return Error(Code::malformed, "a key of no manifest that was kept");
      return check_entries(record, {key_release_of(found->second)});
    }
    case Kind::dataset: {
      REDOUBT_TRY(const auto digest, record.fixed<jobs::ManifestDigest>(0, "dataset"));
      return check_entries(record, {jobs::taken_in_entry(digest)});
    }
    case Kind::proposal: {
      REDOUBT_TRY(const auto document, jobs::SignedDocument::decode(record.text(0), jobs::Proposal::kMaxBytes));
      REDOUBT_TRY(const auto proposal, jobs::Proposal::parse(document.text));
      REDOUBT_TRY(const jobs::Participant* const proposer, signer_of(proposal.proposer));
      REDOUBT_CHECK(jobs::verify_document(jobs::kProposalType, document, proposer->signing_key));
      REDOUBT_TRY(const std::uint64_t index, index_of(record));
      const jobs::ProposalDigest digest = proposal.digest();
      if (proposal.terms.instance != identity_.claims.instance) {  // reserved in an old log
        REDOUBT_TRY(const Origin from, origin(proposal.terms.instance));
        REDOUBT_TRY(const std::uint64_t reserved, predecessor_.reserved(from, digest));
        if (index != reserved) return Error(Code::log_proof, "a proposal with another place than its reservation has");
        return check_entries(record, {});
      }
      const bool charged = record.entries.size() == 2 && record.entries[0].kind == jobs::kBudgetEntry && proposal.terms.noise.has_value();
      if (index != log_.size() + (charged ? 1 : 0)) return Error(Code::log_proof, "a proposal with another place than its reservation has");
      const auto reservation = entry_of(receipt::kReservationEntry, digest);
      return charged ? check_entries(record, {record.entries[0], reservation}) : check_entries(record, {reservation});
    }
    case Kind::refusal:
      if (record.entries.size() == 1 && record.entries[0].kind == receipt::kRefusalEntry) return {};
      return Error(Code::log_proof, "a refusal that is not logged");
    case Kind::ballot: {
      REDOUBT_TRY(const auto document, jobs::SignedDocument::decode(record.text(1), jobs::Ballot::kMaxBytes));
      REDOUBT_TRY(const auto ballot, jobs::Ballot::parse(document.text));
      REDOUBT_TRY(const jobs::Participant* const voter, signer_of(ballot.voter));
      if (!voter->votes) return Error(Code::chain, "\"" + ballot.voter + "\" has no vote in this contract");
      REDOUBT_CHECK(jobs::verify_document(jobs::kBallotType, document, voter->signing_key));
      REDOUBT_TRY(const auto proposal, record.fixed<jobs::ProposalDigest>(0, "proposal"));
      if (ballot.proposal != proposal) return Error(Code::binding, "a ballot on another proposal");
      if (const auto query = queries_.find(proposal); query != queries_.end() && query->second.ballots.contains(voter->name)) {
        const auto earlier = receipt::approval_digest(query->second.ballot_documents.at(voter->name).encode());
        if (!jobs::renews(ballot, query->second.ballots.at(voter->name), earlier)) return Error(Code::chain, "a second ballot of \"" + voter->name + "\" that renews none");
      }
      return check_entries(record, {entry_of(receipt::kBallotEntry, receipt::approval_digest(document.encode()))});
    }
    case Kind::run: return check_kept_run(record);
    case Kind::change:
    case Kind::change_ballot:
    case Kind::hand_over:
    case Kind::succession: return check_kept_change(record);
  }
  return Error(Code::malformed, "a kind that this release does not know");
}

Status Room::check_kept_run(const RoomRecord& record) const {
  REDOUBT_TRY(const auto proposal, record.fixed<jobs::ProposalDigest>(0, "proposal"));
  REDOUBT_TRY(const auto file, receipt::ReceiptFile::parse(record.text(1)));
  REDOUBT_CHECK(receipt::Checkpoint::verify(file.receipt.checkpoint, receipt::log_origin(identity_.claims.instance), identity_.receipt_key.public_key()).ok()
                    ? Status()
                    : Status(Error(Code::chain, "a run whose receipt this instance did not sign")));
  return check_entries(record, {entry_of(receipt::kRunEntry, proposal), entry_of(receipt::kReceiptEntry, receipt::receipt_digest(file.receipt.body))});
}

}  // namespace redoubt::cleanroom
