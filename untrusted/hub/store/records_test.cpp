// Goal: every kind of record comes back as it went in, keeps its rules (once, in order, from the right state), and pages
// through lists without gaps. Method: one small hub on each kind of database; each rule broken alone.
#include <gtest/gtest.h>

#include "common/crypto/system_random.h"
#include "untrusted/hub/store/accounts.h"
#include "untrusted/hub/store/backend_test_support.h"
#include "untrusted/hub/store/datasets.h"
#include "untrusted/hub/store/environments.h"
#include "untrusted/hub/store/hubs.h"
#include "untrusted/hub/store/job_queue.h"
#include "untrusted/hub/store/journal.h"
#include "untrusted/hub/store/logs.h"
#include "untrusted/hub/store/queries.h"

namespace redoubt::hub {
namespace {

template <class F>
F filled(int fill) {
  F out;
  out.array().fill(static_cast<std::byte>(fill));
  return out;
}

class Records : public BackendTest {
 protected:
  template <class F>
  auto write(F&& function) {
    return store->write("test", std::forward<F>(function));
  }
  void SetUp() override {
    BackendTest::SetUp();
    if (IsSkipped()) return;
    store = OrDie(Store::open(location(), kNow));
    EXPECT_OK(write([&](Transaction& t) -> Status {
      REDOUBT_CHECK(add_environment(t, {"env", "the contract", filled<ContractDigest>(1), EnvironmentState::active, kNow},
                                    {{"bob", filled<crypto::Ed25519PublicKey>(3)}, {"alice", filled<crypto::Ed25519PublicKey>(2)}}));
      return add_instance(t, instance);
    }));
  }

  std::unique_ptr<Store> store;
  Instance instance{filled<InstanceId>(4), "env", filled<BootId>(5), "the claims", InstanceState::running, kNow};
  Query query{"q1", "env", "alice", "SELECT \xc3\xa4", filled<crypto::Sha256Digest>(6), "a proposal", QueryState::proposed, "", kNow, kNow};
};

REDOUBT_ON_BOTH_BACKENDS(Records);

TEST_P(Records, ApiKeysAreStoredHashedAndRevoked) {
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

TEST_P(Records, ApiKeysExpireAndTellWhenTheyWereUsed) {
  crypto::SystemRandom random;
  const auto create = [&](std::string_view subject, const KeyLife& life) {
    return write([&](Transaction& t) { return create_api_key(t, random, subject, {"read"}, kNow, life); });
  };
  const NewApiKey key = OrDie(create("alice", {kNow.plus_seconds(60), "key-1"}));
  const std::string text(as_text(key.text.reveal()));
  const auto find = [&](std::int64_t at) { return write([&](Transaction& t) { return find_api_key(t, text, kNow.plus_seconds(at)); }); };
  const ApiKey found = OrDie(find(59));
  EXPECT_EQ(found.expires, kNow.plus_seconds(60));
  EXPECT_EQ(found.made_by, "key-1");
  EXPECT_EQ(found.prefix, text.substr(0, 8));
  EXPECT_FALSE(found.last_used);
  EXPECT_ERROR(find(60), Code::auth, "not valid");
  EXPECT_ERROR(create("alice", {kNow, ""}), Code::malformed, "expiry");
  EXPECT_OK(write([&](Transaction& t) { return note_use(t, found.id, kNow.plus_seconds(5)); }));
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return get_api_key(t, found.id); })).last_used, kNow.plus_seconds(5));
  EXPECT_OK(create("bob", {}));
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return list_api_keys(t, {}, "bob"); })).items.size(), 1U);
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return list_api_keys(t, {}); })).items.size(), 2U);
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return live_keys(t, "alice"); })), 1U);
  EXPECT_OK(write([&](Transaction& t) { return revoke_api_key(t, found.id, kNow); }));
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return live_keys(t, "alice"); })), 0U);
  EXPECT_ERROR(write([&](Transaction& t) { return get_api_key(t, "none"); }), Code::not_found, "api key");
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

