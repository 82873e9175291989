#include "untrusted/hub/store/job_queue.h"

#include "untrusted/hub/store/states.h"

namespace redoubt::hub {
namespace {

constexpr StateName<JobState> kStates[] = {{JobState::queued, "queued"},
                                           {JobState::running, "running"},
                                           {JobState::waiting_for_keys, "waiting_for_keys"},
                                           {JobState::done, "done"},
                                           {JobState::failed, "failed"}};

constexpr Table kTable{"jobs",
                       "id, kind, payload, state, attempts, max_attempts, run_after, lease_owner, lease_until, detail, created, changed"};

Result<Job> parse(sql::Row& row) {
  Job out;
  out.id = row.text();
  out.kind = row.text();
  out.payload = row.text();
  out.state = read_state(kStates, row);
  out.attempts = row.count();
  out.max_attempts = row.count();
  out.run_after = row.time();
  out.lease_owner = row.optional_text();
  out.lease_until = row.optional_time();
  out.detail = row.text();
  out.created = row.time();
  out.changed = row.time();
  REDOUBT_CHECK(row.finish());
  return out;
}

// move changes a job that `owner` holds; the lease ends with it.
Status move(Transaction& transaction, std::string_view id, std::string_view owner, JobState to, std::uint64_t attempts,
            Instant run_after, std::string_view detail, Instant now) {
  REDOUBT_TRY(const auto changed,
              transaction.change("UPDATE jobs SET state = ?, attempts = ?, run_after = ?, detail = ?, changed = ?, lease_owner = NULL, "
                                 "lease_until = NULL WHERE id = ? AND state = 'running' AND lease_owner = ?",
                                 {sql::text(name_of(to)), sql::number(attempts), sql::time(run_after), sql::text(detail),
                                  sql::time(now), sql::text(id), sql::text(owner)}));
  if (changed != 1) return Error(Code::refused, "job: the lease is not held by " + std::string(owner));
  return {};
}

}  // namespace

std::string_view name_of(JobState state) { return state_name(kStates, state); }

Status add_job(Transaction& transaction, const Job& job) {
  REDOUBT_CHECK(check_id(job.id, "job id"));
  REDOUBT_CHECK(check_id(job.kind, "job kind"));
  if (job.max_attempts == 0) return Error(Code::malformed, "job: expected at least one attempt");
  return transaction
      .change_one("INSERT INTO jobs (id, kind, payload, state, attempts, max_attempts, run_after, detail, created, changed) "
                  "VALUES (?, ?, ?, 'queued', 0, ?, ?, '', ?, ?)",
                  {sql::text(job.id), sql::text(job.kind), sql::text(job.payload), sql::number(job.max_attempts),
                   sql::time(job.run_after), sql::time(job.created), sql::time(job.created)})
      .context("job " + job.id);
}

Result<Job> get_job(Transaction& transaction, std::string_view id) {
  return read_one<Job>(transaction, select(kTable, "WHERE id = ?"), {sql::text(id)}, "job", parse);
}

Result<Page<Job>> list_jobs(Transaction& transaction, const PageRequest& page) {
  return read_page<Job>(transaction, kTable, std::nullopt, page, parse);
}

Result<std::optional<Job>> lease_job(Transaction& transaction, std::string_view kind, std::string_view owner, Instant now,
                                     std::int64_t lease_seconds) {
  REDOUBT_TRY(const auto given_up,
              transaction.change("UPDATE jobs SET state = 'failed', detail = 'no attempt left', changed = ?, lease_owner = NULL, "
                                 "lease_until = NULL WHERE kind = ? AND state = 'running' AND lease_until <= ? AND attempts >= max_attempts",
                                 {sql::time(now), sql::text(kind), sql::time(now)}));
  (void)given_up;
  REDOUBT_TRY(auto rows,
              transaction.query(std::string("UPDATE jobs SET state = 'running', attempts = attempts + 1, lease_owner = ?, lease_until = ?, "
                                "changed = ? WHERE number = (SELECT number FROM jobs WHERE kind = ? AND "
                                "((state = 'queued' AND run_after <= ?) OR (state = 'running' AND lease_until <= ?)) "
                                "ORDER BY number LIMIT 1) RETURNING ") +
                                    std::string(kTable.columns),
                                {sql::text(owner), sql::time(now.plus_seconds(lease_seconds)), sql::time(now), sql::text(kind),
                                 sql::time(now), sql::time(now)}));
  if (rows.empty()) return std::optional<Job>();
  REDOUBT_TRY(Job job, parse(rows.front()));
  return std::optional<Job>(std::move(job));
}

Result<std::uint64_t> release_leases(Transaction& transaction, Instant now) {
  return transaction.change("UPDATE jobs SET state = 'queued', attempts = min(attempts, max_attempts - 1), run_after = ?, changed = ?, "
                            "lease_owner = NULL, lease_until = NULL WHERE state = 'running'",
                            {sql::time(now), sql::time(now)});
}

Status extend_lease(Transaction& transaction, std::string_view id, std::string_view owner, Instant now, std::int64_t lease_seconds) {
  REDOUBT_TRY(const auto changed,
              transaction.change("UPDATE jobs SET lease_until = ?, changed = ? WHERE id = ? AND state = 'running' AND lease_owner = ?",
                                 {sql::time(now.plus_seconds(lease_seconds)), sql::time(now), sql::text(id), sql::text(owner)}));
  if (changed != 1) return Error(Code::refused, "job: the lease is not held by " + std::string(owner));
  return {};
}

Status finish_job(Transaction& transaction, std::string_view id, std::string_view owner, JobState state, std::string_view detail,
                  Instant now) {
  if (state != JobState::done && state != JobState::failed) return Error(Code::usage, "job: expected done or failed");
  REDOUBT_TRY(const Job job, get_job(transaction, id));
  return move(transaction, id, owner, state, job.attempts, job.run_after, detail, now);
}

Status retry_job(Transaction& transaction, std::string_view id, std::string_view owner, Instant run_after, std::string_view detail,
                 Instant now) {
  REDOUBT_TRY(const Job job, get_job(transaction, id));
  const JobState to = job.attempts < job.max_attempts ? JobState::queued : JobState::failed;
  return move(transaction, id, owner, to, job.attempts, run_after, detail, now);
}

Status park_job(Transaction& transaction, std::string_view id, std::string_view owner, std::string_view detail, Instant now) {
  REDOUBT_TRY(const Job job, get_job(transaction, id));
  return move(transaction, id, owner, JobState::waiting_for_keys, job.attempts == 0 ? 0 : job.attempts - 1, job.run_after, detail, now);
}

Status wake_job(Transaction& transaction, std::string_view id, Instant now) {
  REDOUBT_TRY(const Job job, get_job(transaction, id));
  if (job.state != JobState::waiting_for_keys) {
    return Error(Code::refused, "job: expected state waiting_for_keys, found " + std::string(name_of(job.state)));
  }
  return transaction.change_one("UPDATE jobs SET state = 'queued', run_after = ?, changed = ? WHERE id = ?",
                                {sql::time(now), sql::time(now), sql::text(id)});
}

}  // namespace redoubt::hub
