// Goal: the program redoubt-hub keeps its promises as a process: it says where it listens, starts real enclave programs with software
// TPMs, ends on SIGTERM without leaving one behind, and starts again after kill -9. Method: the programs of this build, over HTTPS.
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>

#include "tests/support/test_cache.h"
#include "untrusted/hub/api/hub_test_fixture.h"
#include "untrusted/launch/process.h"

namespace redoubt::hub {
namespace {

class HubProgram : public HubTest {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists("/usr/bin/swtpm")) GTEST_SKIP() << "swtpm is not installed";
  }
  launch::Process run(std::vector<std::string> arguments) {
    launch::Command command;
    command.program = std::filesystem::path(REDOUBT_PROGRAM_DIR) / "redoubt-hub";
    command.arguments = std::move(arguments);
    command.environment = {"PATH=/usr/bin:/bin", "HOME=/"};
    return OrDie(launch::Process::start(command));
  }
  static std::uint16_t port(launch::Process& process) {
    const std::string address = OrDie(process.listening_address(std::chrono::seconds(60)));
    return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  }
  launch::Process start() {
    launch::Process process = run({"serve", "--state", state(), "--listen", "127.0.0.1:0"});
    const std::uint16_t listening = port(process);
    admin = std::make_unique<Client>(listening, OrDie(SpkiDigest::from_hex(line_of(state() + "/hub.pin"), "pin")), admin_key(state()));
    return process;
  }
  std::string state() const { return (folder.path() / "hub").string(); }
  std::string await_running() {
    EXPECT_TRUE(until([&] { return admin->get(kStudy).text("state") == "running"; })) << admin->get(kStudy).text("reason");
    ca_.keep();
    return admin->get(kStudy).text("instance");
  }
  // doors: Unix sockets of the hub's programs that somebody listens on.
  std::size_t doors() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(state() + "/run")) {
      if (entry.path().extension() == ".host" && HostDoor::connect(entry.path().string()).ok()) ++count;
    }
    return count;
  }

 private:
  const test::KeptCa ca_{folder.path() / "hub" / "tpm-ca"};
};

TEST_F(HubProgram, StartsProgramsStopsThemAndSurvivesKill) {
  auto first = start();
  ASSERT_EQ(admin->post("/api/tee/environments", contract_body()).status, 201);
  const std::string instance = await_running();
  EXPECT_EQ(instance.size(), 32U);
  EXPECT_EQ(doors(), 1U);
  const Answer platform = admin->get("/api/tee/platform");
  EXPECT_NE(platform.text("tpm_roots").find("BEGIN CERTIFICATE"), std::string::npos);
  EXPECT_EQ(platform.count("programs"), 1U);
  ASSERT_EQ(admin->post(std::string(kStudy) + "/datasets", body("manifest", hospital_data_.document)).status, 201);
  ASSERT_EQ(admin->put(content(hospital_data_) + "0", ByteView(hospital_data_.envelope).first(60)).number("received"), 60);
  ASSERT_TRUE(until([&] { return admin->get(std::string(kStudy) + "/log").count("entries") > 0; }));
  admin.reset();
  EXPECT_EQ(first.kill().signal, SIGKILL);
  EXPECT_TRUE(until([&] { return doors() == 0; })) << "the enclave program outlived its hub";

  auto second = start();
  const std::string next = await_running();
  EXPECT_EQ(next, instance);  // hub, program and TPM were killed, and the program goes on from its sealed state
  EXPECT_EQ(admin->post(std::string(kStudy) + "/datasets", body("manifest", hospital_data_.document)).number("received"), 60);
  // Not everyone had joined the old one: there is nothing to go on from, and a room that was told of it would wait for its log.
  const std::string kept = state() + "/env/" + contract().digest().hex();
  EXPECT_TRUE(std::filesystem::exists(kept + "/contract.json"));
  EXPECT_FALSE(std::filesystem::exists(kept + "/previous.txt"));
  admin.reset();
  EXPECT_TRUE(second.stop(std::chrono::seconds(20)).success());
  EXPECT_EQ(doors(), 0U);
}

