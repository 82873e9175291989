// old_logs: what the store hands a new instance of an environment to go on from.
//
// The last instance that everyone had joined, and before it those that it went on from itself. An instance that was never
// open holds nothing that anybody could miss. The store believes none of it: participants and the enclave check the logs
// (common/jobs/cleanroom/carried_logs.h). Reads one transaction; bounded in instances and entries.
#pragma once

#include "common/jobs/cleanroom/carried_logs.h"
#include "untrusted/hub/store/environments.h"

namespace redoubt::hub {

struct OldLogs {
  std::vector<jobs::OldLog> logs;  // oldest first
  receipt::TreeHead head;          // of the last
  std::string checkpoint;          // the last one's note
};

// old_logs: `not_found` when no earlier instance was open.
Result<OldLogs> old_logs(Transaction& transaction, const std::string& environment, const jobs::Contract& contract);

}  // namespace redoubt::hub
