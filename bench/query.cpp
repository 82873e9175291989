// An approved query over two tables of 10 million rows each: the clean room's whole path against DuckDB.
//
//   build/release/bench/bench_query [rows] [rounds] [folder]     (as root: it reads how much memory the sandboxed engine holds)
//
// The folder keeps the tables for another run with as many rows; without one they go with the program.
//
// (a) warm: Room::run of an approved query over datasets that are ready, receipt and sealed packages included, with the real engine in its own
//     process; against the same text on DuckDB's own tables in memory. At the level none, where the text runs as it is written, so that the
//     figure is what the room itself costs; and once at aggregate_only, where the rewrite and the ledger of releases come to it
//     (bench_privacy has what the rewrite costs).
// (b) cold: the host sends both ciphertexts through the room's door (HTTP over a Unix socket, parts of 4 MiB) until both datasets are
//     ready: received, authenticated, decrypted, every value checked by an engine; against DuckDB loading the same rows from Parquet
//     into tables in memory. Files of both are in the page cache.
// Memory is what all processes of a side hold together, shared pages and sealed tables counted once, sampled in rounds of their own.
// DuckDB has one thread, as the room's engine has (results repeat to the bit); with as many threads as there are processors it is shown too.
// All take turns in each round, so that a busy machine slows all; medians are shown. Processor time of a side is that of all its processes,
// of the host too. Without waiting (warm, where one process runs at a time) is the clock less what they were ready to run and had no
// processor: on a machine that others use these two are the figures that say more.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <sstream>
#include <thread>
#include <vector>

#include "bench/memory_of.h"
#include "bench/query_stage.h"
#include "bench/query_tables.h"
#include "bench/waiting_of.h"
#include "common/net/client.h"
#include "common/net/server.h"
#include "enclave/workloads/cleanroom/doors/host_door.h"
#include "tests/support/expect.h"

namespace {

using namespace redoubt;
using namespace redoubt::bench;

constexpr std::size_t kPart = 4U << 20;  // of a ciphertext, as the hub sends it
const std::vector<std::string> kDatasets{"hospital", "laboratory"};

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "bench_query: %s\n", what.c_str());
  std::exit(1);
}

double time_ms(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

// cpu_ms: processor time of this process and of its children that have ended.
double cpu_ms() {
  double out = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage{};
    getrusage(who, &usage);
    for (const timeval& time : {usage.ru_utime, usage.ru_stime}) out += static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
  }
  return out;
}

