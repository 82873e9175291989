#include "common/jobs/cleanroom/log_entries.h"

namespace redoubt::jobs {

receipt::LogEntry upload_entry(const ManifestDigest& manifest) { return {std::string(kUploadEntry), crypto::Sha256Digest(manifest.array())}; }

receipt::LogEntry taken_in_entry(const ManifestDigest& manifest) {
  return {std::string(receipt::kDatasetEntry), crypto::Sha256Digest(manifest.array())};
}

receipt::LogEntry key_release_entry(const KeyRelease& release) {
  Fields fields("redoubt/key-release/1");
  fields.field(release.manifest.view()).text(release.owner).field(release.instance.view()).field(release.identity_key.view()).number(release.number);
  return {std::string(kKeyReleaseEntry), crypto::sha256(fields.view())};
}

}  // namespace redoubt::jobs
