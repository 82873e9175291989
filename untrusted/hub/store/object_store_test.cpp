// Goal: objects are there whole or not at all, never change, and no name reaches outside the directory. Method: writes that
// end at every stage, parts in every order, planted files and links, names from a hostile caller.
#include "untrusted/hub/store/object_store.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/expect.h"
#include "tests/support/files.h"

namespace redoubt::hub {
namespace {

namespace fs = std::filesystem;

ObjectName name(std::string_view text) { return OrDie(ObjectName::parse(text)); }

std::unique_ptr<ObjectStore> open(const test::TempDir& folder, ObjectStore::Options options = {}) {
  return OrDie(ObjectStore::open(folder.path() / "store", std::move(options)));
}

ObjectInfo put(ObjectStore& store, std::string_view object, std::string_view content) {
  auto writer = OrDie(store.write(name(object)));
  EXPECT_OK(writer.append(as_bytes(content)));
  return OrDie(writer.commit());
}

void put_part(ObjectStore& store, std::string_view object, std::uint64_t part, std::string_view content) {
  auto writer = OrDie(store.write_part(name(object), part));
  EXPECT_OK(writer.append(as_bytes(content)));
  EXPECT_OK(writer.commit());
}

std::string get(const ObjectStore& store, std::string_view object) {
  const auto reader = OrDie(store.read(name(object)));
  Bytes out(reader.size() + 10);
  out.resize(OrDie(reader.read(0, out)));
  EXPECT_EQ(out.size(), reader.size());
  return std::string(as_text(out));
}

std::size_t files_in(const fs::path& path) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), fs::directory_iterator()));
}

