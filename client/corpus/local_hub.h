// LocalHub: a hub of our own on this machine, as `redoubt up` starts one, with a state folder that goes with it.
#pragma once

#include "client/corpus/child.h"
#include "client/sdk/hub_client.h"

namespace redoubt::corpus {

class LocalHub {
 public:
  // start: redoubt-hub of the folder `programs`; its state is a new folder below `scratch`. `warn` is told when that cannot be removed.
  // tpm_ca: a certificate authority of software TPMs that it starts with a copy of, which spares the seconds of making one; empty: it makes one.
  // `not_found` when that cannot be copied.
  static Result<LocalHub> start(const std::filesystem::path& programs, const std::filesystem::path& scratch, const std::filesystem::path& tpm_ca,
                                std::function<void(const std::string&)> warn);
  LocalHub(LocalHub&& other) noexcept;
  LocalHub& operator=(LocalHub&&) = delete;
  // Ends the hub and its programs, and removes the folder.
  ~LocalHub();

  // stop ends the hub and its programs; calls to it fail from then on.
  void stop();

  // caller: address and pin, with an API key of its own, since each key has its share of requests.
  Result<sdk::HubOptions> caller(const std::string& name);

 private:
  LocalHub(std::filesystem::path programs, std::filesystem::path folder, std::function<void(const std::string&)> warn)
      : programs_(std::move(programs)), folder_(std::move(folder)), warn_(std::move(warn)) {}

  std::filesystem::path programs_;
  std::filesystem::path folder_;
  std::function<void(const std::string&)> warn_;
  std::optional<Child> hub_;
  sdk::HubOptions options_;
};

}  // namespace redoubt::corpus
