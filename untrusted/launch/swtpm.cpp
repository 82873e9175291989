#include "untrusted/launch/swtpm.h"

#include <algorithm>
#include <fstream>
#include <thread>

#include "untrusted/launch/tpm_channel.h"

namespace redoubt::launch {
namespace {
namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kSetupLimit = std::chrono::seconds(60);
constexpr std::chrono::milliseconds kStartLimit = std::chrono::seconds(20);
constexpr std::chrono::milliseconds kShutdownLimit = std::chrono::seconds(2);
// swtpm_setup finds its helpers by PATH and needs a HOME that it does not write to.
const std::vector<std::string> kEnvironment{"PATH=/usr/bin:/bin", "HOME=/", "LC_ALL=C"};

Status write_file(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) return Error(Code::unavailable, "writing " + path.string());
  return {};
}

Status make_private_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (!error) fs::permissions(path, fs::perms::owner_all, error);
  if (error) return Error(Code::unavailable, "making folder " + path.string() + ": " + error.message());
  return {};
}

// usable: goes into a configuration file and into swtpm's comma-separated options, neither of which can quote.
Status usable(const fs::path& path) {
  const std::string text = path.string();
  const auto plain = [](char c) { return c > ' ' && c != ',' && c != '"' && c != '\'' && c != '#' && c != '\\' && c < 127; };
  if (path.is_absolute() && std::ranges::all_of(text, plain)) return {};
  return Error(Code::usage, "path " + text + ": expected an absolute path without spaces, commas and quotes");
}

}  // namespace

Result<SwTpm> SwTpm::start(const SwTpmOptions& options) {
  SwTpm tpm(options);
  SwTpmOptions& o = tpm.options_;
  if (o.socket.empty()) o.socket = o.state / "tpm.sock";
  for (const fs::path& path : {o.state, o.ca, o.socket}) REDOUBT_CHECK(usable(path));
  if (o.socket.string().size() > 100) return Error(Code::usage, "socket path " + o.socket.string() + ": longer than 100 bytes");
  const auto name_character = [](unsigned char c) { return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-'; };
  if (o.name.empty() || o.name.size() > 64 || !std::ranges::all_of(o.name, name_character)) {
    return Error(Code::usage, "TPM name: expected 1 to 64 letters, digits, '.', '_' or '-'");
  }
  for (const fs::path& program : {o.swtpm, o.swtpm_setup, o.swtpm_localca}) {
    if (!fs::exists(program)) return Error(Code::missing_dependency, program.string() + " is not installed");
  }
  REDOUBT_CHECK(make_private_folder(o.state));
  REDOUBT_CHECK(make_private_folder(o.ca));
  if (!fs::exists(o.state / "manufactured")) {
    REDOUBT_CHECK(tpm.manufacture().context("manufacturing a software TPM"));
    REDOUBT_CHECK(write_file(o.state / "manufactured", o.name + "\n"));
  }
  REDOUBT_CHECK(tpm.power_on());
  return tpm;
}

Status SwTpm::manufacture() const {
  const std::string ca = options_.ca.string();
  const fs::path config = options_.state / "setup.conf";
  REDOUBT_CHECK(write_file(options_.state / "localca.conf",
                           "statedir = " + ca + "\nsigningkey = " + ca + "/signkey.pem\nissuercert = " + ca +
                               "/issuercert.pem\ncertserial = " + ca + "/certserial\n"));
  REDOUBT_CHECK(write_file(options_.state / "localca.options",
                           "--platform-manufacturer Redoubt\n--platform-version 2.1\n--platform-model software\n"));
  REDOUBT_CHECK(write_file(config, "create_certs_tool = " + options_.swtpm_localca.string() +
                                       "\ncreate_certs_tool_config = " + (options_.state / "localca.conf").string() +
                                       "\ncreate_certs_tool_options = " + (options_.state / "localca.options").string() +
                                       "\nactive_pcr_banks = " + options_.pcr_banks + "\n"));
  Command command;
  command.program = options_.swtpm_setup;
  command.arguments = {"--tpm2",        "--tpm-state", options_.state.string(), "--config",    config.string(),
                       "--create-ek-cert", "--lock-nvram", "--pcr-banks",       options_.pcr_banks, "--overwrite",
                       "--tpm",         options_.swtpm.string() + " socket",    "--vmid",      options_.name};
  command.environment = kEnvironment;
  command.output = options_.state / "setup.log";
  command.die_with_parent = options_.die_with_parent;
  return run(command, kSetupLimit);
}

Status SwTpm::power_on() {
  if (running()) return Error(Code::usage, "the software TPM runs already");
  process_.reset();
  const std::string socket = options_.socket.string();
  std::error_code ignored;
  fs::remove(socket, ignored);  // left by a TPM that was killed
  fs::remove(socket + ".ctrl", ignored);
  Command command;
  command.program = options_.swtpm;
  command.arguments = {"socket", "--tpm2", "--tpmstate", "dir=" + options_.state.string() + ",mode=0600",
                       "--server", "type=unixio,path=" + socket, "--ctrl", "type=unixio,path=" + socket + ".ctrl",
                       "--flags", "not-need-init,startup-clear"};
  command.environment = kEnvironment;
  command.output = options_.state / "swtpm.log";
  command.die_with_parent = options_.die_with_parent;
  REDOUBT_TRY(process_, Process::start(command));
  // Ready when it answers a command, which is more than a socket that exists.
  const auto end = std::chrono::steady_clock::now() + kStartLimit;
  for (;;) {
    if (auto channel = TpmChannel::connect(socket, kShutdownLimit); channel.ok()) {
      if (channel->read_pcr(0).ok()) return {};
    }
    if (const auto exit = process_->exited()) {
      return Error(Code::unavailable, "the software TPM " + exit->text() + ": " + process_->output(400));
    }
    if (std::chrono::steady_clock::now() >= end) return Error(Code::unavailable, "the software TPM does not answer");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void SwTpm::stop() {
  if (!running()) return;
  if (auto channel = TpmChannel::connect(options_.socket, kShutdownLimit); channel.ok()) {
    // If another connection is open the TPM does not hear this; the process then ends without it.
    const Status ignored = channel->shutdown();
    static_cast<void>(ignored);
  }
  process_->stop();
}

void SwTpm::kill() {
  if (running()) process_->kill();
}

}  // namespace redoubt::launch
