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
  Authenticator authenticator{*store, {.requests_per_second = 1, .request_burst = 3, .failures_per_second = 1, .failure_burst = 100},
                              [this] { return now_ms; }};
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
  EXPECT_ERROR(authenticator.authenticate(with("Bearer " + text(key))), Code::auth, "revoked");
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
