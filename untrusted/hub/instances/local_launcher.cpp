#include "untrusted/hub/instances/local_launcher.h"

#include <fstream>
#include <iterator>

#include "common/jobs/cleanroom/contract.h"
#include "untrusted/launch/measure.h"

namespace redoubt::hub {
namespace {
namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kStartLimit = std::chrono::seconds(60);
constexpr std::chrono::milliseconds kGrace = std::chrono::seconds(3);
constexpr std::size_t kShortName = 16;  // hexadecimal digits
constexpr std::size_t kLongestTpmName = 32;

Status write_file(const fs::path& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) return Error(Code::unavailable, "writing " + path.string());
  return {};
}

Result<std::string> read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error(Code::unavailable, "reading " + path.string());
  return std::string{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

Status make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (!error) fs::permissions(path, fs::perms::owner_all, error);
  if (error) return Error(Code::unavailable, "making folder " + path.string() + ": " + error.message());
  return {};
}

// short_name: of an environment, for socket paths.
std::string short_name(std::string_view environment) {
  return crypto::sha256(as_bytes(environment)).hex().substr(0, kShortName);
}

class LocalProgram final : public RunningProgram {
 public:
  LocalProgram(launch::SwTpm tpm, launch::Process process, std::string host_door)
      : tpm_(std::move(tpm)), process_(std::move(process)), host_door_(std::move(host_door)) {}
  ~LocalProgram() override {
    process_.stop(kGrace);
    tpm_.stop();
  }
  const std::string& host_door() const override { return host_door_; }
  std::optional<std::string> why_ended() override {
    if (const auto exit = process_.exited()) return "the program " + exit->text();
    if (!tpm_.running()) return "the software TPM ended";
    return {};
  }

 private:
  launch::SwTpm tpm_;
  launch::Process process_;
  std::string host_door_;
};

}  // namespace

Result<launch::SwTpm> LocalLauncher::start_tpm(const std::string& name, const fs::path& folder) {
  const std::lock_guard lock(mutex_);
  launch::SwTpmOptions tpm;
  tpm.state = folder;
  tpm.ca = options_.state / "tpm-ca";
  tpm.socket = options_.run / (short_name(name) + ".tpm");
  tpm.name = name.size() <= kLongestTpmName ? name : short_name(name);  // it goes into a certificate
  tpm.die_with_parent = true;
  return launch::SwTpm::start(tpm).context("starting a software TPM");
}

Result<std::unique_ptr<RunningProgram>> LocalLauncher::start(const LaunchRequest& request) {
  REDOUBT_TRY(const jobs::Contract contract, jobs::Contract::parse(request.contract));
  const fs::path folder = options_.state / "env" / request.environment;
  REDOUBT_CHECK(make_folder(folder));
  REDOUBT_CHECK(write_file(folder / "contract.json", request.contract));
  REDOUBT_TRY(const auto program, options_.measure_program(options_.program_dir).context("measuring the program"));

  REDOUBT_TRY(launch::SwTpm tpm, start_tpm(request.environment, folder / "tpm"));
  {
    REDOUBT_TRY(auto channel, launch::TpmChannel::connect(tpm.socket()));
    REDOUBT_TRY(const auto log, launch::measure_launch(channel, program.manifest.digest(), contract.digest()));
    REDOUBT_CHECK(launch::write_log(log, folder / "application.log"));
  }  // the TPM serves one connection at a time

  const fs::path door = options_.run / (short_name(request.environment) + ".host");
  launch::Command command;
  command.program = options_.program_dir / measure::kCleanroomProgram;
  command.arguments = {"serve",       "--contract",        (folder / "contract.json").string(),
                       "--tcti",      tpm.tcti(),          "--listen",
                       options_.listen, "--host-door",     "unix:" + door.string(),
                       "--application-log", (folder / "application.log").string(),
                       "--ek-intermediates", tpm.issuer_pem().string()};
  if (options_.sealed) command.arguments.insert(command.arguments.end(), {"--state", (folder / "program-state").string()});
  if (!request.previous.empty()) {
    REDOUBT_CHECK(write_file(folder / "previous.txt", request.previous));
    command.arguments.insert(command.arguments.end(), {"--previous", (folder / "previous.txt").string()});
  }
  command.output = folder / "program.log";
  command.die_with_parent = true;
  REDOUBT_TRY(auto process, launch::Process::start(command));
  if (const auto address = process.listening_address(kStartLimit); !address.ok()) {
    const Error error(address.error().code(), "starting the enclave program: " + address.error().message() + ": " + process.output(400));
    process.stop(kGrace);
    tpm.stop();  // in order, or the next start quotes a clock that is not safe
    return error;
  }
  REDOUBT_CHECK(launch::check_mapped(process.pid(), program.files).context("checking what the program maps"));
  return std::unique_ptr<RunningProgram>(std::make_unique<LocalProgram>(std::move(tpm), std::move(process), door.string()));
}

Result<json::Value> LocalLauncher::platform() {
  {
    const std::lock_guard lock(mutex_);
    if (platform_) return *platform_;
  }
  // The CA is made with the first TPM; participants need its root before there is an environment.
  REDOUBT_TRY(launch::SwTpm tpm, start_tpm("platform", options_.state / "tpm-platform"));
  tpm.stop();
  REDOUBT_TRY(const std::string roots, read_file(tpm.root_pem()));
  REDOUBT_TRY(const auto program, options_.measure_program(options_.program_dir).context("measuring the program"));
  json::Array programs;
  programs.push_back(program.manifest.reference(measure::kCleanroomProgram));
  const std::lock_guard lock(mutex_);
  platform_ = json::Object{{"programs", std::move(programs)}, {"tpm_roots", roots}};
  return *platform_;
}

}  // namespace redoubt::hub
