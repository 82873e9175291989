#include "common/attest/evidence/tpm/authenticator.h"
#include "common/attest/evidence/tpm/ima_log.h"

namespace redoubt::tpm {
namespace {

using attest::CheckId;

constexpr int kSecureBootPcr = 7;

// The PCRs that firmware and boot loaders extend. PCR 10 is IMA's, those from 15 are the operating system's.
bool is_boot_pcr(int pcr) { return pcr <= 14 && pcr != 10; }

}  // namespace

void TpmAuthenticator::check_event_log() {
  constexpr CheckId kRest[] = {CheckId::l2, CheckId::l3, CheckId::l4, CheckId::l5};
  const std::string form = "a crypto-agile log with a SHA-256 bank";
  if (raw_.event_log.empty()) {
    skip(CheckId::l1, "no event log");
    for (const CheckId id : kRest) skip(id, "no event log");
    return;
  }
  const auto log = eventlog::EventLog::parse(raw_.event_log);
  const eventlog::Bank* bank = log.ok() ? log->bank(eventlog::kSha256) : nullptr;
  if (bank == nullptr) {
    fail(CheckId::l1, Code::malformed, form, log.ok() ? "event log: no SHA-256 bank" : log.error().message());
    for (const CheckId id : kRest) fail(id, Code::malformed, "a well-formed log", "a log that is not");
    return;
  }
  pass(CheckId::l1, form, std::to_string(log->events.size()) + " events");
  const eventlog::Replay replayed = log->replay(*bank);
  for (std::size_t pcr = 0; pcr < firmware_.size(); ++pcr) {
    if (!replayed[pcr]) continue;
    std::ranges::copy(replayed[pcr]->view(), firmware_[pcr].emplace().array().begin());
  }
  check_replay();
  judge(CheckId::l3, "digest of the data where the type says so", eventlog::check_data(*log, *bank));
  judge(CheckId::l4, "one separator in each of PCR 0-7", eventlog::check_separators(*log, *bank));
  check_secure_boot(*log, *bank);
  evidence_.event_log_present = true;
}

void TpmAuthenticator::check_replay() {
  std::string replayed;
  for (const auto& [pcr, quoted] : raw_.pcrs) {
    if (pcr >= kPcrCount) continue;
    const auto& value = firmware_[static_cast<std::size_t>(pcr)];
    // The application log goes on where the firmware's events end: app.log judges the whole of that PCR.
    if (raw_.application_log && raw_.application_log->pcr == pcr) continue;
    if (!value && is_boot_pcr(pcr) && quoted != PcrValue()) {
      // All events of a PCR left out of the log would otherwise go unseen.
      return fail(CheckId::l2, Code::measurement, "PCR " + std::to_string(pcr) + " " + quoted.hex(),
                  "no event of it in the log");
    }
    if (!value) continue;
    if (*value != quoted) {
      return fail(CheckId::l2, Code::measurement, "PCR " + std::to_string(pcr) + " " + quoted.hex(),
                  "replayed " + value->hex());
    }
    replayed += " " + std::to_string(pcr);
  }
  // A log about nothing that was quoted is backed by nothing.
  if (replayed.empty()) {
    return fail(CheckId::l2, Code::measurement, "a log of some quoted PCR", "none of the quoted PCRs in the log");
  }
  pass(CheckId::l2, "the quoted values", "PCR" + replayed + " replay");
}

void TpmAuthenticator::check_secure_boot(const eventlog::EventLog& log, const eventlog::Bank& bank) {
  if (!raw_.pcrs.contains(kSecureBootPcr)) return skip(CheckId::l5, "PCR 7 is not quoted");
  const std::string expected = "Secure Boot variables at most once, before the separator of PCR 7";
  auto facts = eventlog::boot_facts(log, bank);
  if (!facts.ok()) return fail(CheckId::l5, facts.error().code(), expected, facts.error().message());
  evidence_.secure_boot = facts->secure_boot;
  pass(CheckId::l5, expected, !facts->secure_boot ? "not logged" : *facts->secure_boot ? "on" : "off");
  evidence_.boot = std::move(*facts);
}

void TpmAuthenticator::check_ima_log() {
  if (raw_.ima_log.empty()) {
    skip(CheckId::i1, "no IMA list");
    skip(CheckId::i3, "no IMA list");
    return;
  }
  const std::string templates = "ima-ng entries that match their template hashes, no violation";
  const auto log = ImaLog::parse(raw_.ima_log);
  if (!log.ok()) {
    fail(CheckId::i1, Code::malformed, templates, log.error().message());
    fail(CheckId::i3, Code::malformed, "a well-formed list", "a list that is not");
    return;
  }
  judge(CheckId::i1, templates, check_templates(*log));
  const auto quoted = raw_.pcrs.find(kImaPcr);
  if (quoted == raw_.pcrs.end()) {
    return fail(CheckId::i3, Code::measurement, "PCR 10 in the quote", "a list that no quoted PCR backs");
  }
  const std::string expected = "PCR 10 " + quoted->second.hex();
  const auto count = quoted_prefix(*log, quoted->second);
  if (!count) {
    return fail(CheckId::i3, Code::measurement, expected,
                "no prefix of " + std::to_string(log->entries.size()) + " entries gives it");
  }
  // What comes after the quoted prefix is nobody's word: it is dropped.
  const ByteView last = log->entries[*count - 1].template_data;
  const std::size_t size = static_cast<std::size_t>(last.data() + last.size() - raw_.ima_log.data());
  pass(CheckId::i3, expected,
       "given by " + std::to_string(*count) + " of " + std::to_string(log->entries.size()) + " entries");
  raw_.ima_log.resize(size);
  evidence_.ima_log_present = true;
}

void TpmAuthenticator::check_application_log() {
  if (!raw_.application_log) return skip(CheckId::app_log, "no application log");
  const ApplicationLog& log = *raw_.application_log;
  const auto quoted = raw_.pcrs.find(log.pcr);
  if (!is_application_pcr(log.pcr) || quoted == raw_.pcrs.end()) {
    return fail(CheckId::app_log, Code::measurement, "a quoted PCR that software cannot reset", "PCR " + std::to_string(log.pcr));
  }
  const auto& firmware = firmware_[static_cast<std::size_t>(log.pcr)];
  crypto::Sha256Digest value = firmware.value_or(crypto::Sha256Digest());
  for (const Bytes& event : log.events) value = extend(value, crypto::sha256(event));
  const std::string expected = "PCR " + std::to_string(log.pcr) + " " + quoted->second.hex();
  if (value != quoted->second) return fail(CheckId::app_log, Code::measurement, expected, "replayed " + value.hex());
  pass(CheckId::app_log, expected, std::to_string(log.events.size()) + " events");

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
