// OpenDoor: the few calls of an enclave program's door that need no attested session: Identity Evidence and the AK conversation.
//
// Nobody at the other end has shown who he is: the server's key is taken as it comes, since nothing secret is sent and every
// answer carries its own proof (a quote over our nonce, a secret that only a TPM can open). One thread at a time.
#pragma once

#include "client/sdk/answer.h"
#include "client/sdk/enrolment.h"
#include "common/receipt/receipt_file.h"

namespace redoubt::sdk {

struct Address {
  std::string host;
  std::uint16_t port = 0;

  // parse reads "ADDRESS:PORT"; `usage` otherwise. Hubs send addresses: they say where to knock, never whom to trust.
  static Result<Address> parse(std::string_view text);
};

class OpenDoor final : public AkDoor {
 public:
  static Result<OpenDoor> connect(const Address& address);

  Result<AkOffer> offer() override;
  Result<SecretBytes> activate(const AkChallenge& challenge) override;
  // identity asks for Identity Evidence over `challenge`; unverified, for an appraisal to judge.
  Result<receipt::StoredEvidence> identity(const Challenge& challenge);

 private:
  explicit OpenDoor(net::HttpClient client) : client_(std::move(client)) {}
  net::HttpClient client_;
};

}  // namespace redoubt::sdk
