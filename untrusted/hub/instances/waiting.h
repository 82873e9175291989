// waiting: who must do what before an approved query can run in the instance that runs now. For people; nothing relies on it.
#pragma once

#include "common/jobs/cleanroom/ballot.h"
#include "untrusted/hub/instances/host_door.h"

namespace redoubt::hub {

// waiting_for: such as "waits for hospital, laboratory: redoubt environment verify; hospital: redoubt dataset release"; empty when
// nobody needs to act. `owners` are the owners of the query's datasets, by manifest digest.
std::string waiting_for(const RoomState& state, const jobs::Contract& contract, const jobs::Proposal& proposal,
                        const std::map<std::string, std::string>& owners);

}  // namespace redoubt::hub
