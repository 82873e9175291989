// GramineCollector: Evidence of an SGX enclave under Gramine, from the files of /dev/attestation.
//
// Gramine is inside the enclave and measured with it; the quote is made by Intel's Quoting Enclave and comes through the host. The
// report data are one file for the whole process: collectors take turns by a mutex, and a quote over what somebody else has
// written meanwhile is asked for again, three times at most. Only DCAP quotes are taken: EPID ended with Intel's service
// for it. Thread-safe. Gramine documentation, "Attestation and Secret Provisioning"; docs/specs/collect.md.
#pragma once

#include <mutex>

#include "enclave/collect/base/collection.h"
#include "enclave/collect/base/device_folder.h"

namespace redoubt::collect {

struct GramineOptions {
  std::string root = "/dev/attestation";
};

class GramineCollector final : public Collector {
 public:
  static constexpr int kAttempts = 3;
  static constexpr std::size_t kMaxQuote = 16 * 1024;

  // Borrows `calls`, which must outlive the collector.
  GramineCollector(FileCalls& calls, GramineOptions options) : folder_(calls, std::move(options.root)) {}

  // collect: `not_found`: not under Gramine, or without remote attestation in its manifest; `refused`: another kind of
  // attestation than "dcap"; `unavailable`: the quoting service does not answer; `malformed`: no quote; `binding`: a quote
  // of another platform, or over other report data three times in a row.
  Result<Collection> collect(ByteView statement) override;

 private:
  Result<Collection> attempt(const ReportData& data);

  const DeviceFolder folder_;
  std::mutex mutex_;
};

}  // namespace redoubt::collect
