#include "untrusted/hub/store/journal.h"

namespace redoubt::hub {
namespace {

constexpr Table kEvents{"audit_events", "at, actor, action, object, detail"};

Result<AuditEvent> parse_event(sql::Row& row) {
  AuditEvent out;
  out.at = row.time();
  out.actor = row.text();
  out.action = row.text();
  out.object = row.text();
  out.detail = row.text();
  REDOUBT_CHECK(row.finish());
  return out;
}

}  // namespace

Result<std::optional<KeptAnswer>> find_answer(Transaction& transaction, std::string_view subject, std::string_view key,
                                              const crypto::Sha256Digest& request, Instant now) {
  REDOUBT_TRY(auto rows, transaction.query("SELECT request, status, response FROM idempotency_keys WHERE subject = ? AND key = ? AND created > ?",
                                           {sql::text(subject), sql::text(key), sql::time(now.plus_seconds(-KeptAnswer::kLifeSeconds))}));
  if (rows.empty()) return std::optional<KeptAnswer>();
  sql::Row& row = rows.front();
  const auto found = row.fixed<crypto::Sha256Digest>();
  KeptAnswer answer;
  answer.status = static_cast<int>(row.number());
  answer.response = row.blob();
  REDOUBT_CHECK(row.finish());
  if (found != request) return Error(Code::refused, "idempotency key was used for another request");
  return std::optional<KeptAnswer>(std::move(answer));
}

Status keep_answer(Transaction& transaction, std::string_view subject, std::string_view key, const crypto::Sha256Digest& request,
                   const KeptAnswer& answer, Instant now) {
  if (key.empty() || key.size() > 128) return Error(Code::malformed, "idempotency key: expected 1 to 128 bytes");
  if (answer.response.size() > KeptAnswer::kMaxSize) return Error(Code::refused, "answer: too long to be kept");
  REDOUBT_CHECK(forget_answers(transaction, now));
  return transaction
      .change_one("INSERT INTO idempotency_keys (subject, key, request, status, response, created) VALUES (?, ?, ?, ?, ?, ?)",
                  {sql::text(subject), sql::text(key), sql::blob(request.view()), sql::number(std::int64_t{answer.status}),
                   sql::blob(answer.response), sql::time(now)})
      .context("idempotency key");
}

Result<std::uint64_t> forget_answers(Transaction& transaction, Instant now) {
  return transaction.change("DELETE FROM idempotency_keys WHERE created <= ?", {sql::time(now.plus_seconds(-KeptAnswer::kLifeSeconds))});
}

Status add_audit_event(Transaction& transaction, const AuditEvent& event) {
  return transaction.change_one("INSERT INTO audit_events (at, actor, action, object, detail) VALUES (?, ?, ?, ?, ?)",
                                {sql::time(event.at), sql::text(event.actor), sql::text(event.action), sql::text(event.object),
                                 sql::text(event.detail)});
}

Result<Page<AuditEvent>> list_audit_events(Transaction& transaction, const PageRequest& page) {
  return read_page<AuditEvent>(transaction, kEvents, std::nullopt, page, parse_event);
}

}  // namespace redoubt::hub
