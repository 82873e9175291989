// SwTpm: a software TPM 2.0 (the programs swtpm and swtpm_setup) with an endorsement certificate of a local CA.
//
// It exercises the format and protocol of TPM Evidence on any machine; whoever owns its state folder can read its keys and
// make it say anything, so a policy accepts it only by name (accept_software_tpm). Manufacture happens once per state
// folder; later starts keep the endorsement key. The TPM serves one connection at a time. The child is killed with the
// object; stop() ends it in order. One thread at a time.
#pragma once

#include "untrusted/launch/process.h"

namespace redoubt::launch {

struct SwTpmOptions {
  std::filesystem::path state;   // folder of this TPM, made with mode 0700 if absent
  std::filesystem::path ca;      // folder of the CA, made if absent; several TPMs may share it
  std::filesystem::path socket;  // Unix socket, absolute, short; the control socket is beside it with ".ctrl". Empty: in `state`
  std::string pcr_banks = "sha256";  // those that are active, as swtpm_setup takes them: "sha256,sha384"
  std::string name = "redoubt";  // [A-Za-z0-9._-]+, in the EK certificate
  std::filesystem::path swtpm = "/usr/bin/swtpm";
  std::filesystem::path swtpm_setup = "/usr/bin/swtpm_setup";
  std::filesystem::path swtpm_localca = "/usr/bin/swtpm_localca";
  bool die_with_parent = false;  // see Command
};

class SwTpm {
 public:
  // start manufactures the TPM if its folder is new and runs it. `missing_dependency`: a program is not there; `usage`: a
  // name or path that cannot be used; `unavailable`: a program failed, with what it printed.
  static Result<SwTpm> start(const SwTpmOptions& options);

  SwTpm(SwTpm&&) noexcept = default;
  SwTpm& operator=(SwTpm&&) noexcept = default;

  // For TpmDevice::open and the TSS: "swtpm:path=/ABS/u.sock".
  std::string tcti() const { return "swtpm:path=" + options_.socket.string(); }
  const std::filesystem::path& socket() const { return options_.socket; }
  // The CA's certificates: its root (the trust anchor) and the issuer of EK certificates (an intermediate), PEM.
  std::filesystem::path root_pem() const { return options_.ca / "swtpm-localca-rootca-cert.pem"; }
  std::filesystem::path issuer_pem() const { return options_.ca / "issuercert.pem"; }

  bool running() { return process_ && !process_->exited(); }
  // stop: TPM2_Shutdown(CLEAR), then the end of the process. Other connections must be closed before; if one is open the
  // process ends without the orderly shutdown and the next quotes say that the clock is not safe, for a while.
  void stop();
  // kill: power failure.
  void kill();
  // power_on starts a stopped TPM: TPM2_Startup(CLEAR), so PCRs are zero and the reset count is higher.
  Status power_on();
  Status restart() {
    stop();
    return power_on();
  }

 private:
  explicit SwTpm(SwTpmOptions options) : options_(std::move(options)) {}
  Status manufacture() const;

  SwTpmOptions options_;
  std::optional<Process> process_;
};

}  // namespace redoubt::launch
