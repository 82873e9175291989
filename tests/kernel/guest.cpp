// The first process of a virtual machine: the product's collectors over a real kernel's files, driven by a test on the host (line.h).
//
// It mounts what the collectors ask, loads modules by name, runs make() and collect() as an enclave program does, and disturbs them on
// demand. A test program: what goes wrong in here is told to the host or ends the machine.
#include <dirent.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "common/base/writer.h"
#include "common/crypto/system_random.h"
#include "enclave/collect/base/posix_file_calls.h"
#include "enclave/collect/collector.h"
#include "enclave/collect/tpm/tpm_device.h"
#include "tests/kernel/line.h"

namespace redoubt::test {
namespace {

namespace fs = std::filesystem;

const std::string kEntries = "/sys/kernel/config/tsm/report";
constexpr auto kPort = "/dev/vport0p1";
constexpr auto kService = "/dev/redoubt_tsm";
constexpr auto kEventLog = "/sys/kernel/security/tpm0/binary_bios_measurements";
constexpr auto kImaList = "/sys/kernel/security/ima/binary_runtime_measurements";

[[noreturn]] void power_off(const std::string& why) {
  std::fprintf(stderr, "guest: %s\n", why.c_str());
  ::sync();
  ::reboot(LINUX_REBOOT_CMD_POWER_OFF);
  for (;;) ::pause();
}

// Port: lines over the virtio port. One thread at a time: the commands', or that of the service while a command waits for it.
class Port {
 public:
  Port() {
    for (int i = 0; i < 500 && (file_ = ::open(kPort, O_RDWR | O_CLOEXEC)) < 0; ++i) ::usleep(10'000);
    if (file_ < 0) power_off("no port to the host");
  }
  void write(const std::string& line) {
    const std::string all = line + "\n";
    for (std::size_t at = 0; at < all.size();) {
      const ssize_t size = ::write(file_, all.data() + at, all.size() - at);
      if (size < 0 && errno != EINTR && errno != EAGAIN) power_off("writing to the host");
      if (size > 0) at += static_cast<std::size_t>(size);
    }
  }
  std::string read() {
    for (;;) {
      const std::size_t end = pending_.find('\n');
      if (end != std::string::npos) {
        std::string line = pending_.substr(0, end);
        pending_.erase(0, end + 1);
        return line;
      }
      char buffer[65536];
      const ssize_t size = ::read(file_, buffer, sizeof buffer);
      if (size > 0) {
        pending_.append(buffer, static_cast<std::size_t>(size));
      } else if (size == 0) {
        ::usleep(10'000);  // nobody holds the other end
      } else if (errno != EINTR) {
        power_off("reading from the host");
      }
      if (pending_.size() > kMaxLine) power_off("a line that is too long");
    }
  }

 private:
  int file_ = -1;
  std::string pending_;
};

void mount_or_end(const char* type, const char* place) {
  ::mkdir(place, 0755);
  if (::mount(type, place, type, 0, nullptr) != 0 && errno != EBUSY) power_off(std::string("mounting ") + type + ": " + std::strerror(errno));
}

Bytes file_content(const char* path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return to_bytes(text);
}

// Service: answers the module's questions with the host's words, in a thread of its own, as long as it lives.
class Service {
 public:
  explicit Service(Port& port) : file_(::open(kService, O_RDWR | O_CLOEXEC)) {
    if (file_ < 0) power_off("no test provider");
    thread_ = std::thread([this, &port] { serve(port); });
  }
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  ~Service() {
    ends_ = true;
    while (!ended_) {
      ::pthread_kill(thread_.native_handle(), SIGUSR1);  // breaks off the read that waits for a question
      ::usleep(1000);
    }
    thread_.join();
    ::close(file_);
  }

 private:
  void serve(Port& port) {
    std::byte question[72];
    while (!ends_) {
      if (::read(file_, question, sizeof question) != sizeof question) continue;
      // u32 level, u32 size of the inblob, inblob; in this machine's own order.
      std::uint32_t level = 0, size = 0;
      std::memcpy(&level, question, 4);
      std::memcpy(&size, question + 4, 4);
      port.write("ask " + std::to_string(level) + " " + word(ByteView(question).subspan(8, std::min<std::size_t>(size, 64))));
      const auto words = words_of(port.read());
      if (words.size() != 4 || words[0] != "answer") power_off("expected an answer of the host");
      const auto out = bytes_of(words[2]), aux = bytes_of(words[3]);
      if (!out.ok() || !aux.ok()) power_off("an answer that is not hexadecimal");
      const std::uint32_t head[3] = {static_cast<std::uint32_t>(std::stoul(words[1])), static_cast<std::uint32_t>(out->size()),
                                     static_cast<std::uint32_t>(aux->size())};
      Bytes all = to_bytes(std::as_bytes(std::span(head)));
      all.insert(all.end(), out->begin(), out->end());
      all.insert(all.end(), aux->begin(), aux->end());
      if (::write(file_, all.data(), all.size()) < 0) std::fprintf(stderr, "guest: the kernel took no answer: %s\n", std::strerror(errno));
    }
    ended_ = true;
  }

  int file_;
  std::atomic<bool> ends_ = false, ended_ = false;
  std::thread thread_;
};

// write_foreign: what another program does that found the entry: 64 bytes of its own.
bool write_foreign(const std::string& entry) {
  const int file = ::open((entry + "/inblob").c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  const Bytes data(64, std::byte{0xee});
  const bool written = ::write(file, data.data(), data.size()) == static_cast<ssize_t>(data.size());
  return ::close(file) == 0 && written;
}

// DisturbedCalls: the kernel, and somebody who writes into the entry right before its report is read, so many times.
class DisturbedCalls final : public collect::PosixFileCalls {
 public:
  explicit DisturbedCalls(int times) : times_(times) {}
  Answer open(const std::string& path, Mode mode) override {
    if (mode == Mode::read && path.ends_with("/outblob") && times_ > 0) {
      --times_;
      if (!write_foreign(path.substr(0, path.rfind('/')))) power_off("the foreign write was refused");
    }
    return PosixFileCalls::open(path, mode);
  }

 private:
  int times_;
};

std::string refusal(const Error& error) { return "error " + std::string(code_name(error.code())) + " " + error.message(); }
std::string errno_answer(int result) { return "ok " + std::to_string(result == 0 ? 0 : errno); }

std::string found(const Result<collect::Collection>& collection) {
  if (!collection.ok()) return refusal(collection.error());
  return "ok " + collection->evidence.format + " " + word(collection->evidence.bytes) + " " +
         (collection->untrusted_amd.empty() ? "-" : word(collection->untrusted_amd.front().leaf));
}

class Guest {
 public:
  // answer: to one command.
  std::string answer(const std::string& line) {
    const auto words = words_of(line);
    const std::string name = words.empty() ? "" : words[0];
    if (name == "load" && words.size() >= 2) return load(words[1], rest_of(line, 2));
    if (name == "unload" && words.size() == 2) return unload(words[1]);
    if (name == "folder") return folder();
    if (name == "make-entry") return errno_answer(::mkdir((kEntries + "/by-hand").c_str(), 0700));
    if (name == "tsm" && words.size() == 4) return tsm(words[1], std::stoi(words[2]), bytes_of(words[3]));
    if (name == "race" && words.size() == 3) return race(std::stoi(words[1]), bytes_of(words[2]));
    if (name == "tpm" && words.size() == 2) return tpm(bytes_of(words[1]));
    if (name == "activate" && words.size() == 3) return activate(bytes_of(words[1]), bytes_of(words[2]));
    if (name == "off") power_off("the host says so");
    return "error usage unknown command";
  }
  Port port;

 private:
  std::string load(const std::string& module, const std::string& parameters) {
    const int file = ::open(("/modules/" + module + ".ko").c_str(), O_RDONLY | O_CLOEXEC);
    const long result = ::syscall(SYS_finit_module, file, parameters.c_str(), 0);
    const int error = errno;
    if (file >= 0) ::close(file);
    if (result != 0) return "error unavailable " + std::string(std::strerror(error));
    if (module == "configfs") mount_or_end("configfs", "/sys/kernel/config");
    if (module == "redoubt_tsm") service_.emplace(port);
    return "ok";
  }
  std::string unload(const std::string& module) {
    if (module == "redoubt_tsm") service_.reset();
    if (::syscall(SYS_delete_module, module.c_str(), O_NONBLOCK) != 0) return "error unavailable " + std::string(std::strerror(errno));
    return "ok";
  }
  static std::string folder() {
    std::error_code error;
    int count = 0;
    for (fs::directory_iterator at(kEntries, error), end; !error && at != end; at.increment(error)) ++count;
    return "ok " + std::to_string(error ? 0 : 1) + " " + std::to_string(count);
  }
  std::string tsm(const std::string& level, int disturbed, const Result<Bytes>& statement) {
    DisturbedCalls calls(disturbed);
    collect::CollectorConfig config{.kind = "tsm"};
    if (level != "-") config.privilege_level = static_cast<unsigned>(std::stoul(level));
    auto collector = collect::make(config, calls, random_);
    if (!collector.ok()) return refusal(collector.error());
    return found((*collector)->collect(*statement));
  }
  // race: reports one after another while another thread writes into whatever entry it finds, as fast as it is let.
  std::string race(int rounds, const Result<Bytes>& statement) {
    std::atomic<bool> ends = false;
    std::atomic<int> writes = 0;
    std::thread racer([&] {
      for (unsigned turn = 0; !ends; ++turn) {
        std::error_code error;
        for (fs::directory_iterator at(kEntries, error), end; !error && at != end; at.increment(error)) {
          if (write_foreign(at->path())) ++writes;
        }
        ::usleep(turn % 7 * 700);
      }
    });
    collect::PosixFileCalls calls;
    auto collector = collect::make({.kind = "tsm"}, calls, random_);
    int collected = 0, unavailable = 0, others = 0;
    std::string text;
    for (int i = 0; i < rounds && collector.ok(); ++i) {
      const auto result = (*collector)->collect(*statement);
      const bool busy = !result.ok() && result.error().code() == Code::unavailable;
      ++(result.ok() ? collected : busy ? unavailable : others);
      if (!result.ok() && !busy) text = result.error().message();
    }
    ends = true;
    racer.join();
    return "ok " + std::to_string(collected) + " " + std::to_string(unavailable) + " " + std::to_string(others) + " " + std::to_string(writes) + " " + text;
  }
  std::string tpm(const Result<Bytes>& statement) {
    if (const Status opened = open_tpm(); !opened.ok()) return refusal(opened.error());
    collect::TpmCollectorOptions options;
    options.pcrs = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
    options.event_log = file_content(kEventLog);
    options.ima_log = [] { return Result<Bytes>(file_content(kImaList)); };
    return found(collect::TpmCollector(*tpm_, std::move(options)).collect(*statement));
  }
  std::string activate(const Result<Bytes>& id_object, const Result<Bytes>& secret) {
    if (const Status opened = open_tpm(); !opened.ok()) return refusal(opened.error());
    const auto result = tpm_->activate_credential(*id_object, *secret);
    if (!result.ok()) return refusal(result.error());
    return "ok " + word(result->reveal());
  }
  Status open_tpm() {
    if (tpm_) return {};
    REDOUBT_TRY(tpm_, collect::TpmDevice::open("device:/dev/tpmrm0"));
    return {};
  }

  std::optional<Service> service_;
  std::unique_ptr<collect::TpmDevice> tpm_;
  crypto::SystemRandom random_;
};

}  // namespace
}  // namespace redoubt::test

int main() {
  using namespace redoubt::test;
  struct sigaction breaks_off = {};
  breaks_off.sa_handler = [](int) {};
  ::sigaction(SIGUSR1, &breaks_off, nullptr);
  mount_or_end("proc", "/proc");
  mount_or_end("sysfs", "/sys");
  mount_or_end("devtmpfs", "/dev");
  mount_or_end("securityfs", "/sys/kernel/security");
  Guest guest;
  guest.port.write("ready");
  for (;;) guest.port.write(guest.answer(guest.port.read()));
}
