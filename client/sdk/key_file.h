// KeyFile: the secret keys of one participant, in one file of mode 0600, and their public half as JSON for the others.
//
// Three keys for daily use: the contract key (manifests, ballots, sessions), the HPKE key that results are sealed to, and the
// enroller key that signs AkEnrolments. A fourth, the offline recovery key, lives in a file of its own, which belongs on a
// medium in a drawer: nothing in daily use reads it. Whoever can read the file acts as the participant; it is not encrypted.
// Keys are never printed. Immutable after load; thread-safe.
#pragma once

#include <filesystem>

#include "common/base/json.h"
#include "common/crypto/ed25519.h"
#include "common/crypto/hpke.h"
#include "common/jobs/cleanroom/contract.h"

namespace redoubt::sdk {

// PublicKeys: what others need to list a participant in a contract. Anyone may have written such a file: compare its
// fingerprint with its owner over another channel.
struct PublicKeys {
  static constexpr std::size_t kMaxBytes = 4096;

  std::string name;
  crypto::Ed25519PublicKey signing_key;
  crypto::HpkePublicKey hpke_key;
  crypto::Ed25519PublicKey enroller_key;
  std::optional<crypto::Ed25519PublicKey> recovery_key;

  json::Value to_json() const;
  // parse takes what to_json() gave, in any spelling; closed keys.
  static Result<PublicKeys> parse(std::string_view text);
  // fingerprint: SHA-256 over all public keys and the name, in groups that can be read out loud.
  std::string fingerprint() const;
  jobs::Participant participant(bool votes) const;
};

class KeyFile {
 public:
  static constexpr std::size_t kMaxBytes = 4096;

  struct Made;  // a KeyFile and its recovery key
  // generate draws all keys; with `with_recovery` also the offline one.
  static Result<Made> generate(std::string_view name, bool with_recovery, crypto::Random& random);
  // load reads what save wrote. `not_found`, `refused` (mode or owner, files.h), `malformed`.
  static Result<KeyFile> load(const std::filesystem::path& path);
  // save writes a new file of mode 0600; `refused` when there is one.
  Status save(const std::filesystem::path& path) const;

  const std::string& name() const { return name_; }
  const crypto::Ed25519PrivateKey& signing() const { return signing_; }
  const crypto::HpkePrivateKey& hpke() const { return hpke_; }
  const crypto::Ed25519PrivateKey& enroller() const { return enroller_; }
  PublicKeys public_keys() const;

 private:
  KeyFile(std::string name, crypto::Ed25519PrivateKey signing, crypto::HpkePrivateKey hpke, crypto::Ed25519PrivateKey enroller)
      : name_(std::move(name)), signing_(std::move(signing)), hpke_(std::move(hpke)), enroller_(std::move(enroller)) {}

  std::string name_;
  crypto::Ed25519PrivateKey signing_;
  crypto::HpkePrivateKey hpke_;
  crypto::Ed25519PrivateKey enroller_;
  std::optional<crypto::Ed25519PublicKey> recovery_;
};

struct KeyFile::Made {
  KeyFile keys;
  std::optional<crypto::Ed25519PrivateKey> recovery;
};

// save_recovery writes the offline recovery key as a new file of mode 0600.
Status save_recovery(const std::filesystem::path& path, std::string_view name, const crypto::Ed25519PrivateKey& recovery);

}  // namespace redoubt::sdk
