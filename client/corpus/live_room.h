// LiveRoom: a clean room under a throw-away contract, with the two participants who own its datasets, propose, vote and open results.
//
// Everything goes the way that it goes in production: the hub starts the enclave program, each participant enrols its attestation key,
// appraises it under the contract, joins, seals and releases its datasets; queries are proposed, reserved in the log, approved by both, run,
// and their packages and receipts verified. The contract's floor is `none` and both participants are here, so that the room's rules alone
// decide. What rules T4 and T5 remember of a dataset ends with its version, so fresh() puts a new one where the last was asked about.
// One thread at a time.
#pragma once

#include <map>
#include <memory>

#include "client/sdk/enclave_client.h"
#include "client/sdk/enrolment.h"
#include "client/sdk/hub_client.h"
#include "client/sdk/query.h"
#include "client/sdk/query_check.h"
#include "client/sdk/receipt_check.h"

namespace redoubt::corpus {

struct RoomPlan {
  std::string name;                   // of the environment: one for each room at a hub
  sdk::HubOptions hub;
  std::filesystem::path program;      // redoubt-cleanroom, to be measured
  const sdk::DatasetColumns& columns;
  const std::map<std::string, std::string>& tables;  // CSV, by name
  int k = 10;                         // the contract's
  crypto::Random& random;
  std::function<Instant()> now;
  std::function<void(std::chrono::milliseconds)> sleep;
  sdk::OfflineAppraise appraise;
  sdk::MakeCredential make_credential;
};

struct Question {
  std::string sql;
  jobs::PrivacyLevel level;
  int k = 10;
  std::vector<std::string> datasets;  // those that it reads
};

// Reply: what the room said.
struct Reply {
  bool accepted = false;
  std::string rule;         // refused as a proposal: the rule. Empty when the run was refused, which names none.
  std::uint64_t rows = 0;   // accepted
};

class LiveRoom {
 public:
  // The plan's members that are references outlive the room.
  static Result<std::unique_ptr<LiveRoom>> open(RoomPlan plan);
  ~LiveRoom();

  // fresh: of these datasets no query was asked yet in their present version.
  Status fresh(const std::vector<std::string>& datasets);
  // ask: an Error when there is no answer, for whatever reason but a rule.
  Result<Reply> ask(const Question& question);
  // versions: of all datasets so far; a room takes 256.
  std::size_t versions() const { return versions_; }

 private:
  struct Party;
  struct Dataset {
    Party* owner = nullptr;
    std::uint64_t version = 0;
    sdk::KnownDataset known;
    bool asked = false;
  };

  explicit LiveRoom(RoomPlan plan);
  Status make_contract();
  Status join();
  Status put(const std::string& name, Dataset& dataset);
  Result<jobs::Proposal> proposal_of(const Question& question);
  Result<Reply> refused(const Error& error, const Question& question) const;
  Status approve(const jobs::Proposal& proposal);
  Result<Reply> outcome(const jobs::Proposal& proposal);
  Result<std::uint64_t> open_result(const jobs::Proposal& proposal);

  RoomPlan plan_;
  std::vector<std::unique_ptr<Party>> parties_;
  jobs::Contract contract_;
  std::vector<crypto::Certificate> roots_;
  std::optional<sdk::HubClient> hub_;
  std::string id_;
  std::map<std::string, Dataset> datasets_;
  std::size_t versions_ = 0;
};

}  // namespace redoubt::corpus
