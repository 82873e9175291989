#include "enclave/runtime/tpm_platform.h"

#include <fstream>
#include <iterator>

#include "enclave/collect/tpm/tpm_collector.h"
#include "enclave/collect/tpm/tpm_device.h"
#include "enclave/collect/tpm/tpm_sealer.h"

namespace redoubt::runtime {
namespace {

constexpr std::size_t kMaxKeyBlob = 8192;

// read_key: the kept blob; nothing when there is none. Another TPM's or a changed one is the TPM's to refuse.
std::optional<Bytes> read_key(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (path.empty() || !file) return std::nullopt;
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (text.empty() || text.size() > kMaxKeyBlob) return std::nullopt;
  return to_bytes(text);
}

// keep_key: a new file renamed over the old one. A key that is lost costs an enrolment, so the disk is not waited for.
Status keep_key(const std::filesystem::path& path, ByteView blob) {
  const std::filesystem::path fresh = path.string() + ".new";
  std::ofstream file(fresh, std::ios::binary | std::ios::trunc);
  file << as_text(blob);
  file.close();
  std::error_code error;
  if (file) std::filesystem::rename(fresh, path, error);
  if (!file || error) return Error(Code::unavailable, "writing " + path.string());
  return {};
}

Result<std::unique_ptr<collect::TpmDevice>> open_device(const TpmPlatformOptions& options) {
  const auto kept = read_key(options.attestation_key);
  if (kept) {
    auto device = collect::TpmDevice::open(options.tcti, kept);
    if (device.ok() || device.error().code() == Code::unavailable) return device;
  }
  REDOUBT_TRY(auto device, collect::TpmDevice::open(options.tcti));
  if (!options.attestation_key.empty()) REDOUBT_CHECK(keep_key(options.attestation_key, device->ak_blob()));
  return device;
}

class TpmPlatform final : public Platform {
 public:
  TpmPlatform(std::unique_ptr<collect::TpmDevice> device, TpmPlatformOptions options)
      : device_(std::move(device)), intermediates_(options.untrusted_ek_intermediates), collector_(std::make_unique<collect::TpmCollector>(*device_, collector_options(std::move(options)))) {}

  Result<appraise::Evidence> collect(ByteView statement) override {
    REDOUBT_TRY(collect::Collection collection, collector_->collect(statement));
    return std::move(collection.evidence);
  }

  Result<AttestationKeyInfo> attestation_key() override {
    AttestationKeyInfo info;
    REDOUBT_TRY(info.ek_certificate, device_->ek_certificate());
    REDOUBT_TRY(info.ek_public, device_->ek_public());
    REDOUBT_TRY(info.ak_public, device_->ak_public());
    info.intermediates = intermediates_;
    return info;
  }

  Result<SecretBytes> activate(ByteView id_object, ByteView encrypted_secret) override {
    return device_->activate_credential(id_object, encrypted_secret);
  }

  // Sealed to what Evidence quotes.
  std::unique_ptr<seal::Sealer> sealer(const ContractDigest& contract) override {
    return std::make_unique<collect::TpmSealer>(*device_, contract, collect::TpmCollectorOptions().pcrs);
  }

 private:
  static collect::TpmCollectorOptions collector_options(TpmPlatformOptions options) {
    collect::TpmCollectorOptions out;
    out.untrusted_ek_intermediates = std::move(options.untrusted_ek_intermediates);
    out.application_log = std::move(options.untrusted_application_log);
    return out;
  }

  std::unique_ptr<collect::TpmDevice> device_;
  std::vector<Bytes> intermediates_;
  std::unique_ptr<collect::Collector> collector_;
};

}  // namespace

Result<std::unique_ptr<Platform>> open_tpm_platform(TpmPlatformOptions options) {
  REDOUBT_TRY(auto device, open_device(options));
  return std::unique_ptr<Platform>(std::make_unique<TpmPlatform>(std::move(device), std::move(options)));
}

Result<appraise::ProgramDigest> launched_program(const tpm::ApplicationLog& log) {
  if (log.events.empty()) return Error(Code::malformed, "application log: expected the launcher's events, found none");
  REDOUBT_TRY(const tpm::ApplicationEvent event, tpm::ApplicationEvent::decode(log.events.front()));
  if (event.type != "manifest") return Error(Code::malformed, "application log: expected a manifest event first, found \"" + event.type + "\"");
  return appraise::ProgramDigest::from(event.data, "manifest event");
}

}  // namespace redoubt::runtime
