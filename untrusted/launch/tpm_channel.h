// TpmChannel: a Unix socket to a software TPM, and the three TPM 2.0 commands that a launcher needs.
//
// The operator's zone: launcher and TPM are on one side, and what they tell the enclave is HostAsserted. The TPM emulator
// takes raw commands without framing and serves one connection at a time: close a channel before the next user comes. It
// is no TPM library: commands with sessions, keys and quotes are the collector's, in the enclave's zone. One thread at a
// time. TPM 2.0 Library Part 3 sections 9.4 (Shutdown), 22.2 (PCR_Extend), 22.4 (PCR_Read).
#pragma once

#include <chrono>
#include <filesystem>

#include "common/base/bytes.h"
#include "common/crypto/digest.h"

namespace redoubt::launch {

class TpmChannel {
 public:
  // connect: `unavailable` when nothing listens there, `usage` when the path is too long for a socket (107 bytes).
  // `timeout` holds for each send and receive.
  static Result<TpmChannel> connect(const std::filesystem::path& socket,
                                    std::chrono::milliseconds timeout = std::chrono::seconds(10));

  TpmChannel(TpmChannel&& other) noexcept;
  TpmChannel& operator=(TpmChannel&& other) noexcept;
  ~TpmChannel();

  // extend: PCR = SHA-256(PCR || digest) in the SHA-256 bank. `refused` with the TPM's response code, `unavailable` when the
  // TPM does not answer; after that use a new channel.
  Status extend(int pcr, const crypto::Sha256Digest& digest);
  // read_pcr: of the SHA-256 bank. `malformed` when the answer is not one value of that PCR.
  Result<crypto::Sha256Digest> read_pcr(int pcr);
  // shutdown(CLEAR): the orderly end before power-off; without it the next boot's clock is not "safe".
  Status shutdown();

 private:
  explicit TpmChannel(int fd) : fd_(fd) {}
  // transmit gives the response's parameters, after its header.
  Result<Bytes> transmit(ByteView command, std::string_view name);
  int fd_ = -1;
};

}  // namespace redoubt::launch
