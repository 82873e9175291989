// Goal: the page of checks is the list in code. Method: every row of docs/specs/checks.md compared with id, sentence and family, in order.
#include <gtest/gtest.h>

#include <cctype>
#include <map>
#include <sstream>

#include "common/attest/evidence/check.h"
#include "tests/support/files.h"

namespace redoubt::attest {
namespace {

std::string family(std::string_view id) {
  const bool lettered = id.size() >= 2 && id[0] >= 'A' && id[0] <= 'Z' && std::isdigit(static_cast<unsigned char>(id[1])) != 0;
  if (!lettered) return "Redoubt";
  static const std::map<char, std::string> names = {{'Q', "SGX, TDX"}, {'S', "SGX, TDX"}, {'C', "SGX, TDX"}, {'T', "SGX, TDX"},     {'P', "SGX, TDX"},
                                                    {'N', "SEV-SNP"},  {'M', "TPM"},      {'L', "event logs"}, {'I', "IMA"},        {'A', "Nitro"},
                                                    {'J', "cloud tokens"}, {'R', "RA-TLS certificates"}, {'G', "accelerators"}};
  return names.at(id[0]);
}

TEST(ChecksPage, HasOneRowForEachCheckInItsOrder) {
  std::istringstream page(test::read_text(test::source_dir() / "docs/specs/checks.md"));
  std::vector<std::string> rows;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("| `")) rows.push_back(line);
  }
  const std::size_t count = static_cast<std::size_t>(CheckId::software_tpm) + 1;
  ASSERT_EQ(rows.size(), count) << "docs/specs/checks.md: one row for each check of check.h";
  for (std::size_t i = 0; i < count; ++i) {
    const auto id = static_cast<CheckId>(i);
    EXPECT_EQ(rows[i], "| `" + std::string(id_text(id)) + "` | " + std::string(title(id)) + " | " + family(id_text(id)) + " |");
  }
}

}  // namespace
}  // namespace redoubt::attest
