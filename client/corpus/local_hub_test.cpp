// Goal: a hub of our own leaves no folder behind, and says so when it has to. Method: the real program; a scratch folder that is taken away
// under it.
#include "client/corpus/local_hub.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/support/files.h"

namespace redoubt::corpus {
namespace {

TEST(LocalHub, SaysWhenItsFolderCannotBeRemovedAndOnlyThen) {
  const test::TempDir folder;
  const auto scratch = folder.path() / "scratch";
  std::filesystem::create_directory(scratch);
  std::vector<std::string> warnings;
  const auto warn = [&](const std::string& line) { warnings.push_back(line); };
  {
    const LocalHub hub = OrDie(LocalHub::start(REDOUBT_PROGRAM_DIR, scratch, warn));
    EXPECT_FALSE(std::filesystem::is_empty(scratch));
  }
  EXPECT_TRUE(std::filesystem::is_empty(scratch));
  EXPECT_TRUE(warnings.empty());
  {
    const LocalHub hub = OrDie(LocalHub::start(REDOUBT_PROGRAM_DIR, scratch, warn));
    std::filesystem::rename(scratch, folder.path() / "moved");
    std::filesystem::create_directory_symlink(scratch, scratch);  // a way that leads nowhere
  }
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings.front().find("the hub's state stays behind in " + (scratch / "redoubt-corpus-").string()), std::string::npos) << warnings.front();
}

}  // namespace
}  // namespace redoubt::corpus
