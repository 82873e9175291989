// Goal: only a key that was made and not revoked is let in, from the header alone, and not too often. Method: one store, keys
// of each kind, every malformed header, a clock that the test moves.
#include "untrusted/hub/auth/authenticator.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "common/crypto/system_random.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"
#include "untrusted/hub/auth/admin_key.h"

namespace redoubt::hub {
namespace {

constexpr Instant kNow(1'700'000'000);

class AuthenticatorTest : public testing::Test {
 protected:
  NewApiKey make(std::string_view subject, std::vector<std::string> scopes) {
    return OrDie(store->write("key", [&](Transaction& t) { return create_api_key(t, random, subject, std::move(scopes), kNow); }));
  }
  static std::string text(const NewApiKey& key) { return std::string(as_text(key.text.reveal())); }
  static net::HttpRequest with(std::string_view authorization, std::string peer = "192.0.2.1") {
    net::HttpRequest request;
    request.headers = {{"authorization", std::string(authorization)}};
    request.peer = std::move(peer);
    return request;
  }

  test::TempDir folder;
  crypto::SystemRandom random;
  std::unique_ptr<Store> store = OrDie(Store::open(folder.path() / "db", kNow));
  std::int64_t now_ms = 0;
  std::int64_t now_s = 0;
  Authenticator authenticator{*store, {.requests_per_second = 1, .request_burst = 3, .failures_per_second = 1, .failure_burst = 100},
                              [this] { return now_ms; }, [this] { return kNow.plus_seconds(now_s); }};
};

TEST_F(AuthenticatorTest, KnowsWhoseKeyItIs) {
  const NewApiKey admin = make("operator", {"admin"});
  const NewApiKey hospital = make("hospital", {"participant"});
  EXPECT_TRUE(text(admin).starts_with("rdt_"));
  const Caller first = OrDie(authenticator.authenticate(with("Bearer " + text(admin))));
  EXPECT_EQ(first.subject, "operator");
  EXPECT_TRUE(first.admin);
  const Caller second = OrDie(authenticator.authenticate(with("Bearer " + text(hospital))));
  EXPECT_EQ(second.subject, "hospital");
  EXPECT_EQ(second.key, hospital.record.id);
  EXPECT_FALSE(second.admin);
}

TEST_F(AuthenticatorTest, RefusesEveryOtherHeader) {
  const NewApiKey key = make("hospital", {"participant"});
  const NewApiKey other = make("nobody", {"metrics"});
  for (const std::string& header : std::vector<std::string>{"", text(key), "bearer " + text(key), "Bearer  " + text(key), "Bearer " + text(key) + " ",
                                    "Basic " + text(key), "Bearer " + text(other), "Bearer rdt_" + std::string(43, 'A'),
                                    "Bearer ' OR 1=1 --", "Bearer " + std::string(8000, 'A')}) {
    EXPECT_ERROR(authenticator.authenticate(with(header)), Code::auth, "") << header;
  }
  EXPECT_ERROR(authenticator.authenticate(net::HttpRequest()), Code::auth, "is needed");
  net::HttpRequest twice = with("Bearer " + text(key));
  twice.headers.add("authorization", "Bearer " + text(key));
  EXPECT_ERROR(authenticator.authenticate(twice), Code::auth, "found 2");
  net::HttpRequest in_url;
  in_url.query = {{"api_key", text(key)}, {"access_token", text(key)}};
  EXPECT_ERROR(authenticator.authenticate(in_url), Code::auth, "is needed");
  ASSERT_OK(store->write("revoke", [&](Transaction& t) { return revoke_api_key(t, key.record.id, kNow); }));
  EXPECT_ERROR(authenticator.authenticate(with("Bearer " + text(key))), Code::auth, "this API key is not valid");
}

TEST_F(AuthenticatorTest, AKeyThatIsUnknownRevokedOrExpiredIsRefusedInTheSameWords) {
  const NewApiKey revoked = make("hospital", {"participant"});
  ASSERT_OK(store->write("revoke", [&](Transaction& t) { return revoke_api_key(t, revoked.record.id, kNow); }));
  const NewApiKey expired = OrDie(store->write("key", [&](Transaction& t) {
    return create_api_key(t, random, "hospital", {"read"}, kNow, {kNow.plus_seconds(10), ""});
  }));
  EXPECT_OK(authenticator.authenticate(with("Bearer " + text(expired))));
  now_s = 10;
  const auto unknown = authenticator.authenticate(with("Bearer rdt_" + std::string(43, 'A')));
  EXPECT_ERROR(unknown, Code::auth, "not valid");
  for (const NewApiKey* key : {&revoked, &expired}) {
    const auto refused = authenticator.authenticate(with("Bearer " + text(*key)));
    EXPECT_ERROR(refused, Code::auth, "");
    EXPECT_EQ(refused.error().message(), unknown.error().message());
  }
}

TEST_F(AuthenticatorTest, LastUseIsWrittenOnceAMinute) {
  const NewApiKey key = make("hospital", {"participant"});
  const auto used = [&] { return OrDie(store->read([&](Transaction& t) { return get_api_key(t, key.record.id); })).last_used; };
  EXPECT_FALSE(used());
  for (const auto& [at, expected] : std::map<std::int64_t, std::int64_t>{{5, 5}, {64, 5}, {65, 65}, {70, 65}, {1000, 1000}}) {
    now_s = at;
    now_ms += 1000;
    EXPECT_OK(authenticator.authenticate(with("Bearer " + text(key))));
    EXPECT_EQ(used(), kNow.plus_seconds(expected)) << at;
  }
}

TEST_F(AuthenticatorTest, AKeyHandsOnNothingThatItHasNotItself) {
  const auto caller = [](std::vector<std::string> scopes, std::optional<Instant> expires) {
    return Caller{"key", "hospital", std::ranges::find(scopes, "admin") != scopes.end(), std::move(scopes), expires};
  };
  const Caller reader = caller({"keys", "read"}, std::nullopt);
  EXPECT_TRUE(reader.allows("read"));
  EXPECT_FALSE(reader.allows("approve"));
  EXPECT_TRUE(reader.covers({"read"}, std::nullopt));
  EXPECT_TRUE(reader.covers({"keys", "read"}, kNow));
  for (const char* scope : {"approve", "submit", "upload", "participant", "admin", "unheard-of"}) {
    EXPECT_FALSE(reader.covers({"read", scope}, std::nullopt)) << scope;
  }
  const Caller participant = caller({"participant"}, kNow);
  EXPECT_TRUE(participant.covers({"participant"}, kNow));
  EXPECT_TRUE(participant.covers({"approve", "keys", "read", "submit", "upload"}, kNow));
  EXPECT_FALSE(participant.covers({"admin"}, kNow));
  EXPECT_FALSE(participant.covers({"read"}, kNow.plus_seconds(1)));
  EXPECT_FALSE(participant.covers({"read"}, std::nullopt)) << "a key for ever from one that ends";
  EXPECT_TRUE(caller({"admin"}, std::nullopt).covers({"admin", "participant"}, std::nullopt));
  EXPECT_FALSE(caller({"admin"}, std::nullopt).covers({"unheard-of"}, std::nullopt));
}

TEST_F(AuthenticatorTest, LimitsEachKeyAndEachPeerWithWrongKeys) {
  const NewApiKey busy = make("busy", {"participant"});
  const NewApiKey calm = make("calm", {"participant"});
  for (int i = 0; i < 3; ++i) EXPECT_OK(authenticator.authenticate(with("Bearer " + text(busy))));
  EXPECT_ERROR(authenticator.authenticate(with("Bearer " + text(busy))), Code::unavailable, "share");
  EXPECT_OK(authenticator.authenticate(with("Bearer " + text(calm))));
  now_ms += 1000;
  EXPECT_OK(authenticator.authenticate(with("Bearer " + text(busy))));
  for (int i = 0; i < 100; ++i) EXPECT_ERROR(authenticator.authenticate(with("Bearer x")), Code::auth, "");
  EXPECT_ERROR(authenticator.authenticate(with("Bearer x")), Code::unavailable, "from this address");
  EXPECT_ERROR(authenticator.authenticate(with("Bearer x", "192.0.2.2")), Code::auth, "");
}

TEST_F(AuthenticatorTest, TheFirstKeyIsWrittenOnceForItsOwnerAlone) {
  const auto file = folder.path() / "admin.key";
  EXPECT_TRUE(OrDie(ensure_admin_key(*store, random, file, kNow)));
  struct stat status {};
  ASSERT_EQ(stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  std::string key = test::read_text(file);
  ASSERT_EQ(key.back(), '\n');
  key.pop_back();
  EXPECT_TRUE(OrDie(authenticator.authenticate(with("Bearer " + key))).admin);
  EXPECT_FALSE(OrDie(ensure_admin_key(*store, random, file, kNow)));
  EXPECT_EQ(test::read_text(file), key + "\n");
}

TEST_F(AuthenticatorTest, AFileThatCannotBeWrittenLeavesNoKey) {
  EXPECT_ERROR(ensure_admin_key(*store, random, folder.path() / "absent" / "admin.key", kNow), Code::unavailable, "cannot write");
  EXPECT_TRUE(OrDie(ensure_admin_key(*store, random, folder.path() / "admin.key", kNow)));
}

}  // namespace
}  // namespace redoubt::hub
