#include "common/attest/evidence/tpm/authenticator.h"
#include "common/base/concat.h"

namespace redoubt::tpm {
namespace {

using attest::CheckId;

constexpr int kSecureBootPcr = 7;

// The PCRs that firmware and boot loaders extend. PCR 10 is IMA's, those from 15 are the operating system's.
bool is_boot_pcr(int pcr) { return pcr <= 14 && pcr != 10; }

std::string banks_text(const eventlog::EventLog& log) {
  std::string out;
  for (const eventlog::Bank& bank : log.banks) out += (out.empty() ? "" : ", ") + eventlog::algorithm_text(bank.algorithm);
  return out;
}

}  // namespace

void TpmAuthenticator::check_event_log() {
  constexpr CheckId kRest[] = {CheckId::l2, CheckId::l3, CheckId::l4, CheckId::l5};
  constexpr const char* form = "a crypto-agile log";
  if (raw_.event_log.empty()) {
    skip(CheckId::l1, "no event log");
    for (const CheckId id : kRest) skip(id, "no event log");
    return;
  }
  const auto log = eventlog::EventLog::parse(raw_.event_log);
  // Firmware of the older form logs SHA-1 alone, which no quote that is taken speaks of.
  if (!log.ok() || log->form != eventlog::Form::crypto_agile) {
    fail(CheckId::l1, Code::malformed, form, log.ok() ? "event log: the form with SHA-1 alone" : log.error().message());
    for (const CheckId id : kRest) fail(id, Code::malformed, "a well-formed log", "a log that is not");
    return;
  }
  pass(CheckId::l1, form, std::to_string(log->events.size()) + " events");
  const eventlog::Bank* bank = log->bank(raw_.bank);
  if (bank == nullptr) {
    // A log without this bank says nothing that the quote backs, and what it says in other banks is the attester's word.
    fail(CheckId::l2, Code::measurement, "a log with the bank that is quoted, " + eventlog::algorithm_text(raw_.bank), "banks " + banks_text(*log));
    for (const CheckId id : {CheckId::l3, CheckId::l4, CheckId::l5}) skip(id, "the log does not have the bank that is quoted");
    return;
  }
  firmware_ = log->replay(*bank);
  check_replay(quoted());
  judge(CheckId::l3, "digest of the data where the type says so", eventlog::check_data(*log, *bank));
  judge(CheckId::l4, "one separator in each of PCR 0-7", eventlog::check_separators(*log, *bank));
  check_secure_boot(*log, *bank);
  evidence_.event_log_present = true;
}

// quoted: the values of the quote by PCR, whatever its bank. M4 has judged their number and sizes; a value of another size equals no replay.
eventlog::Replay TpmAuthenticator::quoted() const {
  eventlog::Replay out;
  for (const auto [pcr, value] : raw_.pcrs) {
    if (pcr < 0 || pcr >= kPcrCount) continue;
    auto digest = eventlog::Digest::from(value);
    if (digest.ok()) out[static_cast<std::size_t>(pcr)] = *digest;
  }
  return out;
}

void TpmAuthenticator::check_replay(const eventlog::Replay& all) {
  std::string replayed = "PCR";
  replayed.reserve(96);  // with every PCR
  const std::size_t none = replayed.size();
  for (int pcr = 0; pcr < kPcrCount; ++pcr) {
    if (!all[static_cast<std::size_t>(pcr)]) continue;
    const eventlog::Digest& quoted = *all[static_cast<std::size_t>(pcr)];
    const auto& value = firmware_[static_cast<std::size_t>(pcr)];
    // The application log goes on where the firmware's events end: app.log judges the whole of that PCR.
    if (raw_.application_log && raw_.application_log->pcr == pcr) continue;
    if (!value && is_boot_pcr(pcr) && quoted != eventlog::Digest(quoted.size())) {
      // All events of a PCR left out of the log would otherwise go unseen.
      return fail(CheckId::l2, Code::measurement, "PCR " + std::to_string(pcr) + " " + quoted.hex(),
                  "no event of it in the log");
    }
    if (!value) continue;
    if (*value != quoted) {
      return fail(CheckId::l2, Code::measurement, "PCR " + std::to_string(pcr) + " " + quoted.hex(),
                  "replayed " + value->hex());
    }
    append_text(replayed, ' ');
    append_text(replayed, pcr);
  }
  // A log about nothing that was quoted is backed by nothing.
  if (replayed.size() == none) {
    return fail(CheckId::l2, Code::measurement, "a log of some quoted PCR", "none of the quoted PCRs in the log");
  }
  append_text(replayed, " replay");
  pass(CheckId::l2, "the quoted values", std::move(replayed));
}

void TpmAuthenticator::check_secure_boot(const eventlog::EventLog& log, const eventlog::Bank& bank) {
  if (!raw_.pcrs.contains(kSecureBootPcr)) return skip(CheckId::l5, "PCR 7 is not quoted");
  constexpr const char* expected = "Secure Boot variables at most once, before the separator of PCR 7";
  auto facts = eventlog::boot_facts(log, bank);
  if (!facts.ok()) return fail(CheckId::l5, facts.error().code(), expected, facts.error().message());
  evidence_.secure_boot = facts->secure_boot;
  pass(CheckId::l5, expected, !facts->secure_boot ? "not logged" : *facts->secure_boot ? "on" : "off");
  evidence_.boot = std::move(*facts);
}

// boot_pcrs: what the boot aggregate is made of, as far as it is quoted.
ima::PcrValues TpmAuthenticator::boot_pcrs() const {
  ima::PcrValues out{raw_.bank, {}};
  const eventlog::Replay all = quoted();
  for (std::size_t pcr = 0; pcr < out.values.size(); ++pcr) out.values[pcr] = all[pcr];
  return out;
}

void TpmAuthenticator::check_ima_log() {
  if (raw_.ima_log.empty()) {
    for (const CheckId id : {CheckId::i1, CheckId::i2, CheckId::i3}) skip(id, "no IMA list");
    return;
  }
  constexpr const char* templates = "entries that match their template hashes, the boot aggregate first";
  const auto list = ima::List::parse_binary(raw_.ima_log);
  if (!list.ok()) {
    fail(CheckId::i1, Code::malformed, templates, list.error().message());
    for (const CheckId id : {CheckId::i2, CheckId::i3}) fail(id, Code::malformed, "a well-formed list", "a list that is not");
    return;
  }
  if (const auto wrong = ima::mismatches(*list); !wrong.empty()) {
    fail(CheckId::i1, Code::measurement, templates, "entry " + std::to_string(wrong.front() + 1) + ": another template hash");
  } else {
    judge(CheckId::i1, templates, ima::check_boot_aggregate(*list, boot_pcrs()));
  }
  const std::optional<eventlog::Digest> value = quoted()[ima::kPcr];
  std::optional<std::size_t> count;
  if (value) count = ima::quoted_prefix(*list, raw_.bank, *value);
  check_violations(ima::violations(*list, count.value_or(list->entries.size())));
  if (!value) {
    return fail(CheckId::i3, Code::measurement, "PCR 10 in the quote", "a list that no quoted PCR backs");
  }
  std::string expected = concat("PCR 10 ", Hex{value->view()});
  if (!count) {
    return fail(CheckId::i3, Code::measurement, expected,
                "no prefix of " + std::to_string(list->entries.size()) + " entries gives it");
  }
  pass(CheckId::i3, std::move(expected), concat("given by ", *count, " of ", list->entries.size(), " entries"));
  // What comes after the quoted prefix is nobody's word: it is dropped.
  raw_.ima_log = raw_.ima_log.first(list->entries[*count - 1].end);
  evidence_.ima_log_present = true;
}

void TpmAuthenticator::check_violations(std::size_t count) {
  evidence_.ima_violations = count;
  const std::string found = std::to_string(count) + " violations";
  if (count != 0 && !inputs_.accept_ima_violations) {
    return fail(CheckId::i2, Code::measurement, "no file that changed while it was measured", found);
  }
  pass(CheckId::i2, inputs_.accept_ima_violations ? "any number of violations" : "no file that changed while it was measured", found);
}

void TpmAuthenticator::check_application_log() {
  if (!raw_.application_log) return skip(CheckId::app_log, "no application log");
  const ApplicationLog& log = *raw_.application_log;
  const bool counts = is_application_pcr(log.pcr);
  const std::optional<eventlog::Digest> quote = counts ? quoted()[static_cast<std::size_t>(log.pcr)] : std::nullopt;
  if (!quote) {
    return fail(CheckId::app_log, Code::measurement, "a quoted PCR that software cannot reset", "PCR " + std::to_string(log.pcr));
  }
  const auto& firmware = firmware_[static_cast<std::size_t>(log.pcr)];
  eventlog::Digest value = firmware.value_or(eventlog::Digest(eventlog::known_size(raw_.bank)));
  for (const Bytes& event : log.events) value = eventlog::extend(raw_.bank, value, eventlog::hash(raw_.bank, event).view());
  std::string expected = concat("PCR ", log.pcr, " ", Hex{quote->view()});
  if (value != *quote) return fail(CheckId::app_log, Code::measurement, expected, "replayed " + value.hex());
  pass(CheckId::app_log, std::move(expected), concat(log.events.size(), " events"));

  if (log.pcr != kLauncherPcr || firmware) return;  // see TpmEvidence::application_events
  std::vector<ApplicationEvent> events;
  for (const Bytes& bytes : log.events) {
    auto event = ApplicationEvent::decode(bytes);
    if (!event.ok()) return;
    events.push_back(std::move(*event));
  }
  evidence_.application_events = std::move(events);
}

}  // namespace redoubt::tpm
