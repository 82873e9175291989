#include "untrusted/hub/store/job_queue.h"

#include "untrusted/hub/store/states.h"

namespace redoubt::hub {
namespace {

constexpr StateName<JobState> kJobStates[] = {{JobState::queued, "queued"},
                                           {JobState::running, "running"},
                                           {JobState::waiting_for_keys, "waiting_for_keys"},
                                           {JobState::done, "done"},
                                           {JobState::failed, "failed"}};

constexpr Table kJobTable{"jobs",
                       "id, kind, payload, state, home, attempts, max_attempts, run_after, lease_owner, lease_until, fence, detail, created, changed"};

Result<Job> parse_job(sql::Row& row) {
  Job out;
  out.id = row.text();
  out.kind = row.text();
  out.payload = row.text();
  out.state = read_state(kJobStates, row);
  out.home = row.text();
  out.attempts = row.count();
  out.max_attempts = row.count();
  out.run_after = row.time();
  out.lease_owner = row.optional_text();
  out.lease_until = row.optional_time();
  out.fence = row.count();
  out.detail = row.text();
  out.created = row.time();
  out.changed = row.time();
  REDOUBT_CHECK(row.finish());
  return out;
}

Error not_held(const Lease& lease) { return Error(Code::refused, "job: the lease is not held by " + lease.owner); }

// before: the attempts without the one under way.
std::uint64_t before(const Job& job) { return job.attempts == 0 ? 0 : job.attempts - 1; }

// move changes a job that is leased; the lease ends with it.
Status move(Transaction& transaction, const Lease& lease, JobState to, std::uint64_t attempts, Instant run_after, std::string_view detail,
            Instant now) {
  REDOUBT_TRY(const auto changed,
              transaction.change("UPDATE jobs SET state = ?, attempts = ?, run_after = ?, detail = ?, changed = ?, lease_owner = NULL, "
                                 "lease_until = NULL WHERE id = ? AND state = 'running' AND lease_owner = ? AND fence = ?",
                                 {sql::text(name_of(to)), sql::number(attempts), sql::time(run_after), sql::text(detail),
                                  sql::time(now), sql::text(lease.job), sql::text(lease.owner), sql::number(lease.fence)}));
  if (changed != 1) return not_held(lease);
  return {};
}

}  // namespace

std::string_view name_of(JobState state) { return state_name(kJobStates, state); }

Status add_job(Transaction& transaction, const Job& job) {
  REDOUBT_CHECK(check_id(job.id, "job id"));
  REDOUBT_CHECK(check_id(job.kind, "job kind"));
  if (job.max_attempts == 0) return Error(Code::malformed, "job: expected at least one attempt");
  return transaction
      .change_one("INSERT INTO jobs (id, kind, payload, state, home, attempts, max_attempts, run_after, detail, created, changed) "
                  "VALUES (?, ?, ?, 'queued', ?, 0, ?, ?, '', ?, ?)",
                  {sql::text(job.id), sql::text(job.kind), sql::text(job.payload), sql::text(job.home), sql::number(job.max_attempts),
                   sql::time(job.run_after), sql::time(job.created), sql::time(job.created)})
      .context("job " + job.id);
}

Result<Job> get_job(Transaction& transaction, std::string_view id) {
  return read_one<Job>(transaction, select(kJobTable, "WHERE id = ?"), {sql::text(id)}, "job", parse_job);
}

Result<Page<Job>> list_jobs(Transaction& transaction, const PageRequest& page) {
  return read_page<Job>(transaction, kJobTable, std::nullopt, page, parse_job);
}

Result<std::map<std::pair<std::string, std::string>, std::uint64_t>> count_jobs(Transaction& transaction) {
  REDOUBT_TRY(auto rows, transaction.query("SELECT kind, state, count(*) FROM jobs GROUP BY kind, state"));
  std::map<std::pair<std::string, std::string>, std::uint64_t> out;
  for (sql::Row& row : rows) {
    std::string kind = row.text();
    const JobState state = read_state(kJobStates, row);
    const std::uint64_t count = row.count();
    REDOUBT_CHECK(row.finish());
    out.emplace(std::pair(std::move(kind), std::string(name_of(state))), count);
  }
  return out;
}

Result<std::optional<Job>> lease_job(Transaction& transaction, std::string_view kind, std::string_view owner, Instant now,
                                     std::int64_t lease_seconds) {
  REDOUBT_TRY(auto rows,
              transaction.query(std::string("UPDATE jobs SET state = 'running', attempts = attempts + 1, fence = fence + 1, lease_owner = ?, "
                                "lease_until = ?, changed = ? WHERE number = (SELECT number FROM jobs WHERE kind = ? AND "
                                "((state = 'queued' AND run_after <= ?) OR (state = 'running' AND lease_until <= ?)) "
                                "AND (home = '' OR home = ?) ORDER BY number LIMIT 1 /*+postgres FOR UPDATE SKIP LOCKED */) RETURNING ") +
                                    std::string(kJobTable.columns),
                                {sql::text(owner), sql::time(now.plus_seconds(lease_seconds)), sql::time(now), sql::text(kind),
                                 sql::time(now), sql::time(now), sql::text(owner.substr(0, owner.find('/')))}));
  if (rows.empty()) return std::optional<Job>();
  REDOUBT_TRY(Job job, parse_job(rows.front()));
  return std::optional<Job>(std::move(job));
}

Result<std::uint64_t> release_leases(Transaction& transaction, std::optional<std::string_view> hub, Instant now) {
  const std::string statement = "UPDATE jobs SET state = 'queued', attempts = CASE WHEN attempts < max_attempts THEN attempts "
                                "WHEN attempts = max_attempts THEN max_attempts - 1 ELSE max_attempts END, "
                                "run_after = ?, changed = ?, lease_owner = NULL, lease_until = NULL WHERE state = 'running'";
  if (!hub) return transaction.change(statement, {sql::time(now), sql::time(now)});
  // Every text that starts with "HUB/": '0' follows '/'.
  return transaction.change(statement + " AND lease_owner >= ? AND lease_owner < ?",
                            {sql::time(now), sql::time(now), sql::text(std::string(*hub) + "/"), sql::text(std::string(*hub) + "0")});
}

Status hold_lease(Transaction& transaction, const Lease& lease) {
  REDOUBT_TRY(const auto rows,
              transaction.query("SELECT number FROM jobs WHERE id = ? AND state = 'running' AND lease_owner = ? AND fence = ? /*+postgres FOR UPDATE */",
                                {sql::text(lease.job), sql::text(lease.owner), sql::number(lease.fence)}));
  if (rows.size() != 1) return not_held(lease);
  return {};
}

Status extend_lease(Transaction& transaction, const Lease& lease, Instant now, std::int64_t lease_seconds) {
  REDOUBT_TRY(const auto changed,
              transaction.change("UPDATE jobs SET lease_until = ?, changed = ? WHERE id = ? AND state = 'running' AND lease_owner = ? AND fence = ?",
                                 {sql::time(now.plus_seconds(lease_seconds)), sql::time(now), sql::text(lease.job), sql::text(lease.owner),
                                  sql::number(lease.fence)}));
  if (changed != 1) return not_held(lease);
  return {};
}

Status finish_job(Transaction& transaction, const Lease& lease, JobState state, std::string_view detail, Instant now) {
  if (state != JobState::done && state != JobState::failed) return Error(Code::usage, "job: expected done or failed");
  REDOUBT_TRY(const Job job, get_job(transaction, lease.job));
  return move(transaction, lease, state, job.attempts, job.run_after, detail, now);
}

Status retry_job(Transaction& transaction, const Lease& lease, Instant run_after, std::string_view detail, Instant now) {
  REDOUBT_TRY(const Job job, get_job(transaction, lease.job));
  return move(transaction, lease, JobState::queued, job.attempts, run_after, detail, now);
}

Status defer_job(Transaction& transaction, const Lease& lease, Instant run_after, std::string_view detail, Instant now) {
  REDOUBT_TRY(const Job job, get_job(transaction, lease.job));
  return move(transaction, lease, JobState::queued, before(job), run_after, detail, now);
}

Status park_job(Transaction& transaction, const Lease& lease, std::string_view detail, Instant now) {
  REDOUBT_TRY(const Job job, get_job(transaction, lease.job));
  return move(transaction, lease, JobState::waiting_for_keys, before(job), job.run_after, detail, now);
}

Status repeat_job(Transaction& transaction, std::string_view id, Instant now) {
  REDOUBT_TRY(const Job job, get_job(transaction, id));
  if (job.state == JobState::running) return {};
  return transaction.change_one("UPDATE jobs SET state = 'queued', attempts = 0, run_after = ?, changed = ? WHERE id = ?",
                                {sql::time(now), sql::time(now), sql::text(id)});
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
