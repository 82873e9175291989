// Goal: every kind of record comes back as it went in, keeps its rules (once, in order, from the right state), and pages
// through lists without gaps. Method: one small hub on each kind of database; each rule broken alone.
#include <gtest/gtest.h>

#include "common/crypto/system_random.h"
#include "untrusted/hub/store/datasets.h"
#include "untrusted/hub/store/journal.h"
#include "untrusted/hub/store/logs.h"
#include "untrusted/hub/store/records_test_fixture.h"
#include "untrusted/hub/store/secrets.h"

namespace redoubt::hub {
namespace {

REDOUBT_ON_BOTH_BACKENDS(Records);

TEST_P(Records, EnvironmentsOfOneNameAreToldApart) {
  const auto add = [&](std::string id, std::string name, std::string creator, std::vector<std::string> participants) {
    std::vector<ParticipantRecord> records;
    for (const std::string& participant : participants) records.push_back({participant, filled<crypto::Ed25519PublicKey>(2)});
    return write([&](Transaction& t) { return add_environment(t, {id, "", {}, EnvironmentState::active, kNow, "", name, creator}, records); });
  };
  EXPECT_OK(add("e1", "trial", "alice", {"alice", "carol"}));
  EXPECT_OK(add("e2", "trial", "mallory", {"mallory", "carol"}));
  EXPECT_OK(add("e3", "other", "mallory", {"mallory"}));
  EXPECT_OK(add("e4", "trial", "mallory", {"carol"}));
  const auto named = [&](std::optional<std::string_view> participant) {
    std::vector<std::string> ids;
    for (const Environment& item : OrDie(write([&](Transaction& t) { return environments_named(t, "trial", participant); }))) ids.push_back(item.id);
    return ids;
  };
  EXPECT_EQ(named("alice"), std::vector<std::string>{"e1"});
  EXPECT_EQ(named("mallory"), std::vector<std::string>{"e2"});
  EXPECT_EQ(named("carol"), (std::vector<std::string>{"e1", "e2"})) << "two are enough to tell that there are several";
  EXPECT_EQ(named("bob"), std::vector<std::string>{});
  EXPECT_EQ(named(std::nullopt).size(), 2U);
  const auto count = [&](std::string_view creator) { return OrDie(write([&](Transaction& t) { return active_environments(t, creator); })); };
  EXPECT_EQ(count("mallory"), 3U);
  EXPECT_OK(write([&](Transaction& t) { return set_environment_state(t, "e3", EnvironmentState::closed); }));
  EXPECT_EQ(count("mallory"), 2U);
  EXPECT_EQ(count("bob"), 0U);
  // A participant's list has pages of its own, whatever others add between.
  const auto first = OrDie(write([&](Transaction& t) { return list_environments(t, {"", 1}, "mallory"); }));
  ASSERT_EQ(first.items.size(), 1U);
  EXPECT_EQ(first.items.front().id, "e2");
  EXPECT_EQ(first.items.front().name, "trial");
  EXPECT_EQ(first.items.front().creator, "mallory");
  EXPECT_OK(add("e5", "x", "bob", {"bob"}));
  const auto second = OrDie(write([&](Transaction& t) { return list_environments(t, {first.next, 5}, "mallory"); }));
  ASSERT_EQ(second.items.size(), 1U);
  EXPECT_EQ(second.items.front().id, "e3");
  EXPECT_TRUE(second.next.empty());
  EXPECT_ERROR(write([&](Transaction& t) { return list_environments(t, {first.next, 5}, "alice"); }), Code::malformed, "not one of this list");
}

TEST_P(Records, EnvironmentsInstancesAndAcceptances) {
  const Environment found = OrDie(write([&](Transaction& t) { return get_environment(t, "env"); }));
  EXPECT_EQ(found.contract, "the contract");
  EXPECT_EQ(found.contract_digest, filled<ContractDigest>(1));
  const auto participants = OrDie(write([&](Transaction& t) { return get_participants(t, "env"); }));
  ASSERT_EQ(participants.size(), 2U);
  EXPECT_EQ(participants[0], (ParticipantRecord{"alice", filled<crypto::Ed25519PublicKey>(2)}));
  EXPECT_ERROR(write([&](Transaction& t) { return add_environment(t, found, {}); }), Code::refused, "already exists");
  EXPECT_ERROR(write([&](Transaction& t) { return add_environment(t, {"new", "", {}, EnvironmentState::active, kNow}, {{"a", {}}, {"a", {}}}); }),
               Code::refused, "participant a");
  EXPECT_ERROR(write([&](Transaction& t) { return get_environment(t, "new"); }), Code::not_found, "environment");
  for (const char* bad : {"", "../x", ".x", "a b", "a/b"}) {
    EXPECT_ERROR(write([&](Transaction& t) { return add_environment(t, {bad, "", {}, EnvironmentState::active, kNow}, {}); }),
                 Code::malformed, "environment id");
  }
  EXPECT_OK(write([&](Transaction& t) { return set_environment_state(t, "env", EnvironmentState::closed); }));
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return get_environment(t, "env"); })).state, EnvironmentState::closed);
  EXPECT_ERROR(write([&](Transaction& t) { return set_environment_state(t, "new", EnvironmentState::closed); }), Code::not_found, "environment");

  Instance next = instance;
  next.id = filled<InstanceId>(9);
  next.state = InstanceState::starting;
  EXPECT_OK(write([&](Transaction& t) { return add_instance(t, next); }));
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return current_instance(t, "env"); })).id, next.id);
  EXPECT_OK(write([&](Transaction& t) { return set_instance_state(t, next.id, InstanceState::stopped); }));
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return current_instance(t, "env"); })).claims, "the claims");
  EXPECT_OK(write([&](Transaction& t) { return set_instance_state(t, instance.id, InstanceState::stopped); }));
  EXPECT_ERROR(write([&](Transaction& t) { return current_instance(t, "env"); }), Code::not_found, "running instance");
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return get_instance(t, next.id); })).state, InstanceState::stopped);
  EXPECT_ERROR(write([&](Transaction& t) { return add_instance(t, next); }), Code::refused, "already exists");
  next.id = filled<InstanceId>(10);
  next.environment = "new";
  EXPECT_ERROR(write([&](Transaction& t) { return add_instance(t, next); }), Code::not_found, "refers to");

  EXPECT_OK(write([&](Transaction& t) { return add_acceptance(t, instance.id, {"bob", "doc", kNow}); }));
  EXPECT_OK(write([&](Transaction& t) { return add_acceptance(t, instance.id, {"alice", "doc", kNow}); }));
  EXPECT_ERROR(write([&](Transaction& t) { return add_acceptance(t, instance.id, {"bob", "other", kNow}); }), Code::refused, "acceptance by bob");
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return get_acceptances(t, instance.id); })).size(), 2U);
}

