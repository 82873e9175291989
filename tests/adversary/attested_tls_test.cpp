// Goal: an attested session over real TLS 1.3, with Evidence from a real software TPM, ends in the program that the contract names,
// or nowhere. Method: one honest session; then the man in the middle, with and without an enclave of his own, replay, another
// contract, another program, a TPM that the policy does not know, an operator who measures again.
#include <gtest/gtest.h>

#include "tests/support/attested_program.h"

namespace redoubt {
namespace {

using test::AttestedProgram;

ContractDigest contract_digest(char c) {
  ContractDigest digest;
  digest.array().fill(static_cast<std::byte>(c));
  return digest;
}

class AttestedTls : public testing::Test {
 protected:
  static void SetUpTestSuite() { shared_ = new AttestedProgram(contract_digest('C')); }
  static void TearDownTestSuite() {
    delete shared_;
    shared_ = nullptr;
  }

  static net::TlsPair connect(const net::TlsContext& server) {
    const auto client = OrDie(net::TlsContext::client(net::TrustExchange{}, {std::string(net::kAlpnExchange)}));
    auto pair = OrDie(net::TlsPair::make(client, server));
    if (const Status done = pair.handshake(); !done.ok()) ADD_FAILURE() << done.error().message();
    return pair;
  }
  static ratls::Appraise appraise_with(const appraise::Appraiser& appraiser) {
    return [&appraiser](const appraise::Evidence& evidence, const appraise::Challenge& challenge, Instant now) {
      return appraiser.appraise(evidence, challenge, now);
    };
  }
  static ratls::RelyingPartySession::Context context(AttestedProgram& program, const appraise::Appraiser& appraiser,
                                                     const ContractDigest& contract) {
    return {appraise_with(appraiser), contract, program.participant, program.random, test::system_now};
  }

  // session: the whole exchange over one TLS connection; what the relying party got to.
  static Status session(AttestedProgram& program, const appraise::Appraiser& appraiser, const ContractDigest& contract,
                        std::optional<appraise::Appraisal>* appraisal = nullptr) {
    net::TlsPair pair = connect(program.server_context);
    ratls::AttesterSession attester(program.instance, "127.0.0.1");
    ratls::RelyingPartySession party(context(program, appraiser, contract));
    REDOUBT_CHECK(attester.begin(test::channel_of(pair.server)));
    REDOUBT_TRY(const Bytes hello, party.begin(test::channel_of(pair.client)));
    REDOUBT_TRY(const ratls::Step evidence, attester.receive(test::carry(pair, pair.client, pair.server, hello)));
    auto proof = party.receive(test::carry(pair, pair.server, pair.client, evidence.send));
    if (appraisal != nullptr) *appraisal = party.appraisal();
    if (!proof.ok()) return proof.error();
    REDOUBT_TRY(const ratls::Step accepted, attester.receive(test::carry(pair, pair.client, pair.server, proof->send)));
    REDOUBT_TRY(const ratls::Step end, party.receive(test::carry(pair, pair.server, pair.client, accepted.send)));
    if (!end.done || attester.participant() != "hospital") return Error(Code::internal, "the session did not end as it should");
    return {};
  }

