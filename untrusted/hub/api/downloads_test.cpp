// Goal: a link gives its result, or any range of it, for as long as it and the API key behind it live, and gives nothing else to anybody.
// Method: a hub over real rooms; every part of a link changed alone, links signed with the real secret for what nobody asked; ranges.
#include <gtest/gtest.h>

#include "untrusted/hub/api/hub_test_fixture.h"
#include "untrusted/hub/api/result_link.h"
#include "untrusted/hub/store/secrets.h"

namespace redoubt::hub {
namespace {

class Downloads : public HubTest {
 protected:
  void SetUp() override {
    start_hub();
    const auto room = open_study();
    release_keys(*room);
    const jobs::Proposal proposed = proposal(*room);
    propose_at_hub(proposed);
    query = proposed.digest().hex();
    link_path = query_path(proposed) + "/result/analyst/link";
    analyst = key_for("analyst");
    EXPECT_EQ(Client(hub->port(), hub->pin(), analyst).get(link_path).status, 409) << "nothing is there yet";
    approve_at_hub(*room, proposed);
    ASSERT_TRUE(until([&] { return state_of(proposed) == "done"; }));
    const Answer sealed = admin->get(query_path(proposed) + "/result/analyst");
    ASSERT_EQ(sealed.status, 200);
    package = OrDie(base64_decode(sealed.text("sealed")));
    ASSERT_GT(package.size(), 100U);
  }
  Answer ask_link() { return Client(hub->port(), hub->pin(), analyst).get(link_path); }
  // fetch asks without an API key.
  net::ClientResponse fetch(const std::string& target, const net::Headers& headers = {}, const std::string& method = "GET") {
    net::ClientRequest request{.method = method, .target = target, .headers = headers};
    return OrDie(connect().request(request));
  }
  net::HttpClient connect() {
    net::ClientOptions options;
    options.host = "127.0.0.1";
    options.port = hub->port();
    options.trust = net::TrustSpki{hub->pin()};
    return OrDie(net::HttpClient::connect(options));
  }
  static std::string header(const net::ClientResponse& response, std::string_view name) {
    const std::string* const value = response.headers.find(name);
    return value == nullptr ? "" : *value;
  }
  std::string id_of(const std::string& key) {
    return OrDie(hub->store().read([&](Transaction& t) { return find_api_key(t, key, wall()); })).id;
  }
  SecretBytes secret() {
    return OrDie(hub->store().write("secret", [&](Transaction& t) { return ensure_secret(t, random, "result links"); }));
  }
  ResultLink link() { return {query, "analyst", id_of(analyst), wall().plus_seconds(600)}; }
  void replace_package(std::size_t size) {
    package = Bytes(size);
    for (std::size_t i = 0; i < size; ++i) package[i] = static_cast<std::byte>(i * 7 + i / 1000);
    ASSERT_OK(hub->store().write("test", [&](Transaction& t) { return t.change_one("UPDATE results SET package = ? WHERE recipient = 'analyst'", {sql::blob(package)}); }));
  }