TEST_P(Records, DatasetVersionsOnlyGoUpAndUploadsFinishOnce) {
  Dataset dataset{"env", "cells", 2, "alice", "manifest", "obj-1", 10, DatasetState::uploading, kNow};
  EXPECT_OK(write([&](Transaction& t) { return add_dataset(t, dataset); }));
  Dataset other = dataset;
  other.object = "obj-2";
  for (const std::uint64_t version : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{2}}) {
    other.version = version;
    EXPECT_ERROR(write([&](Transaction& t) { return add_dataset(t, other); }), Code::refused, "version above 2");
  }
  other.version = 3;
  other.object = "obj-1";
  EXPECT_ERROR(write([&](Transaction& t) { return add_dataset(t, other); }), Code::refused, "already exists");
  other.environment = "none";
  other.object = "obj-3";
  EXPECT_ERROR(write([&](Transaction& t) { return add_dataset(t, other); }), Code::not_found, "refers to");
  EXPECT_ERROR(write([&](Transaction& t) { return latest_dataset(t, "env", "cells"); }), Code::not_found, "dataset");
  const DatasetPart part{0, 10, filled<crypto::Sha256Digest>(7)};
  EXPECT_OK(write([&](Transaction& t) { return put_part(t, dataset, {0, 9, filled<crypto::Sha256Digest>(8)}); }));
  EXPECT_OK(write([&](Transaction& t) { return put_part(t, dataset, part); }));
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return get_parts(t, dataset); })), std::vector{part});
  EXPECT_OK(write([&](Transaction& t) { return set_dataset_state(t, dataset, DatasetState::uploading, DatasetState::stored); }));
  EXPECT_ERROR(write([&](Transaction& t) { return set_dataset_state(t, dataset, DatasetState::uploading, DatasetState::stored); }),
               Code::refused, "expected state uploading, found stored");
  EXPECT_ERROR(write([&](Transaction& t) { return put_part(t, dataset, part); }), Code::refused, "found stored");
  const Dataset found = OrDie(write([&](Transaction& t) { return latest_dataset(t, "env", "cells"); }));
  EXPECT_EQ(found.version, 2U);
  EXPECT_EQ(found.size, 10U);
  EXPECT_EQ(found.manifest, "manifest");
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return dataset_objects(t); })), std::vector<std::string>{"obj-1"});
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return list_datasets(t, "env", {}); })).items.size(), 1U);
}