  static AttestedProgram* shared_;
};

AttestedProgram* AttestedTls::shared_ = nullptr;

TEST_F(AttestedTls, TheHonestSessionIsAcceptedAsAssertedByTheHost) {
  const appraise::Appraiser appraiser(shared_->policy(), shared_->endorsements());
  std::optional<appraise::Appraisal> appraisal;
  ASSERT_OK(session(*shared_, appraiser, contract_digest('C'), &appraisal));
  EXPECT_EQ(appraisal->status, appraise::Tier::warning);
  EXPECT_TRUE(appraisal->host_asserted);
  EXPECT_EQ(appraisal->program, shared_->program);
  EXPECT_EQ(appraisal->remarks.size(), 2U);
  for (const attest::CheckId id : {attest::CheckId::m2, attest::CheckId::m5, attest::CheckId::app_log,
                                   attest::CheckId::measured_contract, attest::CheckId::program}) {
    EXPECT_EQ(appraisal->find(id)->outcome, attest::Outcome::passed) << attest::id_text(id);
  }
}

TEST_F(AttestedTls, APolicyThatDoesNotTakeTheHostsWordRefusesIt) {
  appraise::Policy strict = shared_->policy();
  strict.accept_host_asserted = false;
  EXPECT_ERROR(session(*shared_, appraise::Appraiser(strict, shared_->endorsements()), contract_digest('C')), Code::policy, "policy.host_asserted");
  strict = shared_->policy();
  strict.accept_software_tpm = false;
  EXPECT_ERROR(session(*shared_, appraise::Appraiser(strict, shared_->endorsements()), contract_digest('C')), Code::policy, "policy.software_tpm");
}

TEST_F(AttestedTls, AManInTheMiddleWithAGenuineEnclaveBehindHimReadsAndSignsNothing) {
  // He ends the victim's TLS with a key of his own, and relays the session to the genuine program over TLS of his own.
  const appraise::Appraiser appraiser(shared_->policy(), shared_->endorsements());
  const auto his = OrDie(runtime::make_identity("cleanroom", contract_digest('C'), attest::WorkloadClaimsDigest(), shared_->random, test::system_now()));
  const auto his_context = OrDie(net::TlsContext::server(his.tls, {std::string(net::kAlpnExchange)}));
  net::TlsPair victim = connect(his_context);
  net::TlsPair genuine = connect(shared_->server_context);
  ratls::AttesterSession attester(shared_->instance, "mallory");
  ratls::RelyingPartySession party(context(*shared_, appraiser, contract_digest('C')));
  ASSERT_OK(attester.begin(test::channel_of(genuine.server)));
  const Bytes hello = OrDie(party.begin(test::channel_of(victim.client)));
  const Bytes relayed = test::carry(victim, victim.client, victim.server, hello);
  const auto evidence = OrDie(attester.receive(test::carry(genuine, genuine.client, genuine.server, relayed)));
  const Bytes to_victim = test::carry(genuine, genuine.server, genuine.client, evidence.send);
  EXPECT_ERROR(party.receive(test::carry(victim, victim.server, victim.client, to_victim)), Code::binding, "this connection ends at");
  EXPECT_TRUE(attester.participant().empty());
}

TEST_F(AttestedTls, AManInTheMiddleWhoStoleTheTlsKeyStillFailsOnTheExporter) {
  const appraise::Appraiser appraiser(shared_->policy(), shared_->endorsements());
  net::TlsPair victim = connect(shared_->server_context);  // the same key and certificate, another connection
  net::TlsPair genuine = connect(shared_->server_context);
  ratls::AttesterSession attester(shared_->instance, "mallory");
  ratls::RelyingPartySession party(context(*shared_, appraiser, contract_digest('C')));
  ASSERT_OK(attester.begin(test::channel_of(genuine.server)));
  const auto evidence = OrDie(attester.receive(OrDie(party.begin(test::channel_of(victim.client)))));
  EXPECT_ERROR(party.receive(evidence.send), Code::binding, "M2");
}

TEST_F(AttestedTls, EvidenceOfAnEarlierSessionIsRefused) {
  const appraise::Appraiser appraiser(shared_->policy(), shared_->endorsements());
  net::TlsPair pair = connect(shared_->server_context);
  ratls::AttesterSession attester(shared_->instance, "peer");
  ratls::RelyingPartySession first(context(*shared_, appraiser, contract_digest('C')));
  ASSERT_OK(attester.begin(test::channel_of(pair.server)));
  const auto evidence = OrDie(attester.receive(OrDie(first.begin(test::channel_of(pair.client)))));
  ASSERT_OK(first.receive(evidence.send));
  ratls::RelyingPartySession again(context(*shared_, appraiser, contract_digest('C')));
  (void)OrDie(again.begin(test::channel_of(pair.client)));
  EXPECT_ERROR(again.receive(evidence.send), Code::binding, "M2");
}

TEST_F(AttestedTls, IdentityEvidenceDoesNotOpenASession) {
  const appraise::Appraiser appraiser(shared_->policy(), shared_->endorsements());
  const auto challenge = shared_->random.fixed<Challenge>();
  const auto evidence = OrDie(shared_->platform->collect(attest::identity_statement(challenge, shared_->identity.claims.digest())));
  const appraise::Challenge as_identity{attest::identity_statement(challenge, shared_->identity.claims.digest()), shared_->identity.claims,
                                        contract_digest('C')};
  EXPECT_OK(OrDie(appraiser.appraise(evidence, as_identity, test::system_now())).accepted());
  attest::Transcript transcript;
  transcript.relying_party_challenge = challenge;
  transcript.claims = shared_->identity.claims.digest();
  const appraise::Challenge as_session{attest::session_statement(transcript), shared_->identity.claims, contract_digest('C')};
  EXPECT_ERROR(OrDie(appraiser.appraise(evidence, as_session, test::system_now())).accepted(), Code::binding, "M2");
}

TEST_F(AttestedTls, ARoomUnderAnotherContractIsRefused) {
  const appraise::Appraiser appraiser(shared_->policy(), shared_->endorsements());
  EXPECT_ERROR(session(*shared_, appraiser, contract_digest('D')), Code::binding, "claims.contract");
}

TEST_F(AttestedTls, AProgramThatWasLaunchedForAnotherContractIsRefused) {
  // The operator measures contract D at launch and lets the program claim C.
  AttestedProgram other(contract_digest('D'));
  other.identity.claims.contract = contract_digest('C');
  other.instance.claims.contract = contract_digest('C');
  const appraise::Appraiser appraiser(other.policy(), other.endorsements());
  EXPECT_ERROR(session(other, appraiser, contract_digest('C')), Code::binding, "measured.contract");
}

TEST_F(AttestedTls, AnotherProgramIsRefused) {
  appraise::Policy policy = shared_->policy();
  policy.programs->front().manifest = appraise::ProgramDigest(crypto::sha256(as_bytes("the release")).array());
  EXPECT_ERROR(session(*shared_, appraise::Appraiser(policy, shared_->endorsements()), contract_digest('C')), Code::measurement, "measured.program");
}

TEST_F(AttestedTls, ATpmThatThePolicyDoesNotKnowIsRefused) {
  AttestedProgram stranger(contract_digest('C'));  // genuine in itself, under a CA of its own
  appraise::Endorsements offered = stranger.endorsements();
  offered.self = shared_->enroller.public_key();
  EXPECT_ERROR(session(stranger, appraise::Appraiser(shared_->policy(), offered), contract_digest('C')), Code::chain, "M5");
  offered.self = stranger.enroller.public_key();
  EXPECT_ERROR(session(stranger, appraise::Appraiser(shared_->policy(), offered), contract_digest('C')), Code::chain, "M6");
}

TEST_F(AttestedTls, NothingCanBeMeasuredAfterTheCap) {
  AttestedProgram program(contract_digest('C'), [](launch::TpmChannel& tpm) {
    ASSERT_OK(tpm.extend(tpm::kLauncherPcr, crypto::sha256(as_bytes("one more"))));
  });
  const appraise::Appraiser appraiser(program.policy(), program.endorsements());
  EXPECT_ERROR(session(program, appraiser, contract_digest('C')), Code::measurement, "app.log");
}

}  // namespace
}  // namespace redoubt
