// Goal: the program redoubt-verifier answers with a signed verdict, refuses each kind of bad input with a problem that names the next
// step, and outlives every client. Method: the program of this build on a port of its own, spoken to byte by byte over plain TCP and
// over HTTPS; Evidence of a trust domain under a test root, made to be valid now; the result's signature is checked with the key
// that the service publishes.
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "client/verifier/service.h"
#include "common/crypto/jws.h"
#include "common/net/client.h"
#include "common/net/client_transport.h"
#include "tests/support/evidence_dcap.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"
#include "tests/support/self_signed.h"
#include "untrusted/launch/process.h"

namespace redoubt::rest {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Instant now() {
  return Instant(std::chrono::duration_cast<seconds>(std::chrono::system_clock::now().time_since_epoch()).count());
}

struct Answer {
  int status = 0;
  std::string head, body;

  json::Value json() const { return OrDie(json::parse(body)); }
  std::string text(const std::string& key) const {
    const json::Value value = json();
    const auto at = value.object()->find(key);
    return at == value.object()->end() || at->second.string() == nullptr ? "" : *at->second.string();
  }
  bool has(std::string_view header) const { return head.find("\r\n" + std::string(header) + "\r\n") != std::string::npos; }
};

// Stream: one plain TCP connection, with whatever bytes a test likes.
class Stream {
 public:
  explicit Stream(std::uint16_t port) : transport_(OrDie(net::ClientTransport::connect_tcp("127.0.0.1", port, in()))) {}
  Status send(std::string_view bytes) { return transport_.write(as_bytes(bytes), in()); }
  // answer reads until the service ends the stream.
  Answer answer() {
    Bytes bytes;
    while (true) {
      const auto more = transport_.read(bytes, 64U << 20U, in());
      if (!more.ok() || !*more) break;
    }
    Answer out;
    const std::string_view all = as_text(bytes);
    const std::size_t end = all.find("\r\n\r\n");
    if (end == std::string_view::npos) return out;
    out.head = std::string(all.substr(0, end + 2));
    out.body = std::string(all.substr(end + 4));
    out.status = std::stoi(out.head.substr(9, 3));
    return out;
  }