TEST_P(Records, AQueryTakesBallotsThenFinishesWhole) {
  EXPECT_OK(write([&](Transaction& t) { return add_query(t, query); }));
  EXPECT_ERROR(write([&](Transaction& t) { return add_query(t, query); }), Code::refused, "already exists");
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return get_query(t, "q1"); })).text, query.text);
  EXPECT_OK(write([&](Transaction& t) { return add_ballot(t, "q1", {"bob", "ballot of bob", kNow}); }));
  EXPECT_ERROR(write([&](Transaction& t) { return add_ballot(t, "q1", {"bob", "another", kNow}); }), Code::refused, "ballot by bob");
  EXPECT_ERROR(write([&](Transaction& t) { return add_ballot(t, "q2", {"bob", "x", kNow}); }), Code::not_found, "query");
  EXPECT_ERROR(write([&](Transaction& t) { return renew_ballot(t, "q1", {"alice", "another", kNow}); }), Code::not_found, "none to renew");
  EXPECT_OK(write([&](Transaction& t) { return renew_ballot(t, "q1", {"bob", "another of bob", kNow}); }));
  EXPECT_OK(write([&](Transaction& t) { return renew_ballot(t, "q1", {"bob", "ballot of bob", kNow}); }));
  EXPECT_OK(write([&](Transaction& t) { return add_ballot(t, "q1", {"alice", "ballot of alice", kNow}); }));
  const auto move = [&](QueryState from, QueryState to) {
    return write([&](Transaction& t) { return set_query_state(t, "q1", from, to, "why", kNow.plus_seconds(1)); });
  };
  EXPECT_OK(move(QueryState::proposed, QueryState::queued));
  EXPECT_ERROR(move(QueryState::proposed, QueryState::queued), Code::refused, "expected state proposed, found queued");
  EXPECT_ERROR(write([&](Transaction& t) { return add_ballot(t, "q1", {"carol", "late", kNow}); }), Code::refused, "found queued");
  const std::vector<ResultRecord> results{{"alice", to_bytes("for alice"), kNow}, {"bob", Bytes(), kNow}};
  const ReceiptRecord receipt{instance.id, 5, "a receipt", kNow};
  EXPECT_ERROR(write([&](Transaction& t) { return finish_query(t, "q1", results, receipt); }), Code::refused, "expected state running");
  EXPECT_ERROR(write([&](Transaction& t) { return get_result(t, "q1", "alice"); }), Code::not_found, "result");
  EXPECT_OK(move(QueryState::queued, QueryState::waiting_for_keys));
  EXPECT_OK(move(QueryState::waiting_for_keys, QueryState::running));
  EXPECT_OK(write([&](Transaction& t) { return finish_query(t, "q1", results, receipt); }));
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return get_result(t, "q1", "alice"); })).package, to_bytes("for alice"));
  EXPECT_TRUE(OrDie(write([&](Transaction& t) { return get_result(t, "q1", "bob"); })).package.empty());
  EXPECT_ERROR(write([&](Transaction& t) { return get_result(t, "q1", "carol"); }), Code::not_found, "result");
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return get_receipt(t, "q1"); })).sequence, 5U);
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return get_query(t, "q1"); })).state, QueryState::done);
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return get_ballots(t, "q1"); })).at(0).document, "ballot of alice");
  // One place in a log holds one receipt.
  query.id = "q2";
  query.state = QueryState::running;
  EXPECT_OK(write([&](Transaction& t) { return add_query(t, query); }));
  EXPECT_ERROR(write([&](Transaction& t) { return finish_query(t, "q2", {}, receipt); }), Code::refused, "receipt: ");
}

