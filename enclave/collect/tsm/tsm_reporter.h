// TsmReporter: reports of the machine's own security manager through configfs-tsm: TDX quotes and SEV-SNP reports by one kernel
// interface.
//
// Runs in the guest. The kernel is part of what is measured; what it passes on (the quote, the certificates) comes through the
// host. Each report gets an entry of its own with a random name, removed again whatever happens; `generation` tells whether
// somebody else wrote into it meanwhile, and then all of it is done again, three times at most. The kernel takes `inblob` when the
// file is closed and tells nobody when it does not: that too shows in `generation`. Thread-safe if `random` is. Linux 6.7,
// Documentation/ABI/testing/configfs-tsm (since 6.15 configfs-tsm-report); service_provider and its like are not used.
#pragma once

#include <optional>

#include "common/crypto/random.h"
#include "enclave/collect/base/collection.h"
#include "enclave/collect/base/device_folder.h"

namespace redoubt::collect {

struct TsmOptions {
  std::string root = "/sys/kernel/config/tsm/report";
  // SEV-SNP: the privilege level (VMPL, 0 to 3) that the report shall be of; absent: the kernel's choice.
  std::optional<unsigned> privilege_level = {};
};

struct TsmReport {
  std::string provider;  // "tdx_guest", "sev_guest"
  Bytes report;          // outblob
  Bytes certificates;    // auxblob of sev_guest; empty where the host gave none
};

class TsmReporter {
 public:
  static constexpr int kAttempts = 3;
  static constexpr std::size_t kMaxReport = 64 * 1024;

  // Borrows both, which must outlive the object.
  TsmReporter(FileCalls& calls, crypto::Random& random, TsmOptions options);

  // report: `not_found`: no such kernel interface, or no provider behind it; `refused`: another provider, or the kernel says no;
  // `usage`: a privilege level for a provider that has none; `unavailable`: busy, interrupted, or written to by others three times
  // in a row; `malformed`: an attribute of another form.
  Result<TsmReport> report(const ReportData& data);

 private:
  class Entry;
  Result<std::string> make_entry();
  Result<std::optional<TsmReport>> attempt(const ReportData& data, std::string& conflict);

  DeviceFolder folder_;
  crypto::Random& random_;
  const TsmOptions options_;
};

}  // namespace redoubt::collect
