// Machine: a QEMU virtual machine with Debian's kernel and the program of guest.cpp as its only process, and the conversation with it.
//
// A test says what boots it, asks in lines (line.h), and plays the machine's quoting service. Direct kernel boot: under UEFI firmware that
// measures into a software TPM, or under none that counts. QEMU interprets: nothing is asked of the computer, and a guest behaves alike
// everywhere. What is missing is told, so that tests skip; what goes wrong in the guest ends the test program with the end of its
// console. One thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "tests/kernel/line.h"
#include "tests/support/files.h"
#include "tests/support/swtpm.h"
#include "untrusted/launch/process.h"

namespace redoubt::test {

// missing_for_machines: what has to be installed or unpacked first, in words, or nothing.
std::optional<std::string> missing_for_machines();

// initial_files: the guest's initial file system, made once a process; ends the test program when it cannot be made.
const std::filesystem::path& initial_files();

struct MachineOptions {
  bool tpm_and_uefi = false;
  std::string more_kernel_options = {};
};

class Machine {
 public:
  // Answer of the guest, by words; `text` is what stands behind "ok" or "error CODE".
  struct Answer {
    bool ok = false;
    std::vector<std::string> words;  // behind "ok"
    std::string code, text;          // of an error
  };
  // What the quoting service gives: an errno, or a report and what comes with it.
  struct Report {
    int error = 0;
    Bytes outblob, auxblob;
  };

  // Boots and waits until the guest is ready; ends the test program where that does not happen.
  explicit Machine(MachineOptions options);
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine();

  Answer ask(const std::string& line);
  // The bytes of one word of an answer; ends the test program where it has none.
  static Bytes bytes(const Answer& answer, std::size_t index);

  std::function<Report(ByteView inblob, unsigned level)> device;
  int asked = 0;  // so many reports were asked for
  // With a TPM: its authority.
  std::filesystem::path root_pem() { return (**tpm_).root_pem(); }
  std::filesystem::path issuer_pem() { return (**tpm_).issuer_pem(); }

 private:
  void start_tpm();
  void connect();
  std::string read_line();
  void write_line(const std::string& line);
  [[noreturn]] void end(const std::string& why);

  TempDir folder_;
  std::optional<TestTpm> tpm_;
  std::optional<launch::Process> tpm_process_, qemu_;
  int link_ = -1;
  std::string pending_;
};

}  // namespace redoubt::test
