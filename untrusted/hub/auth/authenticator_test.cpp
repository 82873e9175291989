// Goal: only a key that was made and not revoked is let in, from the header alone, and not too often. Method: one store, keys
// of each kind, every malformed header, a clock that the test moves.
#include "untrusted/hub/auth/authenticator.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>

#include "common/crypto/system_random.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"
#include "untrusted/hub/auth/admin_key.h"

namespace redoubt::hub {
namespace {

constexpr Instant kKeyTime(1'700'000'000);

class AuthenticatorTest : public testing::Test {
 protected:
  NewApiKey make(std::string_view subject, std::vector<std::string> scopes) {
    return OrDie(store->write("key", [&](Transaction& t) { return create_api_key(t, random, subject, std::move(scopes), kKeyTime); }));
  }
  static std::string text(const NewApiKey& key) { return std::string(as_text(key.text.reveal())); }
  static net::HttpRequest with(std::string_view authorization, std::string peer = "192.0.2.1") {
    net::HttpRequest request;
    request.headers = {{"authorization", std::string(authorization)}};
    request.peer = std::move(peer);
    return request;
  }

  Result<Caller> authenticate(const net::HttpRequest& request) { return authenticator.authenticate(request, limited); }

  std::optional<Limited> limited;  // by the last call
  test::TempDir folder;
  crypto::SystemRandom random;
  std::unique_ptr<Store> store = OrDie(Store::open(folder.path() / "db", kKeyTime));
  std::int64_t now_ms = 0;
  std::int64_t now_s = 0;
  Authenticator authenticator{*store, {.requests_per_second = 1, .request_burst = 3, .failures_per_second = 1, .failure_burst = 100},
                              [this] { return now_ms; }, [this] { return kKeyTime.plus_seconds(now_s); }};
};

TEST_F(AuthenticatorTest, KnowsWhoseKeyItIs) {
  const NewApiKey admin = make("operator", {"admin"});
  const NewApiKey hospital = make("hospital", {"participant"});
  EXPECT_TRUE(text(admin).starts_with("rdt_"));
  const Caller first = OrDie(authenticate(with("Bearer " + text(admin))));
  EXPECT_EQ(first.subject, "operator");
  EXPECT_TRUE(first.admin);
  const Caller second = OrDie(authenticate(with("Bearer " + text(hospital))));
  EXPECT_EQ(second.subject, "hospital");
  EXPECT_EQ(second.key, hospital.record.id);
  EXPECT_FALSE(second.admin);
}

TEST_F(AuthenticatorTest, LinksUseUpTheShareOfTheirKey) {
  const NewApiKey key = make("hospital", {"participant"});
  EXPECT_OK(authenticate(with("Bearer " + text(key))));
  EXPECT_FALSE(authenticator.admit(key.record.id));
  EXPECT_FALSE(authenticator.admit(key.record.id));
  const auto used_up = authenticator.admit(key.record.id);
  ASSERT_TRUE(used_up);
  EXPECT_EQ(used_up->policy, "key");
  EXPECT_EQ(used_up->retry_after_s, 1);
  EXPECT_ERROR(authenticate(with("Bearer " + text(key))), Code::unavailable, "used up");
  EXPECT_FALSE(authenticator.admit("key-of-another"));
  now_ms += 1'000;
  EXPECT_FALSE(authenticator.admit(key.record.id));
}

TEST_F(AuthenticatorTest, RecallsAKeyOnlyWhileItWouldBeLetIn) {
  const NewApiKey key = OrDie(store->write("key", [&](Transaction& t) { return create_api_key(t, random, "hospital", {"participant"}, kKeyTime, {kKeyTime.plus_seconds(30), "", ""}); }));
  const auto request = with("Bearer " + text(key));
  const auto recall = [&] { return authenticator.recall(request, store->version().value_or(-1)); };
  EXPECT_FALSE(recall()) << "nobody has seen it";
  EXPECT_OK(authenticate(request));  // notes its use, which changes the database
  EXPECT_OK(authenticate(request));
  EXPECT_EQ(recall(), key.record.id);
  EXPECT_EQ(recall(), key.record.id) << "and it costs it nothing";
  EXPECT_OK(authenticate(request));
  EXPECT_EQ(limited, std::nullopt);
  EXPECT_FALSE(authenticator.recall(request, store->version().value() + 1));
  EXPECT_FALSE(authenticator.recall(with("bearer " + text(key)), store->version().value()));
  EXPECT_FALSE(authenticator.recall(with(""), store->version().value()));
  net::HttpRequest twice = request;
  twice.headers.add("authorization", "Bearer " + text(key));
  EXPECT_FALSE(authenticator.recall(twice, store->version().value()));
  now_s = 31;
  EXPECT_FALSE(recall()) << "it has expired";
  now_s = 0;
  EXPECT_EQ(recall(), key.record.id);
  EXPECT_OK(store->write("key", [&](Transaction& t) { return revoke_api_key(t, key.record.id, kKeyTime); }));
  EXPECT_FALSE(recall()) << "it was revoked";
  now_ms += 10'000;
  EXPECT_ERROR(authenticate(request), Code::auth, "not valid");
  EXPECT_FALSE(recall());
}

TEST_F(AuthenticatorTest, RefusesEveryOtherHeader) {
  const NewApiKey key = make("hospital", {"participant"});
  const NewApiKey other = make("nobody", {"metrics"});
  for (const std::string& header : std::vector<std::string>{"", text(key), "bearer " + text(key), "Bearer  " + text(key), "Bearer " + text(key) + " ",
                                    "Basic " + text(key), "Bearer " + text(other), "Bearer rdt_" + std::string(43, 'A'),
                                    "Bearer ' OR 1=1 --", "Bearer " + std::string(8000, 'A')}) {
    EXPECT_ERROR(authenticate(with(header)), Code::auth, "") << header;
  }
  EXPECT_ERROR(authenticate(net::HttpRequest()), Code::auth, "is needed");
  net::HttpRequest twice = with("Bearer " + text(key));
  twice.headers.add("authorization", "Bearer " + text(key));
  EXPECT_ERROR(authenticate(twice), Code::auth, "found 2");
  net::HttpRequest in_url;
  in_url.query = {{"api_key", text(key)}, {"access_token", text(key)}};
  EXPECT_ERROR(authenticate(in_url), Code::auth, "is needed");
  ASSERT_OK(store->write("revoke", [&](Transaction& t) { return revoke_api_key(t, key.record.id, kKeyTime); }));
  EXPECT_ERROR(authenticate(with("Bearer " + text(key))), Code::auth, "this API key is not valid");
}

TEST_F(AuthenticatorTest, AKeyThatIsUnknownRevokedOrExpiredIsRefusedInTheSameWords) {
  const NewApiKey revoked = make("hospital", {"participant"});
  ASSERT_OK(store->write("revoke", [&](Transaction& t) { return revoke_api_key(t, revoked.record.id, kKeyTime); }));
  const NewApiKey expired = OrDie(store->write("key", [&](Transaction& t) {
    return create_api_key(t, random, "hospital", {"read"}, kKeyTime, {kKeyTime.plus_seconds(10), ""});
  }));
  EXPECT_OK(authenticate(with("Bearer " + text(expired))));
  now_s = 10;
  const auto unknown = authenticate(with("Bearer rdt_" + std::string(43, 'A')));
  EXPECT_ERROR(unknown, Code::auth, "not valid");
  for (const NewApiKey* key : {&revoked, &expired}) {
    const auto refused = authenticate(with("Bearer " + text(*key)));
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
    EXPECT_OK(authenticate(with("Bearer " + text(key))));
    EXPECT_EQ(used(), kKeyTime.plus_seconds(expected)) << at;
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
  EXPECT_TRUE(reader.covers({"keys", "read"}, kKeyTime));
  for (const char* scope : {"approve", "submit", "upload", "participant", "admin", "unheard-of"}) {
    EXPECT_FALSE(reader.covers({"read", scope}, std::nullopt)) << scope;
  }
  const Caller participant = caller({"participant"}, kKeyTime);
  EXPECT_TRUE(participant.covers({"participant"}, kKeyTime));
  EXPECT_TRUE(participant.covers({"approve", "keys", "read", "submit", "upload"}, kKeyTime));
  EXPECT_FALSE(participant.covers({"admin"}, kKeyTime));
  EXPECT_FALSE(participant.covers({"read"}, kKeyTime.plus_seconds(1)));
  EXPECT_FALSE(participant.covers({"read"}, std::nullopt)) << "a key for ever from one that ends";
  EXPECT_TRUE(caller({"admin"}, std::nullopt).covers({"admin", "participant"}, std::nullopt));
  EXPECT_FALSE(caller({"admin"}, std::nullopt).covers({"unheard-of"}, std::nullopt));
}

TEST_F(AuthenticatorTest, LimitsEachKeyAndEachPeerWithWrongKeys) {
  const NewApiKey busy = make("busy", {"participant"});
  const NewApiKey calm = make("calm", {"participant"});
  for (int i = 0; i < 3; ++i) EXPECT_OK(authenticate(with("Bearer " + text(busy))));
  EXPECT_FALSE(limited);
  EXPECT_ERROR(authenticate(with("Bearer " + text(busy))), Code::unavailable, "share");
  ASSERT_TRUE(limited);
  EXPECT_EQ(limited->policy, "key");
  EXPECT_EQ(limited->burst, 3);
  EXPECT_EQ(limited->window_s, 3);
  EXPECT_EQ(limited->retry_after_s, 1);
  EXPECT_OK(authenticate(with("Bearer " + text(calm))));
  now_ms += 1000;
  EXPECT_OK(authenticate(with("Bearer " + text(busy))));
  for (int i = 0; i < 100; ++i) EXPECT_ERROR(authenticate(with("Bearer x")), Code::auth, "");
  EXPECT_ERROR(authenticate(with("Bearer x")), Code::unavailable, "from this address");
  ASSERT_TRUE(limited);
  EXPECT_EQ(limited->policy, "address");
  EXPECT_ERROR(authenticate(with("Bearer x", "192.0.2.2")), Code::auth, "");
  EXPECT_FALSE(limited);
}

// The store is closed to readers while the test holds its one transaction: whoever is refused meanwhile was refused without it.
TEST_F(AuthenticatorTest, AGuesserWhoUsedUpItsShareCostsTheDatabaseNothing) {
  const NewApiKey seen = make("seen", {"participant"});
  const NewApiKey unseen = make("unseen", {"participant"});
  EXPECT_OK(authenticate(with("Bearer " + text(seen))));
  const std::string guess = "Bearer rdt_" + std::string(43, 'A');
  for (int i = 0; i < 100; ++i) EXPECT_ERROR(authenticate(with(guess)), Code::auth, "not valid");
  std::vector<Result<Caller>> answers;
  std::thread guesser;
  ASSERT_OK(store->write("hold", [&](Transaction&) -> Status {
    // Keys in form and out of it, right and wrong; and no header at all.
    guesser = std::thread([&] {
      for (const std::string& header : {guess, "Bearer " + text(unseen), std::string("Bearer x")}) answers.push_back(authenticate(with(header)));
      answers.push_back(authenticate(net::HttpRequest{.method = "GET", .path = "/", .params = {}, .query = {}, .body = {}, .peer = "192.0.2.1", .alpn = {}, .principal = {}, .role = {}}));
    });
    guesser.join();  // it would wait for this transaction for ever, and the test with it
    return {};
  }));
  ASSERT_EQ(answers.size(), 4U);
  for (const auto& answer : answers) EXPECT_ERROR(answer, Code::unavailable, "from this address");
  // Who was let in lately is let in on, and others from elsewhere are; the share comes back with time.
  EXPECT_OK(authenticate(with("Bearer " + text(seen))));
  EXPECT_OK(authenticate(with("Bearer " + text(unseen), "192.0.2.2")));
  now_ms += 1000;
  EXPECT_ERROR(authenticate(with(guess)), Code::auth, "not valid");
}

TEST_F(AuthenticatorTest, AKeyThatIsValidCostsItsAddressNothing) {
  for (int i = 0; i < 150; ++i) EXPECT_OK(authenticate(with("Bearer " + text(make("subject-" + std::to_string(i), {"read"}))))) << i;
}

TEST_F(AuthenticatorTest, AKeyThatWasKnownCountsAsWrongOnceItIsRevoked) {
  const NewApiKey key = make("hospital", {"participant"});
  EXPECT_OK(authenticate(with("Bearer " + text(key))));
  ASSERT_OK(store->write("revoke", [&](Transaction& t) { return revoke_api_key(t, key.record.id, kKeyTime); }));
  for (int i = 0; i < 100; ++i) EXPECT_ERROR(authenticate(with("Bearer " + text(key))), Code::auth, "not valid") << i;
  EXPECT_ERROR(authenticate(with("Bearer " + text(key))), Code::unavailable, "from this address");
}

TEST_F(AuthenticatorTest, AnAddressOfIpv6CountsByItsNetwork) {
  for (int i = 0; i < 100; ++i) EXPECT_ERROR(authenticate(with("Bearer x", "2001:db8:1:2::" + std::to_string(i))), Code::auth, "") << i;
  EXPECT_ERROR(authenticate(with("Bearer x", "2001:db8:1:2:ffff::1")), Code::unavailable, "from this address");
  EXPECT_ERROR(authenticate(with("Bearer x", "2001:db8:1:3::1")), Code::auth, "");
  for (int i = 0; i < 100; ++i) EXPECT_ERROR(authenticate(with("Bearer x", "::ffff:192.0.2.9")), Code::auth, "") << i;
  EXPECT_ERROR(authenticate(with("Bearer x", "::ffff:192.0.2.10")), Code::auth, "");
}

TEST_F(AuthenticatorTest, TheFirstKeyIsWrittenOnceForItsOwnerAlone) {
  const auto file = folder.path() / "admin.key";
  EXPECT_TRUE(OrDie(ensure_admin_key(*store, random, file, kKeyTime)));
  struct stat status {};
  ASSERT_EQ(stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  std::string key = test::read_text(file);
  ASSERT_EQ(key.back(), '\n');
  key.pop_back();
  EXPECT_TRUE(OrDie(authenticate(with("Bearer " + key))).admin);
  EXPECT_FALSE(OrDie(ensure_admin_key(*store, random, file, kKeyTime)));
  EXPECT_EQ(test::read_text(file), key + "\n");
}

TEST_F(AuthenticatorTest, AFileThatCannotBeWrittenLeavesNoKey) {
  EXPECT_ERROR(ensure_admin_key(*store, random, folder.path() / "absent" / "admin.key", kKeyTime), Code::unavailable, "cannot write");
  EXPECT_TRUE(OrDie(ensure_admin_key(*store, random, folder.path() / "admin.key", kKeyTime)));
}

}  // namespace
}  // namespace redoubt::hub
