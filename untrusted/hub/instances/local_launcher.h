// LocalLauncher: enclave programs as processes of this machine, each with a software TPM of its own.
//
// The embedded default: format and protocol of the real thing, asserted by the host (docs/specs/launch.md). For every launch the
// TPM starts anew, PCR 14 takes the program's manifest and the contract and is capped, then the program starts; all of it dies with
// the thread that called start. TPM state and the program's sealed state stay, so that the next start goes on. Files are in STATE/env/ID; sockets in a short folder, since their paths are limited.
#pragma once

#include <filesystem>
#include <functional>
#include <mutex>

#include "common/crypto/digest.h"
#include "untrusted/hub/instances/launcher.h"
#include "untrusted/launch/program_on_disk.h"
#include "untrusted/launch/swtpm.h"

namespace redoubt::hub {

class LocalLauncher final : public Launcher {
 public:
  struct Options {
    std::filesystem::path state;        // absolute
    std::filesystem::path run;          // absolute and short, exists: Unix sockets
    std::filesystem::path program_dir;  // absolute: redoubt-cleanroom and redoubt-cleanroom-engine
    std::string listen = "127.0.0.1:0";  // participants' doors
    bool sealed = true;  // programs keep sealed state in STATE/env/ID; without it every start is a new instance
    // measure_program: of a folder, asked by platform() and anew before every start.
    std::function<Result<measure::MeasuredProgram>(const std::filesystem::path&)> measure_program = launch::measure_cleanroom;
  };
  explicit LocalLauncher(Options options) : options_(std::move(options)) {}

  Result<std::unique_ptr<RunningProgram>> start(const LaunchRequest& request) override;
  // platform makes the CA of the software TPMs at the first call.
  Result<json::Value> platform() override;

 private:
  Result<launch::SwTpm> start_tpm(const std::string& name, const std::filesystem::path& folder);

  const Options options_;
  std::mutex mutex_;  // manufacture of TPMs: they share a CA
  std::optional<json::Value> platform_;
};

}  // namespace redoubt::hub
