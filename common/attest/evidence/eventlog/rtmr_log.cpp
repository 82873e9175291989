#include "common/attest/evidence/eventlog/rtmr_log.h"

namespace redoubt::eventlog {

using attest::CheckId;

namespace {

std::array<bool, kRtmrCount> matching(const Replay& replayed, const Rtmrs& quoted) {
  std::array<bool, kRtmrCount> out{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto& value = replayed[i + 1];
    out[i] = value.has_value() && equal(value->view(), quoted[i].view());
  }
  return out;
}

}  // namespace

// RtmrAuthenticator: one run over one log; the one class that makes Authentic<RtmrLog>.
class RtmrAuthenticator {
 public:
  explicit RtmrAuthenticator(const Rtmrs& quoted) : quoted_(quoted) {}

  void unreadable(const Error& error, std::string form) {
    fail(CheckId::l1, Code::malformed, std::move(form), error.message());
    for (const CheckId id : {CheckId::l2, CheckId::l3, CheckId::l4, CheckId::l5, CheckId::l6}) {
      fail(id, Code::malformed, "a well-formed log", "a log that is not");
    }
  }

  void judge_log(const EventLog& log, std::string form, Status application) {
    const Bank& bank = log.banks.front();
    pass(CheckId::l1, std::move(form), std::to_string(log.events.size()) + " events");
    outcome_.event_count = log.events.size();
    outcome_.replayed = log.replay(bank);
    outcome_.matches = matching(outcome_.replayed, quoted_);
    check_replay(log);
    Status data = check_data(log, bank);
    if (data.ok()) data = std::move(application);
    judge(CheckId::l3, "digest of the data where the type says so", data);
    judge(CheckId::l4, "one separator in each of RTMR0 and RTMR1", check_separators(log, bank));
    check_boot(log, bank);
    pass(CheckId::l6, "SHA-384 alone, registers RTMR0 to RTMR3", "as expected");
  }

  RtmrOutcome finish(std::vector<ApplicationEvent> events) {
    const bool accepted = std::ranges::none_of(
        outcome_.checks, [](const attest::Check& check) { return check.outcome == attest::Outcome::failed; });
    if (accepted) {
      log_.covered = outcome_.matches;
      log_.application_events = std::move(events);
      outcome_.authentic = attest::Authentic<RtmrLog>(std::move(log_));
    }
    return std::move(outcome_);
  }

 private:
  void pass(CheckId id, std::string expected, std::string found) {
    outcome_.checks.push_back(attest::passed(id, std::move(expected), std::move(found)));
  }
  void fail(CheckId id, Code code, std::string expected, std::string found) {
    outcome_.checks.push_back(attest::failed(id, code, std::move(expected), std::move(found)));
  }
  void judge(CheckId id, std::string expected, const Status& status) {
    if (status.ok()) return pass(id, std::move(expected), "as expected");
    fail(id, status.error().code(), std::move(expected), status.error().message());
  }

  void check_replay(const EventLog& log) {
    std::string replayed;
    std::optional<std::pair<std::string, std::string>> mismatch;  // expected, found: of the first
    for (std::size_t i = 0; i < kRtmrCount; ++i) {
      const auto& value = outcome_.replayed[i + 1];
      const std::string name = log.register_text(static_cast<int>(i) + 1);
      const std::string expected = name + " " + quoted_[i].hex();
      if (outcome_.matches[i]) replayed += (replayed.empty() ? "" : " ") + name;
      if (mismatch) continue;
      if (value && !outcome_.matches[i]) mismatch.emplace(expected, "replayed " + value->hex());
      // RTMR0 to RTMR2 are extended by firmware and boot loader, which log: leaving all of a register out would hide it.
      if (!value && i < 3 && quoted_[i] != crypto::Sha384Digest()) mismatch.emplace(expected, "no event of it in the log");
    }
    if (mismatch) return fail(CheckId::l2, Code::measurement, std::move(mismatch->first), std::move(mismatch->second));
    pass(CheckId::l2, "the quoted values", replayed + " replay");
  }

  void check_boot(const EventLog& log, const Bank& bank) {
    const std::string expected = "Secure Boot variables at most once, before the separator of RTMR0";
    auto facts = boot_facts(log, bank);
    if (!facts.ok()) return fail(CheckId::l5, facts.error().code(), expected, facts.error().message());
    log_.boot = std::move(*facts);
    pass(CheckId::l5, expected, !log_.boot.secure_boot ? "not logged" : *log_.boot.secure_boot ? "on" : "off");
  }

  const Rtmrs& quoted_;
  RtmrOutcome outcome_;
  RtmrLog log_;
};

std::array<bool, kRtmrCount> match_registers(const EventLog& log, const Rtmrs& quoted) {
  const Bank* bank = log.bank(kSha384);
  if (log.registers != Registers::rtmrs || bank == nullptr) return {};
  return matching(log.replay(*bank), quoted);
}

RtmrOutcome authenticate_ccel(ByteView table, const Rtmrs& quoted) {
  RtmrAuthenticator authenticator(quoted);
  const std::string form = "a crypto-agile log with SHA-384 alone, padded with ff or 00";
  const auto log = EventLog::parse_ccel(table);
  if (log.ok()) {
    authenticator.judge_log(*log, form, {});
  } else {
    authenticator.unreadable(log.error(), form);
  }
  return authenticator.finish({});
}

RtmrOutcome authenticate_dstack(std::string_view json, const Rtmrs& quoted) {
  RtmrAuthenticator authenticator(quoted);
  const std::string form = "a list of RTMR events";
  const auto list = DstackLog::parse(json);
  if (!list.ok()) {
    authenticator.unreadable(list.error(), form);
    return authenticator.finish({});
  }
  auto events = application_events(*list);
  authenticator.judge_log(list->log, form, events.ok() ? Status() : Status(events.error()));
  return authenticator.finish(events.ok() ? std::move(*events) : std::vector<ApplicationEvent>());
}

json::Value describe(const EventLog& log) {
  json::Array events;
  for (const Event& event : log.events) {
    json::Object digests;
    for (const Bank& bank : log.banks) digests[algorithm_text(bank.algorithm)] = hex_encode(EventLog::digest(event, bank));
    events.push_back(json::Object{{"register", log.register_text(event.index)},
                                  {"type", std::int64_t{event.type}},
                                  {"digests", std::move(digests)},
                                  {"size", static_cast<std::int64_t>(event.data.size())}});
  }
  json::Object out{{"form", log.form == Form::sha1 ? "sha1" : "crypto-agile"}, {"events", std::move(events)}};
  if (log.startup_locality) out["startup_locality"] = std::int64_t{*log.startup_locality};
  return out;
}

}  // namespace redoubt::eventlog