TEST(ObjectStore, GivesBackWhatWasWritten) {
  const test::TempDir folder;
  const auto store = open(folder);
  const ObjectInfo info = put(*store, "a", "content");
  EXPECT_EQ(info, (ObjectInfo{7, crypto::sha256(as_bytes("content"))}));
  EXPECT_EQ(get(*store, "a"), "content");
  const auto reader = OrDie(store->read(name("a")));
  Bytes two(2);
  EXPECT_EQ(OrDie(reader.read(5, two)), 2U);
  EXPECT_EQ(as_text(two), "nt");
  EXPECT_EQ(OrDie(reader.read(7, two)), 0U);
  EXPECT_EQ(OrDie(reader.read(1'000'000, two)), 0U);
  put(*store, "empty", "");
  EXPECT_EQ(get(*store, "empty"), "");
  EXPECT_EQ(OrDie(store->list()), (std::vector{name("a"), name("empty")}));
  EXPECT_EQ(files_in(folder.path() / "store/incoming"), 0U);
  EXPECT_EQ(fs::status(folder.path() / "store").permissions(), fs::perms::owner_all);
  EXPECT_EQ(fs::status(folder.path() / "store/objects/a").permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST(ObjectStore, NeverChangesAnObject) {
  const test::TempDir folder;
  const auto store = open(folder);
  put(*store, "a", "first");
  auto writer = OrDie(store->write(name("a")));
  EXPECT_OK(writer.append(as_bytes("second")));
  EXPECT_ERROR(writer.commit(), Code::refused, "already exists");
  EXPECT_EQ(get(*store, "a"), "first");
  EXPECT_ERROR(writer.commit(), Code::usage, "failed before");
}

TEST(ObjectStore, KeepsNothingOfWhatWasNotCommitted) {
  const test::TempDir folder;
  const auto store = open(folder);
  {
    auto writer = OrDie(store->write(name("a")));
    EXPECT_OK(writer.append(as_bytes("half")));
    auto moved = std::move(writer);
    EXPECT_OK(moved.append(as_bytes("half")));
  }
  {
    auto writer = OrDie(store->write(name("a")));
    EXPECT_OK(writer.append(as_bytes("other")));
    EXPECT_ERROR(writer.commit(ObjectInfo{5, crypto::sha256(as_bytes("wrong"))}), Code::binding, "SHA-256");
  }
  EXPECT_ERROR(store->read(name("a")), Code::not_found, "does not exist");
  EXPECT_EQ(files_in(folder.path() / "store/incoming"), 0U);
}

TEST(ObjectStore, BoundsObjectsAndParts) {
  const test::TempDir folder;
  const auto store = open(folder, {.max_object_size = 10, .max_part_size = 6});
  auto writer = OrDie(store->write(name("a")));
  EXPECT_OK(writer.append(as_bytes("0123456789")));
  EXPECT_ERROR(writer.append(as_bytes("x")), Code::refused, "limit of 10");
  EXPECT_ERROR(writer.commit(), Code::usage, "failed before");
  auto part = OrDie(store->write_part(name("a"), 0));
  EXPECT_ERROR(part.append(as_bytes("0123456")), Code::refused, "limit of 6");
  put_part(*store, "a", 0, "012345");
  put_part(*store, "a", 1, "012345");
  EXPECT_ERROR(store->join(name("a"), 2, {}), Code::refused, "limit of 10");
}

TEST(ObjectStore, JoinsPartsInOrderWhateverOrderTheyCameIn) {
  const test::TempDir folder;
  const auto store = open(folder);
  put_part(*store, "a", 2, "ghi");
  put_part(*store, "a", 0, "wrong");
  put_part(*store, "a", 0, "abc");  // sent again
  put_part(*store, "ab", 0, "of another");
  EXPECT_ERROR(store->join(name("a"), 3, {}), Code::not_found, "part a.1 does not exist");
  put_part(*store, "a", 1, "def");
  const ObjectInfo expected{9, crypto::sha256(as_bytes("abcdefghi"))};
  EXPECT_ERROR(store->join(name("a"), 2, expected), Code::binding, "expected 9 bytes");
  EXPECT_EQ(OrDie(store->join(name("a"), 3, expected)), expected);
  EXPECT_EQ(get(*store, "a"), "abcdefghi");
  EXPECT_EQ(files_in(folder.path() / "store/parts"), 1U);
  EXPECT_EQ(OrDie(store->join(name("a"), 3, expected)), expected);  // repeated after its parts are gone
  EXPECT_ERROR(store->join(name("a"), 3, ObjectInfo{}), Code::refused, "already exists");
  EXPECT_OK(store->remove_parts(name("ab")));
  EXPECT_EQ(files_in(folder.path() / "store/parts"), 0U);
}

TEST(ObjectStore, RefusesNamesThatCouldLeaveTheFolder) {
  for (const std::string bad : {"", ".", "..", "../a", "a/b", "/etc/passwd", "a.0", "a\\b", "a b", "a\n", "\xc3\xa4"}) {
    EXPECT_ERROR(ObjectName::parse(bad), Code::malformed, "object name") << bad;
  }
  EXPECT_ERROR(ObjectName::parse(std::string("a\0b", 3)), Code::malformed, "object name");
  EXPECT_ERROR(ObjectName::parse(std::string(129, 'a')), Code::malformed, "object name");
  EXPECT_OK(ObjectName::parse(std::string(128, 'a')));
}

TEST(ObjectStore, FollowsNoPlantedLinkAndReadsNoFolder) {
  const test::TempDir folder;
  const auto store = open(folder);
  std::ofstream(folder.path() / "secret") << "secret";
  fs::create_symlink(folder.path() / "secret", folder.path() / "store/objects/link");
  fs::create_directory(folder.path() / "store/objects/folder");
  EXPECT_FALSE(store->read(name("link")).ok());
  EXPECT_ERROR(store->read(name("folder")), Code::not_found, "does not exist");
  auto writer = OrDie(store->write(name("link")));
  EXPECT_ERROR(writer.commit(), Code::refused, "already exists");
  EXPECT_EQ(test::read_text(folder.path() / "secret"), "secret");
}

TEST(ObjectStore, SweepsLeftoversAndWhatNobodyKnows) {
  const test::TempDir folder;
  {
    const auto store = open(folder);
    put(*store, "known", "1");
    put(*store, "unknown", "2");
    put_part(*store, "upload", 0, "3");
    put_part(*store, "given-up", 0, "4");
  }
  std::ofstream(folder.path() / "store/incoming/0") << "leftover";
  const auto store = open(folder);
  EXPECT_EQ(files_in(folder.path() / "store/incoming"), 0U);
  EXPECT_EQ(OrDie(store->sweep({name("known")}, {name("upload")})), 2U);
  EXPECT_EQ(OrDie(store->list()), std::vector{name("known")});
  EXPECT_TRUE(fs::exists(folder.path() / "store/parts/upload.0"));
  EXPECT_EQ(OrDie(store->sweep({name("known")}, {name("upload")})), 0U);
  EXPECT_OK(store->remove(name("known")));
  EXPECT_OK(store->remove(name("known")));
  EXPECT_TRUE(OrDie(store->list()).empty());
}

TEST(ObjectStore, BelongsToOneProcess) {
  const test::TempDir folder;
  auto store = open(folder);
  EXPECT_ERROR(ObjectStore::open(folder.path() / "store", {}), Code::unavailable, "another process");
  store.reset();
  EXPECT_OK(ObjectStore::open(folder.path() / "store", {}));
  EXPECT_ERROR(ObjectStore::open(folder.path() / "absent" / "store", {}), Code::unavailable, "object store");
}

}  // namespace
}  // namespace redoubt::hub
