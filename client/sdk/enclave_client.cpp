#include "client/sdk/enclave_client.h"

#include "client/sdk/members.h"
#include "common/net/problem.h"
#include "common/receipt/note.h"
#include "common/receipt/proof_json.h"

namespace redoubt::sdk {
namespace {

constexpr std::size_t kMaxBudgets = 64;  // datasets of one query
constexpr std::size_t kMaxNumberText = 32;
constexpr std::size_t kMaxEntries = 1000;
constexpr std::size_t kMaxState = 400;

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

// read_carry_over: absent when the program was handed no old logs; programs of an earlier release do not know of them.
Result<std::optional<CarryOverView>> read_carry_over(const json::Value& answer) {
  const auto found = answer.object()->find("carry_over");
  if (found == answer.object()->end() || found->second.is_null()) return std::optional<CarryOverView>();
  const json::Value known = members_of(found->second, {"checkpoint", "missing", "statement"});
  json::ObjectReader reader(known, "carry-over");
  CarryOverView view;
  view.checkpoint = reader.nonempty("checkpoint", receipt::kMaxNoteSize);
  const json::Array& missing = reader.array("missing", jobs::Contract::kMaxParticipants);
  const std::string statement = reader.nonempty("statement", jobs::CarryOver::kMaxBytes);
  REDOUBT_CHECK(reader.finish());
  REDOUBT_TRY(view.missing, json::strings(json::Value(missing), "missing", jobs::Contract::kMaxParticipants));
  REDOUBT_TRY(view.statement, jobs::CarryOver::parse(statement));
  return std::optional(std::move(view));
}

Result<std::vector<Bytes>> read_entries(const json::Value& answer) {
  const json::Value known = members_of(answer, {"entries"});
  json::ObjectReader reader(known, "log entries");
  const json::Array& items = reader.array("entries", kMaxEntries);
  REDOUBT_CHECK(reader.finish());
  REDOUBT_TRY(const auto texts, json::strings(json::Value(items), "log entries", kMaxEntries));
  std::vector<Bytes> entries;
  for (const std::string& text : texts) {
    REDOUBT_TRY(entries.emplace_back(), base64_decode(text));
  }
  return entries;
}

receipt::LogEntry reservation_entry(const jobs::ProposalDigest& proposal) {
  return {std::string(receipt::kReservationEntry), crypto::Sha256Digest(proposal.array())};
}

// Place: where a reservation stands, and how many entries came since, with those of its log.
struct Place {
  receipt::TreeHead head;
  std::uint64_t log_size = 0;
};

// carried_place: in an old log that this participant has signed as carried over.
Result<Place> carried_place(const jobs::CarryOver* carried, const InstanceId& log, const receipt::TreeHead& own) {
  const auto found = carried == nullptr ? std::vector<jobs::CarriedHead>::const_iterator()
                                        : std::ranges::find(carried->heads, log, &jobs::CarriedHead::instance);
  if (carried == nullptr || found == carried->heads.end()) {
    return Error(Code::binding, "reservation: in the log of instance " + log.hex() + ", which was not carried over from here");
  }
  Place place{{receipt::log_origin(log), found->head.size, found->head.root}, own.size};
  for (auto item = found; item != carried->heads.end(); ++item) place.log_size += item->head.size;
  return place;
}

// read_budgets: null for a query without noise, or while the program does not know.
Result<std::vector<BudgetView>> read_budgets(const json::Value& answer) {
  std::vector<BudgetView> out;
  const auto found = answer.object()->find("budget");
  if (found == answer.object()->end() || found->second.is_null()) return out;
  if (found->second.array() == nullptr || found->second.array()->size() > kMaxBudgets) return Error(Code::malformed, "reservation: expected budgets");
  for (const json::Value& item : *found->second.array()) {
    const json::Value known = members_of(item, {"dataset", "delta_total", "epsilon_reserved", "epsilon_total", "rho_cost", "rho_left", "rho_reserved", "rho_total"});
    json::ObjectReader reader(known, "budget");
    BudgetView view;
    view.dataset = reader.nonempty("dataset", 64);
    for (const auto& [name, text] : {std::pair("delta_total", &view.delta_total), std::pair("epsilon_reserved", &view.epsilon_reserved),
                                     std::pair("epsilon_total", &view.epsilon_total), std::pair("rho_cost", &view.rho_cost), std::pair("rho_left", &view.rho_left),
                                     std::pair("rho_reserved", &view.rho_reserved), std::pair("rho_total", &view.rho_total)}) {
      *text = reader.nonempty(name, kMaxNumberText);
    }
    REDOUBT_CHECK(reader.finish());
    REDOUBT_CHECK(jobs::check_identifier(view.dataset, "budget: dataset"));
    for (const std::string* text : {&view.delta_total, &view.epsilon_reserved, &view.epsilon_total, &view.rho_cost, &view.rho_left, &view.rho_reserved, &view.rho_total}) {
      if (text->find_first_not_of("0123456789.") != std::string::npos) return Error(Code::malformed, "budget: expected decimal numbers");
    }
    out.push_back(std::move(view));
  }
  return out;
}

}  // namespace

Result<receipt::Checkpoint> check_reservation(const jobs::ProposalDigest& proposal, std::uint64_t index,
                                              const receipt::Proof& inclusion, std::string_view note,
                                              const attest::Claims& claims) {
  REDOUBT_TRY(auto checkpoint,
              receipt::Checkpoint::verify(note, receipt::log_origin(claims.instance), claims.receipt_key).context("checkpoint"));
  REDOUBT_CHECK(receipt::verify_inclusion(reservation_entry(proposal).hash(), index, checkpoint.head().size, inclusion, checkpoint.head().root)
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
  const json::Value known = members_of(answer, {"checkpoint", "engine_sandbox", "joined", "open", "program", "rule_set"});
  json::ObjectReader reader(known, "instance");
  const std::string note = reader.nonempty("checkpoint", receipt::kMaxNoteSize);
  const json::Array& joined = reader.array("joined", jobs::Contract::kMaxParticipants);
  const bool open = reader.boolean("open");
  const auto program = reader.hex<appraise::ProgramDigest>("program");
  const std::string rule_set = reader.nonempty("rule_set", 64);
  const std::string engine_sandbox = reader.nonempty("engine_sandbox", 64);
  REDOUBT_CHECK(reader.finish());
  if (appraisal_.program && *appraisal_.program != program) {
    return Error(Code::binding, "instance: expected program " + appraisal_.program->hex() + ", found " + program.hex());
  }
  REDOUBT_TRY(auto checkpoint, verify_note(note));
  REDOUBT_TRY(auto names, json::strings(json::Value(joined), "joined", jobs::Contract::kMaxParticipants));
  REDOUBT_TRY(auto carry_over, read_carry_over(answer));
  const auto state = answer.object()->find("state");
  std::string state_text;
  if (state != answer.object()->end() && state->second.string() != nullptr) state_text = net::printable(*state->second.string(), kMaxState);
  const auto previous = answer.object()->find("previous");
  std::optional<std::string> before;
  if (previous != answer.object()->end() && previous->second.string() != nullptr) before = *previous->second.string();
  return InstanceView{std::move(names), open, rule_set, engine_sandbox, program, std::move(checkpoint), std::move(carry_over), std::move(state_text), std::move(before)};
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

Status EnclaveClient::carry_over(const jobs::CarryOver& statement) {
  Call call{.method = "POST", .target = "/carry-over"};
  call.body = *jobs::sign_document(jobs::kCarryOverType, statement.canonical(), relying_.keys.signing()).to_json().object();
  const auto answer = ask(client_, call);
  return answer.ok() ? Status() : answer.error().context("carrying the old logs over");
}

Result<std::vector<Bytes>> EnclaveClient::old_entries(std::uint64_t position, std::uint64_t from) {
  REDOUBT_TRY(const json::Value answer,
              ask(client_, {.target = "/log/old?position=" + std::to_string(position) + "&from=" + std::to_string(from)}));
  return read_entries(answer);
}

Result<ReservationView> EnclaveClient::reservation(const jobs::ProposalDigest& digest, const jobs::CarryOver* carried) {
  REDOUBT_TRY(const json::Value answer, ask(client_, {.target = "/queries/" + digest.hex()}));
  const json::Value known = members_of(answer, {"checkpoint", "document", "inclusion", "log", "votes"});
  json::ObjectReader reader(known, "reservation");
  const auto log = reader.has("log") ? reader.hex<InstanceId>("log") : claims().instance;
  const std::string note = reader.nonempty("checkpoint", receipt::kMaxNoteSize);
  const json::Array& inclusion = reader.array("inclusion", receipt::kMaxProofCount);
  const json::Value& document = reader.object("document");
  const json::Value& votes = reader.object("votes");
  REDOUBT_CHECK(reader.finish());
  REDOUBT_TRY(auto counted, read_votes(votes));
  REDOUBT_TRY(const std::uint64_t index, read_count(answer, "index", "reservation"));
  REDOUBT_TRY(const auto proof, receipt::proof_from_json(inclusion, "inclusion"));
  REDOUBT_TRY(auto signed_proposal, jobs::SignedDocument::from_json(document, jobs::Proposal::kMaxBytes));
  REDOUBT_TRY(auto proposal, jobs::Proposal::parse(signed_proposal.text));
  if (proposal.digest() != digest) {
    return Error(Code::binding, "proposal: expected " + digest.hex() + ", found " + proposal.digest().hex());
  }
  REDOUBT_TRY(auto checkpoint, verify_note(note));
  if (proposal.terms.instance != log) {
    return Error(Code::binding, "reservation: expected in the log of " + proposal.terms.instance.hex() + ", found in that of " + log.hex());
  }
  Place place{checkpoint.head(), checkpoint.head().size};
  if (log != claims().instance) {
    REDOUBT_TRY(place, carried_place(carried, log, checkpoint.head()));
  }
  REDOUBT_CHECK(receipt::verify_inclusion(reservation_entry(digest).hash(), index, place.head.size, proof, place.head.root)
                    .context("reservation of " + digest.hex()));
  const jobs::Participant* proposer = relying_.contract.find(proposal.proposer);
  if (proposer == nullptr) return Error(Code::auth, "proposal: \"" + proposal.proposer + "\" is not in this contract");
  REDOUBT_CHECK(jobs::verify_document(jobs::kProposalType, signed_proposal, proposer->signing_key));
  REDOUBT_TRY(auto budgets, read_budgets(answer));
  return ReservationView{std::move(signed_proposal), std::move(proposal), index, std::move(checkpoint), std::move(place.head), place.log_size,
                         std::move(counted), std::move(budgets)};
}

Result<std::string> EnclaveClient::handed_over() {
  REDOUBT_TRY(const json::Value answer, ask(client_, {.target = "/hand-over"}));
  const json::Value known = members_of(answer, {"file"});
  json::ObjectReader reader(known, "hand-over");
  std::string file = reader.nonempty("file", jobs::HandOverFile::kMaxBytes);
  REDOUBT_CHECK(reader.finish());
  return file;
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
  REDOUBT_TRY(const auto encoded, read_entries(answer));
  std::vector<receipt::LogEntry> entries;
  for (const Bytes& bytes : encoded) {
    REDOUBT_TRY(entries.emplace_back(), receipt::LogEntry::parse(bytes));
  }
  return entries;
}

}  // namespace redoubt::sdk
