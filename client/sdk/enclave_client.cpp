#include "client/sdk/enclave_client.h"

#include "client/sdk/members.h"
#include "common/net/problem.h"
#include "common/receipt/note.h"
#include "common/receipt/proof_json.h"

namespace redoubt::sdk {
namespace {

constexpr std::size_t kMaxEntries = 1000;

// check_contract: the answer's contract, as text or as digest, is the one that the participant holds.
Status check_contract(const json::Value& answer, const ContractDigest& own) {
  REDOUBT_TRY(const std::string found, text_or_canonical(answer, "contract", "instance"));
  std::string digest = found;
  if (found.size() != 2 * ContractDigest::size) {
    REDOUBT_TRY(const jobs::Contract contract, jobs::Contract::parse(found));
    digest = contract.digest().hex();
  }
  if (digest == own.hex()) return {};
  return Error(Code::binding, "instance: expected contract " + own.hex() + ", found " + net::printable(digest, 80));
}

}  // namespace

Result<receipt::Checkpoint> check_reservation(const jobs::ProposalDigest& proposal, std::uint64_t index,
                                              const receipt::Proof& inclusion, std::string_view note,
                                              const attest::Claims& claims) {
  REDOUBT_TRY(auto checkpoint,
              receipt::Checkpoint::verify(note, receipt::log_origin(claims.instance), claims.receipt_key).context("checkpoint"));
  const receipt::LogEntry entry{std::string(receipt::kReservationEntry), crypto::Sha256Digest(proposal.array())};
  REDOUBT_CHECK(receipt::verify_inclusion(entry.hash(), index, checkpoint.head().size, inclusion, checkpoint.head().root)
                    .context("reservation of " + proposal.hex()));
  return checkpoint;
}

Result<EnclaveClient> EnclaveClient::connect(const Address& address, const Relying& relying, std::shared_ptr<SessionRecord> record) {
  if (!record) record = std::make_shared<SessionRecord>();
  const ratls::RelyingPartySession::Context context{relying.appraise, relying.contract.digest(), relying.keys.signing(),
                                                    relying.random, relying.now};
  net::ClientOptions options;
  options.host = address.host;
  options.port = address.port;
  options.trust = net::TrustExchange{};
  options.max_response_bytes = kMaxAnswer;
  REDOUBT_TRY(auto client, net::HttpClient::connect(options, std::make_unique<AttestedExchange>(context, record)));
  if (!record->appraisal) return Error(Code::internal, "a session without an appraisal");
  return EnclaveClient(std::move(client), relying, *record->appraisal);
}

Result<receipt::Checkpoint> EnclaveClient::verify_note(std::string_view note) const {
  return receipt::Checkpoint::verify(note, receipt::log_origin(claims().instance), claims().receipt_key).context("checkpoint");
}

Result<InstanceView> EnclaveClient::instance() {
  REDOUBT_TRY(const json::Value answer, ask(client_, {.target = "/instance"}));
  REDOUBT_TRY(const std::string claimed, text_or_canonical(answer, "claims", "instance"));
  if (claimed != claims().canonical()) return Error(Code::binding, "instance: other claims than those that were appraised");
  REDOUBT_CHECK(check_contract(answer, relying_.contract.digest()));
  const json::Value known = members_of(answer, {"checkpoint", "joined", "open", "program", "rule_set"});
  json::ObjectReader reader(known, "instance");
  const std::string note = reader.nonempty("checkpoint", receipt::kMaxNoteSize);
  const json::Array& joined = reader.array("joined", jobs::Contract::kMaxParticipants);
  const bool open = reader.boolean("open");
  const auto program = reader.hex<appraise::ProgramDigest>("program");
  const std::string rule_set = reader.nonempty("rule_set", 64);
  REDOUBT_CHECK(reader.finish());
  if (appraisal_.program && *appraisal_.program != program) {
    return Error(Code::binding, "instance: expected program " + appraisal_.program->hex() + ", found " + program.hex());
  }
  REDOUBT_TRY(auto checkpoint, verify_note(note));
  REDOUBT_TRY(auto names, json::strings(json::Value(joined), "joined", jobs::Contract::kMaxParticipants));
  return InstanceView{std::move(names), open, rule_set, program, std::move(checkpoint)};
}

Status EnclaveClient::join() {
  const Bytes statement = jobs::instance_statement(relying_.contract.digest(), claims().instance);
  Call call{.method = "POST", .target = "/join"};
  call.body = json::Object{{"signature", relying_.keys.signing().sign(statement).hex()}};
  const auto answer = ask(client_, call);
  return answer.ok() ? Status() : answer.error().context("joining");
}

Status EnclaveClient::leave_enrolment(ByteView enrolment) {
  Call call{.method = "POST", .target = "/enrolments"};
  call.body = json::Object{{"enrolment", base64_encode(enrolment)}};
  const auto answer = ask(client_, call);
  return answer.ok() ? Status() : answer.error().context("leaving the enrolment");
}

Status EnclaveClient::release(const jobs::SignedDocument& document, const SecretBytes& object_key) {
  REDOUBT_TRY(const jobs::Manifest manifest, jobs::Manifest::parse(document.text));
  const Bytes statement = jobs::dataset_key_statement(manifest.digest(), claims().instance);
  REDOUBT_TRY(const auto wrapped,
              crypto::hpke_seal(claims().hpke_key, statement, statement, object_key.reveal(), relying_.random));
  Call call{.method = "POST", .target = "/datasets/key"};
  call.body = json::Object{{"manifest", document.to_json()}, {"wrapped_key", base64_encode(wrapped.bytes())}};
  REDOUBT_TRY(const json::Value answer, ask(client_, call).context("releasing"));
  const json::Value known = members_of(answer, {"manifest"});
  json::ObjectReader reader(known, "release");
  const auto taken = reader.hex<jobs::ManifestDigest>("manifest");
  REDOUBT_CHECK(reader.finish());
  if (taken != manifest.digest()) return Error(Code::binding, "release: expected manifest " + manifest.digest().hex() + ", found " + taken.hex());
  return {};
}

Result<ReservationView> EnclaveClient::reservation(const jobs::ProposalDigest& digest) {
  REDOUBT_TRY(const json::Value answer, ask(client_, {.target = "/queries/" + digest.hex()}));
  const json::Value known = members_of(answer, {"checkpoint", "document", "inclusion"});
  json::ObjectReader reader(known, "reservation");
  const std::string note = reader.nonempty("checkpoint", receipt::kMaxNoteSize);
  const json::Array& inclusion = reader.array("inclusion", receipt::kMaxProofCount);
  const json::Value& document = reader.object("document");
  REDOUBT_CHECK(reader.finish());
  REDOUBT_TRY(const std::uint64_t index, read_count(answer, "index", "reservation"));
  REDOUBT_TRY(const auto proof, receipt::proof_from_json(inclusion, "inclusion"));
  REDOUBT_TRY(auto signed_proposal, jobs::SignedDocument::from_json(document, jobs::Proposal::kMaxBytes));
  REDOUBT_TRY(auto proposal, jobs::Proposal::parse(signed_proposal.text));
  if (proposal.digest() != digest) {
    return Error(Code::binding, "proposal: expected " + digest.hex() + ", found " + proposal.digest().hex());
  }
  REDOUBT_TRY(auto checkpoint, check_reservation(digest, index, proof, note, claims()));
  const jobs::Participant* proposer = relying_.contract.find(proposal.proposer);
  if (proposer == nullptr) return Error(Code::auth, "proposal: \"" + proposal.proposer + "\" is not in this contract");
  REDOUBT_CHECK(jobs::verify_document(jobs::kProposalType, signed_proposal, proposer->signing_key));
  return ReservationView{std::move(signed_proposal), std::move(proposal), index, std::move(checkpoint)};
}

Result<receipt::Checkpoint> EnclaveClient::checkpoint() {
  REDOUBT_TRY(const json::Value answer, ask(client_, {.target = "/log/checkpoint"}));
  const json::Value known = members_of(answer, {"checkpoint"});
  json::ObjectReader reader(known, "checkpoint");
  const std::string note = reader.nonempty("checkpoint", receipt::kMaxNoteSize);
  REDOUBT_CHECK(reader.finish());
  return verify_note(note);
}

Result<receipt::Proof> EnclaveClient::consistency(std::uint64_t from, std::uint64_t to) {
  REDOUBT_TRY(const json::Value answer, ask(client_, {.target = "/log/consistency?from=" + std::to_string(from) + "&to=" + std::to_string(to)}));
  const json::Value known = members_of(answer, {"proof"});
  json::ObjectReader reader(known, "consistency");
  const json::Array& proof = reader.array("proof", receipt::kMaxProofCount);
  REDOUBT_CHECK(reader.finish());
  return receipt::proof_from_json(proof, "consistency");
}

Result<std::vector<receipt::LogEntry>> EnclaveClient::entries(std::uint64_t from) {
  REDOUBT_TRY(const json::Value answer, ask(client_, {.target = "/log/entries?from=" + std::to_string(from)}));
  const json::Value known = members_of(answer, {"entries"});
  json::ObjectReader reader(known, "log entries");
  const json::Array& items = reader.array("entries", kMaxEntries);
  REDOUBT_CHECK(reader.finish());
  REDOUBT_TRY(const auto texts, json::strings(json::Value(items), "log entries", kMaxEntries));
  std::vector<receipt::LogEntry> entries;
  for (const std::string& text : texts) {
    REDOUBT_TRY(const Bytes bytes, base64_decode(text));
    REDOUBT_TRY(auto entry, receipt::LogEntry::parse(bytes));
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace redoubt::sdk