TEST_P(Records, LogsGrowWithoutGapsAndCheckpointsNeverFork) {
  const auto entry = [](int i) { return receipt::LogEntry{"boot", filled<crypto::Sha256Digest>(i)}.encode(); };
  const auto append = [&](std::uint64_t first, std::vector<Bytes> entries) {
    return write([&](Transaction& t) { return append_entries(t, instance.id, first, entries); });
  };
  EXPECT_OK(append(0, {entry(0), entry(1)}));
  EXPECT_OK(append(1, {entry(1), entry(2)}));  // repeated and continued
  EXPECT_ERROR(append(4, {entry(4)}), Code::refused, "continue at 3");
  EXPECT_ERROR(append(1, {entry(9)}), Code::refused, "log entry 1: another one");
  EXPECT_ERROR(append(3, {entry(3), to_bytes("junk")}), Code::malformed, "log entry 4");
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return log_size(t, instance.id); })), 3U);
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return get_entries(t, instance.id, 1, 1); })), std::vector<Bytes>{entry(1)});
  EXPECT_ERROR(write([&](Transaction& t) { return append_entries(t, filled<InstanceId>(99), 0, {entry(0)}); }), Code::not_found, "refers to");
  const receipt::Log log = OrDie(write([&](Transaction& t) { return load_log(t, instance.id); }));
  EXPECT_EQ(log.size(), 3U);
  const auto put = [&](const receipt::TreeHead& head, std::string_view note) {
    return write([&](Transaction& t) { return put_checkpoint(t, instance.id, head, note); });
  };
  EXPECT_OK(put(log.head(), "note 3"));
  EXPECT_OK(put(log.head(), "note 3"));
  EXPECT_ERROR(put(log.head(), "another note 3"), Code::log_proof, "another one is there");
  EXPECT_ERROR(put({log.head().origin, 4, {}}, "note 4"), Code::refused, "the log has 3 entries");
  EXPECT_ERROR(put({"redoubt/other", 2, {}}, "note 2"), Code::log_proof, "expected origin");
  EXPECT_OK(put({log.head().origin, 2, {}}, "note 2"));
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return last_checkpoint(t, instance.id); })), "note 3");
}

