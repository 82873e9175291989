// voting_contract: a contract with an analyst, who has no vote, and the voters bank, clinic and donor. For tests.
#pragma once

#include <gtest/gtest.h>

#include <set>

#include "common/jobs/cleanroom/contract.h"

namespace redoubt::jobs {

inline Participant voting_participant(const std::string& name, bool votes) {
  Participant participant{name, {}, {}, std::nullopt, votes};
  participant.signing_key.array().fill(static_cast<std::byte>(name.front()));
  participant.hpke_key.array().fill(static_cast<std::byte>(name.front() - 'a' + 'A'));
  return participant;
}

inline Contract voting_contract(Approval approval) {
  Contract contract;
  contract.environment = "study";
  contract.epoch = 1;
  contract.participants = {voting_participant("analyst", false), voting_participant("bank", true), voting_participant("clinic", true),
                           voting_participant("donor", true)};
  contract.approval = std::move(approval);
  contract.privacy_floor = PrivacyLevel::aggregate_only;
  contract.k = 10;
  contract.recovery_quorum = 0;
  contract.evidence.name = "study";
  contract.evidence.workload = "cleanroom";
  contract.evidence.accept_host_asserted = contract.evidence.accept_software_tpm = true;
  contract.evidence.platforms.tpm.emplace().anchors = {{crypto::sha256(as_bytes("root")), "root", true}};
  contract.evidence.platforms.tpm->secure_boot_required = false;
  return contract;
}

}  // namespace redoubt::jobs
