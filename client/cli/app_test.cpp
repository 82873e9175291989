// Goal: the words of the command line, its failures and exit codes are what docs/cli.md says. Method: every command parsed in
// process, and the real program run where the exit code is the point.
#include <sys/wait.h>

#include <cstdlib>
#include <set>

#include "client/cli/client_test_stage.h"
#include "client/cli/output.h"
#include "client/sdk/dataset_sealer.h"
#include "client/sdk/log_keeper.h"

namespace redoubt::cli {
namespace {

int program(const std::string& arguments, const std::filesystem::path& config) {
  const std::string line = "XDG_CONFIG_HOME='" + config.string() + "' '" + REDOUBT_PROGRAM_DIR + "/redoubt' " + arguments + " >/dev/null 2>&1";
  const int status = std::system(line.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(App, TheReferenceIsThePageInTheDocumentation) {
  Stage stage;
  const Ran ran = stage.run("nobody", {"reference"});
  EXPECT_EQ(ran.out, test::read_text(test::source_dir() / "docs/cli.md")) << "write it again: redoubt reference > docs/cli.md";
}

TEST(App, TopLevelHelpIsTheProgramsOwnWhicheverCommandAsksForIt) {
  Stage stage;
  const Ran help = stage.run("nobody", {"--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_NE(help.out.find("Usage: redoubt [OPTIONS] SUBCOMMAND"), std::string::npos) << help.out;
  const Ran reference = stage.run("nobody", {"reference"});
  EXPECT_NE(reference.out.find("## redoubt\n\n```\n" + help.out + "```\n"), std::string::npos);
  for (const Ran& ran : {help, reference}) EXPECT_EQ(ran.out.find("redoubt redoubt"), std::string::npos);
}

TEST(App, TheManPageHasEveryCommandOfTheReferenceAndNoStrayRequest) {
  Stage stage;
  const std::string reference = stage.run("nobody", {"reference"}).out;
  const Ran man = stage.run("nobody", {"reference", "--format", "man"});
  EXPECT_EQ(man.code, 0);
  std::istringstream headings(reference);
  std::size_t commands = 0;
  for (std::string line; std::getline(headings, line);) {
    if (!line.starts_with("## redoubt ")) continue;
    ++commands;
    std::string heading = line.substr(3);  // roff writes a hyphen with a backslash before it
    for (std::size_t at = 0; (at = heading.find('-', at)) != std::string::npos; at += 2) heading.insert(at, "\\");
    EXPECT_NE(man.out.find("\n.SS " + heading + "\n"), std::string::npos) << line;
  }
  EXPECT_GT(commands, 20U);
  std::istringstream lines(man.out);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_FALSE(line.starts_with('\'')) << line;
    if (!line.starts_with('.')) continue;
    const std::string request = line.substr(0, line.find(' '));
    EXPECT_TRUE(std::set<std::string>({".TH", ".SH", ".SS", ".nf", ".fi", ".B", ".I", ".BR"}).contains(request)) << line;
  }
}

TEST(App, EveryCommandExplainsItselfWithExamples) {
  Stage stage;
  const std::vector<std::vector<std::string>> commands = {
      {"context", "set"}, {"context", "list"}, {"key", "new"}, {"key", "show"}, {"api-key", "create"}, {"api-key", "list"}, {"api-key", "rotate"}, {"api-key", "revoke"}, {"environment", "create"}, {"env", "verify"},
      {"environment", "show"}, {"environment", "list"}, {"dataset", "put"}, {"dataset", "release"}, {"dataset", "list"},
      {"query", "submit"}, {"query", "show"}, {"query", "approve"}, {"query", "reject"}, {"query", "list"}, {"result", "get"},
      {"receipt", "verify"}, {"evidence", "show"}, {"evidence", "verify"}, {"evidence", "measure"}, {"evidence", "explain"}, {"evidence", "conformance"},
      {"log", "show"}, {"log", "verify"}, {"policy", "show"}, {"policy", "check"}, {"policy", "diff"}, {"policy", "id"}, {"collateral", "add"},
      {"collateral", "list"}, {"collateral", "fetch"}};
  for (auto words : commands) {
    words.push_back("--help");
    const Ran ran = stage.run("nobody", words);
    EXPECT_EQ(ran.code, 0) << words[0] << ' ' << words[1];
    EXPECT_NE(ran.out.find("Examples:"), std::string::npos) << words[0] << ' ' << words[1];
  }
}

TEST(App, TheProgramExitsWithTheDocumentedCodes) {
  test::TempDir folder;
  EXPECT_EQ(program("--version", folder.path()), 0);
  EXPECT_EQ(program("", folder.path()), 2);
  EXPECT_EQ(program("bogus", folder.path()), 2);
  EXPECT_EQ(program("key show", folder.path()), 3);
  EXPECT_EQ(program("key new 'Not A Name'", folder.path()), 10);
  EXPECT_EQ(program("key new hospital", folder.path()), 0);
  EXPECT_EQ(program("key new hospital", folder.path()), 5);
  std::filesystem::permissions(folder.path() / "redoubt/keys.json", std::filesystem::perms(0644));
  EXPECT_EQ(program("key show", folder.path()), 5);
  EXPECT_EQ(program("environment show study", folder.path()), 3);
  EXPECT_EQ(program("log verify", folder.path()), 2);
  EXPECT_EQ(program("context set a --hub http://x:1 --pin 00", folder.path()), 2);
  EXPECT_EQ(program("context set a --hub https://127.0.0.1:1 --pin " + std::string(64, '0'), folder.path()), 0);
}

TEST(KeyFile, IsReadOnlyByItsOwnerAndNeverReplaced) {
  test::TempDir folder;
  crypto::SystemRandom random;
  const auto made = OrDie(sdk::KeyFile::generate("hospital", true, random));
  const auto path = folder.path() / "a/keys.json";
  EXPECT_OK(made.keys.save(path));
  EXPECT_ERROR(made.keys.save(path), Code::refused, "is not replaced");
  EXPECT_EQ(OrDie(sdk::KeyFile::load(path)).public_keys().to_json(), made.keys.public_keys().to_json());
  for (const unsigned mode : {0644U, 0640U, 0660U, 0700U, 0604U}) {
    std::filesystem::permissions(path, std::filesystem::perms(mode));
    EXPECT_ERROR(sdk::KeyFile::load(path), Code::refused, "expected mode 0600");
  }
  const auto text = json::pretty(made.keys.public_keys().to_json());
  EXPECT_OK(sdk::PublicKeys::parse(text));
  EXPECT_ERROR(sdk::PublicKeys::parse(text.substr(0, 100)), Code::malformed, "");
}

TEST(Schema, IsReadOrSaysWhatIsWrong) {
  const auto columns = OrDie(sdk::read_schema(R"({"columns":[{"name":"id","type":"BIGINT","role":"unit","min":1,"max":9}]})"));
  ASSERT_EQ(columns.size(), 1U);
  EXPECT_EQ(columns[0].min, "1");
  EXPECT_OK(sdk::read_schema(R"([{"name":"id","type":"BIGINT","role":"unit"}])"));
  EXPECT_ERROR(sdk::read_schema("[[columns]]\n"), Code::malformed, "schema: json at offset");
  EXPECT_ERROR(sdk::read_schema(R"([{"name":"id","role":"boss"}])"), Code::malformed, "role");
}

TEST(LogKeeper, WritesAForkDownAsAProof) {
  test::TempDir folder;
  crypto::SystemRandom random;
  const auto key = OrDie(crypto::Ed25519PrivateKey::generate(random));
  attest::Claims claims;
  claims.instance = random.fixed<InstanceId>();
  claims.receipt_key = key.public_key();
  const auto head = [&](std::string_view leaf) {
    receipt::Frontier tree;
    tree.append(receipt::leaf_hash(as_bytes(leaf)));
    return OrDie(receipt::Checkpoint::sign({receipt::log_origin(claims.instance), 1, tree.root()}, key));
  };
  const auto state = OrDie(sdk::EnvironmentState::open(folder.path(), "study"));
  const sdk::Consistency none = [](std::uint64_t, std::uint64_t) { return Result<receipt::Proof>(receipt::Proof()); };
  EXPECT_ERROR(sdk::advance(state, head("a"), none), Code::binding, "not verified");
  EXPECT_OK(sdk::adopt_instance(state, claims, head("a"), none));
  EXPECT_OK(sdk::advance(state, head("a"), none));
  EXPECT_ERROR(sdk::advance(state, head("b"), none), Code::log_proof, "forked");
  const std::string proof = test::read_text(state.folder() / "fork-1.json");
  EXPECT_OK(receipt::ForkProof::verify(proof, key.public_key()));
}

TEST(Output, NoTextOfAPeerSteersTheTerminal) {
  EXPECT_EQ(shown("a\x1b[31mb\nc\x7f"), "a?[31mb?c?");
  EXPECT_EQ(shown("\xc2\x9b" "31m"), "?31m");
  EXPECT_EQ(shown("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
  EXPECT_EQ(shown("a\nb", true), "a\nb");
  EXPECT_EQ(shown("\xff"), "?");
}

}  // namespace
}  // namespace redoubt::cli
