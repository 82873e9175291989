#include "client/sdk/open_door.h"

#include "client/sdk/members.h"
#include "common/net/client_transport.h"
#include "common/net/listen_address.h"

namespace redoubt::sdk {
namespace {

constexpr std::chrono::milliseconds kConnectTime{10'000};
constexpr std::size_t kMaxSecret = 64;

// shown_key: the key that the server shows in a first connection, which the second one then insists on. This trusts nobody;
// it only satisfies HttpClient, which rightly has no way to say "any server".
Result<SpkiDigest> shown_key(const Address& address) {
  const auto deadline = net::ClientTransport::in(kConnectTime);
  REDOUBT_TRY(const auto context, net::TlsContext::client(net::TrustExchange{}, {std::string(net::kAlpnHttp)}));
  REDOUBT_TRY(auto endpoint, net::TlsEndpoint::connect(context, address.host));
  REDOUBT_TRY(auto transport, net::ClientTransport::connect_tcp(address.host, address.port, deadline));
  REDOUBT_CHECK(transport.start_tls(std::move(endpoint), deadline));
  REDOUBT_TRY(const auto facts, transport.tls()->facts());
  return net::spki_digest(facts.peer_spki);
}

}  // namespace

Result<Address> Address::parse(std::string_view text) {
  REDOUBT_TRY(const auto listen, net::ListenAddress::parse(text));
  if (!listen.unix_path.empty()) return Error(Code::usage, "address: expected ADDRESS:PORT, found a unix socket");
  return Address{listen.host, listen.port};
}

Result<OpenDoor> OpenDoor::connect(const Address& address) {
  REDOUBT_TRY(const SpkiDigest key, shown_key(address));
  net::ClientOptions options;
  options.host = address.host;
  options.port = address.port;
  options.trust = net::TrustSpki{key};
  options.max_response_bytes = kMaxAnswer;
  REDOUBT_TRY(auto client, net::HttpClient::connect(options));
  return OpenDoor(std::move(client));
}

Result<AkOffer> OpenDoor::offer() {
  REDOUBT_TRY(const json::Value answer, ask(client_, {.target = "/attestation/ak"}));
  return AkOffer::from_json(answer);
}

Result<SecretBytes> OpenDoor::activate(const AkChallenge& challenge) {
  Call call{.method = "POST", .target = "/attestation/activate"};
  call.body = json::Object{{"encrypted_secret", base64_encode(challenge.encrypted_secret)},
                           {"id_object", base64_encode(challenge.id_object)}};
  REDOUBT_TRY(const json::Value answer, ask(client_, call));
  const json::Value known = members_of(answer, {"secret"});
  json::ObjectReader reader(known, "activation");
  const Bytes secret = reader.base64("secret", kMaxSecret);
  REDOUBT_CHECK(reader.finish());
  return SecretBytes::copy_of(secret);
}

Result<receipt::StoredEvidence> OpenDoor::identity(const Challenge& challenge) {
  REDOUBT_TRY(const json::Value answer, ask(client_, {.target = "/attestation?nonce=" + challenge.hex()}));
  receipt::StoredEvidence evidence;
  evidence.challenge = challenge;
  REDOUBT_TRY(evidence.claims, text_or_canonical(answer, "claims", "attestation"));
  const json::Value known = members_of(answer, {"evidence", "format"});
  json::ObjectReader reader(known, "attestation");
  evidence.format = reader.nonempty("format", 32);
  evidence.bytes = reader.base64("evidence", receipt::StoredEvidence::kMaxSize);
  REDOUBT_CHECK(reader.finish());
  return evidence;
}

}  // namespace redoubt::sdk
