// HostDoor: the calls of an enclave program's host door as typed values (docs/design/clean-room-flow.md).
//
// HTTP/1.1 over a Unix socket. The program decides everything and the hub forwards, so answers that clients get are passed on as
// they came; only what the hub itself acts on is read, strictly and bounded. A problem comes back as its own code and text;
// `unavailable` means that nobody answered. One connection; one thread at a time.
#pragma once

#include "common/base/ids.h"
#include "common/jobs/cleanroom/carried_logs.h"
#include "common/net/client.h"

namespace redoubt::hub {

inline constexpr std::size_t kCiphertextPart = 4U << 20;  // bytes of one PUT

struct RoomState {
  InstanceId instance;
  BootId boot;          // of the claims
  std::string claims;   // canonical JSON
  std::string address;  // participants' door
  bool open = false;    // everyone has joined
  std::vector<std::string> joined;
  std::vector<std::string> carry_over_missing;  // who has not signed the old logs that were handed over
  std::vector<std::string> forgotten;           // digests of proposals of old logs that it wants the texts of
  std::map<std::string, std::string> datasets;   // manifest digest, state
  std::map<std::string, std::string> proposals;  // proposal digest, state
};

struct RoomTally {
  json::Value answer;  // as it came
  bool met = false;
  bool rejected = false;  // by the contract's rule no further ballot can approve it
};

struct RoomRun {
  std::string receipt;  // a receipt file
  std::vector<std::pair<std::string, Bytes>> packages;  // recipient, sealed
};

struct RoomLog {
  std::vector<Bytes> entries;
  std::string checkpoint;
};

class HostDoor {
 public:
  // connect: `unavailable` when nobody listens.
  static Result<HostDoor> connect(const std::string& unix_path);

  // open: another call may follow on this connection.
  bool open() const { return client_.open(); }

  Result<RoomState> state();
  Status offer_old_logs(const std::vector<jobs::OldLog>& logs, const std::string& checkpoint);
  Status put_manifest(const jobs::SignedDocument& manifest);
  // put_ciphertext gives the number of bytes that the program holds.
  Result<std::uint64_t> put_ciphertext(const std::string& manifest, std::uint64_t offset, Bytes part);
  // propose gives the answer as it came.
  Result<json::Value> propose(const jobs::SignedDocument& proposal);
  // recall hands over a proposal that an old log reserved.
  Status recall(const jobs::SignedDocument& proposal);
  Result<RoomTally> vote(const std::string& proposal, const jobs::SignedDocument& ballot);
  // run: `internal` also when the program is gone before it answers.
  Result<RoomRun> run(const std::string& proposal);
  // log: up to a thousand entries from index `from`; says with it that what comes before is stored.
  Result<RoomLog> log(std::uint64_t from);

 private:
  explicit HostDoor(net::HttpClient client) : client_(std::move(client)) {}
  // call: `broken` is the code for an answer that does not come.
  Result<json::Value> call(net::ClientRequest request, Code broken = Code::unavailable);
  Result<json::Value> post(std::string target, const json::Value& body);

  net::HttpClient client_;
};

}  // namespace redoubt::hub