TEST_P(Records, AnIdempotencyKeyAnswersOneRequest) {
  const auto request = filled<crypto::Sha256Digest>(1);
  Instant at = kNow;
  const auto find = [&](std::string_view subject, std::string_view key, const crypto::Sha256Digest& digest) {
    return write([&](Transaction& t) { return find_answer(t, subject, key, digest, at); });
  };
  EXPECT_FALSE(OrDie(find("alice", "k", request)));
  EXPECT_OK(write([&](Transaction& t) { return keep_answer(t, "alice", "k", request, {201, to_bytes("made")}, kNow); }));
  const auto answer = OrDie(find("alice", "k", request));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->response, to_bytes("made"));
  EXPECT_ERROR(find("alice", "k", filled<crypto::Sha256Digest>(2)), Code::refused, "another request");
  EXPECT_FALSE(OrDie(find("bob", "k", request)));
  EXPECT_ERROR(write([&](Transaction& t) { return keep_answer(t, "alice", "k", request, {}, kNow); }), Code::refused, "already exists");
  EXPECT_ERROR(write([&](Transaction& t) { return keep_answer(t, "alice", "", request, {}, kNow); }), Code::malformed, "128 bytes");
  EXPECT_ERROR(write([&](Transaction& t) { return keep_answer(t, "alice", std::string(129, 'k'), request, {}, kNow); }), Code::malformed, "128");
  // It is forgotten after its life, also where nobody swept; then the key is free for another request.
  at = kNow.plus_seconds(KeptAnswer::kLifeSeconds - 1);
  EXPECT_TRUE(OrDie(find("alice", "k", request)));
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return forget_answers(t, at); })), 0U);
  at = kNow.plus_seconds(KeptAnswer::kLifeSeconds);
  EXPECT_FALSE(OrDie(find("alice", "k", request)));
  EXPECT_FALSE(OrDie(find("alice", "k", filled<crypto::Sha256Digest>(2))));
  EXPECT_OK(write([&](Transaction& t) { return keep_answer(t, "alice", "k", filled<crypto::Sha256Digest>(2), {200, to_bytes("other")}, at); }));
  EXPECT_EQ(OrDie(find("alice", "k", filled<crypto::Sha256Digest>(2)))->response, to_bytes("other"));
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return forget_answers(t, at.plus_seconds(KeptAnswer::kLifeSeconds)); })), 1U);
}

TEST_P(Records, PagesLeaveNothingOutAndNothingTwice) {
  for (int i = 0; i < 23; ++i) {
    EXPECT_OK(write([&](Transaction& t) { return add_audit_event(t, {kNow, "alice", "act", std::to_string(i), ""}); }));
  }
  std::vector<std::string> seen;
  PageRequest request{"", 5};
  for (;;) {
    const auto page = OrDie(write([&](Transaction& t) { return list_audit_events(t, request); }));
    for (const AuditEvent& event : page.items) seen.push_back(event.object);
    if (page.next.empty()) break;
    EXPECT_EQ(page.items.size(), 5U);
    request.cursor = page.next;
    // What is added meanwhile comes at the end.
    if (seen.size() == 5) {
      EXPECT_OK(write([&](Transaction& t) { return add_audit_event(t, {kNow, "alice", "act", "23", ""}); }));
    }
  }
  ASSERT_EQ(seen.size(), 24U);
  for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i], std::to_string(i));
  EXPECT_OK(write([&](Transaction& t) { return add_query(t, query); }));
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return list_queries(t, "env", {"", 1}); })).next, "");
  EXPECT_ERROR(write([&](Transaction& t) { return list_queries(t, "env", {make_cursor("queries of other", 0), 1}); }), Code::malformed,
               "not one of this list");
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return list_environments(t, {}); })).items.size(), 1U);
}

