// event list, watch: what changes in an environment, as the hub tells it: when to look, not what to believe.
#include <ostream>

#include "client/cli/commands.h"

namespace redoubt::cli {
namespace {

constexpr std::chrono::milliseconds kFirstPause{1'000};
constexpr std::chrono::milliseconds kLastPause{30'000};

struct EventOptions {
  std::string environment, after;
  std::uint64_t count = 0;  // 0: no end
};

// EventPrinter writes one line an event, at once: whoever reads the other end of a pipe waits for it.
class EventPrinter {
 public:
  explicit EventPrinter(Session& session) : session_(session) {}

  void print(const sdk::HubEvent& event) {
    std::ostream& out = session_.out();
    if (session_.json()) {
      json::Object line{{"event", event.kind}};
      const auto add = [&](const char* name, const std::string& value) {
        if (!value.empty()) line.emplace(name, value);
      };
      add("cursor", event.cursor);
      add("id", event.id);
      add("state", event.state);
      out << json::canonical(json::Value(std::move(line))) << '\n';
    } else {
      if (std::exchange(first_, false)) out << row("event", "state", "id") << row("-----------", "----------------------", "--");
      out << row(event.kind, event.state, event.id);
    }
    out.flush();
  }

 private:
  static std::string row(std::string_view kind, std::string_view state, std::string_view id) {
    const auto padded = [](std::string_view text, std::size_t size) {
      std::string out = shown(text);
      out.resize(std::max(out.size(), size), ' ');
      return out + "  ";
    };
    return padded(kind, 11) + padded(state, 22) + shown(id) + '\n';
  }

  Session& session_;
  bool first_ = true;
};

// id_at_hub: of an environment that is known here; any other name is the hub's to find.
Result<std::string> id_at_hub(Session& session, const std::string& name) {
  session.next("name the environment, as `redoubt environment list` shows it");
  REDOUBT_TRY(const std::string chosen, session.environment_name(name));
  REDOUBT_TRY(const auto state, sdk::EnvironmentState::open(session.config(), chosen));
  auto id = state.hub_id();
  if (!id.ok() && id.error().code() == Code::not_found) return chosen;
  return id;
}

Status check_place(const EventOptions& options) {
  if (options.after.empty() || sdk::valid_cursor(options.after)) return {};
  return Error(Code::usage, "--after: expected a cursor as `redoubt event list -o json` shows them");
}

Status list_events(Session& session, const EventOptions& options) {
  REDOUBT_CHECK(check_place(options));
  REDOUBT_TRY(const std::string id, id_at_hub(session, options.environment));
  REDOUBT_TRY(auto hub, session.hub());
  EventPrinter printer(session);
  std::string cursor = options.after;
  std::uint64_t printed = 0;
  do {
    session.next("begin without --after: events are not kept for ever");
    REDOUBT_TRY(const auto page, hub.events(id, cursor));
    for (const sdk::HubEvent& event : page.items) {
      printer.print(event);
      if (++printed == options.count || !session.out()) return {};
    }
    cursor = page.next;
  } while (!cursor.empty());
  return {};
}

// Watching: one run of `event watch`, over as many connections as it takes.
class Watching {
 public:
  Watching(Session& session, const EventOptions& options)
      : session_(session), printer_(session), count_(options.count), stream_(options.after, [this](const sdk::HubEvent& event) { return take(event); }) {}

  Status run(sdk::HubClient& hub, const std::string& id) {
    for (;;) {
      const Status ended = hub.watch(id, stream_);
      if (enough_) return {};
      if (!ended.ok()) REDOUBT_CHECK(survive(ended.error()));
      if (std::exchange(came_, false)) pause_ = kFirstPause;
      session_.world().sleep(pause_);
      pause_ = std::min(pause_ * 2, kLastPause);
    }
  }

 private:
  Status take(const sdk::HubEvent& event) {
    came_ = true;
    printer_.print(event);
    enough_ = ++printed_ == count_ || !session_.out();
    return enough_ ? Status(Error(Code::refused, "enough")) : Status();
  }

  // survive: whether another connection may bring what this one did not; else the error that ends the watch.
  Status survive(const Error& error) {
    const bool let_in = stream_.received() > 0;
    if (error.code() == Code::freshness && let_in) {
      session_.warn("events were missed that the hub does not keep any more; look at the lists again");
      printer_.print({.cursor = {}, .kind = "gap", .id = {}, .state = {}});
      stream_.forget_cursor();
      return {};
    }
    if (error.code() == Code::freshness) session_.next("leave out --after, and look at the lists");
    if (error.code() == Code::auth) session_.next("the hub does not take this API key, or not any more: use another with --api-key-file");
    if (error.code() != Code::unavailable || !let_in) return error;
    session_.warn("the connection was lost and is made again: " + error.message());
    return {};
  }

  Session& session_;
  EventPrinter printer_;
  const std::uint64_t count_;
  std::uint64_t printed_ = 0;
  bool enough_ = false;
  bool came_ = false;  // an event, by this connection
  std::chrono::milliseconds pause_ = kFirstPause;
  sdk::EventStream stream_;
};

Status watch_events(Session& session, const EventOptions& options) {
  REDOUBT_CHECK(check_place(options));
  REDOUBT_TRY(const std::string id, id_at_hub(session, options.environment));
  REDOUBT_TRY(auto hub, session.hub());
  session.world().end_at_interrupt();
  return Watching(session, options).run(hub, id);
}

}  // namespace

void add_event_commands(Commands& commands) {
  CLI::App* noun = commands.app.add_subcommand("event", "what changes in an environment, as the hub tells it")->require_subcommand(1)->fallthrough();
  Session& session = commands.session;
  const auto options = std::make_shared<EventOptions>();
  CLI::App* all = add_verb(commands, noun, "list", "show the events that the hub keeps, oldest first; with -o json one object a line",
                           {"redoubt event list study", "redoubt event list study --after AAAB.. -o json"}, [&session, options] { return list_events(session, *options); });
  CLI::App* live = add_verb(commands, noun, "watch", "show events as they come, until Ctrl-C; a connection that is lost is made again and nothing is missed",
                            {"redoubt event watch study", "redoubt event watch study -o json | while read -r event; do redoubt query list; done"},
                            [&session, options] { return watch_events(session, *options); });
  for (CLI::App* verb : {all, live}) {
    verb->add_option("environment", options->environment, "name of the environment; default: the only one that is known here");
    verb->add_option("--after", options->after, "begin behind this cursor");
    verb->add_option("--count", options->count, "end after so many events")->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}));
  }
}

}  // namespace redoubt::cli
