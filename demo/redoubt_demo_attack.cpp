// redoubt-demo-attack: what a lying operator would try, through the host's door of a running clean room. Not part of the product:
// built for ./demo.sh and tests, and it knows nothing that an operator does not know. Exit 0 when the room refuses, 1 when
// it accepts anything.
#include <cstdio>
#include <fstream>
#include <iterator>

#include "common/attest/evidence/claims.h"
#include "common/crypto/system_random.h"
#include "common/jobs/cleanroom/ballot.h"
#include "common/net/client.h"
#include "common/receipt/checkpoint.h"

namespace {

using namespace redoubt;

// The operator has every document that the hub carries, and no participant's key: he signs with one of his own.
class Operator {
 public:
  static Result<Operator> connect(const std::string& host_door) {
    net::ClientOptions options;
    options.unix_path = host_door;
    REDOUBT_TRY(net::HttpClient client, net::HttpClient::connect(options));
    crypto::SystemRandom random;
    REDOUBT_TRY(auto key, crypto::Ed25519PrivateKey::generate(random));
    return Operator(std::move(client), std::move(key));
  }

  Result<std::string> get(const std::string& target) {
    net::ClientRequest request;
    request.target = target;
    REDOUBT_TRY(const auto answer, client_.request_ok(request));
    return std::string(as_text(answer.body));
  }

  // post: the room's refusal in words, or an empty text when it accepted.
  Result<std::string> post(const std::string& target, const jobs::SignedDocument* document) {
    net::ClientRequest request;
    request.method = "POST";
    request.target = target;
    if (document != nullptr) request.body = to_bytes(document->encode());
    REDOUBT_TRY(const auto answer, client_.request(request));
    if (answer.status < 400) return std::string();
    REDOUBT_TRY(const json::Value problem, json::parse(as_text(answer.body)));
    const auto detail = problem.object() == nullptr ? nullptr : &problem.object()->at("detail");
    return detail != nullptr && detail->string() != nullptr ? *detail->string() : "status " + std::to_string(answer.status);
  }

  const crypto::Ed25519PrivateKey& key() const { return key_; }

 private:
  Operator(net::HttpClient client, crypto::Ed25519PrivateKey key) : client_(std::move(client)), key_(std::move(key)) {}
  net::HttpClient client_;
  crypto::Ed25519PrivateKey key_;
};

Result<jobs::Proposal> read_proposal(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  REDOUBT_TRY(const json::Value value, json::parse(text).context(path));
  if (value.object() == nullptr || !value.object()->contains("proposal")) return Error(Code::malformed, path + ": no proposal");
  return jobs::Proposal::parse(json::canonical(value.object()->at("proposal")));
}

int report(const std::string& refusal) {
  if (refusal.empty()) {
    std::puts("   ACCEPTED: the attack worked");
    return 1;
  }
  std::printf("   refused: %s\n", refusal.c_str());
  return 0;
}

// forge_ballot: "the hospital approves", with everything right but the key.
Result<int> forge_ballot(Operator& attacker, const jobs::Proposal& proposal, const std::string& victim) {
  REDOUBT_TRY(const std::string text, attacker.get("/host/state"));
  REDOUBT_TRY(const json::Value state, json::parse(text));
  REDOUBT_TRY(const auto claims, attest::Claims::parse(*state.object()->at("claims").string()));
  REDOUBT_TRY(const auto checkpoint, receipt::Checkpoint::verify(*state.object()->at("checkpoint").string(),
                                                                 receipt::log_origin(claims.instance), claims.receipt_key));
  jobs::Ballot ballot{proposal.terms, proposal.digest(), victim, jobs::Decision::approve, proposal.expires,
                      checkpoint.head().size + 1000, jobs::BallotNonce(), {checkpoint.head().size, checkpoint.head().root}};
  const auto forged = jobs::sign_document(jobs::kBallotType, ballot.canonical(), attacker.key());
  REDOUBT_TRY(const std::string refusal, attacker.post("/host/ballots/" + proposal.digest().hex(), &forged));
  return report(refusal);
}

// change_query: the approved text with one condition more, under the approvals of the old one.
Result<int> change_query(Operator& attacker, jobs::Proposal proposal) {
  proposal.sql += " HAVING true";
  proposal.terms.query = jobs::query_digest(proposal.sql);
  const auto changed = jobs::sign_document(jobs::kProposalType, proposal.canonical(), attacker.key());
  REDOUBT_TRY(const std::string refusal, attacker.post("/host/proposals", &changed));
  const int proposed = report(refusal);
  REDOUBT_TRY(const std::string not_run, attacker.post("/host/runs/" + proposal.digest().hex(), nullptr));
  return std::max(proposed, report(not_run));
}

Result<int> attack(const std::string& kind, const std::string& host_door, const std::string& proposal_file, const std::string& victim) {
  REDOUBT_TRY(const jobs::Proposal proposal, read_proposal(proposal_file));
  REDOUBT_TRY(Operator attacker, Operator::connect(host_door));
  if (kind == "forge-ballot") return forge_ballot(attacker, proposal, victim);
  if (kind == "change-query") return change_query(attacker, proposal);
  return Error(Code::usage, "expected forge-ballot or change-query");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fputs("usage: redoubt-demo-attack forge-ballot|change-query HOST-DOOR PROPOSAL.json VICTIM\n", stderr);
    return 2;
  }
  const auto outcome = attack(argv[1], argv[2], argv[3], argv[4]);
  if (outcome.ok()) return *outcome;
  std::fprintf(stderr, "redoubt-demo-attack: %s\n", outcome.error().message().c_str());
  return static_cast<int>(outcome.error().code());
}
