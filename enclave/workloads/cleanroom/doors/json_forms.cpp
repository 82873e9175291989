#include "enclave/workloads/cleanroom/doors/json_forms.h"

#include <charconv>

#include "common/net/problem.h"

namespace redoubt::cleanroom {

json::Value names_json(const std::vector<std::string>& names) {
  json::Array items;
  for (const std::string& name : names) items.emplace_back(name);
  return items;
}

json::Value proof_json(const receipt::Proof& proof) {
  json::Array items;
  for (const receipt::TreeHash& hash : proof) items.emplace_back(hash.hex());
  return items;
}

json::Value entries_json(const std::vector<Bytes>& entries) {
  json::Array items;
  for (const Bytes& entry : entries) items.emplace_back(base64_encode(entry));
  return items;
}

json::Value to_json(const BudgetLine& line) {
  return json::Object{{"dataset", line.dataset},
                      {"delta_total", line.delta_total},
                      {"epsilon_reserved", line.epsilon_reserved},
                      {"epsilon_total", line.epsilon_total},
                      {"manifest", line.manifest.hex()},
                      {"rho_cost", line.rho_cost},
                      {"rho_left", line.rho_left},
                      {"rho_reserved", line.rho_reserved},
                      {"rho_total", line.rho_total}};
}

json::Value to_json(const Reservation& reservation) {
  json::Value budget;
  if (reservation.budget) {
    json::Array lines;
    for (const BudgetLine& line : *reservation.budget) lines.push_back(to_json(line));
    budget = std::move(lines);
  }
  return json::Object{{"budget", std::move(budget)},
                      {"checkpoint", reservation.checkpoint},
                      {"document", reservation.proposal.to_json()},
                      {"inclusion", proof_json(reservation.inclusion)},
                      {"index", static_cast<std::int64_t>(reservation.index)},
                      {"log", reservation.log.hex()},
                      {"proposal", reservation.digest.hex()}};
}

json::Value to_json(const ChangeView& view) {
  return json::Object{{"change", view.digest.hex()},
                      {"checkpoint", view.checkpoint},
                      {"document", view.change.to_json()},
                      {"inclusion", proof_json(view.inclusion)},
                      {"index", static_cast<std::int64_t>(view.index)},
                      {"votes", jobs::to_json(view.verdict)}};
}

json::Value to_json(const CarryOverStatus& status) {
  return json::Object{{"checkpoint", status.checkpoint},
                      {"missing", names_json(status.missing)},
                      {"statement", status.statement.canonical()}};
}

Result<jobs::SignedDocument> signed_document(const net::HttpRequest& request, std::size_t max_text) {
  REDOUBT_TRY(const json::Value value, json::parse(as_text(request.body), {.max_bytes = 2 * max_text + 256, .max_depth = 1}));
  return jobs::SignedDocument::from_json(value, max_text);
}

Result<std::uint64_t> number(const net::HttpRequest& request, std::string_view name, std::optional<std::uint64_t> fallback) {
  const auto found = request.query.find(name);
  if (found == request.query.end()) {
    if (fallback) return *fallback;
    return Error(Code::usage, "query parameter \"" + std::string(name) + "\" is absent");
  }
  const std::string& text = found->second;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return Error(Code::usage, "query parameter \"" + std::string(name) + "\": expected a number");
  }
  return value;
}

net::HttpResponse answer(const Result<json::Value>& value) {
  if (!value.ok()) return net::problem(value.error());
  return net::json_response(200, json::canonical(*value));
}

net::Handler handler(Room& room, Result<json::Value> (*call)(Room&, const net::HttpRequest&)) {
  return [&room, call](const net::HttpRequest& request) { return answer(call(room, request)); };
}

}  // namespace redoubt::cleanroom
