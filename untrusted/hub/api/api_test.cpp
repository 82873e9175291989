// Goal: a query goes from contract to result through the hub, and what was acknowledged survives programs and hubs that end. Method: a
// real hub over real rooms on sockets, its own HTTPS client; the openapi document is compared with the route table.
#include <gtest/gtest.h>

#include "common/receipt/note.h"
#include "untrusted/hub/api/hub_test_fixture.h"
#include "untrusted/hub/api/openapi.h"

namespace redoubt::hub {
namespace {

TEST_F(HubTest, AQueryGoesFromContractToResult) {
  start_hub();
  Client hospital = client_for("hospital");
  Client laboratory = client_for("laboratory");
  Client analyst = client_for("analyst");
  create_study(analyst);
  const Answer view = hospital.get(kStudy);
  EXPECT_EQ(view.text("contract"), contract().canonical());
  EXPECT_EQ(view.text("contract_digest"), contract().digest().hex());
  EXPECT_EQ(view.text("address"), "127.0.0.1:1");
  const auto room = launcher.room();
  EXPECT_EQ(view.text("instance"), room->claims().instance.hex());

  upload(hospital, hospital_data_);
  upload(laboratory, laboratory_data_, 1U << 20);
  join_all(*room);
  release_keys(*room);
  ASSERT_TRUE(datasets_ready(analyst));

  const jobs::Proposal proposed = proposal(*room);
  const Answer query = analyst.post(std::string(kStudy) + "/queries", body("proposal", sign(proposed, analyst_)));
  ASSERT_EQ(query.status, 201) << query.text("detail");
  EXPECT_EQ(query.text("state"), "voting");
  EXPECT_EQ(query.text("query"), proposed.digest().hex());
  const auto checkpoint = OrDie(receipt::Checkpoint::verify(query.text("checkpoint"), receipt::log_origin(room->claims().instance), room->claims().receipt_key));
  EXPECT_GT(checkpoint.head().size, static_cast<std::uint64_t>(query.number("index")));
  EXPECT_EQ(analyst.get(query_path(proposed) + "/result/analyst").status, 409);
  EXPECT_EQ(analyst.get(query_path(proposed) + "/receipt").status, 409);

  const auto first = sign(ballot(*room, proposed, hospital_), hospital_);
  const Answer one = hospital.post(query_path(proposed) + "/approve", body("ballot", first));
  ASSERT_EQ(one.status, 200) << one.text("detail");
  EXPECT_EQ(*one.find("met"), json::Value(false));
  EXPECT_EQ(one.count("missing"), 1U);
  const Answer two = laboratory.post(query_path(proposed) + "/approve", body("ballot", sign(ballot(*room, proposed, laboratory_), laboratory_)));
  ASSERT_EQ(two.status, 200) << two.text("detail");
  EXPECT_EQ(*two.find("met"), json::Value(true));
  ASSERT_TRUE(until([&] { return analyst.get(query_path(proposed)).text("state") == "done"; })) << json::pretty(analyst.get(query_path(proposed)).body);
  EXPECT_EQ(analyst.get(query_path(proposed)).count("ballots"), 2U);

  // The same ballot once more is answered, another one by the same voter is not taken.
  EXPECT_EQ(hospital.post(query_path(proposed) + "/approve", body("ballot", first)).body, two.body);
  EXPECT_EQ(hospital.post(query_path(proposed) + "/approve", body("ballot", sign(ballot(*room, proposed, hospital_), hospital_))).status, 409);

  const Answer receipt_answer = analyst.get(query_path(proposed) + "/receipt");
  ASSERT_EQ(receipt_answer.status, 200);
  const auto file = OrDie(receipt::ReceiptFile::parse(json::canonical(receipt_answer.body)));
  EXPECT_OK(OrDie(receipt::verify_receipt(file, signer(*room), {})).accepted());
  const Answer sealed = analyst.get(query_path(proposed) + "/result/analyst");
  ASSERT_EQ(sealed.status, 200);
  const auto opened = open(analyst_, {"analyst", OrDie(base64_decode(sealed.text("sealed")))}, receipt::receipt_digest(file.receipt.body));
  EXPECT_NE(OrDie(opened).find("hospital"), std::string::npos);
  EXPECT_EQ(analyst.get(query_path(proposed) + "/result/laboratory").status, 404);

  // The log is kept whole and ends in the room's last checkpoint.
  ASSERT_TRUE(until([&] { return analyst.get(std::string(kStudy) + "/log").text("checkpoint") == room->checkpoint(); }));
  const Answer log = analyst.get(std::string(kStudy) + "/log?from=0");
  EXPECT_EQ(log.count("entries"), room->status().log_size);
  EXPECT_EQ(analyst.get(std::string(kStudy) + "/log?from=2").count("entries"), room->status().log_size - 2);
}

TEST_F(HubTest, ARejectionEndsTheVote) {
  start_hub();
  create_study(*admin);
  provide(*launcher.room());
  const auto room = launcher.room();
  const jobs::Proposal proposed = proposal(*room);
  propose_at_hub(proposed);
  jobs::Ballot no = ballot(*room, proposed, hospital_);
  no.decision = jobs::Decision::reject;
  EXPECT_EQ(admin->post(query_path(proposed) + "/approve", body("ballot", sign(no, hospital_))).status, 422);
  EXPECT_EQ(admin->post(query_path(proposed) + "/reject", body("ballot", sign(no, hospital_))).status, 200);
  EXPECT_EQ(admin->get(query_path(proposed)).text("state"), "rejected");
  EXPECT_EQ(admin->post(query_path(proposed) + "/approve", body("ballot", sign(ballot(*room, proposed, laboratory_), laboratory_))).status, 409);
}

TEST_F(HubTest, TheContractsRuleEndsTheVote) {
  analyst_.votes = true;
  approval_ = {jobs::ApprovalRule::majority, 0, {}, true};
  hospital_data_ = seal(hospital_, "hospital");
  laboratory_data_ = seal(laboratory_, "laboratory");
  start_hub();
  const auto room = open_study();
  release_keys(*room);
  ASSERT_TRUE(datasets_ready(*admin));
  const auto cast = [&](const jobs::Proposal& proposed, cleanroom::Party& voter, jobs::Decision decision) {
    jobs::Ballot made = ballot(*room, proposed, voter);
    made.decision = decision;
    const auto document = body("ballot", sign(made, voter));
    const std::string address = query_path(proposed) + (decision == jobs::Decision::approve ? "/approve" : "/reject");
    const Answer answer = admin->post(address, document);
    EXPECT_EQ(answer.status, 200) << answer.text("detail");
    EXPECT_EQ(admin->post(address, document).body, answer.body);  // the hub's own count is by the same rule
    return answer.text("state");
  };
  const jobs::Proposal wanted = proposal(*room);
  const jobs::Proposal unwanted = proposal(*room);
  for (const jobs::Proposal* item : {&wanted, &unwanted}) propose_at_hub(*item);
  EXPECT_EQ(cast(wanted, laboratory_, jobs::Decision::reject), "open");
  EXPECT_EQ(admin->get(query_path(wanted)).text("state"), "voting");
  EXPECT_EQ(cast(wanted, hospital_, jobs::Decision::approve), "open");
  EXPECT_EQ(cast(wanted, analyst_, jobs::Decision::approve), "approved");
  EXPECT_TRUE(until([&] { return admin->get(query_path(wanted)).text("state") == "done"; })) << admin->get(query_path(wanted)).text("reason");
  EXPECT_EQ(cast(unwanted, laboratory_, jobs::Decision::reject), "open");
  EXPECT_EQ(cast(unwanted, hospital_, jobs::Decision::reject), "rejected");
  EXPECT_EQ(admin->get(query_path(unwanted)).text("state"), "rejected");
}

TEST_F(HubTest, ARunWaitsForKeysAndGoesOn) {
  start_hub();
  const auto room = open_study();
  const jobs::Proposal proposed = proposal(*room);
  propose_at_hub(proposed);
  approve_at_hub(*room, proposed);
  ASSERT_TRUE(until([&] { return admin->get(query_path(proposed)).text("state") == "waiting_for_keys"; }));
  release_keys(*room);
  EXPECT_TRUE(until([&] { return admin->get(query_path(proposed)).text("state") == "done"; }));
}

TEST_F(HubTest, ADeadProgramIsReplacedAndNothingAcknowledgedIsLost) {
  start_hub();
  const auto old_room = open_study();
  const jobs::Proposal voting = proposal(*old_room);
  const jobs::Proposal approved = proposal(*old_room);
  for (const jobs::Proposal* item : {&voting, &approved}) propose_at_hub(*item);
  approve_at_hub(*old_room, approved);
  const std::string last = old_room->checkpoint();
  ASSERT_TRUE(until([&] { return admin->get(std::string(kStudy) + "/log").text("checkpoint") == last; }));
  launcher.kill();
  await_instance(*old_room);
  // The new instance is handed the last checkpoint's head, and waits for everyone.
  EXPECT_EQ(launcher.requests.back().previous, OrDie(receipt::UnverifiedNote::parse(last)).text);
  const auto waits_for = [&](const std::string& reason) {
    return until([&] {
      const Answer query = admin->get(query_path(approved));
      return query.text("state") == "waiting_for_keys" && query.text("reason") == reason;
    });
  };
  const auto reason = [&] { return admin->get(query_path(approved)).text("reason"); };
  const std::string release = "hospital, laboratory: redoubt dataset release";
  EXPECT_TRUE(waits_for("waits for analyst, hospital, laboratory: redoubt environment verify; " + release)) << reason();
  EXPECT_EQ(admin->get(query_path(voting)).text("state"), "voting");
  const auto room = launcher.room();
  join_all(*room);
  EXPECT_TRUE(waits_for("waits for analyst, hospital, laboratory: redoubt environment verify, to sign the old log as carried over; " + release)) << reason();
  carry_over(*room);
  EXPECT_TRUE(waits_for("waits for " + release)) << reason();
  EXPECT_EQ(admin->get(query_path(approved)).count("ballots"), 2U);
  // Ciphertext comes from the store; owners only release their keys again, and the query goes on by itself.
  release_keys(*room);
  ASSERT_TRUE(until([&] { return admin->get(query_path(approved)).text("state") == "done"; })) << reason();
  const auto file = OrDie(receipt::ReceiptFile::parse(json::canonical(admin->get(query_path(approved) + "/receipt").body)));
  EXPECT_OK(OrDie(receipt::verify_receipt(file, signer(*room), {})).accepted());
  EXPECT_TRUE(file.carried);
  // The other one is voted on in the new instance.
  EXPECT_EQ(admin->get(query_path(voting)).text("state"), "voting");
  for (cleanroom::Party* voter : {&hospital_, &laboratory_}) {
    jobs::Ballot late = ballot(*room, voting, *voter);
    late.head = room->status().carry_over->statement.heads.at(0).head;
    const Answer voted = admin->post(query_path(voting) + "/approve", body("ballot", sign(late, *voter)));
    ASSERT_EQ(voted.status, 200) << voted.text("detail");
  }
  EXPECT_TRUE(until([&] { return admin->get(query_path(voting)).text("state") == "done"; }));
}

TEST_F(HubTest, AnInstanceThatWasNeverOpenIsPassedOver) {
  start_hub();
  const auto first = open_study();
  const jobs::Proposal proposed = proposal(*first);
  propose_at_hub(proposed);
  approve_at_hub(*first, proposed);
  const auto restarted = [&](const std::shared_ptr<cleanroom::Room>& old) {
    ASSERT_TRUE(until([&] { return old->stored_checkpoint() == old->checkpoint(); }));
    launcher.kill();
    await_instance(*old);
  };
  restarted(first);
  const auto second = launcher.room();
  ASSERT_OK(join(*second, hospital_));  // and it is gone again
  restarted(second);
  const auto third = launcher.room();
  ASSERT_TRUE(third->status().carry_over);
  EXPECT_EQ(third->status().carry_over->statement.heads.at(0).instance, first->claims().instance);
  join_all(*third);
  carry_over(*third);
  restarted(third);  // which was open: the fourth goes on from the first and the third
  const auto fourth = launcher.room();
  ASSERT_TRUE(fourth->status().carry_over);
  ASSERT_EQ(fourth->status().carry_over->statement.heads.size(), 2U);
  EXPECT_EQ(fourth->status().carry_over->statement.heads.at(1).instance, third->claims().instance);
  join_all(*fourth);
  carry_over(*fourth);
  release_keys(*fourth);
  EXPECT_TRUE(until([&] { return admin->get(query_path(proposed)).text("state") == "done"; })) << admin->get(query_path(proposed)).text("reason");
}

TEST_F(HubTest, AnApprovalThatLapsedWithItsInstanceIsAskedForAgain) {
  start_hub();
  const auto old_room = open_study();
  const jobs::Proposal proposed = proposal(*old_room);
  propose_at_hub(proposed);
  approve_at_hub(*old_room, proposed, [](jobs::Ballot& narrow) { narrow.expires_at_size = narrow.head.size + 3; });  // more than that is logged until it could run
  launcher.kill();
  await_instance(*old_room);
  join_all(*launcher.room());
  carry_over(*launcher.room());
  ASSERT_TRUE(until([&] { return admin->get(query_path(proposed)).text("state") == "voting"; }));
  EXPECT_NE(admin->get(query_path(proposed)).text("reason").find("ballot: void beyond"), std::string::npos);
  const jobs::LogHead carried = launcher.room()->status().carry_over->statement.heads.at(0).head;
  approve_at_hub(*old_room, proposed, [&](jobs::Ballot& later) { later.head = carried; });
  release_keys(*launcher.room());
  EXPECT_TRUE(until([&] { return admin->get(query_path(proposed)).text("state") == "done"; })) << admin->get(query_path(proposed)).text("reason");
}

// The datasets' keys come late: until then more is logged than the ballots allow. The query says which approval lapsed and what helps.
TEST_F(HubTest, AnApprovalThatLapsesBeforeTheRunIsNamedWithWhatHelps) {
  start_hub();
  const auto room = open_study();
  const jobs::Proposal proposed = proposal(*room);
  propose_at_hub(proposed);
  approve_at_hub(*room, proposed, [](jobs::Ballot& narrow) { narrow.expires_at_size = narrow.head.size + 3; });
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(admin->post(std::string(kStudy) + "/queries", body("proposal", sign(proposal(*room), analyst_))).status, 201);
  }
  release_keys(*room);
  ASSERT_TRUE(until([&] { return admin->get(query_path(proposed)).text("state") == "voting"; }));
  const std::string reason = admin->get(query_path(proposed)).text("reason");
  EXPECT_NE(reason.find("ballot: void beyond"), std::string::npos) << reason;
  EXPECT_NE(reason.find("an approval lapsed before the run: who gave it may approve again"), std::string::npos) << reason;
  // Another ballot that names no lapsed one is refused, by the program; renewed by both the query runs.
  const jobs::Ballot second = ballot(*room, proposed, hospital_);
  const Answer refused = admin->post(query_path(proposed) + "/approve", body("ballot", sign(second, hospital_)));
  EXPECT_EQ(refused.status, 409);
  EXPECT_NE(refused.text("detail").find("expected a ballot that renews"), std::string::npos) << refused.text("detail");
  const json::Array given = *admin->get(query_path(proposed)).find("ballots")->array();
  ASSERT_EQ(given.size(), 2U);
  for (const json::Value& item : given) {
    const auto lapsed = OrDie(jobs::SignedDocument::from_json(item, jobs::Ballot::kMaxBytes));
    cleanroom::Party& voter = OrDie(jobs::Ballot::parse(lapsed.text)).voter == "hospital" ? hospital_ : laboratory_;
    jobs::Ballot renewed = ballot(*room, proposed, voter);
    renewed.renews = receipt::approval_digest(lapsed.encode());
    ASSERT_EQ(admin->post(query_path(proposed) + "/approve", body("ballot", sign(renewed, voter))).status, 200);
    // What it stands in for does not come back.
    EXPECT_EQ(admin->post(query_path(proposed) + "/approve", body("ballot", lapsed)).status, 409);
  }
  EXPECT_TRUE(until([&] { return admin->get(query_path(proposed)).text("state") == "done"; })) << admin->get(query_path(proposed)).text("reason");
}

TEST_F(HubTest, AfterARestartAnExpiredBallotDoesNotHinderWhereTheOthersAreEnough) {
  approval_ = {jobs::ApprovalRule::k_of_n, 1, {"laboratory"}, true};  // the veto keeps the vote open after the first approval
  hospital_data_ = seal(hospital_, "hospital");
  laboratory_data_ = seal(laboratory_, "laboratory");
  start_hub();
  const auto old_room = open_study();
  const jobs::Proposal proposed = proposal(*old_room);
  propose_at_hub(proposed);
  jobs::Ballot narrow = ballot(*old_room, proposed, hospital_);
  narrow.expires_at_size = narrow.head.size + 3;
  ASSERT_EQ(admin->post(query_path(proposed) + "/approve", body("ballot", sign(narrow, hospital_))).status, 200);
  ASSERT_EQ(admin->post(query_path(proposed) + "/approve", body("ballot", sign(ballot(*old_room, proposed, laboratory_), laboratory_))).status, 200);
  ASSERT_TRUE(until([&] { return old_room->stored_checkpoint() == old_room->checkpoint(); }));
  launcher.kill();
  await_instance(*old_room);
  join_all(*launcher.room());
  carry_over(*launcher.room());
  release_keys(*launcher.room());
  EXPECT_TRUE(until([&] { return admin->get(query_path(proposed)).text("state") == "done"; })) << admin->get(query_path(proposed)).text("reason");
}

TEST_F(HubTest, AProgramThatCannotStartIsReportedAndTriedAgain) {
  start_hub();
  launcher.broken = true;
  ASSERT_EQ(admin->post("/api/tee/environments", contract_body()).status, 201);
  ASSERT_TRUE(until([&] { return admin->get(kStudy).text("state") == "failed"; }));
  EXPECT_EQ(admin->get(kStudy).text("reason"), "no TPM");
  EXPECT_EQ(admin->post(std::string(kStudy) + "/queries", body("proposal", sign(proposal(*room_), analyst_))).status, 503);
  launcher.broken = false;
  EXPECT_TRUE(until([&] { return admin->get(kStudy).text("state") == "running"; }));
}

TEST_F(HubTest, AnotherStartHasTheSameKeysAndRecords) {
  start_hub();
  EXPECT_TRUE(hub->made_admin_key());
  const SpkiDigest pin = hub->pin();
  EXPECT_EQ(test::read_text(folder.path() / "state" / "hub.pin"), pin.hex() + "\n");
  create_study(*admin);
  upload(*admin, hospital_data_);
  const auto before = admin->get(std::string(kStudy) + "/datasets").find("items")->array()->at(0).object()->at("document");
  EXPECT_ERROR(HubService::start(options(folder.path() / "state"), launcher, random, wall, [] { return std::int64_t{0}; }), Code::unavailable, "");
  hub.reset();
  start_hub();
  EXPECT_FALSE(hub->made_admin_key());
  EXPECT_EQ(hub->pin(), pin);
  EXPECT_EQ(admin->get(std::string(kStudy) + "/datasets").find("items")->array()->at(0).object()->at("document"), before);
  EXPECT_TRUE(until([&] { return admin->get(kStudy).text("state") == "running"; }));
}

TEST_F(HubTest, ListsComeInPages) {
  start_hub();
  create_study(*admin);
  provide(*launcher.room());
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(admin->post(std::string(kStudy) + "/queries", body("proposal", sign(proposal(*launcher.room()), analyst_))).status, 201);
  }
  std::set<std::string> seen;
  std::string cursor;
  int pages = 0;
  do {
    const Answer page = admin->get(std::string(kStudy) + "/queries?limit=2" + (cursor.empty() ? "" : "&cursor=" + cursor));
    ASSERT_EQ(page.status, 200);
    for (const json::Value& item : *page.find("items")->array()) seen.insert(*item.object()->at("query").string());
    cursor = page.text("next");
    ++pages;
  } while (!cursor.empty());
  EXPECT_EQ(seen.size(), 5U);
  EXPECT_EQ(pages, 3);
}