TEST_P(Records, AJobIsHeldByOneWorkerAndTakenOverWhenItsLeaseEnds) {
  const auto add = [&](std::string id, Instant run_after) {
    Job job;
    job.id = std::move(id);
    job.kind = "query.run";
    job.payload = "{}";
    job.max_attempts = 2;
    job.run_after = run_after;
    job.created = kNow;
    return write([&](Transaction& t) { return add_job(t, job); });
  };
  const auto lease = [&](std::string_view owner, std::int64_t at) {
    return OrDie(write([&](Transaction& t) { return lease_job(t, "query.run", owner, kNow.plus_seconds(at), 10); }));
  };
  const auto state = [&](std::string_view id) { return OrDie(write([&](Transaction& t) { return get_job(t, id); })).state; };
  EXPECT_FALSE(lease("w1", 0));
  EXPECT_OK(add("later", kNow.plus_seconds(50)));
  EXPECT_OK(add("now", kNow));
  EXPECT_ERROR(add("now", kNow), Code::refused, "already exists");
  const auto job = lease("w1", 0);
  ASSERT_TRUE(job);
  EXPECT_EQ(job->id, "now");
  EXPECT_EQ(job->attempts, 1U);
  EXPECT_EQ(job->lease_until, kNow.plus_seconds(10));
  EXPECT_FALSE(lease("w2", 9));
  EXPECT_OK(write([&](Transaction& t) { return extend_lease(t, job->lease(), kNow.plus_seconds(9), 10); }));
  EXPECT_OK(write([&](Transaction& t) { return hold_lease(t, job->lease()); }));
  EXPECT_FALSE(lease("w2", 18));
  auto taken = lease("w2", 19);  // the lease of w1 has ended
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->fence, job->fence + 1);
  // Whoever was paused meanwhile writes nothing, also where the other has the same name.
  Lease same_name = job->lease();
  same_name.owner = "w2";
  for (const Lease& old : {job->lease(), same_name}) {
    const std::string text = "not held by " + old.owner;
    EXPECT_ERROR(write([&](Transaction& t) { return hold_lease(t, old); }), Code::refused, text);
    EXPECT_ERROR(write([&](Transaction& t) { return finish_job(t, old, JobState::done, "", kNow); }), Code::refused, text);
    EXPECT_ERROR(write([&](Transaction& t) { return retry_job(t, old, kNow, "", kNow); }), Code::refused, text);
    EXPECT_ERROR(write([&](Transaction& t) { return park_job(t, old, "", kNow); }), Code::refused, text);
    EXPECT_ERROR(write([&](Transaction& t) { return extend_lease(t, old, kNow, 10); }), Code::refused, text);
  }
  EXPECT_EQ(state("now"), JobState::running);
  // Waiting for keys costs no attempt.
  EXPECT_OK(write([&](Transaction& t) { return park_job(t, taken->lease(), "keys", kNow.plus_seconds(20)); }));
  EXPECT_FALSE(lease("w2", 40));
  EXPECT_EQ(state("now"), JobState::waiting_for_keys);
  EXPECT_OK(write([&](Transaction& t) { return wake_job(t, "now", kNow.plus_seconds(21)); }));
  EXPECT_ERROR(write([&](Transaction& t) { return wake_job(t, "now", kNow.plus_seconds(21)); }), Code::refused, "found queued");
  taken = lease("w2", 21);
  ASSERT_TRUE(taken);
  EXPECT_OK(write([&](Transaction& t) { return finish_job(t, taken->lease(), JobState::done, "", kNow.plus_seconds(22)); }));
  EXPECT_EQ(state("now"), JobState::done);
  // Two attempts: the first is retried, the second dies with its worker.
  taken = lease("w1", 50);
  ASSERT_TRUE(taken);
  EXPECT_OK(write([&](Transaction& t) { return retry_job(t, taken->lease(), kNow.plus_seconds(60), "again", kNow.plus_seconds(51)); }));
  EXPECT_FALSE(lease("w1", 59));
  taken = lease("w1", 60);
  ASSERT_TRUE(taken);
  EXPECT_FALSE(lease("w2", 70));
  EXPECT_EQ(state("later"), JobState::failed);
  EXPECT_ERROR(write([&](Transaction& t) { return finish_job(t, taken->lease(), JobState::done, "", kNow); }), Code::refused, "not held");
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return list_jobs(t, {}); })).items.size(), 2U);
}

TEST_P(Records, AJobWithAHomeRunsThereAndAHubReleasesItsOwnLeases) {
  const auto add = [&](std::string id, std::string home) {
    Job job;
    job.id = std::move(id);
    job.kind = "k";
    job.payload = "{}";
    job.home = std::move(home);
    job.max_attempts = 1;
    job.run_after = job.created = kNow;
    return write([&](Transaction& t) { return add_job(t, job); });
  };
  const auto lease = [&](std::string_view owner) {
    return OrDie(store->claim("lease", [&](Transaction& t) { return lease_job(t, "k", owner, kNow, 10); }));
  };
  EXPECT_OK(add("a", "hub-a"));
  EXPECT_FALSE(lease("hub-b/worker-0"));
  EXPECT_FALSE(lease("hub-ab/worker-0"));
  ASSERT_TRUE(lease("hub-a/worker-1"));
  EXPECT_OK(add("any", ""));
  ASSERT_TRUE(lease("hub-ab/worker-0"));
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return release_leases(t, "hub-b", kNow); })), 0U);
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return release_leases(t, "hub-a", kNow); })), 1U);
  ASSERT_TRUE(lease("hub-a/worker-0")) << "an attempt that was cut off is never the last one";
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return release_leases(t, std::nullopt, kNow); })), 2U);
  EXPECT_OK(write([&](Transaction& t) { return enter_hub(t, "hub-b", false, kNow); }));
  EXPECT_FALSE(lease("hub-c/w"));
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return get_environment(t, "env"); })).home, "hub-b");
  EXPECT_OK(write([&](Transaction& t) { return enter_hub(t, "hub-c", false, kNow); }));
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return get_environment(t, "env"); })).home, "hub-b");
  EXPECT_OK(write([&](Transaction& t) { return enter_hub(t, "hub-c", true, kNow); }));
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return get_environment(t, "env"); })).home, "hub-c");
  EXPECT_TRUE(lease("hub-c/w"));
}

TEST_P(Records, AnIdempotencyKeyAnswersOneRequest) {
  const auto request = filled<crypto::Sha256Digest>(1);
  const auto find = [&](std::string_view subject, std::string_view key, const crypto::Sha256Digest& digest) {
    return write([&](Transaction& t) { return find_answer(t, subject, key, digest); });
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
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return forget_answers(t, kNow.plus_seconds(1)); })), 1U);
  EXPECT_FALSE(OrDie(find("alice", "k", request)));
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

TEST_P(Records, SurviveReopening) {
  EXPECT_OK(write([&](Transaction& t) { return add_query(t, query); }));
  store.reset();
  store = OrDie(Store::open(location(), kNow.plus_seconds(100)));
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return get_query(t, "q1"); })).proposal, "a proposal");
}

}  // namespace
}  // namespace redoubt::hub
