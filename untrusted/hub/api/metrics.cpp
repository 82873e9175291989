#include "untrusted/hub/api/metrics.h"

#include <algorithm>

namespace redoubt::hub {
namespace {

// seconds writes microseconds as a decimal, exactly.
std::string seconds(std::int64_t microseconds) {
  const std::string parts = std::to_string(1'000'000 + microseconds % 1'000'000);
  return std::to_string(microseconds / 1'000'000) + "." + parts.substr(1);
}

void family(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
  out += "# HELP " + std::string(name) + " " + std::string(help) + "\n# TYPE " + std::string(name) + " " + std::string(type) + "\n";
}

void sample(std::string& out, std::string_view name, const std::string& labels, const std::string& value) {
  out += std::string(name) + (labels.empty() ? "" : "{" + labels + "}") + " " + value + "\n";
}

// Values are from our own lists: no quote, backslash or line end is among them.
std::string label(std::string_view name, std::string_view value) { return std::string(name) + "=\"" + std::string(value) + "\""; }

}  // namespace

void Metrics::count(std::string_view method, std::string_view route, int status, std::int64_t microseconds) {
  const std::lock_guard lock(mutex_);
  Route& counted = routes_[{std::string(method), std::string(route)}];
  ++counted.statuses[status];
  ++counted.answers;
  counted.microseconds += std::max<std::int64_t>(microseconds, 0);
  for (std::size_t i = 0; i < kBounds.size(); ++i) counted.below[i] += microseconds <= kBounds[i] ? 1U : 0U;
}

std::string Metrics::text(const Others& others) const {
  std::string out;
  const std::lock_guard lock(mutex_);
  family(out, "redoubt_hub_requests_total", "counter", "answers by route and status");
  for (const auto& [name, route] : routes_) {
    for (const auto& [status, count] : route.statuses) {
      sample(out, "redoubt_hub_requests_total", label("method", name.first) + "," + label("route", name.second) + "," + label("status", std::to_string(status)),
             std::to_string(count));
    }
  }
  family(out, "redoubt_hub_request_seconds", "histogram", "time from a whole request to its answer, by route");
  for (const auto& [name, route] : routes_) {
    const std::string labels = label("method", name.first) + "," + label("route", name.second);
    for (std::size_t i = 0; i < kBounds.size(); ++i) {
      sample(out, "redoubt_hub_request_seconds_bucket", labels + "," + label("le", seconds(kBounds[i])), std::to_string(route.below[i]));
    }
    sample(out, "redoubt_hub_request_seconds_bucket", labels + "," + label("le", "+Inf"), std::to_string(route.answers));
    sample(out, "redoubt_hub_request_seconds_sum", labels, seconds(route.microseconds));
    sample(out, "redoubt_hub_request_seconds_count", labels, std::to_string(route.answers));
  }
  family(out, "redoubt_hub_jobs", "gauge", "jobs in the database by kind and state, of all hubs that share it");
  for (const auto& [name, count] : others.jobs) sample(out, "redoubt_hub_jobs", label("kind", name.first) + "," + label("state", name.second), std::to_string(count));
  family(out, "redoubt_hub_database_up", "gauge", "1 if the database answered");
  sample(out, "redoubt_hub_database_up", "", others.database ? "1" : "0");
  family(out, "redoubt_hub_event_streams", "gauge", "clients that watch events");
  sample(out, "redoubt_hub_event_streams", "", std::to_string(others.events.watchers));
  family(out, "redoubt_hub_event_streams_revoked_total", "counter", "event streams that ended with their API key");
  sample(out, "redoubt_hub_event_streams_revoked_total", "", std::to_string(others.events.ended));
  family(out, "redoubt_hub_connections", "gauge", "open connections");
  sample(out, "redoubt_hub_connections", "", std::to_string(others.connections.open));
  family(out, "redoubt_hub_connections_accepted_total", "counter", "connections that were accepted");
  sample(out, "redoubt_hub_connections_accepted_total", "", std::to_string(others.connections.accepted));
  family(out, "redoubt_hub_connections_refused_total", "counter", "connections beyond the limits");
  sample(out, "redoubt_hub_connections_refused_total", "", std::to_string(others.connections.refused));
  return out;
}

}  // namespace redoubt::hub