// Large records make short pages, so that a caller who asks for many at once costs a bounded amount of memory; none is left out.
TEST_P(Records, APageOfLargeRecordsIsShorter) {
  const std::string large(kMaxPageBytes / 3, 'x');
  for (int i = 0; i < 10; ++i) {
    EXPECT_OK(write([&](Transaction& t) { return add_audit_event(t, {kNow, "alice", "act", std::to_string(i), i == 4 ? std::string(kMaxPageBytes + 1, 'x') : large}); }));
  }
  std::vector<std::size_t> sizes;
  std::string seen;
  PageRequest request{"", kMaxPage};
  do {
    const auto page = OrDie(write([&](Transaction& t) { return list_audit_events(t, request); }));
    ASSERT_FALSE(page.items.empty());
    for (const AuditEvent& event : page.items) seen += event.object;
    sizes.push_back(page.items.size());
    request.cursor = page.next;
  } while (!request.cursor.empty());
  EXPECT_EQ(seen, "0123456789");
  EXPECT_EQ(sizes, (std::vector<std::size_t>{2, 2, 1, 2, 2, 1}));
}

TEST_P(Records, ResultsAreReadInPieces) {
  Bytes package(10'000);
  for (std::size_t i = 0; i < package.size(); ++i) package[i] = static_cast<std::byte>(i % 251);
  EXPECT_OK(write([&](Transaction& t) -> Status {
    REDOUBT_CHECK(add_query(t, query));
    REDOUBT_CHECK(set_query_state(t, "q1", QueryState::proposed, QueryState::queued, "", kNow));
    REDOUBT_CHECK(set_query_state(t, "q1", QueryState::queued, QueryState::running, "", kNow));
    return finish_query(t, "q1", {{"alice", package, kNow}, {"bob", {}, kNow}}, {instance.id, 7, "a receipt", kNow});
  }));
  const ResultFacts facts = OrDie(write([&](Transaction& t) { return get_result_facts(t, "q1", "alice"); }));
  EXPECT_EQ(facts.size, package.size());
  EXPECT_EQ(facts.instance, instance.id);
  EXPECT_EQ(facts.sequence, 7U);
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return get_result_facts(t, "q1", "bob"); })).size, 0U);
  EXPECT_ERROR(write([&](Transaction& t) { return get_result_facts(t, "q1", "carol"); }), Code::not_found, "result");
  EXPECT_ERROR(write([&](Transaction& t) { return get_result_facts(t, "q2", "alice"); }), Code::not_found, "result");
  const auto piece = [&](std::uint64_t offset, std::uint64_t size) {
    return write([&](Transaction& t) { return get_result_piece(t, "q1", "alice", offset, size); });
  };
  EXPECT_EQ(OrDie(piece(0, 10'000)), package);
  EXPECT_EQ(OrDie(piece(0, 1)), Bytes{package[0]});
  EXPECT_EQ(OrDie(piece(9'999, 100)), Bytes{package[9'999]});
  EXPECT_EQ(OrDie(piece(1'234, 777)), to_bytes(ByteView(package).subspan(1'234, 777)));
  EXPECT_EQ(OrDie(piece(10'000, 10)), Bytes());
  EXPECT_EQ(OrDie(piece(5, 0)), Bytes());
  EXPECT_ERROR(piece(std::uint64_t{1} << 62, 1), Code::usage, "no such piece");
  EXPECT_ERROR(write([&](Transaction& t) { return get_result_piece(t, "q1", "carol", 0, 1); }), Code::not_found, "result");
}

TEST_P(Records, ASecretIsMadeOnce) {
  crypto::SystemRandom random;
  const auto secret = [&](std::string_view name) { return OrDie(write([&](Transaction& t) { return ensure_secret(t, random, name); })); };
  const SecretBytes first = secret("a");
  EXPECT_EQ(first.size(), 32U);
  EXPECT_TRUE(first == secret("a"));
  EXPECT_FALSE(first == secret("b"));
  store.reset();
  store = OrDie(Store::open(location(), kNow));
  EXPECT_TRUE(first == secret("a"));
}

TEST_P(Records, SurviveReopening) {
  EXPECT_OK(write([&](Transaction& t) { return add_query(t, query); }));
  store.reset();
  store = OrDie(Store::open(location(), kNow.plus_seconds(100)));
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return get_query(t, "q1"); })).proposal, "a proposal");
}

}  // namespace
}  // namespace redoubt::hub
