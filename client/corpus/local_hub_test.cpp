// Goal: a hub of our own leaves no folder behind, and says so when it has to; a certificate authority that it is lent is the one that its TPMs
// have. Method: the real program; a scratch folder that is taken away under it; the authority of the first hub for the second.
#include "client/corpus/local_hub.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/support/files.h"

namespace redoubt::corpus {
namespace {

// authority_below: that of the one hub whose state is in `scratch`.
std::filesystem::path authority_below(const std::filesystem::path& scratch) { return std::filesystem::directory_iterator(scratch)->path() / "hub" / "tpm-ca"; }

TEST(LocalHub, IsNotStartedWithAnAuthorityThatCannotBeCopied) {
  const test::TempDir folder;
  const auto scratch = folder.path() / "scratch";
  std::filesystem::create_directory(scratch);
  EXPECT_ERROR(LocalHub::start(REDOUBT_PROGRAM_DIR, scratch, folder.path() / "nowhere", [](const std::string&) {}), Code::not_found, "certificate authority");
  EXPECT_TRUE(std::filesystem::is_empty(scratch));
}

TEST(LocalHub, SaysWhenItsFolderCannotBeRemovedAndOnlyThen) {
  const test::TempDir folder;
  const auto scratch = folder.path() / "scratch";
  std::filesystem::create_directory(scratch);
  std::vector<std::string> warnings;
  const auto warn = [&](const std::string& line) { warnings.push_back(line); };
  {
    const LocalHub hub = OrDie(LocalHub::start(REDOUBT_PROGRAM_DIR, scratch, {}, warn));
    ASSERT_FALSE(std::filesystem::is_empty(scratch));
    std::filesystem::copy(authority_below(scratch), folder.path() / "ca");
  }
  EXPECT_TRUE(std::filesystem::is_empty(scratch));
  EXPECT_TRUE(warnings.empty());
  {
    const LocalHub hub = OrDie(LocalHub::start(REDOUBT_PROGRAM_DIR, scratch, folder.path() / "ca", warn));
    const auto copied = authority_below(scratch);
    for (const auto& file : std::filesystem::directory_iterator(folder.path() / "ca")) {
      if (file.path().extension() != ".pem") continue;
      EXPECT_EQ(test::read_text(copied / file.path().filename()), test::read_text(file.path()));
    }
    std::filesystem::rename(scratch, folder.path() / "moved");
    std::filesystem::create_directory_symlink(scratch, scratch);  // a way that leads nowhere
  }
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings.front().find("the hub's state stays behind in " + (scratch / "redoubt-corpus-").string()), std::string::npos) << warnings.front();
}

}  // namespace
}  // namespace redoubt::corpus