 private:
  static net::ClientTransport::Deadline in() { return net::ClientTransport::in(milliseconds(60'000)); }
  net::ClientTransport transport_;
};

std::string head_of(std::string_view method, std::string_view target, const std::vector<std::string>& headers) {
  std::string out = std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
  for (const std::string& header : headers) out += header + "\r\n";
  return out + "\r\n";
}

class VerifierProgram : public testing::Test {
 protected:
  VerifierProgram() : maker_(4, test::DcapMaker::kTd10) {
    maker_.issue_date = now().plus_seconds(-86400);
    maker_.next_update = now().plus_seconds(20 * 86400);
    evidence_ = maker_.quote();
    nonce_ = hex_encode(ByteView(maker_.body).last(64));
    appraise::Policy policy;
    policy.name = "test policy";
    policy.workload = "any";
    policy.accept_host_asserted = false;
    policy.accept_software_tpm = false;
    auto& section = policy.platforms.tdx.emplace();
    section.tcb.statuses = {"UpToDate"};
    section.tcb.roots = std::vector<appraise::VendorRoot>{{crypto::sha256(maker_.root()), "a root of the tests", maker_.pin()}};
    put("policy.json", as_bytes(policy.canonical()));
    policy_id_ = policy.id().hex();
    const endorse::RawCollateral raw = maker_.collateral();
    files_ = {{"tcb_info.json", raw.tcb_info}, {"qe_identity.json", raw.qe_identity}, {"root.crl", raw.root_crl}, {"pck.crl", raw.pck_crl}};
    for (const Bytes& one : raw.tcb_signing_chain) files_.push_back({"signer" + std::to_string(files_.size()), one});
    for (const Bytes& one : raw.pck_issuers) files_.push_back({"issuer" + std::to_string(files_.size()), one});
    for (const auto& file : files_) put("collateral/" + file.name, file.bytes);
  }

  std::string at(const std::string& name) const { return (folder_.path() / name).string(); }
  void put(const std::string& name, ByteView bytes, bool secret = false) {
    const std::filesystem::path path = folder_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream out(path, std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    out.close();
    if (secret) std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }

  launch::Process run(std::vector<std::string> arguments) {
    launch::Command command;
    command.program = std::filesystem::path(REDOUBT_PROGRAM_DIR) / "redoubt-verifier";
    command.arguments = std::move(arguments);
    command.environment = {"HOME=" + folder_.path().string()};
    command.die_with_parent = true;
    return OrDie(launch::Process::start(command));
  }
  // serve: with policy and collateral of the test, and `more`.
  launch::Process serve(std::vector<std::string> more = {}, bool with_collateral = true) {
    std::vector<std::string> arguments = {"serve", "--listen", "127.0.0.1:0", "--state", at("state"), "--policy", at("policy.json"), "--default-policy", "test policy"};
    if (with_collateral) arguments.insert(arguments.end(), {"--collateral", at("collateral")});
    arguments.insert(arguments.end(), more.begin(), more.end());
    launch::Process process = run(std::move(arguments));
    const std::string address = OrDie(process.listening_address(seconds(60)));
    port_ = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
    return process;
  }

  Answer ask(std::string_view method, std::string_view target, std::vector<std::string> headers = {}, std::string_view body = "") const {
    if (!body.empty()) headers.push_back("Content-Length: " + std::to_string(body.size()));
    Stream stream(port_);
    EXPECT_OK(stream.send(head_of(method, target, headers) + std::string(body)));
    return stream.answer();
  }
  Answer get(std::string_view target) const { return ask("GET", target); }
  Answer post_binary(ByteView evidence, const std::string& query = "", std::vector<std::string> headers = {"Accept: application/json"}) const {
    headers.emplace_back("Content-Type: application/octet-stream");
    return ask("POST", "/v1/appraise" + query, std::move(headers), as_text(evidence));
  }
  Answer post_json(const json::Value& value, std::vector<std::string> headers = {"Accept: application/json"}) const {
    headers.emplace_back("Content-Type: application/json");
    return ask("POST", "/v1/appraise", std::move(headers), json::canonical(value));
  }
  json::Object json_request(bool with_endorsements) const {
    json::Object out{{"evidence", base64_encode(evidence_)}, {"nonce", nonce_}};
    if (!with_endorsements) return out;
    json::Array files;
    for (const auto& file : files_) files.emplace_back(json::Object{{"name", file.name}, {"data", base64_encode(file.bytes)}});
    out.emplace("endorsements", std::move(files));
    return out;
  }
  static std::string status_of(const json::Value& ear) {
    return *ear.object()->at("submods").object()->at("tdx").object()->at("ear.status").string();
  }
  static std::string status_of(const Answer& answer) { return answer.status == 200 ? status_of(answer.json()) : "status " + std::to_string(answer.status); }

  // expect_problem: a refusal with code, text and the next step.
  static void expect_problem(const Answer& answer, int status, std::string_view code, std::string_view detail) {
    ASSERT_EQ(answer.status, status) << answer.body;
    EXPECT_TRUE(answer.has("content-type: application/problem+json")) << answer.head;
    EXPECT_EQ(answer.text("code"), code) << answer.body;
    EXPECT_NE(answer.text("detail").find(detail), std::string::npos) << answer.body;
    EXPECT_FALSE(answer.text("next").empty()) << answer.body;
  }

  test::TempDir folder_;
  test::DcapMaker maker_;
  Bytes evidence_;
  std::string nonce_, policy_id_;
  std::vector<verifier::NamedFile> files_;
  std::uint16_t port_ = 0;
};

TEST_F(VerifierProgram, SignsTheVerdictWithTheKeyThatItPublishes) {
  const auto process = serve();
  const Answer answer = post_binary(evidence_, "?format=tdx&nonce=" + nonce_, {});
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_TRUE(answer.has("content-type: application/eat+jwt")) << answer.head;
  const Answer jwk = get("/v1/key");
  const auto key = OrDie(crypto::Ed25519PublicKey::from(OrDie(base64url_decode(jwk.text("x"))), "x"));
  const Bytes payload = OrDie(crypto::jws_verify(answer.body, key, "eat+jwt"));
  EXPECT_EQ(OrDie(crypto::unverified_jws_header(answer.body)).key_id, jwk.text("kid"));
  EXPECT_NE(process.output().find("key " + jwk.text("kid") + "\n"), std::string::npos) << process.output();
  const json::Value ear = OrDie(json::parse(as_text(payload)));
  EXPECT_EQ(status_of(ear), "affirming") << as_text(payload);
  EXPECT_EQ(*ear.object()->at("eat_nonce").string(), base64url_encode(ByteView(maker_.body).last(64)));
  EXPECT_EQ(*ear.object()->at("submods").object()->at("tdx").object()->at("ear.appraisal-policy-id").string(), "redoubt:policy:" + policy_id_);
}

TEST_F(VerifierProgram, KeepsItsKeyOverARestartAndRefusesAKeyThatOthersMayRead) {
  std::string first;
  {
    auto process = serve();
    first = get("/v1/key").body;
    EXPECT_TRUE(process.stop().success());
  }
  {
    auto process = serve();
    EXPECT_EQ(get("/v1/key").body, first);
  }
  std::filesystem::permissions(at("state/verifier.key"), std::filesystem::perms::group_read, std::filesystem::perm_options::add);
  auto process = run({"serve", "--listen", "127.0.0.1:0", "--state", at("state")});
  EXPECT_EQ(OrDie(process.wait(seconds(60))).code, static_cast<int>(Code::refused));
}

TEST_F(VerifierProgram, TakesEvidenceWithItsEndorsementsInJson) {
  const auto process = serve({}, false);
  EXPECT_EQ(status_of(post_json(json_request(true))), "affirming");
  EXPECT_EQ(status_of(post_json(json_request(false))), "contraindicated") << "without collateral nobody knows the platform's TCB";
  json::Object other = json_request(true);
  other["nonce"] = std::string(128, '0');
  EXPECT_EQ(status_of(post_json(other)), "contraindicated");
  json::Object unasked = json_request(true);
  unasked.erase("nonce");
  EXPECT_EQ(status_of(post_json(unasked)), "warning");
  json::Object strict = json_request(true);
  strict["policy"] = "strict";
  EXPECT_EQ(status_of(post_json(strict)), "contraindicated") << "the test root is no vendor's";
}

TEST_F(VerifierProgram, AChangedByteIsAVerdictAndNotAProblem) {
  const auto process = serve();
  Bytes changed = evidence_;
  changed[200] ^= std::byte{1};
  EXPECT_EQ(status_of(post_binary(changed, "?nonce=" + nonce_)), "contraindicated");
  EXPECT_EQ(status_of(post_binary(evidence_, "?nonce=" + nonce_)), "affirming");
}

TEST_F(VerifierProgram, EachBadInputIsAProblemWithTheNextStep) {
  const auto process = serve();
  const std::string form = "Content-Type: application/octet-stream";
  expect_problem(post_binary(Bytes(100, std::byte{0x5a})), 422, "malformed", "evidence");
  expect_problem(post_binary(ByteView(evidence_).first(evidence_.size() / 2)), 422, "malformed", "");
  expect_problem(post_binary(as_bytes(base64_encode(evidence_))), 422, "malformed", "base64");
  expect_problem(post_binary(as_bytes(hex_encode(evidence_))), 422, "malformed", "hex");
  expect_problem(post_binary(evidence_, "?format=snp"), 422, "malformed", "\"snp\"");
  expect_problem(post_binary(evidence_, "?nonce=xyz"), 400, "malformed", "nonce");
  expect_problem(post_binary(evidence_, "?nonce=00112233"), 400, "malformed", "nonce: shorter");
  expect_problem(post_binary(evidence_, "?nonce=" + std::string(130, '0')), 400, "malformed", "nonce: longer");
  expect_problem(post_binary(evidence_, "?policy=none"), 400, "not_found", "policy");
  expect_problem(post_binary(evidence_, "?colour=red"), 400, "malformed", "colour");
  expect_problem(ask("POST", "/v1/appraise", {form}), 400, "malformed", "found nothing");
  expect_problem(ask("POST", "/v1/appraise", {"Content-Type: text/plain"}, "x"), 415, "usage", "text/plain");
  expect_problem(ask("POST", "/v1/appraise", {}, "x"), 415, "usage", "content type");
  expect_problem(ask("POST", "/v1/appraise", {form, "Accept: text/html"}, "x"), 406, "usage", "accept");
  expect_problem(ask("POST", "/v1/appraise", {"Content-Type: application/json"}, "{\"evidence\":"), 400, "malformed", "body");
  expect_problem(post_json(json::Object{{"evidence", "!"}}), 400, "malformed", "evidence");
  expect_problem(post_json(json::Object{{"evidence", ""}, {"surprise", true}}), 400, "malformed", "surprise");
  json::Object strange = json_request(false);
  strange["endorsements"] = json::Array{json::Object{{"name", "noise"}, {"data", base64_encode(Bytes(50, std::byte{9}))}}};
  expect_problem(post_json(strange), 422, "malformed", "noise");
  json::Object many = json_request(false);
  many["endorsements"] = json::Array(65, json::Object{{"name", "x"}, {"data", "AA=="}});
  expect_problem(post_json(many), 400, "malformed", "endorsements");
  expect_problem(post_json(json::Object{{"evidence", json::Array(5000, json::Array{})}}), 400, "malformed", "more than 4096 members");
  expect_problem(get("/v1/policy/none"), 404, "not_found", "policy");
  // What the server itself refuses, before a handler sees it.
  expect_problem(get("/v2/appraise"), 404, "not_found", "");
  expect_problem(get("/v1/appraise"), 405, "usage", "");
  EXPECT_EQ(get("/health").status, 200);
}

TEST_F(VerifierProgram, RefusesABodyOfAGibibyteBeforeItIsRead) {
  const auto process = serve();
  Stream stream(port_);
  ASSERT_OK(stream.send(head_of("POST", "/v1/appraise", {"Content-Type: application/octet-stream", "Content-Length: 1073741824"})));
  expect_problem(stream.answer(), 413, "malformed", "body");
  // Without a declared length, the bytes that come are counted.
  Stream chunked(port_);
  ASSERT_OK(chunked.send(head_of("POST", "/v1/appraise", {"Content-Type: application/octet-stream", "Transfer-Encoding: chunked"})));
  const std::string megabyte = "100000\r\n" + std::string(1U << 20U, 'x') + "\r\n";
  for (int i = 0; i < 17 && chunked.send(megabyte).ok(); ++i) {
  }
  expect_problem(chunked.answer(), 413, "malformed", "");
  EXPECT_EQ(get("/health").status, 200);
}

TEST_F(VerifierProgram, ASlowClientIsCutOffWhileOthersAreServed) {
  const auto process = serve({"--timeout", "1", "--workers", "1"});
  Stream slow(port_);
  ASSERT_OK(slow.send(head_of("POST", "/v1/appraise", {"Content-Type: application/octet-stream", "Content-Length: 100"}) + "a"));
  EXPECT_EQ(status_of(post_binary(evidence_, "?nonce=" + nonce_)), "affirming");
  expect_problem(slow.answer(), 408, "unavailable", "");
}

TEST_F(VerifierProgram, AnswersTwoAtOnce) {
  const auto process = serve({"--workers", "2"});
  std::vector<std::string> verdicts(8);
  {
    std::vector<std::jthread> clients;
    for (std::string& verdict : verdicts) {
      clients.emplace_back([&] { verdict = status_of(post_binary(evidence_, "?nonce=" + nonce_)); });
    }
  }
  EXPECT_EQ(verdicts, std::vector<std::string>(verdicts.size(), "affirming"));
}

TEST_F(VerifierProgram, EndsOnSigtermWithAConnectionOpen) {
  auto process = serve();
  Stream idle(port_);
  ASSERT_EQ(get("/health").status, 200);
  EXPECT_TRUE(process.stop(seconds(20)).success());
}

TEST_F(VerifierProgram, ServesHttpsWithTheCertificateThatItIsGiven) {
  const auto made = test::self_signed();
  put("chain.pem", as_bytes(made.certificate_pem));
  put("key.der", made.key.reveal(), true);
  const auto process = serve({"--certificate", at("chain.pem"), "--certificate-key", at("key.der")});
  net::ClientOptions options;
  options.host = "127.0.0.1";
  options.port = port_;
  options.trust = net::TrustCertificates{made.certificate_pem};
  auto client = OrDie(net::HttpClient::connect(options));
  const auto answer = client.request({.method = "POST",
                                      .target = "/v1/appraise?nonce=" + nonce_,
                                      .headers = {{"content-type", "application/octet-stream"}, {"accept", "application/json"}},
                                      .body = evidence_});
  ASSERT_OK(answer);
  ASSERT_EQ(answer->status, 200);
  EXPECT_EQ(status_of(OrDie(json::parse(as_text(answer->body)))), "affirming");
}

TEST_F(VerifierProgram, TheOpenApiDocumentNamesExactlyTheRoutes) {
  const auto process = serve();
  const Answer document = get("/openapi.json");
  ASSERT_EQ(document.status, 200);
  const json::Value value = document.json();
  EXPECT_EQ(*value.object()->at("openapi").string(), "3.1.0");
  std::vector<std::string> described;
  for (const auto& [path, item] : *value.object()->at("paths").object()) {
    for (const auto& [method, operation] : *item.object()) {
      std::string upper = method;
      for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      described.push_back(upper + " " + path);
      std::string target = path;
      if (const auto at = target.find("{name}"); at != std::string::npos) target.replace(at, 6, "strict");
      const Answer answer = ask(upper, target);
      const json::Object& responses = *operation.object()->at("responses").object();
      EXPECT_TRUE(responses.contains(std::to_string(answer.status))) << upper << " " << path << " answered " << answer.status;
      EXPECT_NE(answer.status, 404) << path;
      EXPECT_NE(answer.status, 405) << path;
    }
  }
  std::vector<std::string> routes = Service::routes();
  std::ranges::sort(routes);
  std::ranges::sort(described);
  EXPECT_EQ(described, routes);
  const std::string page = test::read_text(test::source_dir() / "docs/specs/verifier-api.md");
  for (const std::string& route : routes) EXPECT_NE(page.find("`" + route + "`"), std::string::npos) << route;
}

TEST_F(VerifierProgram, ShowsItsPolicies) {
  const auto process = serve();
  EXPECT_EQ(get("/v1/policy").text("default"), "test policy");
  EXPECT_NE(get("/v1/policy").body.find(policy_id_), std::string::npos);
  EXPECT_EQ(get("/v1/policy/test%20policy").body, test::read_text(at("policy.json")));
  EXPECT_EQ(get("/v1/policy/strict").text("name"), "strict");
  EXPECT_EQ(get("/version").text("name"), "redoubt-verifier");
}

TEST_F(VerifierProgram, ReadsAConfigurationFileAndTheCommandLineWins) {
  put("verifier.toml", as_bytes("listen = \"127.0.0.1:0\"\nstate = \"" + at("state") + "\"\npolicy = [\"" + at("policy.json") +
                                "\"]\ndefault_policy = \"strict\"\ncollateral = [\"" + at("collateral") + "\"]\nworkers = 2\ntimeout = 5\n"));
  auto process = run({"serve", "--config", at("verifier.toml"), "--default-policy", "test policy"});
  const std::string address = OrDie(process.listening_address(seconds(60)));
  port_ = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  EXPECT_EQ(get("/v1/policy").text("default"), "test policy");
}

TEST_F(VerifierProgram, SaysWhatItWasNotGiven) {
  const auto code = [this](std::vector<std::string> arguments, std::string_view said) {
    auto process = run(std::move(arguments));
    const int ended = OrDie(process.wait(seconds(60))).code;
    EXPECT_NE(process.output().find(said), std::string::npos) << process.output();
    return ended;
  };
  EXPECT_EQ(code({}, "subcommand"), 2);
  EXPECT_EQ(code({"serve", "--no-such-option"}, "no-such-option"), 2);
  EXPECT_EQ(code({"--help"}, "Examples:"), 0);
  EXPECT_EQ(code({"serve", "--listen", "0.0.0.0:0", "--state", at("state")}, "--certificate"), 2);
  EXPECT_EQ(code({"serve", "--listen", "nowhere", "--state", at("state")}, "nowhere"), 2);
  EXPECT_EQ(code({"serve", "--state", at("state"), "--default-policy", "absent"}, "absent"), 2);
  EXPECT_EQ(code({"serve", "--state", at("state"), "--policy", at("absent.json")}, "absent.json"), 3);
  EXPECT_EQ(code({"serve", "--state", at("state"), "--policy", at("policy.json"), "--policy", at("policy.json")}, "names must be unique"), 2);
  EXPECT_EQ(code({"serve", "--state", at("state"), "--collateral", at("absent")}, "absent"), 3);
  EXPECT_EQ(code({"serve", "--state", at("state"), "--certificate", at("chain.pem")}, "--certificate-key"), 2);
  EXPECT_EQ(code({"serve", "--config", at("absent.toml")}, "absent.toml"), 3);
  put("bad.toml", as_bytes("colour = \"red\"\n"));
  EXPECT_EQ(code({"serve", "--config", at("bad.toml")}, "colour"), 10);
  put("noise/noise.bin", Bytes(50, std::byte{9}));
  EXPECT_EQ(code({"serve", "--state", at("state"), "--collateral", at("noise")}, "noise.bin"), 10);
}

}  // namespace
}  // namespace redoubt::rest