  std::string query;
  std::string link_path;
  std::string analyst;
  Bytes package;
};

TEST_F(Downloads, ALinkGivesTheResultAndItsRanges) {
  const Answer link = ask_link();
  ASSERT_EQ(link.status, 200) << link.text("detail");
  EXPECT_EQ(link.number("size"), static_cast<std::int64_t>(package.size()));
  EXPECT_LE(OrDie(Instant::parse(link.text("expires"))), wall().plus_seconds(900));
  const std::string url = link.text("url");
  EXPECT_EQ(url.find(analyst), std::string::npos) << "the key itself is in no address";
  const auto whole = fetch(url);
  EXPECT_EQ(whole.status, 200);
  EXPECT_EQ(whole.body, package);
  EXPECT_EQ(header(whole, "content-type"), "application/octet-stream");
  EXPECT_EQ(header(whole, "accept-ranges"), "bytes");
  EXPECT_EQ(header(whole, "cache-control"), "no-store");
  EXPECT_EQ(header(whole, "etag"), link.text("etag"));
  EXPECT_TRUE(header(whole, "x-request-id").starts_with("req-"));

  const std::string size = std::to_string(package.size());
  const std::string last = std::to_string(package.size() - 1);
  const auto part = fetch(url, {{"range", "bytes=10-19"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, to_bytes(ByteView(package).subspan(10, 10)));
  EXPECT_EQ(header(part, "content-range"), "bytes 10-19/" + size);
  EXPECT_EQ(header(part, "content-length"), "10");
  const auto rest = fetch(url, {{"range", "bytes=20-99999999999999999999"}, {"if-range", link.text("etag")}});
  EXPECT_EQ(rest.status, 206);
  EXPECT_EQ(rest.body, to_bytes(ByteView(package).subspan(20)));
  EXPECT_EQ(header(rest, "content-range"), "bytes 20-" + last + "/" + size);
  EXPECT_EQ(fetch(url, {{"range", "bytes=-5"}}).body, to_bytes(ByteView(package).last(5)));
  for (const std::string& outside : {"bytes=" + size + "-", std::string("bytes=18446744073709551615-"), std::string("bytes=99999999999999999999-"), std::string("bytes=-0")}) {
    const auto refused = fetch(url, {{"range", outside}});
    EXPECT_EQ(refused.status, 416) << outside;
    EXPECT_EQ(header(refused, "content-range"), "bytes */" + size);
    EXPECT_EQ(header(refused, "content-type"), "application/problem+json");
  }
  for (const net::Headers& whole_again : std::vector<net::Headers>{{{"range", "bytes=0-1,2-3"}}, {{"range", "bytes=3-1"}}, {{"range", "lines=0-1"}},
                                                                   {{"range", "bytes=0-1"}, {"if-range", "\"another\""}}}) {
    const auto answer = fetch(url, whole_again);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, package);
  }
  const auto head = fetch(url, {{"range", "bytes=0-1"}}, "HEAD");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(header(head, "content-length"), size);
}

TEST_F(Downloads, ALargeResultComesInPiecesAndMayBeTakenUpAgain) {
  replace_package((9U << 20) + 12'345);
  const std::string url = ask_link().text("url");
  EXPECT_EQ(fetch(url).body, package);
  constexpr std::size_t kCut = (4U << 20) - 3;
  Bytes all = fetch(url, {{"range", "bytes=0-" + std::to_string(kCut - 1)}}).body;
  EXPECT_EQ(all.size(), kCut);
  append(all, fetch(url, {{"range", "bytes=" + std::to_string(kCut) + "-"}}).body);
  EXPECT_EQ(all, package);
}

TEST_F(Downloads, EveryPartOfALinkIsSigned) {
  const SecretBytes key = secret();
  EXPECT_EQ(fetch(link().target(key)).status, 200);
  const std::vector<std::function<void(ResultLink&)>> changes{
      [&](ResultLink& l) { l.query = std::string(64, 'f'); },  [](ResultLink& l) { l.recipient = "hospital"; },
      [&](ResultLink& l) { l.api_key = id_of(key_for("hospital")); }, [](ResultLink& l) { l.expires = l.expires.plus_seconds(1); },
      [](ResultLink& l) { l.expires = l.expires.plus_seconds(-1); },
  };
  const ResultLink good = link();
  const std::string target = good.target(key);
  const std::string signature = target.substr(target.find("signature=") + 10);
  EXPECT_EQ(signature.size(), 43U);
  for (std::size_t i = 0; i < changes.size(); ++i) {
    ResultLink changed = good;
    changes[i](changed);
    const std::string own = changed.target(key);
    const auto refused = fetch(own.substr(0, own.find("signature=")) + "signature=" + signature);
    EXPECT_EQ(refused.status, 403) << i;
    EXPECT_NE(as_text(refused.body).find("this link is not valid"), std::string_view::npos);
  }
  const std::string open = target.substr(0, target.find("signature="));
  std::string flipped = signature;
  flipped[0] = flipped[0] == 'A' ? 'B' : 'A';
  for (const std::string& forged : {std::string(), flipped, signature.substr(0, 42), signature + "A", std::string(43, 'A'), good.target(SecretBytes(32)).substr(open.size() + 10)}) {
    EXPECT_EQ(fetch(open + "signature=" + forged).status, 403) << forged;
  }
  for (const std::string& odd : {std::string("/api/tee/downloads/") + query + "/analyst", open.substr(0, open.size() - 1), target + "&more=1",
                                 target.substr(0, target.find("expires=")) + "expires=-1&signature=" + signature,
                                 target.substr(0, target.find("expires=")) + "expires=99999999999999999999&signature=" + signature}) {
    EXPECT_EQ(fetch(odd).status, 400) << odd;
  }
}

TEST_F(Downloads, ALinkEndsWithItsTimeAndItsKey) {
  const SecretBytes key = secret();
  const auto status = [&](const std::function<void(ResultLink&)>& change) {
    ResultLink signed_link = link();
    change(signed_link);
    return fetch(signed_link.target(key)).status;
  };
  EXPECT_EQ(status([](ResultLink&) {}), 200);
  EXPECT_EQ(status([](ResultLink& l) { l.expires = wall(); }), 403);
  EXPECT_EQ(status([](ResultLink& l) { l.expires = wall().plus_seconds(10'000); }), 403) << "made by a clock that ran ahead";
  EXPECT_EQ(status([](ResultLink& l) { l.api_key = "key-0011223344556677"; }), 403);
  const std::string stranger = id_of(key_for("stranger"));
  EXPECT_EQ(status([&](ResultLink& l) { l.api_key = stranger; }), 403) << "whoever could sign is not let in by that";
  EXPECT_EQ(status([](ResultLink& l) { l.recipient = "nobody"; }), 403);
  EXPECT_EQ(status([](ResultLink& l) { l.query = std::string(64, '0'); }), 403);
  const std::string submit_only = OrDie(hub->store().write("key", [&](Transaction& t) { return create_api_key(t, random, "analyst", {"submit"}, wall()); })).record.id;
  EXPECT_EQ(status([&](ResultLink& l) { l.api_key = submit_only; }), 403) << "a key without the scope";

  const std::string url = ask_link().text("url");
  EXPECT_EQ(fetch(url).status, 200);
  ASSERT_EQ(admin->send("POST", "/api/tee/api-keys/" + id_of(analyst) + "/revoke").status, 200);
  EXPECT_EQ(fetch(url).status, 403);
  EXPECT_EQ(fetch(url, {{"range", "bytes=0-0"}}).status, 403);
}

TEST_F(Downloads, WhoTriesLinksUsesUpHisAddressAndHoldsUpNoGoodLink) {
  stop_hub();
  change_options = [](ServiceOptions& with) {
    with.rates.failures_per_second = 0.0;
    with.rates.failure_burst = 5;
  };
  start_hub();
  const std::string target = link().target(secret());
  const std::string forged = target.substr(0, target.find("signature=")) + "signature=" + std::string(43, 'A');
  for (int i = 0; i < 2; ++i) EXPECT_EQ(fetch(forged).status, 403) << i;
  EXPECT_EQ(fetch(target + "&more=1").status, 400);
  EXPECT_EQ(fetch(target.substr(0, target.find('?'))).status, 400);
  EXPECT_EQ(fetch(forged).status, 403);
  const auto limited = fetch(forged);
  EXPECT_EQ(limited.status, 429) << "the sixth";
  EXPECT_NE(header(limited, "ratelimit-policy").find("\"address\";q=5"), std::string::npos) << header(limited, "ratelimit-policy");
  EXPECT_NE(header(limited, "retry-after"), "");
  EXPECT_EQ(fetch(target + "&more=1").status, 429);
  EXPECT_EQ(fetch(target).status, 200) << "a good link from the same address";
  ResultLink ended = link();
  ended.expires = wall().plus_seconds(-5);
  for (int i = 0; i < 7; ++i) EXPECT_EQ(fetch(ended.target(secret())).status, 403) << "whose link has ended was not guessing";
  Client guesser(hub->port(), hub->pin(), "rdt_" + std::string(43, 'A'));
  EXPECT_EQ(guesser.get(kStudy).status, 429) << "wrong keys and wrong links of an address are one share";
}

TEST_F(Downloads, ADownloadUnderWayIsCutOffWhenItsKeyEnds) {
  replace_package(40U << 20);
  const std::string url = ask_link().text("url");
  const std::string id = id_of(analyst);
  std::size_t received = 0;
  net::ClientRequest request{.target = url};
  request.sink = [&](ByteView bytes) -> Status {
    if (received == 0) {
      EXPECT_EQ(admin->send("POST", "/api/tee/api-keys/" + id + "/revoke").status, 200);
    }
    received += bytes.size();
    return {};
  };
  auto client = connect();
  EXPECT_ERROR(client.request(request), Code::unavailable, "");
  EXPECT_LT(received, package.size());
}

TEST_F(Downloads, OnlyWhoMayReadTheQueryGetsALink) {
  Client stranger = client_for("stranger");
  EXPECT_EQ(stranger.get(link_path).status, 404);
  Client nobody(hub->port(), hub->pin(), "");
  EXPECT_EQ(nobody.get(link_path).status, 401);
  Client hospital = client_for("hospital");
  EXPECT_EQ(hospital.get(link_path).status, 200) << "the package is sealed to its recipient";
  std::string absent = link_path;
  absent.replace(absent.find("analyst"), 7, "nobody");
  EXPECT_EQ(hospital.get(absent).status, 404);
}

TEST(ResultLinks, LiveForAWhile) {
  const Instant now(1'700'000'000);
  const auto ending = [](Instant at) { return ResultLink{"q", "r", "k", at}; };
  EXPECT_TRUE(ending(now.plus_seconds(1)).alive(now));
  EXPECT_TRUE(ending(now.plus_seconds(900)).alive(now));
  EXPECT_FALSE(ending(now).alive(now));
  EXPECT_FALSE(ending(now.plus_seconds(901)).alive(now));
  EXPECT_FALSE(ending(Instant(0)).alive(now));
}

TEST(ResultLinks, FieldsDoNotRunIntoEachOther) {
  const SecretBytes secret(32);
  const auto signature = [&](const ResultLink& link) {
    const std::string target = link.target(secret);
    return target.substr(target.find("signature=") + 10);
  };
  const ResultLink link{"ab", "c", "d", Instant(5)};
  EXPECT_TRUE(link.signed_by(secret, signature(link)));
  for (const ResultLink& other : {ResultLink{"a", "bc", "d", Instant(5)}, ResultLink{"ab", "cd", "", Instant(5)}, ResultLink{"ab", "c", "d", Instant(6)}}) {
    EXPECT_FALSE(other.signed_by(secret, signature(link)));
  }
  SecretBytes another(32);
  another.writable()[31] = std::byte{1};
  EXPECT_FALSE(link.signed_by(another, signature(link)));
}

}  // namespace
}  // namespace redoubt::hub
