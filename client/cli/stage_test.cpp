// The two servers of the Stage.
#include "client/cli/client_test_stage.h"

namespace redoubt::cli {
namespace {

json::Object answer_of(const json::Value& value) { return value.object() == nullptr ? json::Object() : *value.object(); }

}  // namespace

void Stage::start_instance() {
  records_.clear();
  start_boot(OrDie(runtime::InstanceKeys::generate(random)), {});
}

void Stage::resume(std::size_t lost) {
  std::vector<SecretBytes> kept = std::move(records_);
  kept.resize(kept.size() - lost);
  records_.clear();
  for (const SecretBytes& record : kept) records_.push_back(record.clone());
  start_boot({keys_->claims.instance, OrDie(crypto::Ed25519PrivateKey::from_seed(keys_->receipt_key.seed())),
              OrDie(crypto::HpkePrivateKey::from_bytes(keys_->hpke_key.bytes()))},
             kept);
}

void Stage::start_boot(runtime::InstanceKeys keys, const std::vector<SecretBytes>& kept) {
  door_.reset();
  keys_ = std::make_unique<runtime::Identity>(
      OrDie(runtime::make_identity("cleanroom", contract_->digest(), attest::WorkloadClaimsDigest(), std::move(keys), random, kStageNow)));
  const attest::Claims claims = keys_->claims;
  const Challenge challenge = random.fixed<Challenge>();
  const auto evidence = OrDie(platform.collect(attest::identity_statement(challenge, claims.digest())));
  cleanroom::Room::Identity identity{.claims = claims,
                                     .receipt_key = OrDie(crypto::Ed25519PrivateKey::from_seed(keys_->receipt_key.seed())),
                                     .hpke_key = OrDie(crypto::HpkePrivateKey::from_bytes(keys_->hpke_key.bytes())),
                                     .program = kStageProgram,
                                     .evidence = {evidence.format, evidence.bytes, challenge, claims.canonical()},
                                     .enrolments = {},
                                     .time_floor = kStageNow.plus_seconds(-100),
                                     .previous = previous_};
  const cleanroom::Keep keep = [this](ByteView record) -> Status {
    records_.push_back(SecretBytes::copy_of(record));
    return {};
  };
  if (kept.empty()) {
    room = std::make_unique<cleanroom::Room>(*contract_, std::move(identity), engine_, random, [] { return kStageNow; });
  } else {
    room = OrDie(cleanroom::Room::restore(*contract_, std::move(identity), engine_, random, [] { return kStageNow; }, kept));
  }
  ASSERT_OK(room->keep_in(keep));
  challenges_ = std::make_unique<ratls::ChallengeTable>(64, random);
  instance_.reset(new ratls::AttesterSession::Instance{
      claims, platform, *challenges_, quotes_,
      [this](const crypto::Ed25519PublicKey& key) -> Result<std::string> {
        const jobs::Participant* found = contract_->find(key);
        if (found == nullptr) return Error(Code::auth, "this key is not in the contract");
        return found->name;
      },
      [] { return kStageNow; }});
  net::Router inner;
  cleanroom::add_participants_routes(inner, *room, {engine_.rule_set(), kStageProgram, kStageSandbox});
  runtime::add_public_routes(inner, {platform, quotes_, keys_->claims, "0", [] { return kStageNow; }});
  const auto shared = std::make_shared<net::Router>(std::move(inner));
  const net::Handler lying = [this, shared](const net::HttpRequest& request) {
    std::string text = request.path;
    for (const auto& [name, value] : request.query) text += (text == request.path ? "?" : "&") + name + "=" + net::percent_encode(value);
    const auto found = shared->find(request.method, OrDie(net::parse_target(text)), request.attested);
    if (const auto* refusal = std::get_if<net::HttpResponse>(&found)) return *refusal;
    room->acknowledge(room->status().log_size);  // this operator stores the log at once
    net::HttpRequest routed = request;
    routed.params = std::get<net::Router::Match>(found).params;
    net::HttpResponse response = std::get<net::Router::Match>(found).route->handler(routed);
    if (response.status != 200) return response;
    json::Value value = OrDie(json::parse(as_text(std::get<Bytes>(response.body))));
    tamper("door", request, value);
    return net::json_response(200, json::canonical(value));
  };
  net::Router router;
  for (const char* method : {"GET", "POST"}) router.add({method, "/{path...}", net::Access::open, 1U << 20, lying});
  net::ServerOptions options;
  options.listen = "127.0.0.1:0";
  options.identity = keys_->tls.clone();
  options.exchange = runtime::exchange_factory(*instance_);
  door_ = OrDie(net::HttpServer::start(std::move(options), std::move(router)));
}

void Stage::restart(const std::function<void(std::vector<jobs::OldLog>&)>& change) {
  const bool goes_on = room->status().carry_over && room->status().carry_over->missing.empty();
  if (!goes_on) old_logs_.clear();
  old_logs_.push_back({room->claims().instance, room->entries(0)});
  change(old_logs_);
  const auto log = OrDie(receipt::Log::restore(old_logs_.back().instance, old_logs_.back().entries));
  previous_ = log.head();
  const std::string note = log.checkpoint(keys_->receipt_key).note();
  start_instance();
  ASSERT_OK(room->offer_old_logs(old_logs_, note));
}

void Stage::redeliver() {
  for (const auto& manifest : manifests_) {
    const auto digest = OrDie(room->put_manifest(manifest));
    OrDie(room->put_ciphertext(digest, 0, ciphertext_.at(digest.hex())));
  }
  for (const auto& [id, proposal] : queries_) static_cast<void>(room->propose(proposal).ok());
  for (const auto& [proposal, ballot] : ballots_) static_cast<void>(room->vote(proposal, ballot).ok());
}

// download: of a link, whole or from a byte on. Where it breaks off, it gives a hundred bytes at a time.
net::HttpResponse Stage::download(const net::HttpRequest& request) {
  const std::vector<std::string> parts = OrDie(net::parse_target(request.path)).segments;
  const auto answer = OrDie(run_query(parts[3], "result", parts[4]));
  const Bytes all = OrDie(base64_decode(*answer.object()->at("sealed").string()));
  const std::string* const range = request.headers.find("range");
  const std::size_t from = range == nullptr ? 0 : std::stoul(range->substr(6));
  const Bytes rest = to_bytes(ByteView(all).subspan(from));
  net::HttpResponse response{.status = range == nullptr ? 200 : 206, .body = rest};
  if (breaks_off && rest.size() > 100) {
    auto given = std::make_shared<bool>(false);
    response.body = net::PullBody{[given, part = to_bytes(ByteView(rest).first(100))]() -> Result<Bytes> {
                                    if (std::exchange(*given, true)) return Error(Code::unavailable, "broken off");
                                    return part;
                                  },
                                  rest.size()};
  }
  return response;
}

net::HttpResponse Stage::hub(const net::HttpRequest& request) {
  if (request.path.starts_with("/api/tee/downloads/")) return download(request);
  const std::string* key = request.headers.find("authorization");
  if (key == nullptr || *key != "Bearer test-key") return net::problem(401, Code::auth, "no such api key");
  Result<json::Value> answer = hub_answer(request);
  if (!answer.ok()) return net::problem(answer.error());
  if (breaks_off && request.path.find("/result/") != std::string::npos && !request.path.ends_with("/link")) {
    return {.status = 200, .body = net::PullBody{[]() -> Result<Bytes> { return Error(Code::unavailable, "broken off"); }, 1'000}};
  }
  tamper("hub", request, *answer);
  return net::json_response(200, json::canonical(*answer));
}

Result<json::Value> Stage::run_query(const std::string& id, const std::string& what, const std::string& rest) {
  const auto proposal = OrDie(jobs::ProposalDigest::from_hex(id, "query"));
  const auto output = room->run(proposal);
  if (what == "receipt") {
    REDOUBT_TRY(const auto done, output);
    return json::parse(done.receipt_file, {.max_bytes = receipt::ReceiptFile::kMaxSize});
  }
  if (what == "result") {
    REDOUBT_TRY(const auto done, output);
    for (const auto& package : done.packages) {
      if (package.recipient == rest) return json::Value(json::Object{{"sealed", base64_encode(package.sealed)}});
    }
    return Error(Code::not_found, "no package for this recipient");
  }
  json::Array ballots;
  for (const auto& [on, ballot] : ballots_) {
    if (on == proposal) ballots.push_back(ballot.to_json());
  }
  return json::Value(json::Object{{"ballots", std::move(ballots)}, {"proposal", queries_.at(id).to_json()}, {"query", id}, {"reason", ""},
                                  {"state", output.ok() ? "done" : "voting"}});
}

Result<json::Value> Stage::hub_answer(const net::HttpRequest& request) {
  std::vector<std::string> parts = OrDie(net::parse_target(request.path)).segments;
  json::Object body;
  if (request.method == "POST") body = answer_of(OrDie(json::parse(as_text(request.body))));
  const auto document = [&](const char* member) { return OrDie(jobs::SignedDocument::from_json(body.at(member), 1U << 20)); };
  if (parts.back() == "platform") {
    return json::Value(json::Object{{"programs", json::Array()}, {"tpm_roots", test::read_text(test::golden("tpm-swtpm-qemu/ca/root.pem"))}});
  }
  if (parts.size() == 3 && request.method == "POST") {
    contract_ = OrDie(jobs::Contract::parse(*body.at("contract").string()));
    start_instance();
    return json::Value(json::Object{{"environment", "env-1"}});
  }
  const json::Value environment = json::Object{{"address", door_ ? door_->address() : ""}, {"contract", contract_ ? contract_->canonical() : ""},
                                               {"contract_digest", contract_ ? contract_->digest().hex() : std::string(64, '0')},
                                               {"id", "env-1"}, {"instance", ""}, {"state", "running"}};
  if (parts.size() == 3) return json::Value(json::Object{{"items", json::Array{environment}}});
  if (parts.size() == 4) return environment;
  if (parts[4] == "datasets" && request.method == "POST") {
    manifests_.push_back(document("manifest"));
    REDOUBT_TRY(const auto digest, room->put_manifest(manifests_.back()));
    return json::Value(json::Object{{"dataset", digest.hex()}, {"received", static_cast<std::int64_t>(received_[digest])}});
  }
  if (parts[4] == "datasets" && request.method == "PUT") {
      append(ciphertext_[parts[5]], request.body);
    const auto digest = OrDie(jobs::ManifestDigest::from_hex(parts[5], "manifest"));
    REDOUBT_TRY(const auto received, room->put_ciphertext(digest, std::stoull(request.query.at("offset")), request.body));
    received_[digest] = received;
    return json::Value(json::Object{{"received", static_cast<std::int64_t>(received)}});
  }
  if (parts[4] == "datasets") {
    json::Array items;
    for (const auto& manifest : manifests_) items.emplace_back(json::Object{{"document", manifest.to_json()}, {"manifest", ""}, {"state", "ready"}});
    return json::Value(json::Object{{"items", std::move(items)}});
  }
  if (parts.size() == 5 && request.method == "POST") {
    REDOUBT_TRY(const auto reservation, room->propose(document("proposal")));
    queries_.emplace(reservation.digest.hex(), reservation.proposal);
    json::Object answer = answer_of(cleanroom::to_json(reservation));
    answer.insert_or_assign("query", reservation.digest.hex());
    answer.insert_or_assign("state", "voting");
    return json::Value(std::move(answer));
  }
  if (parts.size() == 5) {
    json::Array items;
    for (const auto& [id, proposal] : queries_) items.push_back(OrDie(run_query(id, "", "")));
    return json::Value(json::Object{{"items", std::move(items)}});
  }
  if (!queries_.contains(parts[5])) return Error(Code::not_found, "no such query");
  if (request.method == "POST") {
    const auto proposal = OrDie(jobs::ProposalDigest::from_hex(parts[5], "query"));
    REDOUBT_TRY(const auto tally, room->vote(proposal, document("ballot")));
    ballots_.emplace_back(proposal, document("ballot"));
    return jobs::to_json(tally);
  }
  if (parts.back() == "link") {
    REDOUBT_TRY(const json::Value package, run_query(parts[5], "result", parts[7]));
    REDOUBT_TRY(const Bytes sealed, base64_decode(*package.object()->at("sealed").string()));
    return json::Value(json::Object{{"etag", "\"tag\""}, {"expires", "2027-01-01T00:15:00Z"}, {"size", static_cast<std::int64_t>(sealed.size())},
                                    {"url", "/api/tee/downloads/" + parts[5] + "/" + parts[7] + "?signature=x"}});
  }
  return run_query(parts[5], parts.size() > 6 ? parts[6] : "", parts.size() > 7 ? parts[7] : "");
}

}  // namespace redoubt::cli
