#include "common/jobs/cleanroom/contract.h"

#include <set>

namespace redoubt::jobs {
namespace {

constexpr std::string_view kType = "redoubt/contract/1";
constexpr std::string_view kWorkload = "cleanroom";
constexpr std::int64_t kMaxEpoch = 1'000'000;
constexpr int kMinK = 2;
constexpr int kMaxK = 1000;

json::Value write_participant(const Participant& participant) {
  return json::Object{{"hpke_key", participant.hpke_key.hex()},
                      {"name", participant.name},
                      {"recovery_key", participant.recovery_key ? participant.recovery_key->hex() : "none"},
                      {"signing_key", participant.signing_key.hex()},
                      {"votes", participant.votes}};
}

// check_hpke_key: nothing can be sealed to a point of small order (RFC 9180 section 7.1.4). Every private key is a multiple of 8, which
// takes exactly these points to zero, so that any one tells.
Status check_hpke_key(const Participant& participant) {
  REDOUBT_TRY(const auto any, crypto::X25519PrivateKey::from_bytes(SecretBytes(32)));
  const auto agreed = any.agree(crypto::X25519PublicKey(participant.hpke_key.array()));
  return agreed.ok() ? Status() : agreed.error().context("hpke_key of \"" + participant.name + "\"");
}

Result<Participant> read_participant(const json::Value& value) {
  json::ObjectReader reader(value, "participant");
  Participant participant;
  participant.name = reader.string("name");
  participant.signing_key = reader.hex<crypto::Ed25519PublicKey>("signing_key");
  participant.hpke_key = reader.hex<crypto::HpkePublicKey>("hpke_key");
  participant.votes = reader.boolean("votes");
  const std::string recovery = reader.string("recovery_key");
  REDOUBT_CHECK(reader.finish());
  REDOUBT_CHECK(check_name(participant.name, "participant"));
  REDOUBT_CHECK(check_hpke_key(participant));
  if (recovery != "none") {
    REDOUBT_TRY(participant.recovery_key, crypto::Ed25519PublicKey::from_hex(recovery, "recovery_key"));
  }
  return participant;
}

// check_parties: sorted unique names, no key that serves two purposes or two participants, at least one voter.
Status check_parties(const Contract& contract) {
  std::set<std::string> keys;
  bool somebody_votes = false;
  for (std::size_t i = 0; i < contract.participants.size(); ++i) {
    const Participant& participant = contract.participants[i];
    if (i > 0 && contract.participants[i - 1].name >= participant.name) {
      return Error(Code::malformed, "contract: participants must stand in the order of their names, each once; found \"" +
                                        participant.name + "\" after \"" + contract.participants[i - 1].name + "\"");
    }
    somebody_votes = somebody_votes || participant.votes;
    std::vector<std::string> own{participant.signing_key.hex(), participant.hpke_key.hex()};
    if (participant.recovery_key) own.push_back(participant.recovery_key->hex());
    for (const std::string& key : own) {
      if (!keys.insert(key).second) {
        return Error(Code::malformed, "contract: a key of \"" + participant.name + "\" occurs twice");
      }
    }
  }
  if (!somebody_votes) return Error(Code::malformed, "contract: no participant votes");
  const auto recoverable = std::ranges::count_if(contract.participants, [](const Participant& p) { return p.recovery_key.has_value(); });
  if (contract.recovery_quorum > recoverable) {
    return Error(Code::malformed, "contract: recovery quorum of " + std::to_string(contract.recovery_quorum) + " above the " +
                                      std::to_string(recoverable) + " recovery keys");
  }
  return {};
}

// check_approval: a veto of somebody who cannot vote, or more approvals than voters, would let nothing run. Where the submitter does not
// count and everyone votes, whoever submits is one voter less.
Status check_approval(const Contract& contract) {
  for (const std::string& name : contract.approval.veto) {
    const Participant* holder = contract.find(name);
    if (holder == nullptr || !holder->votes) {
      return Error(Code::malformed, "contract: approval: \"" + name + "\" has a veto and no vote");
    }
  }
  const auto all = std::ranges::count_if(contract.participants, &Participant::votes);
  const bool somebody_else = !std::ranges::all_of(contract.participants, &Participant::votes);  // who can submit
  const auto voters = contract.approval.submitter_counts || somebody_else ? all : all - 1;
  if (voters == 0) return Error(Code::malformed, "contract: approval: without the submitter nobody is left to approve");
  if (contract.approval.k > voters) {
    return Error(Code::malformed, "contract: approval by " + std::to_string(contract.approval.k) + " of " + std::to_string(voters) + " voters");
  }
  return {};
}

}  // namespace

std::string_view name_of(PrivacyLevel level) {
  switch (level) {
    case PrivacyLevel::none: return "none";
    case PrivacyLevel::k_anonymized: return "k_anonymized";
    case PrivacyLevel::aggregate_only: return "aggregate_only";
    case PrivacyLevel::differential_privacy: return "differential_privacy";
  }
  return "";
}

Result<PrivacyLevel> parse_privacy_level(std::string_view name) {
  for (const PrivacyLevel level :
       {PrivacyLevel::none, PrivacyLevel::k_anonymized, PrivacyLevel::aggregate_only, PrivacyLevel::differential_privacy}) {
    if (name == name_of(level)) return level;
  }
  return Error(Code::malformed, "privacy level: expected none, k_anonymized, aggregate_only or differential_privacy, found \"" + std::string(name) + "\"");
}

Status check_name(std::string_view name, std::string_view what) {
  const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const bool ok = !name.empty() && name.size() <= 64 && alphanumeric(name.front()) &&
                  std::ranges::all_of(name, [&](char c) { return alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
  if (ok) return {};
  return Error(Code::malformed,
               std::string(what) + ": expected a name of 1 to 64 characters from a-z, 0-9, '.', '_', '-' that starts with a "
                                   "letter or digit");
}

std::string Contract::canonical() const {
  json::Array parties;
  for (const Participant& participant : participants) parties.push_back(write_participant(participant));
  return json::canonical(json::Object{{"approval", approval.to_json()},
                                      {"environment", environment},
                                      {"epoch", static_cast<std::int64_t>(epoch)},
                                      {"evidence", evidence.to_json()},
                                      {"k", k},
                                      {"participants", std::move(parties)},
                                      {"previous", previous ? previous->hex() : "none"},
                                      {"privacy_floor", name_of(privacy_floor)},
                                      {"recovery_quorum", recovery_quorum},
                                      {"type", kType},
                                      {"workload", kWorkload}});
}

Result<Contract> Contract::parse(std::string_view text) {
  REDOUBT_TRY(const json::Value value, json::parse_signed(text, {.max_bytes = kMaxBytes, .max_depth = 8}).context("contract"));
  json::ObjectReader reader(value, "contract");
  Contract contract;
  reader.expect("type", kType);
  reader.expect("workload", kWorkload);
  contract.environment = reader.string("environment");
  contract.epoch = static_cast<std::uint64_t>(reader.integer("epoch", 1, kMaxEpoch));
  const std::string previous = reader.string("previous");
  const bool spelled_out = reader.has("approval") && value.object()->at("approval").object() != nullptr;
  const json::Value approval = spelled_out ? reader.object("approval") : json::Value(reader.string("approval"));
  const std::string floor = reader.string("privacy_floor");
  contract.k = static_cast<int>(reader.integer("k", kMinK, kMaxK));
  contract.recovery_quorum = static_cast<int>(reader.integer("recovery_quorum", 0, kMaxParticipants));
  const json::Value& evidence = reader.object("evidence");
  const json::Array& parties = reader.array("participants", kMaxParticipants);
  REDOUBT_CHECK(reader.finish());
  REDOUBT_CHECK(check_name(contract.environment, "environment"));
  if (previous != "none") {
    REDOUBT_TRY(contract.previous, ContractDigest::from_hex(previous, "previous"));
  }
  if (contract.previous.has_value() != (contract.epoch > 1)) {
    return Error(Code::malformed, "contract: the first epoch has no previous contract, every later one has");
  }
  REDOUBT_TRY(contract.approval, Approval::from_json(approval).context("contract"));
  REDOUBT_TRY(contract.privacy_floor, parse_privacy_level(floor));
  REDOUBT_TRY(contract.evidence, appraise::Policy::from_json(evidence).context("contract"));
  if (contract.evidence.workload != kWorkload) {
    return Error(Code::malformed, "contract: its policy is for workload \"" + contract.evidence.workload + "\"");
  }
  for (const json::Value& party : parties) {
    REDOUBT_TRY(Participant participant, read_participant(party).context("contract"));
    contract.participants.push_back(std::move(participant));
  }
  REDOUBT_CHECK(check_parties(contract));
  REDOUBT_CHECK(check_approval(contract));
  return contract;
}

ContractDigest Contract::digest() const { return crypto::digest_of<ContractDigest>(kType, as_bytes(canonical())); }

const Participant* Contract::find(std::string_view name) const {
  const auto found = std::ranges::find(participants, name, &Participant::name);
  return found == participants.end() ? nullptr : &*found;
}

const Participant* Contract::find(const crypto::Ed25519PublicKey& signing_key) const {
  const auto found = std::ranges::find(participants, signing_key, &Participant::signing_key);
  return found == participants.end() ? nullptr : &*found;
}

Bytes instance_statement(const ContractDigest& contract, const InstanceId& instance) {
  return to_bytes(Fields("redoubt/instance/1").field(contract.view()).field(instance.view()).view());
}

}  // namespace redoubt::jobs