TEST_F(HubProgram, ListsItsKeysAndRefusesARevokedOneAtOnce) {
  const auto output = [this](std::vector<std::string> arguments) {
    auto process = run(std::move(arguments));
    EXPECT_TRUE(OrDie(process.wait(std::chrono::seconds(30))).success());
    return process.output();
  };
  auto process = start();
  std::string key = output({"key", "create", "hospital", "--state", state()});
  key.pop_back();
  const std::string pin = test::read_text(state() + "/hub.pin");
  Client hospital(port(process), OrDie(SpkiDigest::from_hex(pin.substr(0, 64), "pin")), key);
  EXPECT_EQ(hospital.get("/api/tee/environments").status, 200);
  const std::string before = output({"key", "list", "--state", state()});
  EXPECT_NE(before.find("  admin  "), std::string::npos) << before;
  EXPECT_EQ(before.find("revoked"), std::string::npos) << before;
  EXPECT_EQ(before.find(key.substr(4)), std::string::npos) << "the key itself is kept nowhere";
  const std::size_t at = before.rfind("key-", before.find("  hospital  participant  "));
  ASSERT_NE(at, std::string::npos) << before;
  const std::string id = before.substr(at, before.find(' ', at) - at);
  EXPECT_EQ(output({"key", "revoke", id, "--state", state()}), "revoked " + id + "\n");
  EXPECT_EQ(hospital.get("/api/tee/environments").status, 401);
  EXPECT_EQ(admin->get("/api/tee/environments").status, 200);
  const std::string after = output({"key", "list", "--state", state()});
  EXPECT_NE(after.find("revoked 20", after.find(id)), std::string::npos) << after;
  EXPECT_EQ(process.output().find(key.substr(4)), std::string::npos) << "what the hub prints holds no key";
}

TEST_F(HubProgram, RefusesADatabaseThatItCannotTrustAndShowsNoPassword) {
  for (const auto& [url, expected] : std::map<std::string, int>{{"postgresql://hub:tops3cret@db.example.org/hub", 5},
                                                                {"postgresql://hub:tops3cret@db.example.org/hub?sslmode=require", 5},
                                                                {"mysql://hub:tops3cret@localhost/hub", 10},
                                                                {"postgresql://hub:tops3cret@/hub?host=/nonexistent", 6}}) {
    for (const std::vector<std::string>& command : {std::vector<std::string>{"serve"}, {"key", "list"}}) {
      std::vector<std::string> arguments = command;
      arguments.insert(arguments.end(), {"--state", state(), "--database", url});
      auto process = run(arguments);
      EXPECT_EQ(OrDie(process.wait(std::chrono::seconds(30))).code, expected) << url;
      EXPECT_NE(process.output().find("database"), std::string::npos) << process.output();
      EXPECT_EQ(process.output().find("tops3cret"), std::string::npos) << process.output();
    }
  }
  const auto file = folder.path() / "hub.toml";
  std::ofstream(file) << "state = \"" << state() << "\"\ndatabase = \"postgresql://hub:tops3cret@db.example.org/hub\"\n";
  auto process = run({"serve", "--config", file.string()});
  EXPECT_EQ(OrDie(process.wait(std::chrono::seconds(30))).code, 5) << process.output();
  EXPECT_EQ(process.output().find("tops3cret"), std::string::npos) << process.output();
}

TEST_F(HubProgram, SaysWhatItWasNotGiven) {
  const auto code = [this](std::vector<std::string> arguments) {
    auto process = run(std::move(arguments));
    return OrDie(process.wait(std::chrono::seconds(30))).code;
  };
  EXPECT_EQ(code({}), 2);
  EXPECT_EQ(code({"serve", "--no-such-option"}), 2);
  EXPECT_EQ(code({"serve", "--state", state(), "--listen", "nowhere"}), 2);
  EXPECT_EQ(code({"serve", "--state", state(), "--listen", "127.0.0.1:0", "--metrics-listen", "0.0.0.0:0"}), 2) << "metrics stay on this machine";
  EXPECT_EQ(code({"serve", "--state", state(), "--program-dir", "/nonexistent"}), 69);
  EXPECT_EQ(code({"serve", "--config", state() + "/absent.toml"}), 3);
  EXPECT_EQ(code({"--help"}), 0);
  const std::string none = (folder.path() / "none").string();
  EXPECT_EQ(code({"key", "list", "--state", none}), 3);
  EXPECT_EQ(code({"key", "revoke", "key-0011223344556677", "--state", none}), 3);
  EXPECT_FALSE(std::filesystem::exists(none)) << "asking for keys makes no hub";
  EXPECT_EQ(code({"key", "create", "bad name", "--state", state()}), 10);
  auto process = run({"key", "create", "hospital", "--state", state()});
  EXPECT_TRUE(OrDie(process.wait(std::chrono::seconds(30))).success());
  EXPECT_TRUE(process.output().starts_with("rdt_"));
  EXPECT_EQ(code({"key", "revoke", "key-0011223344556677", "--state", state()}), 3);
}

}  // namespace
}  // namespace redoubt::hub
