// Goal: `redoubt api-key` makes, lists, rotates and revokes a hub's API keys, hands a new one over once and into a private file, and ends with
// the code that the hub's refusal deserves. Method: the real program against a whole hub over HTTPS.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "common/crypto/system_random.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"
#include "untrusted/hub/api/service.h"
#include "untrusted/launch/process.h"

namespace redoubt {
namespace {

// No environment is created here, so nothing is launched.
class NoLauncher final : public hub::Launcher {
 public:
  Result<std::unique_ptr<hub::RunningProgram>> start(const hub::LaunchRequest&) override { return Error(Code::unavailable, "nothing to launch"); }
  Result<json::Value> platform() override { return Error(Code::unavailable, "no platform"); }
};

struct RanCommand {
  int code = -1;
  std::string text;  // standard output and error
  json::Value value;
};

class ApiKeyCommand : public testing::Test {
 protected:
  void SetUp() override {
    hub::ServiceOptions options;
    options.state = folder_.path() / "state";
    options.listen = "127.0.0.1:0";
    options.version = "1.2.3";
    hub_ = OrDie(hub::HubService::start(std::move(options), launcher_, random_, [] {
      return Instant(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count());
    }, [] { return std::int64_t{0}; }));
  }
  std::string file(std::string_view name) const { return (folder_.path() / name).string(); }
  // run: the program with a key file; its output is JSON unless it fails.
  RanCommand run(std::vector<std::string> words, const std::string& key_file) {
    launch::Command command;
    command.program = std::filesystem::path(REDOUBT_PROGRAM_DIR) / "redoubt";
    command.arguments = {"api-key"};
    command.arguments.insert(command.arguments.end(), words.begin(), words.end());
    for (const std::string& word : {std::string("--hub"), "https://" + hub_->address(), std::string("--pin"), hub_->pin().hex(),
                                    std::string("--api-key-file"), key_file, std::string("-o"), std::string("json")}) {
      command.arguments.push_back(word);
    }
    command.environment = {"HOME=" + folder_.path().string()};
    auto process = OrDie(launch::Process::start(command));
    RanCommand ran;
    ran.code = OrDie(process.wait(std::chrono::seconds(60))).code;
    ran.text = process.output();
    if (const auto value = json::parse(ran.text); value.ok()) ran.value = *value;
    return ran;
  }
  static std::string text(const json::Value& value, std::string_view member) {
    const auto found = value.object() == nullptr ? nullptr : value.object()->contains(member) ? value.object()->at(std::string(member)).string() : nullptr;
    return found == nullptr ? "" : *found;
  }
  static std::string secret(const std::string& path) { return test::read_text(path).substr(4, 43); }

  test::TempDir folder_;
  crypto::SystemRandom random_;
  NoLauncher launcher_;
  std::unique_ptr<hub::HubService> hub_;
  std::string admin_ = file("state/admin.key");
};

TEST_F(ApiKeyCommand, MakesListsRotatesAndRevokes) {
  const std::string first = file("hospital.key");
  const RanCommand made = run({"create", "--scope", "read", "--scope", "keys", "--subject", "hospital", "--expires", "2099-01-01T00:00:00Z", "--save", first}, admin_);
  ASSERT_EQ(made.code, 0) << made.text;
  EXPECT_EQ(text(made.value, "expires"), "2099-01-01T00:00:00Z");
  EXPECT_EQ(made.text.find(secret(first)), std::string::npos) << "what is saved is not shown";
  struct stat status {};
  ASSERT_EQ(::stat(first.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);

  const RanCommand list = run({"list"}, first);
  ASSERT_EQ(list.code, 0) << list.text;
  ASSERT_NE(list.value.array(), nullptr);
  ASSERT_EQ(list.value.array()->size(), 1U);
  EXPECT_EQ(text(list.value.array()->front(), "id"), text(made.value, "id"));
  EXPECT_EQ(list.text.find(secret(first)), std::string::npos);
  const RanCommand all = run({"list"}, admin_);
  ASSERT_NE(all.value.array(), nullptr) << all.text;
  EXPECT_EQ(all.value.array()->size(), 2U);

  EXPECT_EQ(run({"rotate", text(made.value, "id"), "--save", first}, first).code, 5) << "a key's file is not replaced";
  EXPECT_EQ(run({"list"}, first).code, 0) << "and nothing was rotated";
  const std::string second = file("hospital.key.new");
  const RanCommand rotated = run({"rotate", text(made.value, "id"), "--save", second}, first);
  ASSERT_EQ(rotated.code, 0) << rotated.text;
  EXPECT_NE(secret(first), secret(second));
  EXPECT_EQ(run({"list"}, first).code, 4);
  EXPECT_EQ(run({"revoke", text(rotated.value, "id")}, second).code, 0);
  const RanCommand refused = run({"list"}, second);
  EXPECT_EQ(refused.code, 4);
  EXPECT_EQ(refused.text.find(secret(second)), std::string::npos);
}

TEST_F(ApiKeyCommand, EndsWithTheCodeOfTheRefusal) {
  const std::string reader = file("reader.key");
  ASSERT_EQ(run({"create", "--scope", "read", "--scope", "keys", "--subject", "hospital", "--save", reader}, admin_).code, 0);
  EXPECT_EQ(run({"create", "--scope", "approve"}, reader).code, 4);
  EXPECT_EQ(run({"create", "--scope", "read", "--subject", "laboratory"}, reader).code, 4);
  EXPECT_EQ(run({"create", "--scope", "root"}, admin_).code, 2);
  EXPECT_EQ(run({"create"}, admin_).code, 2);
  EXPECT_EQ(run({"create", "--scope", "read", "--expires", "tomorrow"}, admin_).code, 10);
  EXPECT_EQ(run({"revoke", "key-0000000000000000"}, reader).code, 3);
  const RanCommand shown = run({"create", "--scope", "read"}, reader);
  EXPECT_EQ(shown.code, 0);
  EXPECT_NE(shown.text.find("rdt_"), std::string::npos);
  EXPECT_NE(shown.text.find("shown this once"), std::string::npos);
}

}  // namespace
}  // namespace redoubt
