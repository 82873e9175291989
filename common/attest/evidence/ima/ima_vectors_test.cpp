// Goal: lists of real machines give the entries, hashes and PCR values that are published with them; malformed ones are refused for
// the reason that is written there. Method: the shared collection of IMA lists.
#include <gtest/gtest.h>

#include "common/attest/evidence/ima/ima_list.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"

namespace redoubt::ima {
namespace {

const json::Value& at(const json::Value& value, std::string_view key) { return value.object()->find(key)->second; }

TEST(ImaVectors, EachListGivesWhatIsPublishedWithIt) {
  REDOUBT_REQUIRE_SHARED();
  const std::filesystem::path folder = *test::shared_dir() / "vectors" / "ima";
  const json::Value cases = OrDie(json::parse(test::read_text(folder / "cases.json")));
  std::size_t computed = 0;
  std::size_t refused = 0;
  for (const json::Value& item : *cases.array()) {
    const std::string& file = *at(item, "file").string();
    const std::string text = test::read_text(folder / file);
    const auto list = List::parse_ascii(text);
    const json::Value& expect = at(item, "expect");
    if (const std::string* words = expect.string(); words != nullptr && words->find("refuse") != std::string::npos) {
      ++refused;
      const bool unknown = words->find("unknown") != std::string::npos;
      EXPECT_ERROR(list, Code::malformed, unknown ? "digest algorithm \"unknown\" is unknown" : "ima list: line 1: ima entry: ") << file;
      continue;
    }
    ASSERT_TRUE(list.ok()) << file << ": " << list.error().message();
    if (expect.object() == nullptr) continue;
    ++computed;
    EXPECT_EQ(static_cast<std::int64_t>(list->entries.size()), *at(expect, "entries").integer()) << file;
    EXPECT_EQ(static_cast<std::int64_t>(violations(*list, list->entries.size())), *at(expect, "violations").integer()) << file;
    EXPECT_EQ(static_cast<std::int64_t>(mismatches(*list).size()), *at(expect, "template_hash_mismatches").integer()) << file;
    EXPECT_EQ(replay(*list, eventlog::kSha1).hex(), *at(expect, "pcr10_sha1").string()) << file;
    EXPECT_EQ(replay(*list, eventlog::kSha256).hex(), *at(expect, "pcr10_sha256").string()) << file;
  }
  EXPECT_GE(computed, 6U);
  EXPECT_GE(refused, 5U);
}

TEST(ImaVectors, MalformedLinesAreRefusedForTheirOwnReason) {
  REDOUBT_REQUIRE_SHARED();
  const auto error = [](std::string_view file) {
    const std::string text = test::read_text(*test::shared_dir() / "vectors" / "ima" / file);
    const auto list = List::parse_ascii(text);
    return list.ok() ? std::string("accepted") : list.error().message();
  };
  EXPECT_NE(error("invalid-invalid-mode.txt").find("template \"not-ima\" is unknown"), std::string::npos);
  EXPECT_NE(error("invalid-invalid-template-hash.txt").find("template hash"), std::string::npos);
  EXPECT_NE(error("invalid-invalid-digest.txt").find("digest"), std::string::npos);
  EXPECT_NE(error("invalid-not-ima-string.txt").find("expected 10"), std::string::npos) << error("invalid-not-ima-string.txt");
}

TEST(ImaVectors, ASignatureTellsItsKey) {
  REDOUBT_REQUIRE_SHARED();
  const std::string text = test::read_text(*test::shared_dir() / "vectors" / "ima" / "entry-ima-sig-rsa.txt");
  const List list = OrDie(List::parse_ascii(text));
  EXPECT_EQ(list.entries.at(0).signature_key(), 0xf3452d23U);
}

}  // namespace
}  // namespace redoubt::ima
