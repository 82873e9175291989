#include "tests/kernel/machine.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <thread>

namespace redoubt::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

const fs::path kQemu = "/usr/bin/qemu-system-x86_64";
const fs::path kFirmware = "/usr/share/OVMF/OVMF_CODE_4M.fd";
const fs::path kVariables = "/usr/share/OVMF/OVMF_VARS_4M.fd";
const std::vector<std::string> kEnvironment{"PATH=/usr/bin:/bin", "HOME=/", "LC_ALL=C"};
// A machine that is interpreted on a busy computer is slow; this only ends one that hangs.
constexpr seconds kPatience{240};

// kernel_file: the one vmlinuz of tools/guest_kernel, or nothing.
fs::path kernel_file() {
  std::error_code error;
  for (fs::directory_iterator at(fs::path(REDOUBT_GUEST_KERNEL) / "boot", error), end; !error && at != end; at.increment(error)) {
    if (at->path().filename().string().starts_with("vmlinuz-")) return at->path();
  }
  return {};
}

}  // namespace

std::optional<std::string> missing_for_machines() {
  for (const fs::path& file : {kQemu, kFirmware, fs::path("/usr/bin/swtpm_setup"), fs::path("/usr/bin/make")}) {
    if (!fs::exists(file)) return file.string() + " is not installed (tools/setup full)";
  }
  if (kernel_file().empty()) return std::string("no kernel in ") + REDOUBT_GUEST_KERNEL + " (tools/guest_kernel)";
  return {};
}

const fs::path& initial_files() {
  static const TempDir folder;
  static const fs::path made = [&] {
    launch::Command command;
    command.program = REDOUBT_PYTHON;
    command.arguments = {(source_dir() / "tests/kernel/make_guest.py").string(), "--kernel", REDOUBT_GUEST_KERNEL, "--program", REDOUBT_GUEST_PROGRAM,
                         "--work", folder.path().string(), "--out", (folder.path() / "initrd").string()};
    command.environment = kEnvironment;
    if (const Status ran = launch::run(command, seconds(300)); !ran.ok()) {
      std::fprintf(stderr, "making the initial files: %s\n", ran.error().message().c_str());
      std::abort();
    }
    return folder.path() / "initrd";
  }();
  return made;
}

Machine::Machine(MachineOptions options) {
  const fs::path socket = folder_.path() / "link", console = folder_.path() / "console";
  launch::Command command;
  command.program = kQemu;
  command.arguments = {"-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "768", "-nodefaults", "-display", "none", "-no-reboot",
                       "-kernel", kernel_file(), "-initrd", initial_files(),
                       "-append", "console=ttyS0 panic=-1 rdinit=/init rootfstype=ramfs ima_policy=tcb" + (options.more_kernel_options.empty() ? "" : " " + options.more_kernel_options),
                       "-serial", "file:" + console.string(),
                       "-device", "virtio-serial-pci", "-chardev", "socket,id=link,path=" + socket.string() + ",server=on,wait=off",
                       "-device", "virtserialport,chardev=link,name=redoubt"};
  const auto add = [&](std::initializer_list<std::string> more) { command.arguments.insert(command.arguments.end(), more); };
  if (options.tpm_and_uefi) {
    start_tpm();
    fs::copy_file(kVariables, folder_.path() / "variables");
    add({"-drive", "if=pflash,format=raw,unit=0,readonly=on,file=" + kFirmware.string()});
    add({"-drive", "if=pflash,format=raw,unit=1,file=" + (folder_.path() / "variables").string()});
    add({"-chardev", "socket,id=tpm,path=" + (folder_.path() / "tpm").string(), "-tpmdev", "emulator,id=tpm0,chardev=tpm", "-device", "tpm-tis,tpmdev=tpm0"});
  }
  command.environment = kEnvironment;
  command.output = folder_.path() / "qemu.log";
  command.die_with_parent = true;
  qemu_ = OrDie(launch::Process::start(command));
  connect();
  if (const std::string line = read_line(); line != "ready") end("expected \"ready\", found \"" + line.substr(0, 80) + "\"");
}

