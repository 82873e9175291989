// Launcher: how an enclave program comes to run for an environment, and what this operator would start.
//
// The seam between the hub and processes, TPMs and images; the embedded default is LocalLauncher (local_launcher.h), tests
// script their own. What a launcher says of a program is the operator's word: clients appraise Evidence instead. start may
// take seconds; it is called by the one thread that keeps an environment, and so is everything of the object it gives.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/json.h"

namespace redoubt::hub {

struct LaunchRequest {
  std::string environment;  // its id
  std::string contract;     // canonical JSON
  std::string previous;     // three lines of the tree head that the instance takes over from; empty for the first
};

// RunningProgram: one instance. Its destructor ends the program and what belongs to it.
class RunningProgram {
 public:
  virtual ~RunningProgram() = default;
  // Path of the Unix socket of the host's door.
  virtual const std::string& host_door() const = 0;
  // why_ended: nothing while it runs, else what is known, for the operator.
  virtual std::optional<std::string> why_ended() = 0;
};

class Launcher {
 public:
  virtual ~Launcher() = default;
  // start returns once the program listens. `unavailable`, `missing_dependency`, `not_found`: it cannot run here, now.
  virtual Result<std::unique_ptr<RunningProgram>> start(const LaunchRequest& request) = 0;
  // platform: {"programs": [{"files", "manifest", "name"}], "tpm_roots": PEM}.
  virtual Result<json::Value> platform() = 0;
};

}  // namespace redoubt::hub
