// A PostgreSQL server for a test: its own data in a short temporary folder, on a Unix socket alone, ended with the object. Include it
// where the test program links redoubt::untrusted::launch.
//
// The server syncs as one in production does (fsync, full_page_writes, synchronous_commit), so that what a killed server had acknowledged
// must be there again; only the making of the empty data folder does not. Its thousand files lie in memory (/dev/shm) where there is room
// for them: what a killed process leaves is the same there, and no test here cuts the power. PostgreSQL does not run as root: as root, the
// test gives the folder to the user "postgres" or "nobody" and starts the server as that one.
#pragma once

#include <pwd.h>
#include <unistd.h>

#include <thread>

#include "tests/support/expect.h"
#include "tests/support/files.h"
#include "tests/support/test_cache.h"
#include "untrusted/launch/process.h"

namespace redoubt::test {

class TestPostgres {
 public:
  // programs: the folder of the newest server that is installed, or an empty path.
  static std::filesystem::path programs() {
    std::filesystem::path found;
    int newest = 0;
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator("/usr/lib/postgresql", none)) {
      const int version = std::atoi(entry.path().filename().c_str());
      if (version <= newest || !std::filesystem::exists(entry.path() / "bin" / "initdb")) continue;
      newest = version;
      found = entry.path() / "bin";
    }
    return found;
  }

  // `sync` false: a server that acknowledges what is not on disk, which the product refuses.
  explicit TestPostgres(bool sync = true) : sync_(sync) {
    std::filesystem::create_directory(data().parent_path());
    if (const passwd* const user = server_user()) {
      user_ = user->pw_name;
      for (const auto& path : {folder_.path(), data().parent_path()}) {
        if (::chown(path.c_str(), user->pw_uid, user->pw_gid) != 0) std::abort();
      }
    }
    EXPECT_OK(make_data());
    start();
  }
  ~TestPostgres() {
    if (server_) server_->kill();
  }
  TestPostgres(const TestPostgres&) = delete;
  TestPostgres& operator=(const TestPostgres&) = delete;

  // kill ends the server as a power cut ends its processes; start brings it back, and it recovers what it had acknowledged.
  void kill() { server_->kill(); }
  void start() {
    // Processes of a killed server go a moment later; until then a new one refuses the folder.
    for (int attempt = 0; attempt < 200; ++attempt) {
      server_.emplace(OrDie(launch::Process::start(command(
          {(programs() / "postgres").string(), "-D", data().string(), "-k", folder_.path().string(), "-c", "listen_addresses=", "-c",
           sync_ ? "fsync=on" : "fsync=off", "-c", "full_page_writes=on", "-c", "synchronous_commit=on", "-c", "shared_buffers=16MB", "-c", "max_connections=60"}))));
      for (int i = 0; i < 1200 && !server_->exited(); ++i) {
        if (ready()) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
      }
    }
    ADD_FAILURE() << "PostgreSQL does not start: " << server_->output();
  }
  // url: of a database that a test has made.
  std::string url(const std::string& database) const { return "postgresql://redoubt@/" + database + "?host=" + folder_.path().string(); }
  std::string socket_folder() const { return folder_.path().string(); }

 private:
  std::filesystem::path data() const { return folder_.path() / "pg" / "data"; }

  // make_data: an empty data folder. Making one takes a second of processor time, and test programs are started by the dozen: the first of
  // them leaves a copy in the build tree, for the others of its user.
  Status make_data() {
    const std::filesystem::path kept = test_cache("pgdata-" + programs().parent_path().filename().string());
    if (std::filesystem::exists(kept)) return copy(kept, data());
    REDOUBT_CHECK(launch::run(command({(programs() / "initdb").string(), "--pgdata=" + data().string(), "--username=redoubt", "--auth=trust",
                                       "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions", "--wal-segsize=1"}),
                              std::chrono::seconds(120)));
    std::error_code error;
    std::filesystem::create_directories(kept.parent_path(), error);
    const std::filesystem::path own = kept.string() + "." + std::to_string(::getpid());
    REDOUBT_CHECK(copy(data(), own));
    std::filesystem::rename(own, kept, error);  // another test may have been first
    if (error) std::filesystem::remove_all(own, error);
    return {};
  }
  // copy keeps owners and modes, which the server insists on.
  static Status copy(const std::filesystem::path& from, const std::filesystem::path& to) {
    launch::Command out;
    out.program = "/usr/bin/cp";
    out.arguments = {"-a", "--reflink=auto", from.string(), to.string()};
    return launch::run(out, std::chrono::seconds(120));
  }

  // postmaster.pid: its eighth line says "ready"; its first is the process.
  bool ready() const {
    if (!std::filesystem::exists(data() / "postmaster.pid")) return false;
    const std::string text = read_text(data() / "postmaster.pid");
    return text.starts_with(std::to_string(server_->pid()) + "\n") && text.find("\nready") != std::string::npos;
  }

  static const passwd* server_user() {
    if (::geteuid() != 0) return nullptr;
    const passwd* const own = ::getpwnam("postgres");
    return own != nullptr ? own : ::getpwnam("nobody");
  }

  launch::Command command(std::vector<std::string> words) const {
    if (!user_.empty()) {
      const std::vector<std::string> drop{"/usr/bin/setpriv", "--reuid=" + user_, "--regid=" + std::to_string(::getpwnam(user_.c_str())->pw_gid),
                                          "--clear-groups", "--pdeathsig=KILL", "--"};
      words.insert(words.begin(), drop.begin(), drop.end());
    }
    launch::Command out;
    out.program = words.front();
    out.arguments.assign(words.begin() + 1, words.end());
    out.environment = {"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"};
    out.die_with_parent = true;
    return out;
  }

  static std::filesystem::path parent() {
    const std::filesystem::path memory = "/dev/shm";
    std::error_code error;
    const auto space = std::filesystem::space(memory, error);
    const bool room = !error && space.available >= (std::uintmax_t{1} << 30) && ::access(memory.c_str(), W_OK | X_OK) == 0;
    return room ? memory : std::filesystem::temp_directory_path();
  }

  const bool sync_;
  TempDir folder_{parent()};
  std::string user_;  // empty: the test's own
  std::optional<launch::Process> server_;
};

}  // namespace redoubt::test

// Skips the test, visibly, where no PostgreSQL server is installed.
#define REDOUBT_REQUIRE_POSTGRES() \
  if (::redoubt::test::TestPostgres::programs().empty()) GTEST_SKIP() << "the PostgreSQL server is not installed (tools/setup test)"
