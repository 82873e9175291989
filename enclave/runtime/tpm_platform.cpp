#include "enclave/runtime/tpm_platform.h"

#include "enclave/collect/tpm/tpm_collector.h"
#include "enclave/collect/tpm/tpm_device.h"

namespace redoubt::runtime {
namespace {

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
  REDOUBT_TRY(auto device, collect::TpmDevice::open(options.tcti));
  return std::unique_ptr<Platform>(std::make_unique<TpmPlatform>(std::move(device), std::move(options)));
}

Result<appraise::ProgramDigest> launched_program(const tpm::ApplicationLog& log) {
  if (log.events.empty()) return Error(Code::malformed, "application log: expected the launcher's events, found none");
  REDOUBT_TRY(const tpm::ApplicationEvent event, tpm::ApplicationEvent::decode(log.events.front()));
  if (event.type != "manifest") return Error(Code::malformed, "application log: expected a manifest event first, found \"" + event.type + "\"");
  return appraise::ProgramDigest::from(event.data, "manifest event");
}

}  // namespace redoubt::runtime
