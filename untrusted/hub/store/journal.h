// Answers kept for idempotency keys, and the audit trail.
//
// A request that carries an idempotency key is answered once: its answer is written in the same transaction as its effect, and
// given again for the same request. The same key with another request is refused. After kLifeSeconds it is forgotten. Audit events tell what the hub was asked to
// do; they are the operator's own notes and prove nothing to anyone else.
#pragma once

#include "common/crypto/digest.h"
#include "untrusted/hub/store/page.h"

namespace redoubt::hub {

struct KeptAnswer {
  static constexpr std::size_t kMaxSize = 1U << 20;           // bytes of the response
  static constexpr std::int64_t kLifeSeconds = 24 * 3600;
  int status = 0;                                    // HTTP
  Bytes response;
};

// find_answer: the answer kept for (subject, key), nothing when there is none or it is forgotten, `refused` when it was for another request.
Result<std::optional<KeptAnswer>> find_answer(Transaction& transaction, std::string_view subject, std::string_view key,
                                              const crypto::Sha256Digest& request, Instant now);
// keep_answer: `refused` when (subject, key) is taken; `malformed` for a key longer than 128 bytes or empty. Drops what is forgotten.
Status keep_answer(Transaction& transaction, std::string_view subject, std::string_view key, const crypto::Sha256Digest& request,
                   const KeptAnswer& answer, Instant now);
// forget_answers drops those whose life has ended; how many.
Result<std::uint64_t> forget_answers(Transaction& transaction, Instant now);

struct AuditEvent {
  Instant at;
  std::string actor;   // subject of the API key, or "hub"
  std::string action;  // "dataset.put", ...
  std::string object;  // what it was done to
  std::string detail;
};

Status add_audit_event(Transaction& transaction, const AuditEvent& event);
Result<Page<AuditEvent>> list_audit_events(Transaction& transaction, const PageRequest& page);

}  // namespace redoubt::hub