// resolved: what a {"$ref": "#/components/..."} stands for.
const json::Object& resolved(const json::Value& document, const json::Value& value) {
  if (!value.object()->contains("$ref")) return *value.object();
  const json::Value* at = &document;
  std::string_view path = *value.object()->at("$ref").string();
  for (path.remove_prefix(2); !path.empty();) {
    const std::size_t end = std::min(path.find('/'), path.size());
    at = &at->object()->at(std::string(path.substr(0, end)));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return *at->object();
}

TEST(OpenApi, NamesExactlyTheRoutesOfTheTable) {
  const json::Value document = OrDie(json::parse(kOpenApi, {.max_bytes = 1U << 20, .max_depth = 32}));
  std::set<std::string> described;
  std::set<std::string> operations;
  for (const auto& [path, methods] : *document.object()->at("paths").object()) {
    for (const auto& [method, operation] : *methods.object()) {
      const json::Object& told = *operation.object();
      std::string upper = method;
      std::ranges::transform(upper, upper.begin(), [](char c) { return static_cast<char>(std::toupper(c)); });
      const std::string name = upper + " " + path;
      described.insert(name);
      EXPECT_TRUE(operations.insert(*told.at("operationId").string()).second) << name << ": its operationId is another's";
      const bool open = std::ranges::find(HubApi::open_paths(), path) != HubApi::open_paths().end();
      EXPECT_EQ(told.contains("security"), open) << name;
      const auto row = std::ranges::find_if(HubApi::rows(), [&](const auto& item) { return item.path == path && item.method == upper; });
      const bool in_table = row != HubApi::rows().end();
      EXPECT_EQ(told.contains("requestBody"), in_table && row->max_body_bytes > 0) << name;
      for (const auto& [status, response] : *told.at("responses").object()) {
        EXPECT_TRUE(resolved(document, response).at("headers").object()->contains("X-Request-Id")) << name << " " << status;
      }
      std::set<std::string> query, headers;
      if (told.contains("parameters")) {
        for (const json::Value& item : *told.at("parameters").array()) {
          const json::Object& parameter = resolved(document, item);
          const std::string& in = *parameter.at("in").string();
          if (in == "query") query.insert(*parameter.at("name").string());
          if (in == "header") headers.insert(*parameter.at("name").string());
        }
      }
      EXPECT_EQ(headers.contains("Idempotency-Key"), upper == "POST") << name;
      if (!in_table) continue;
      std::set<std::string> taken;
      for (std::string_view rest = row->query; !rest.empty();) {
        const std::size_t end = std::min(rest.find(' '), rest.size());
        taken.emplace(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
      EXPECT_EQ(query, taken) << name;
      ASSERT_TRUE(told.contains("x-redoubt-action")) << name;
      EXPECT_EQ(*told.at("x-redoubt-action").string(), scope_of(row->action)) << name;
      EXPECT_EQ(told.at("responses").object()->contains("421"), row->at_home) << name;
    }
  }
  std::set<std::string> routes;
  for (const HubApi::Row& row : HubApi::rows()) routes.insert(std::string(row.method) + " " + std::string(row.path));
  for (const std::string_view path : HubApi::open_paths()) routes.insert("GET " + std::string(path));
  EXPECT_EQ(described, routes);
}

}  // namespace
}  // namespace redoubt::hub