Machine::~Machine() {
  if (link_ >= 0) ::close(link_);
}

// start_tpm: one manufactured as production does, then run the way QEMU wants it: over the control socket alone, not started up.
void Machine::start_tpm() {
  tpm_.emplace();
  (**tpm_).stop();
  launch::Command command;
  command.program = "/usr/bin/swtpm";
  command.arguments = {"socket", "--tpm2", "--tpmstate", "dir=" + (**tpm_).socket().parent_path().string() + ",mode=0600",
                       "--ctrl", "type=unixio,path=" + (folder_.path() / "tpm").string()};
  command.environment = kEnvironment;
  command.output = folder_.path() / "tpm.log";
  command.die_with_parent = true;
  tpm_process_ = OrDie(launch::Process::start(command));
  for (int i = 0; i < 1000 && !fs::exists(folder_.path() / "tpm"); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

void Machine::connect() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (folder_.path() / "link").string().copy(address.sun_path, sizeof address.sun_path - 1);
  const auto limit = std::chrono::steady_clock::now() + seconds(30);
  for (;;) {
    link_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(link_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return;
    ::close(link_);
    link_ = -1;
    if (qemu_->exited() || std::chrono::steady_clock::now() > limit) end("QEMU did not start");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

std::string Machine::read_line() {
  const auto limit = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    if (const std::size_t at = pending_.find('\n'); at != std::string::npos) {
      std::string line = pending_.substr(0, at);
      pending_.erase(0, at + 1);
      return line;
    }
    pollfd wait{link_, POLLIN, 0};
    if (::poll(&wait, 1, 1000) == 1) {
      char buffer[65536];
      const ssize_t size = ::read(link_, buffer, sizeof buffer);
      if (size <= 0) end("the guest went away");
      pending_.append(buffer, static_cast<std::size_t>(size));
      if (pending_.size() > kMaxLine) end("a line that is too long");
    }
    if (std::chrono::steady_clock::now() > limit) end("the guest is silent");
  }
}

void Machine::write_line(const std::string& line) {
  const std::string all = line + "\n";
  for (std::size_t at = 0; at < all.size();) {
    const ssize_t size = ::send(link_, all.data() + at, all.size() - at, MSG_NOSIGNAL);
    if (size <= 0) end("writing to the guest");
    at += static_cast<std::size_t>(size);
  }
}

Machine::Answer Machine::ask(const std::string& line) {
  write_line(line);
  for (;;) {
    const std::string found = read_line();
    auto words = words_of(found);
    if (words.size() == 3 && words[0] == "ask") {
      ++asked;
      const Report report = device(OrDie(bytes_of(words[2])), static_cast<unsigned>(std::stoul(words[1])));
      write_line("answer " + std::to_string(report.error) + " " + word(report.outblob) + " " + word(report.auxblob));
    } else if (!words.empty() && words[0] == "ok") {
      return {true, {words.begin() + 1, words.end()}, "", rest_of(found, 1)};
    } else if (words.size() >= 2 && words[0] == "error") {
      return {false, {}, words[1], rest_of(found, 2)};
    } else {
      end("expected an answer, found \"" + found.substr(0, 80) + "\"");
    }
  }
}

Bytes Machine::bytes(const Answer& answer, std::size_t index) {
  if (index >= answer.words.size()) {
    std::fprintf(stderr, "the guest's answer has no word %zu: %s %s\n", index, answer.code.c_str(), answer.text.substr(0, 400).c_str());
    std::abort();
  }
  return OrDie(bytes_of(answer.words[index]));
}

void Machine::end(const std::string& why) {
  const auto tail = [&](const char* name) {
    const fs::path file = folder_.path() / name;
    const std::string text = fs::exists(file) ? read_text(file) : "";
    return text.size() < 3000 ? text : text.substr(text.size() - 3000);
  };
  std::fprintf(stderr, "%s\n--- console\n%s\n--- qemu\n%s\n", why.c_str(), tail("console").c_str(), tail("qemu.log").c_str());
  std::abort();
}

}  // namespace redoubt::test
