// What a clean room logs of its datasets and budgets, and what stands in these entries (docs/specs/log.md): one place, so that the program that
// writes an entry and whoever audits the log compute the same. The other kinds are in common/receipt/log.h. Pure.
#pragma once

#include "common/jobs/cleanroom/manifest.h"
#include "common/receipt/log.h"

namespace redoubt::jobs {

inline constexpr std::string_view kUploadEntry = "upload";           // the owner's manifest of a ciphertext was accepted; before the `dataset` that it may become
inline constexpr std::string_view kKeyReleaseEntry = "key-release";  // an owner released the key of a dataset to this identity
inline constexpr std::string_view kBudgetEntry = "budget";           // what the reservation after it was charged (engines/sql/accounts/noise_budget.h)

// upload_entry: content is the manifest digest.
receipt::LogEntry upload_entry(const ManifestDigest& manifest);
// taken_in_entry: `dataset`: the whole ciphertext was what the manifest says, and so were its rows. Content is the manifest digest.
receipt::LogEntry taken_in_entry(const ManifestDigest& manifest);

// Who released which key to whom. The key itself, and whether it opens anything, is not in the log.
struct KeyRelease {
  ManifestDigest manifest;
  std::string owner;
  InstanceId instance;
  crypto::HpkePublicKey identity_key;  // of the instance: what the key was wrapped to
  std::uint64_t number = 1;            // the how many-th key of this version that the instance took
};
// key_release_entry: content is SHA-256 over Fields("redoubt/key-release/1", manifest digest, owner, instance id, identity key, number).
receipt::LogEntry key_release_entry(const KeyRelease& release);

}  // namespace redoubt::jobs
