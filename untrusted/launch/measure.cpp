#include "untrusted/launch/measure.h"

#include <fstream>

namespace redoubt::launch {

Result<LaunchLog> LaunchLog::begin(TpmChannel& channel) {
  REDOUBT_TRY(const crypto::Sha256Digest value, channel.read_pcr(tpm::kLauncherPcr));
  if (value != crypto::Sha256Digest()) {
    return Error(Code::refused, "PCR " + std::to_string(tpm::kLauncherPcr) + ": expected zero, found " + value.hex() +
                                    "; start the TPM anew");
  }
  return LaunchLog(channel);
}

Status LaunchLog::extend(const tpm::ApplicationEvent& event) {
  if (capped_) return Error(Code::refused, "event " + event.type + ": the log is capped");
  const Bytes bytes = event.encode();
  if (auto again = tpm::ApplicationEvent::decode(bytes); !again.ok()) return Error(Code::usage, again.error().message());
  log_.events.push_back(bytes);
  return channel_->extend(log_.pcr, crypto::sha256(bytes)).context("measuring " + event.type);
}

Status LaunchLog::measure(const tpm::ApplicationEvent& event) {
  if (event.type == "cap") return Error(Code::usage, "event cap: only cap() writes it");
  // The last place is the cap's; a capped log says so itself.
  if (!capped_ && log_.events.size() + 1 >= tpm::ApplicationLog::kMaxEvents) {
    return Error(Code::usage, "event " + event.type + ": the log is full");
  }
  return extend(event);
}

Status LaunchLog::cap() {
  REDOUBT_CHECK(extend({"cap", {}}));
  capped_ = true;
  return {};
}

Result<tpm::ApplicationLog> measure_launch(TpmChannel& channel, const appraise::ProgramDigest& program,
                                           const std::optional<ContractDigest>& contract) {
  REDOUBT_TRY(LaunchLog log, LaunchLog::begin(channel));
  REDOUBT_CHECK(log.measure({"manifest", to_bytes(program.view())}));
  if (contract) REDOUBT_CHECK(log.measure({"contract", to_bytes(contract->view())}));
  REDOUBT_CHECK(log.cap());
  return log.log();
}

Status write_log(const tpm::ApplicationLog& log, const std::filesystem::path& path) {
  const Bytes bytes = log.encode();
  const std::filesystem::path fresh = path.string() + ".new";
  std::ofstream file(fresh, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  file.close();
  std::error_code error;
  if (file) std::filesystem::rename(fresh, path, error);
  if (!file || error) return Error(Code::unavailable, "writing " + path.string());
  return {};
}

}  // namespace redoubt::launch
