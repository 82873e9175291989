#include "enclave/collect/collector.h"

#include "enclave/collect/tpm/tpm_device.h"

namespace redoubt::collect {
namespace {

constexpr std::string_view kTpmDevice = "/dev/tpmrm0";

// OwnedTpm: a TPM with its collector.
class OwnedTpm final : public Collector {
 public:
  OwnedTpm(std::unique_ptr<TpmDevice> device, TpmCollectorOptions options) : device_(std::move(device)), collector_(*device_, std::move(options)) {}
  Result<Collection> collect(ByteView statement) override { return collector_.collect(statement); }

 private:
  std::unique_ptr<TpmDevice> device_;
  TpmCollector collector_;
};

// check_members: what is set belongs to the kind.
Status check_members(const CollectorConfig& config) {
  struct Member {
    std::string_view name, kind;
    bool set;
  };
  for (const Member& member : {Member{"TPM options", "tpm", config.tpm.has_value()}, Member{"a privilege level", "tsm", config.privilege_level.has_value()},
                               Member{"an audience", "confidential-space", !config.audience.empty()},
                               Member{"a token type", "confidential-space", config.token_type.has_value()}}) {
    if (member.set && member.kind != config.kind) {
      return Error(Code::usage, "collector \"" + config.kind + "\": expected its own options only, found " + std::string(member.name) + ", of \"" + std::string(member.kind) + "\"");
    }
  }
  return {};
}

Result<std::unique_ptr<Collector>> make_tpm(const CollectorConfig& config, FileCalls&, crypto::Random&) {
  REDOUBT_TRY(auto device, TpmDevice::open(config.path.empty() ? "device:" + std::string(kTpmDevice) : config.path));
  return std::unique_ptr<Collector>(std::make_unique<OwnedTpm>(std::move(device), config.tpm.value_or(TpmCollectorOptions())));
}

Result<std::unique_ptr<Collector>> make_tsm(const CollectorConfig& config, FileCalls& files, crypto::Random& random) {
  TsmOptions options;
  if (!config.path.empty()) options.root = config.path;
  options.privilege_level = config.privilege_level;
  return std::unique_ptr<Collector>(std::make_unique<TsmCollector>(files, random, std::move(options)));
}

Result<std::unique_ptr<Collector>> make_gramine(const CollectorConfig& config, FileCalls& files, crypto::Random&) {
  GramineOptions options;
  if (!config.path.empty()) options.root = config.path;
  return std::unique_ptr<Collector>(std::make_unique<GramineCollector>(files, std::move(options)));
}

Result<std::unique_ptr<Collector>> make_confidential_space(const CollectorConfig& config, FileCalls&, crypto::Random&) {
  if (config.audience.empty()) return Error(Code::usage, "collector \"confidential-space\": expected an audience, found none");
  ConfidentialSpaceOptions options;
  if (!config.path.empty()) options.socket = config.path;
  options.audience = config.audience;
  options.type = config.token_type.value_or(TokenType::pki);
  return std::unique_ptr<Collector>(std::make_unique<ConfidentialSpaceCollector>(std::move(options)));
}

struct Kind {
  std::string_view name;
  Result<std::unique_ptr<Collector>> (*make)(const CollectorConfig&, FileCalls&, crypto::Random&);
  std::string_view sign;  // the file that detect() looks for, below the root
};
constexpr Kind kKinds[] = {{"tpm", make_tpm, "dev/tpmrm0"},
                           {"tsm", make_tsm, "sys/kernel/config/tsm/report"},
                           {"gramine", make_gramine, "dev/attestation/quote"},
                           {"confidential-space", make_confidential_space, "run/container_launcher/teeserver.sock"}};

}  // namespace

Result<std::unique_ptr<Collector>> make(const CollectorConfig& config, FileCalls& files, crypto::Random& random) {
  const auto kind = std::ranges::find(kKinds, config.kind, &Kind::name);
  if (kind == std::end(kKinds)) {
    std::string known;
    for (const Kind& one : kKinds) known += (known.empty() ? "\"" : ", \"") + std::string(one.name) + "\"";
    return Error(Code::usage, "collector: expected one of " + known + ", found \"" + config.kind.substr(0, 32) + "\"");
  }
  REDOUBT_CHECK(check_members(config));
  return kind->make(config, files, random);
}

std::vector<Offer> detect(const std::filesystem::path& root) {
  std::vector<Offer> offers;
  for (const Kind& kind : kKinds) {
    const std::filesystem::path path = root / kind.sign;
    std::error_code ignored;  // what cannot be looked at is not offered
    if (std::filesystem::exists(path, ignored)) offers.push_back({std::string(kind.name), path.string()});
  }
  return offers;
}

}  // namespace redoubt::collect
