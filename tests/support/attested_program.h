// AttestedProgram: what an enclave program has at its participants' door, in the test's own process: a real software TPM that a
// launcher measured into, keys, claims, and the shared parts of its sessions; and what a participant needs to appraise it.
#pragma once

#include <chrono>

#include "common/attest/appraise/appraiser.h"
#include "common/attest/evidence/tpm/credential.h"
#include "common/crypto/system_random.h"
#include "common/net/tls_pair.h"
#include "common/ratls/session.h"
#include "enclave/runtime/identity.h"
#include "enclave/runtime/tpm_platform.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"
#include "tests/support/swtpm.h"
#include "untrusted/launch/measure.h"

namespace redoubt::test {

inline Instant system_now() {
  return Instant(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count());
}

class AttestedProgram {
 public:
  // `after_launch` is what an operator does to the TPM once the launch was measured and capped.
  explicit AttestedProgram(const ContractDigest& contract, const std::function<void(launch::TpmChannel&)>& after_launch = {})
      : log(measured(contract, after_launch)),
        platform(OrDie(runtime::open_tpm_platform({tpm->tcti(), {to_bytes(issuer().der())}, log}))),
        identity(OrDie(runtime::make_identity("cleanroom", contract, attest::WorkloadClaimsDigest(), random, system_now()))),
        participant(OrDie(crypto::Ed25519PrivateKey::generate(random))),
        enroller(OrDie(crypto::Ed25519PrivateKey::generate(random))),
        instance{identity.claims, *platform, challenges, quotes,
                 [this](const crypto::Ed25519PublicKey& key) -> Result<std::string> {
                   if (key == participant.public_key()) return std::string("hospital");
                   return Error(Code::auth, "this key is not in the contract");
                 },
                 system_now},
        server_context(OrDie(net::TlsContext::server(identity.tls, {std::string(net::kAlpnExchange)}))) {}

  // enrol is the AkEnrolment conversation, in one process: MakeCredential here, ActivateCredential in the TPM.
  tpm::AkEnrolment enrol() {
    const auto info = OrDie(platform->attestation_key());
    const auto ak = OrDie(tpm::Public::parse(info.ak_public));
    const SecretBytes secret = random.secret(32);
    const auto credential = OrDie(tpm::make_credential(OrDie(tpm::Public::parse(info.ek_public)), ak.name, secret, random));
    const SecretBytes back = OrDie(platform->activate(credential.id_object, credential.encrypted_secret));
    if (!(back == secret)) std::abort();
    return tpm::AkEnrolment::sign(crypto::sha256(info.ek_certificate), ak.name, system_now(), enroller);
  }

  appraise::Policy policy() const {
    appraise::Policy policy;
    policy.name = "test";
    policy.workload = "cleanroom";
    policy.programs = {{"the program under test", program}};
    policy.accept_host_asserted = policy.accept_software_tpm = true;
    policy.platforms.tpm.emplace().anchors = {{root().digest(), "local software TPM", true}};
    policy.platforms.tpm->secure_boot_required = false;
    return OrDie(appraise::Policy::parse(policy.canonical()));
  }
  appraise::Endorsements endorsements() {
    appraise::Endorsements endorsements;
    endorsements.tpm_roots = {root()};
    endorsements.enrolments = {enrol()};
    endorsements.self = enroller.public_key();
    return endorsements;
  }

  crypto::Certificate root() const { return OrDie(crypto::Certificate::parse_pem_bundle(read_text(tpm->root_pem()))).at(0); }
  crypto::Certificate issuer() const { return OrDie(crypto::Certificate::parse_pem_bundle(read_text(tpm->issuer_pem()))).at(0); }

  crypto::SystemRandom random;
  appraise::ProgramDigest program{crypto::sha256(as_bytes("the program under test")).array()};
  TestTpm tpm;
  tpm::ApplicationLog log;
  std::unique_ptr<runtime::Platform> platform;
  runtime::Identity identity;
  crypto::Ed25519PrivateKey participant;
  crypto::Ed25519PrivateKey enroller;
  ratls::ChallengeTable challenges{1024, random};
  ratls::QuoteGate quotes{{.total = 64, .per_peer = 64, .burst = 1'000'000, .refill_per_second = 1'000'000, .peers = 16}};
  ratls::AttesterSession::Instance instance;
  net::TlsContext server_context;

 private:
  tpm::ApplicationLog measured(const ContractDigest& contract, const std::function<void(launch::TpmChannel&)>& after_launch) {
    auto channel = OrDie(launch::TpmChannel::connect(tpm->socket()));
    auto launched = OrDie(launch::measure_launch(channel, program, contract));
    if (after_launch) after_launch(channel);
    return launched;
  }
};

// channel_of: what an endpoint says of its connection, as both ends of a session take it.
inline ratls::Channel channel_of(const net::TlsEndpoint& endpoint) {
  const net::TlsFacts facts = OrDie(endpoint.facts());
  ratls::Channel channel;
  channel.exporter = attest::TlsExporter(facts.exporter.array());
  if (!facts.own_spki.empty()) channel.own_key = attest::spki_digest(facts.own_spki);
  if (!facts.peer_spki.empty()) channel.peer_key = attest::spki_digest(facts.peer_spki);
  return channel;
}

// carry sends one message from an endpoint to the other end of the pair, through TLS.
inline Bytes carry(net::TlsPair& pair, net::TlsEndpoint& from, net::TlsEndpoint& to, ByteView message) {
  if (!from.write(message).ok() || !pair.relay().ok()) std::abort();
  Bytes received;
  if (!to.read(received, 1U << 20).ok()) std::abort();
  return received;
}

}  // namespace redoubt::test
