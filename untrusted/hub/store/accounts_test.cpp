// Goal: an API key is kept as a digest, found by its text alone, ends when it should, and takes with it all that came of it. Method: keys in
// every relation to each other, on each kind of database.
#include <gtest/gtest.h>

#include "common/crypto/system_random.h"
#include "untrusted/hub/store/accounts.h"
#include "untrusted/hub/store/records_test_fixture.h"

namespace redoubt::hub {
namespace {

class KeyRecords : public Records {};
REDOUBT_ON_BOTH_BACKENDS(KeyRecords);

TEST_P(KeyRecords, ApiKeysAreStoredHashedAndRevoked) {
  crypto::SystemRandom random;
  const NewApiKey key = OrDie(write([&](Transaction& t) { return create_api_key(t, random, "alice", {"write", "read", "read"}, kNow); }));
  const std::string text(as_text(key.text.reveal()));
  EXPECT_EQ(text.size(), 47U);
  const ApiKey found = OrDie(write([&](Transaction& t) { return find_api_key(t, text, kNow); }));
  EXPECT_EQ(found.id, key.record.id);
  EXPECT_EQ(found.subject, "alice");
  EXPECT_EQ(found.scopes, (std::vector<std::string>{"read", "write"}));
  EXPECT_TRUE(found.allows("read"));
  EXPECT_FALSE(found.allows("rea"));
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string bad = text;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    EXPECT_ERROR(write([&](Transaction& t) { return find_api_key(t, bad, kNow); }), Code::auth, "not valid") << i;
  }
  for (const std::string& bad : {std::string(), std::string("rdt_"), text.substr(4), text + "A", std::string(1000, 'A')}) {
    EXPECT_ERROR(write([&](Transaction& t) { return find_api_key(t, bad, kNow); }), Code::auth, "not valid");
  }
  // Neither the key nor its text is anywhere in the files.
  const Bytes raw = OrDie(base64url_decode(text.substr(4)));
  for (const char* name : {"db", "db-wal"}) {
    if (!sqlite()) break;
    const std::string file = test::read_text(folder() / name);
    EXPECT_EQ(file.find(text.substr(4)), std::string::npos);
    EXPECT_EQ(file.find(as_text(raw)), std::string::npos);
  }
  EXPECT_OK(write([&](Transaction& t) { return revoke_api_key(t, key.record.id, kNow); }));
  EXPECT_OK(write([&](Transaction& t) { return revoke_api_key(t, key.record.id, kNow.plus_seconds(9)); }));
  EXPECT_ERROR(write([&](Transaction& t) { return find_api_key(t, text, kNow); }), Code::auth, "not valid");
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return list_api_keys(t, {}); })).items.at(0).revoked, kNow);
  EXPECT_ERROR(write([&](Transaction& t) { return revoke_api_key(t, "none", kNow); }), Code::not_found, "api key");
  EXPECT_ERROR(write([&](Transaction& t) { return create_api_key(t, random, "a b", {}, kNow); }), Code::malformed, "subject");
  EXPECT_ERROR(write([&](Transaction& t) { return create_api_key(t, random, "a", {"a b"}, kNow); }), Code::malformed, "scopes");
}

TEST_P(KeyRecords, ApiKeysExpireAndTellWhenTheyWereUsed) {
  crypto::SystemRandom random;
  const auto create = [&](std::string_view subject, const KeyLife& life) {
    return write([&](Transaction& t) { return create_api_key(t, random, subject, {"read"}, kNow, life); });
  };
  const NewApiKey maker = OrDie(create("bob", {}));
  const NewApiKey key = OrDie(create("alice", {kNow.plus_seconds(60), maker.record.id}));
  const std::string text(as_text(key.text.reveal()));
  const auto find = [&](std::int64_t at) { return write([&](Transaction& t) { return find_api_key(t, text, kNow.plus_seconds(at)); }); };
  const ApiKey found = OrDie(find(59));
  EXPECT_EQ(found.expires, kNow.plus_seconds(60));
  EXPECT_EQ(found.made_by, maker.record.id);
  EXPECT_EQ(found.prefix, text.substr(0, 8));
  EXPECT_FALSE(found.last_used);
  EXPECT_ERROR(find(60), Code::auth, "not valid");
  EXPECT_ERROR(create("alice", {kNow, ""}), Code::malformed, "expiry");
  EXPECT_OK(write([&](Transaction& t) { return note_use(t, found.id, kNow.plus_seconds(5)); }));
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return get_api_key(t, found.id); })).last_used, kNow.plus_seconds(5));
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return list_api_keys(t, {}, "bob"); })).items.size(), 1U);
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return list_api_keys(t, {}); })).items.size(), 2U);
  const auto live = [&](std::int64_t at) { return OrDie(write([&](Transaction& t) { return live_keys(t, "alice", kNow.plus_seconds(at)); })); };
  EXPECT_EQ(live(59), 1U);
  EXPECT_EQ(live(60), 0U) << "a key that has expired takes nobody's place";
  EXPECT_OK(write([&](Transaction& t) { return revoke_api_key(t, found.id, kNow); }));
  EXPECT_EQ(live(0), 0U);
  EXPECT_ERROR(write([&](Transaction& t) { return get_api_key(t, "none"); }), Code::not_found, "api key");
}

