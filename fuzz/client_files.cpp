// The files and answers that a participant is given by others: schemas, CSV tables, public keys, programs, saved logs and their documents, votes,
// approval rules. Junk is an error, never a crash.
#include <cstddef>
#include <cstdint>

#include "client/sdk/audit.h"
#include "client/sdk/contract_builder.h"
#include "client/sdk/dataset_sealer.h"
#include "client/sdk/log_documents.h"
#include "client/sdk/votes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const std::string_view text = as_text(std::as_bytes(std::span(data, size)));
  [[maybe_unused]] const auto columns = sdk::read_schema(text);
  if (const auto keys = sdk::PublicKeys::parse(text); keys.ok()) {
    const auto again = sdk::PublicKeys::parse(json::canonical(keys->to_json()));
    if (!again.ok() || again->to_json() != keys->to_json()) std::abort();
  }
  [[maybe_unused]] const auto program = sdk::read_program(text);
  if (const auto log = sdk::SavedLog::parse(text); log.ok()) {
    [[maybe_unused]] const auto report = sdk::audit(*log, {}, {});
    const auto again = sdk::SavedLog::parse(log->json());
    if (!again.ok() || again->entries() != log->entries()) std::abort();
  }
  if (const auto documents = sdk::LogDocuments::parse(text); documents.ok()) {
    const auto again = sdk::LogDocuments::parse(documents->json());
    if (!again.ok() || again->json() != documents->json()) std::abort();
  }
  if (const auto value = json::parse(text); value.ok()) {
    [[maybe_unused]] const auto votes = sdk::read_votes(*value);
  }
  sdk::ContractPlan plan;
  const Status approval = sdk::read_approval(text, plan);
  if (approval.ok() && plan.approval.rule == jobs::ApprovalRule::k_of_n && (plan.approval.k < 1 || plan.approval.k > plan.voters)) std::abort();
  return 0;
}