double median(std::vector<double> list) {
  std::ranges::sort(list);
  return list[list.size() / 2];
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Roles: what this program is when it starts itself. A role reads commands, one a line, and answers each with one line.

void duckdb_role(const std::filesystem::path& folder, const std::string& threads) {
  duckdb::DuckDB database(":memory:");
  duckdb::Connection connection(database);
  must_query(connection, "SET threads = " + threads);
  std::cout << "ready" << std::endl;
  for (std::string command; std::getline(std::cin, command);) {
    const double ms = command == "cpu" ? cpu_ms() : time_ms([&] {
      if (command == "run") {
        must_query(connection, std::string(kQuery));
        return;
      }
      for (const auto& name : kDatasets) must_query(connection, "CREATE TABLE " + name + " AS SELECT * FROM read_parquet('" + (folder / (name + ".parquet")).string() + "')");
    });
    std::cout << ms << std::endl;
  }
}

void room_role(const std::filesystem::path& folder) {
  Stage stage;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / "bin/redoubt-cleanroom-engine";
  cleanroom::Room& room = stage.open_room(program);
  std::string ready;
  for (const auto& name : kDatasets) {
    const auto document = OrDie(jobs::SignedDocument::decode(read_text(folder / (name + ".manifest")), jobs::Manifest::kMaxBytes));
    ready += " " + stage.release(document).hex();
  }
  net::Router router;
  cleanroom::add_host_routes(router, room, "nowhere");
  net::ServerOptions options;
  options.listen = "unix:" + (folder / ("room." + std::to_string(getpid()))).string();
  const auto door = OrDie(net::HttpServer::start(std::move(options), std::move(router)));
  std::cout << door->address() << ready << std::endl;
  jobs::ProposalDigest approved;
  for (std::string command; std::getline(std::cin, command);) {
    if (command == "cpu") {
      std::cout << cpu_ms() << std::endl;
      continue;
    }
    if (command == "run") {
      bool answered = false;
      const double ms = time_ms([&] { answered = room.run(approved).ok(); });
      std::cout << (answered ? ms : -ms) << std::endl;
      continue;
    }
    approved = stage.approve(OrDie(jobs::parse_privacy_level(command)));
    std::cout << "approved" << std::endl;
  }
  door->stop();
}

// Child: this program in a role.
class Child {
 public:
  explicit Child(const std::vector<std::string>& role) {
    int to[2], from[2];
    if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0) die("no pipe");
    pid_ = fork();
    if (pid_ == 0) {
      dup2(to[0], STDIN_FILENO);
      dup2(from[1], STDOUT_FILENO);
      std::vector<char*> arguments{const_cast<char*>("bench_query"), const_cast<char*>("--role")};
      for (const std::string& word : role) arguments.push_back(const_cast<char*>(word.c_str()));
      arguments.push_back(nullptr);
      execv("/proc/self/exe", arguments.data());
      _exit(127);
    }
    close(to[0]);
    close(from[1]);
    to_ = to[1];
    from_ = fdopen(from[0], "r");
    greeting_ = line();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    close(to_);
    std::fclose(from_);
    waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }
  const std::string& greeting() const { return greeting_; }
  std::string ask(const std::string& command) {
    const std::string text = command + "\n";
    if (write(to_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) die("a process is gone");
    return line();
  }
  double ask_ms(const std::string& command) { return std::strtod(ask(command).c_str(), nullptr); }

 private:
  std::string line() {
    std::string out;
    for (int c = 0; (c = std::fgetc(from_)) != '\n';) {
      if (c == EOF) die("a process ended");
      out += static_cast<char>(c);
    }
    return out;
  }
  pid_t pid_ = -1;
  int to_ = -1;
  std::FILE* from_ = nullptr;
  std::string greeting_;
};

// deliver is the host: it sends both ciphertexts through the room's door.
void deliver(const std::filesystem::path& folder, const Child& room) {
  std::istringstream words(room.greeting());
  std::string address;
  words >> address;
  net::ClientOptions options;
  options.unix_path = address.substr(std::string_view("unix:").size());
  options.stall_time = std::chrono::minutes(5);
  net::HttpClient client = OrDie(net::HttpClient::connect(options));
  for (const auto& name : kDatasets) {
    std::string manifest;
    words >> manifest;
    std::ifstream file(folder / (name + ".rdt"), std::ios::binary);
    for (std::uint64_t offset = 0; file;) {
      Bytes part(kPart);
      file.read(reinterpret_cast<char*>(part.data()), kPart);
      part.resize(static_cast<std::size_t>(file.gcount()));
      if (part.empty()) break;
      net::ClientRequest request{.method = "PUT", .target = "/host/ciphertext/" + manifest + "?offset=" + std::to_string(offset)};
      offset += part.size();
      request.headers.add("content-type", "application/octet-stream");
      request.body = std::move(part);
      const auto answer = client.request_ok(request);
      if (!answer.ok()) die(answer.error().message());
    }
  }
}

// peak of what a process and its children hold while `work` goes on.
double peak_mb(pid_t process, const std::function<void()>& work) {
  std::atomic<bool> over{false};
  std::uint64_t peak = 0;
  std::thread sampler([&] {
    while (!over) {
      peak = std::max(peak, memory_with_children(process));
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
  work();
  over = true;
  sampler.join();
  return static_cast<double>(peak) / 1e6;
}

// cpu_of: processor time that `work` costs a child.
double cpu_of(Child& child, const std::function<void()>& work) {
  const double before = child.ask_ms("cpu");
  work();
  return child.ask_ms("cpu") - before;
}

void row(const char* name, double room, double peer, double target) {
  if (room < 0) {
    std::printf("%-56s not answered after %.0f\n", name, -room);
    return;
  }
  std::printf("%-56s %9.0f %9.0f %7.2f", name, room, peer, room / peer);
  if (target > 0) std::printf("   (target %.1f)", target);
  std::printf("\n");
  std::fflush(stdout);
}

void compare(const std::filesystem::path& folder, int rounds) {
  std::printf("%-56s %9s %9s %7s\n", "", "room", "DuckDB", "ratio");
  std::vector<double> cold_room, cold_one, cold_all, warm_room, warm_one, warm_all, cold_room_cpu, cold_one_cpu, warm_room_cpu, warm_one_cpu;
  std::vector<double> warm_room_alone, warm_one_alone;
  for (int i = 0; i < rounds; ++i) {
    Child room({"room", folder}), one({"duckdb", folder, "1"}), all({"duckdb", folder, std::to_string(std::thread::hardware_concurrency())});
    const double before = cpu_ms();
    const double cpu = cpu_of(room, [&] { cold_room.push_back(time_ms([&] { deliver(folder, room); })); });
    cold_room_cpu.push_back(cpu + cpu_ms() - before);
    cold_one_cpu.push_back(cpu_of(one, [&] { cold_one.push_back(one.ask_ms("load")); }));
    cold_all.push_back(all.ask_ms("load"));
  }
  row("cold, ms", median(cold_room), median(cold_one), 1.5);
  row("cold, ms; DuckDB with all processors", median(cold_room), median(cold_all), 0);
  row("cold, ms of processor time", median(cold_room_cpu), median(cold_one_cpu), 0);

  Child room({"room", folder}), one({"duckdb", folder, "1"}), all({"duckdb", folder, std::to_string(std::thread::hardware_concurrency())});
  const double cold_peak = peak_mb(room.pid(), [&] { deliver(folder, room); });
  const double load_peak = peak_mb(one.pid(), [&] { one.ask("load"); });
  all.ask("load");
  for (int i = -1; i < 2 * rounds; ++i) {
    room.ask("none");
    std::this_thread::sleep_for(std::chrono::seconds(1));  // as long as it takes an engine to be started ahead; between approval and run there is time
    double a = 0, b = 0, a_waited = 0, b_waited = 0;
    const auto timed = [](Child& child, double& ms, double& waited) {
      return cpu_of(child, [&] {
        WaitMeter waiting(child.pid());
        ms = child.ask_ms("run");
        waited = waiting.stop_ms();
      });
    };
    const double a_cpu = timed(room, a, a_waited), b_cpu = timed(one, b, b_waited);
    const double c = all.ask_ms("run");
    if (i < 0) continue;  // what is touched for the first time
    warm_room_cpu.push_back(a_cpu);
    warm_one_cpu.push_back(b_cpu);
    warm_room_alone.push_back(a - a_waited);
    warm_one_alone.push_back(b - b_waited);
    warm_room.push_back(a);
    warm_one.push_back(b);
    warm_all.push_back(c);
  }
  row("warm at none, ms", median(warm_room), median(warm_one), 1.1);
  row("warm at none, ms; DuckDB with all processors", median(warm_room), median(warm_all), 0);
  row("warm at none, ms without waiting for a processor", median(warm_room_alone), median(warm_one_alone), 1.1);
  row("warm at none, ms of processor time", median(warm_room_cpu), median(warm_one_cpu), 0);
  room.ask("none");
  const double room_peak = peak_mb(room.pid(), [&] { room.ask("run"); });
  const double run_peak = peak_mb(one.pid(), [&] { one.ask("run"); });
  row("warm at none, peak memory, MB", room_peak, run_peak, 0);
  row("cold, peak memory, MB, against (a) of DuckDB", cold_peak, run_peak, 1.3);
  row("cold and then warm, peak memory, MB, against the same", std::max(cold_peak, room_peak), run_peak, 1.3);
  row("cold, peak memory, MB, against DuckDB's load", cold_peak, load_peak, 0);
  room.ask("aggregate_only");
  double strict = 0;
  const double strict_peak = peak_mb(room.pid(), [&] { strict = room.ask_ms("run"); });
  row("warm at aggregate_only, ms", strict, median(warm_one), 0);
  row("warm at aggregate_only, peak memory, MB", strict_peak, run_peak, 0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 3 && std::string_view(argv[1]) == "--role") {
    const std::string_view role(argv[2]);
    if (role == "room") room_role(argv[3]);
    if (role == "duckdb" && argc > 4) duckdb_role(argv[3], argv[4]);
    if (role == "make" && argc > 4) {
      make_tables(argv[3], std::strtoull(argv[4], nullptr, 10));
      std::cout << "made" << std::endl;
    }
    return 0;
  }
  const std::string rows = argc > 1 ? argv[1] : "10000000";
  const int rounds = argc > 2 ? std::max(1, std::atoi(argv[2])) : 3;
  const bool keep = argc > 3;
  const std::filesystem::path folder = keep ? std::filesystem::path(argv[3]) : std::filesystem::temp_directory_path() / ("redoubt-bench-query-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  if (!std::filesystem::exists(folder / (kDatasets.back() + ".manifest"))) Child({"make", folder, rows});
  std::uintmax_t sealed = 0;
  for (const auto& name : kDatasets) sealed += std::filesystem::file_size(folder / (name + ".rdt"));
  std::printf("%s rows a side, %.0f MB of ciphertext together, %d rounds\n%s\n", rows.c_str(), static_cast<double>(sealed) / 1e6, rounds, std::string(kQuery).c_str());
  compare(folder, rounds);
  if (!keep) std::filesystem::remove_all(folder);
  return 0;
}