// Whoever stole a key made others with it, with those still others, and rotated a key that it could reach: all of them end with the key.
TEST_P(KeyRecords, RevokingAKeyRevokesAllThatCameOfIt) {
  crypto::SystemRandom random;
  const auto make = [&](const KeyLife& life) {
    return OrDie(write([&](Transaction& t) { return create_api_key(t, random, "alice", {"read"}, kNow, life); })).record.id;
  };
  const auto revoke = [&](const std::string& id) {
    return OrDie(write([&](Transaction& t) { return revoke_api_key(t, id, kNow.plus_seconds(5)); }));
  };
  const auto valid = [&](const std::string& id) {
    return OrDie(write([&](Transaction& t) { return get_api_key(t, id); })).valid(kNow.plus_seconds(5));
  };
  const auto sorted = [](std::vector<std::string> ids) {
    std::ranges::sort(ids);
    return ids;
  };
  const std::string stolen = make({});
  const std::string child = make({std::nullopt, stolen});
  const std::string grandchild = make({std::nullopt, child});
  const std::string bystander = make({});
  const std::string of_bystander = make({std::nullopt, bystander});
  // The thief rotated the bystander's key: what it got has two origins.
  const std::string taken = make({std::nullopt, stolen, bystander});
  EXPECT_OK(write([&](Transaction& t) { return retire_api_key(t, bystander, kNow); }));
  EXPECT_TRUE(valid(of_bystander)) << "rotation leaves what the key had made";
  EXPECT_EQ(revoke(stolen), sorted({stolen, child, grandchild, taken}));
  EXPECT_FALSE(valid(grandchild));
  EXPECT_FALSE(valid(taken));
  EXPECT_TRUE(valid(of_bystander));
  EXPECT_TRUE(revoke(stolen).empty()) << "a second time changes nothing";
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return get_api_key(t, child); })).revoked, kNow.plus_seconds(5));

  // The owner rotated its key, and revokes the new one: what the old one had made ends too. And the other way round.
  for (const bool newer : {true, false}) {
    const std::string old = make({});
    const std::string made = make({std::nullopt, old});
    const std::string next = make({std::nullopt, old, old});
    EXPECT_OK(write([&](Transaction& t) { return retire_api_key(t, old, kNow); }));
    EXPECT_EQ(revoke(newer ? next : old), sorted({made, next})) << newer;
  }
  EXPECT_TRUE(valid(of_bystander));
  // A table that was changed by hand may hold a circle: the walk ends.
  const std::string one = make({});
  const std::string two = make({std::nullopt, one});
  EXPECT_OK(write([&](Transaction& t) { return t.change_one("UPDATE api_keys SET made_by = ?, replaces = ? WHERE id = ?", {sql::text(two), sql::text(two), sql::text(one)}); }));
  EXPECT_EQ(revoke(one), sorted({one, two}));
}

// A request that was let in just before its key was revoked makes nothing after it.
TEST_P(KeyRecords, AKeyHasNoChildAfterItsRevocation) {
  crypto::SystemRandom random;
  const auto make = [&](const KeyLife& life, std::int64_t at = 0) {
    return write([&](Transaction& t) { return create_api_key(t, random, "alice", {"read"}, kNow.plus_seconds(at), life); });
  };
  const NewApiKey revoked = OrDie(make({}));
  const NewApiKey expired = OrDie(make({kNow.plus_seconds(9)}));
  EXPECT_OK(make({std::nullopt, expired.record.id}));
  EXPECT_OK(write([&](Transaction& t) { return revoke_api_key(t, revoked.record.id, kNow); }));
  EXPECT_ERROR(make({std::nullopt, revoked.record.id}), Code::auth, "not valid");
  EXPECT_ERROR(make({std::nullopt, expired.record.id}, 9), Code::auth, "not valid");
  EXPECT_ERROR(make({std::nullopt, "key-0011223344556677"}), Code::auth, "not valid");
}

}  // namespace
}  // namespace redoubt::hub
