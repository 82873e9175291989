#include "client/corpus/local_hub.h"

#include <stdlib.h>

namespace redoubt::corpus {
namespace {

constexpr std::chrono::seconds kHubStart{90};  // it makes the certificate authority of its software TPMs
constexpr std::chrono::seconds kHubGrace{20};

// rest: what follows `prefix` in a line.
Result<std::string> rest(std::string_view line, std::string_view prefix) {
  if (line.starts_with(prefix)) return std::string(line.substr(prefix.size()));
  return Error(Code::unavailable, "redoubt-hub: expected a line \"" + std::string(prefix) + "...\"");
}

// lend_ca puts a copy of a certificate authority where a hub of this state would make its own.
Status lend_ca(const std::filesystem::path& tpm_ca, const std::filesystem::path& state) {
  std::error_code error;
  for (const auto& made : {state, state / "tpm-ca"}) {
    if (!error) std::filesystem::create_directory(made, error);
    if (!error) std::filesystem::permissions(made, std::filesystem::perms::owner_all, error);
  }
  if (!error) std::filesystem::copy(tpm_ca, state / "tpm-ca", error);
  if (error) return Error(Code::not_found, "copying the certificate authority " + tpm_ca.string() + ": " + error.message());
  return {};
}

}  // namespace

Result<LocalHub> LocalHub::start(const std::filesystem::path& programs, const std::filesystem::path& scratch, const std::filesystem::path& tpm_ca,
                                 std::function<void(const std::string&)> warn) {
  std::string folder = (scratch / "redoubt-corpus-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return Error(Code::unavailable, "making a folder below " + scratch.string());
  LocalHub hub(programs, folder, std::move(warn));
  if (!tpm_ca.empty()) REDOUBT_CHECK(lend_ca(tpm_ca, hub.folder_ / "hub"));
  REDOUBT_TRY(Child child, Child::start(programs / "redoubt-hub", {"serve", "--state", folder + "/hub", "--listen", "127.0.0.1:0"}, hub.folder_ / "hub.log"));
  hub.hub_.emplace(std::move(child));
  REDOUBT_TRY(const std::string listening, hub.hub_->line(kHubStart).context("starting redoubt-hub"));
  REDOUBT_TRY(const std::string address, rest(listening, "listening on "));
  REDOUBT_TRY(hub.options_.address, sdk::Address::parse(address));
  REDOUBT_TRY(const std::string pinned, hub.hub_->line(kHubStart).context("starting redoubt-hub"));
  REDOUBT_TRY(const std::string pin, rest(pinned, "pin "));
  REDOUBT_TRY(hub.options_.pin, SpkiDigest::from_hex(pin, "pin"));
  return hub;
}

LocalHub::LocalHub(LocalHub&& other) noexcept
    : programs_(std::move(other.programs_)), folder_(std::move(other.folder_)), warn_(std::move(other.warn_)), hub_(std::move(other.hub_)), options_(std::move(other.options_)) {
  other.folder_.clear();
  other.hub_.reset();
}

void LocalHub::stop() {
  if (hub_) hub_->stop(kHubGrace);
}

LocalHub::~LocalHub() {
  stop();
  if (folder_.empty()) return;
  std::error_code error;
  std::filesystem::remove_all(folder_, error);
  if (error) warn_("the hub's state stays behind in " + folder_.string() + ": " + error.message());
}

Result<sdk::HubOptions> LocalHub::caller(const std::string& name) {
  REDOUBT_TRY(Child made, Child::start(programs_ / "redoubt-hub", {"key", "create", name, "--admin", "--state", (folder_ / "hub").string()}, folder_ / "key.log"));
  sdk::HubOptions options = options_;
  REDOUBT_TRY(options.api_key, made.line(kHubStart).context("making an API key"));
  return options;
}

}  // namespace redoubt::corpus
