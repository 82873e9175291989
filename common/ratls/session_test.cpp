// Goal: an attested session ends in the enclave that the contract names, or nowhere. Method: both ends over an in-memory
// channel; a toy platform whose "quote" is a signature over the statement, so that the protocol alone is under test here (the real
// TPM and real TLS are in tests/adversary); then every relay, replay, reflection and change that a host or a peer can make.
#include "common/ratls/session.h"

#include <gtest/gtest.h>

#include "common/wire/session.h"
#include "tests/support/expect.h"
#include "tests/support/fixed_random.h"

namespace redoubt::ratls {
namespace {

constexpr Instant kNow(1'800'000'000);

template <class F>
F filled(char c) {
  F out;
  out.array().fill(static_cast<std::byte>(c));
  return out;
}

// Signs statements, as a platform would quote them.
class ToyPlatform final : public EvidenceSource {
 public:
  explicit ToyPlatform(std::uint64_t seed) : random_(seed), key_(OrDie(crypto::Ed25519PrivateKey::generate(random_))) {}
  Result<appraise::Evidence> collect(ByteView statement) override {
    if (broken) return Error(Code::unavailable, "the device does not answer");
    ++quotes;
    return appraise::Evidence{"tpm", to_bytes(key_.sign(statement).view())};
  }
  // What an appraiser that trusts this platform says.
  Appraise appraiser() {
    return [this](const appraise::Evidence& evidence, const appraise::Challenge& challenge, Instant) -> Result<appraise::Appraisal> {
      using attest::CheckId;
      if (evidence.format != "tpm") return Error(Code::usage, "unknown format");
      appraise::Appraisal appraisal;
      appraisal.claims = challenge.claims;
      REDOUBT_TRY(const auto signature, crypto::Ed25519Signature::from(evidence.bytes, "toy quote"));
      const bool bound = crypto::verify(key_.public_key(), challenge.statement, signature).ok();
      const bool contract = challenge.claims->contract == challenge.contract;
      appraisal.checks = {bound ? attest::passed(CheckId::m2, "", "")
                                : attest::failed(CheckId::m2, Code::binding, "this statement", "another"),
                          contract ? attest::passed(CheckId::claims_contract, "", "")
                                   : attest::failed(CheckId::claims_contract, Code::binding, "my contract", "another")};
      appraisal.status = bound && contract ? appraise::Tier::affirming : appraise::Tier::contraindicated;
      return appraisal;
    };
  }
  bool broken = false;
  int quotes = 0;

 private:
  test::FixedRandom random_;
  crypto::Ed25519PrivateKey key_;
};

class SessionTest : public testing::Test {
 protected:
  SessionTest() : key_(OrDie(crypto::Ed25519PrivateKey::generate(random_))), instance_(instance()) {}

  AttesterSession::Instance instance(char tls_key = 'T') {
    attest::Claims claims;
    claims.workload = "cleanroom";
    claims.tls_key = filled<SpkiDigest>(tls_key);
    claims.contract = contract_;
    return {claims, platform_, challenges_, quotes_,
            [this](const crypto::Ed25519PublicKey& key) -> Result<std::string> {
              if (key == key_.public_key()) return std::string("hospital");
              return Error(Code::auth, "no such participant");
            },
            [this] { return now_; }};
  }
  RelyingPartySession::Context context() { return {platform_.appraiser(), contract_, key_, random_, [this] { return now_; }}; }

  static Channel server(char exporter = 'E', char key = 'T') { return {filled<attest::TlsExporter>(exporter), filled<SpkiDigest>(key), std::nullopt, false}; }
  static Channel client(char exporter = 'E', char key = 'T') { return {filled<attest::TlsExporter>(exporter), std::nullopt, filled<SpkiDigest>(key), false}; }

  test::FixedRandom random_{21};
  crypto::Ed25519PrivateKey key_;
  ContractDigest contract_ = filled<ContractDigest>('C');
  Instant now_ = kNow;
  ToyPlatform platform_{22};
  ChallengeTable challenges_{8, random_};
  QuoteGate quotes_{{.total = 8, .per_peer = 2, .burst = 50, .refill_per_second = 50, .peers = 8}};
  AttesterSession::Instance instance_;
};

TEST_F(SessionTest, BothEndsReachTheSameSession) {
  AttesterSession attester(instance_, "peer");
  RelyingPartySession party(context());
  ASSERT_OK(attester.begin(server()));
  const Bytes hello = OrDie(party.begin(client()));
  const Step evidence = OrDie(attester.receive(hello));
  EXPECT_FALSE(evidence.done);
  EXPECT_TRUE(attester.participant().empty());
  const Step proof = OrDie(party.receive(evidence.send));
  const Step accepted = OrDie(attester.receive(proof.send));
  EXPECT_TRUE(accepted.done);
  EXPECT_EQ(attester.participant(), "hospital");
  const Step end = OrDie(party.receive(accepted.send));
  EXPECT_TRUE(end.done);
  EXPECT_TRUE(end.send.empty());
  EXPECT_OK(party.appraisal()->accepted());
}

TEST_F(SessionTest, AManInTheMiddleWithAGenuineEnclaveBehindHimGetsNothing) {
  // He ends the party's TLS with his own key 'M' and relays the messages to a genuine enclave over another connection.
  AttesterSession attester(instance_, "mallory");
  RelyingPartySession party(context());
  ASSERT_OK(attester.begin(server('X')));
  const Bytes hello = OrDie(party.begin(client('Y', 'M')));
  const Step evidence = OrDie(attester.receive(hello));
  EXPECT_ERROR(party.receive(evidence.send), Code::binding, "this connection ends at");
  EXPECT_FALSE(party.appraisal().has_value());  // so nothing was signed

  // He owns the enclave's TLS key too, which a host must never: the exporter still differs on the two connections.
  AttesterSession again(instance_, "mallory");
  RelyingPartySession victim(context());
  ASSERT_OK(again.begin(server('X')));
  const Step relayed = OrDie(again.receive(OrDie(victim.begin(client('Y')))));
  EXPECT_ERROR(victim.receive(relayed.send), Code::binding, "M2");
  EXPECT_TRUE(again.participant().empty());
}

TEST_F(SessionTest, RewrittenClaimsDoNotMatchTheEvidence) {
  AttesterSession attester(instance_, "mallory");
  RelyingPartySession party(context());
  ASSERT_OK(attester.begin(server('X')));
  const Step step = OrDie(attester.receive(OrDie(party.begin(client('Y', 'M')))));
  auto answer = OrDie(wire::SessionEvidence::decode(step.send));
  auto claims = OrDie(attest::Claims::parse(answer.claims));
  claims.tls_key = filled<SpkiDigest>('M');  // so that the first comparison passes
  answer.claims = claims.canonical();
  EXPECT_ERROR(party.receive(answer.encode()), Code::binding, "M2");
}

TEST_F(SessionTest, ReplayedEvidenceIsRefused) {
  AttesterSession attester(instance_, "peer");
  RelyingPartySession first(context());
  ASSERT_OK(attester.begin(server()));
  const Step evidence = OrDie(attester.receive(OrDie(first.begin(client()))));
  ASSERT_OK(first.receive(evidence.send));
  RelyingPartySession second(context());  // the same connection facts: its own challenge alone must refuse
  (void)OrDie(second.begin(client()));
  EXPECT_ERROR(second.receive(evidence.send), Code::binding, "M2");
}

TEST_F(SessionTest, AReplayedProofIsRefused) {
  AttesterSession attester(instance_, "peer");
  RelyingPartySession party(context());
  ASSERT_OK(attester.begin(server()));
  const Step evidence = OrDie(attester.receive(OrDie(party.begin(client()))));
  const Step proof = OrDie(party.receive(evidence.send));
  ASSERT_OK(attester.receive(proof.send));
  EXPECT_ERROR(attester.receive(proof.send), Code::malformed, "does not expect");

  AttesterSession later(instance_, "peer");
  RelyingPartySession other(context());
  ASSERT_OK(later.begin(server()));
  ASSERT_OK(later.receive(OrDie(other.begin(client()))));
  EXPECT_ERROR(later.receive(proof.send), Code::chain, "participant's proof");
  EXPECT_TRUE(later.participant().empty());
}

TEST_F(SessionTest, ReflectedMessagesAreRefused) {
  AttesterSession attester(instance_, "peer");
  RelyingPartySession party(context());
  ASSERT_OK(attester.begin(server()));
  const Bytes hello = OrDie(party.begin(client()));
  EXPECT_ERROR(party.receive(hello), Code::malformed, "redoubt/session/evidence/1");
  const Step evidence = OrDie(attester.receive(hello));
  EXPECT_ERROR(attester.receive(evidence.send), Code::malformed, "redoubt/session/proof/1");
}

TEST_F(SessionTest, EvidenceForAnotherPurposeIsRefused) {
  RelyingPartySession party(context());
  const auto hello = OrDie(wire::SessionHello::decode(OrDie(party.begin(client()))));
  const Bytes identity = attest::identity_statement(hello.challenge, instance_.claims.digest());
  const wire::SessionEvidence answer{Challenge(), instance_.claims.canonical(), "tpm", OrDie(platform_.collect(identity)).bytes};
  EXPECT_ERROR(party.receive(answer.encode()), Code::binding, "M2");
}

TEST_F(SessionTest, AChannelWithoutExporterIsRefused) {
  for (const bool resumed : {false, true}) {
    Channel at_server = server();
    Channel at_client = client();
    if (resumed) {
      at_server.resumed = at_client.resumed = true;
    } else {
      at_server.exporter.reset();
      at_client.exporter.reset();
    }
    const char* const why = resumed ? "resumes an earlier one" : "no TLS exporter";
    AttesterSession attester(instance_, "peer");
    EXPECT_ERROR(attester.begin(at_server), Code::binding, why);
    EXPECT_ERROR(attester.receive(wire::SessionHello{}.encode()), Code::malformed, "does not expect");
    RelyingPartySession party(context());
    EXPECT_ERROR(party.begin(at_client), Code::binding, why);
  }
}

TEST_F(SessionTest, AConnectionUnderAnotherKeyIsRefused) {
  AttesterSession attester(instance_, "peer");
  EXPECT_ERROR(attester.begin(server('E', 'U')), Code::binding, "not the one in the claims");
  Channel keyless = client();
  keyless.peer_key.reset();
  RelyingPartySession party(context());
  EXPECT_ERROR(party.begin(keyless), Code::binding, "no TLS key");
}

TEST_F(SessionTest, AnotherContractIsNotTrustedAndNothingIsSigned) {
  AttesterSession attester(instance_, "peer");
  auto mine = context();
  mine.contract = filled<ContractDigest>('D');  // I hold another contract than the server's
  RelyingPartySession party(mine);
  ASSERT_OK(attester.begin(server()));
  const Step evidence = OrDie(attester.receive(OrDie(party.begin(client()))));
  EXPECT_ERROR(party.receive(evidence.send), Code::binding, "claims.contract");
  EXPECT_ERROR(party.receive(evidence.send), Code::malformed, "does not expect");
}

TEST_F(SessionTest, AStrangerIsNotServed) {
  auto stranger = OrDie(crypto::Ed25519PrivateKey::generate(random_));
  AttesterSession attester(instance_, "peer");
  const RelyingPartySession::Context theirs{platform_.appraiser(), contract_, stranger, random_, [this] { return now_; }};
  RelyingPartySession party(theirs);
  ASSERT_OK(attester.begin(server()));
  const Step proof = OrDie(party.receive(OrDie(attester.receive(OrDie(party.begin(client())))).send));
  EXPECT_ERROR(attester.receive(proof.send), Code::auth, "no such participant");
  EXPECT_TRUE(attester.participant().empty());
}

TEST_F(SessionTest, AListedKeyWithoutItsOwnerIsNotServed) {
  AttesterSession attester(instance_, "peer");
  RelyingPartySession party(context());
  ASSERT_OK(attester.begin(server()));
  (void)OrDie(party.receive(OrDie(attester.receive(OrDie(party.begin(client())))).send));
  const wire::SessionProof forged{key_.public_key(), crypto::Ed25519Signature()};
  EXPECT_ERROR(attester.receive(forged.encode()), Code::chain, "participant's proof");
}

TEST_F(SessionTest, AProofThatComesTooLateIsRefused) {
  AttesterSession attester(instance_, "peer");
  RelyingPartySession party(context());
  ASSERT_OK(attester.begin(server()));
  const Step proof = OrDie(party.receive(OrDie(attester.receive(OrDie(party.begin(client())))).send));
  now_ = kNow.plus_seconds(61);
  EXPECT_ERROR(attester.receive(proof.send), Code::freshness, "older than 60 s");
}

TEST_F(SessionTest, AFullQueueRefusesAndRecovers) {
  const auto first = OrDie(quotes_.enter("peer", now_));
  {
    const auto second = OrDie(quotes_.enter("peer", now_));
    AttesterSession refused(instance_, "peer");
    RelyingPartySession party(context());
    ASSERT_OK(refused.begin(server()));
    EXPECT_ERROR(refused.receive(OrDie(party.begin(client()))), Code::unavailable, "queue of this peer is full");
    EXPECT_EQ(platform_.quotes, 0);
  }
  AttesterSession served(instance_, "peer");
  RelyingPartySession party(context());
  ASSERT_OK(served.begin(server()));
  EXPECT_OK(served.receive(OrDie(party.begin(client()))));
}

TEST_F(SessionTest, AnAbandonedSessionGivesItsChallengeBack) {
  for (int i = 0; i < 40; ++i) {  // the table holds 8
    AttesterSession attester(instance_, "peer");
    RelyingPartySession party(context());
    ASSERT_OK(attester.begin(server()));
    ASSERT_OK(attester.receive(OrDie(party.begin(client()))));
  }
}

TEST_F(SessionTest, ADeadDeviceFailsTheSessionAndTheNextOneWorks) {
  platform_.broken = true;
  AttesterSession failed(instance_, "peer");
  RelyingPartySession party(context());
  ASSERT_OK(failed.begin(server()));
  const Bytes hello = OrDie(party.begin(client()));
  EXPECT_ERROR(failed.receive(hello), Code::unavailable, "collecting evidence: the device does not answer");
  platform_.broken = false;
  AttesterSession served(instance_, "peer");
  ASSERT_OK(served.begin(server()));
  EXPECT_OK(served.receive(hello));
}

TEST_F(SessionTest, EveryFlippedByteOfEveryMessageFails) {
  // Fixed keys and randomness: the same session again, with one byte of one message changed.
  const auto run = [&](int message, std::size_t byte) -> Status {
    test::FixedRandom fixed(77);
    ChallengeTable challenges(8, fixed);
    QuoteGate quotes({.total = 8, .per_peer = 8, .burst = 50, .refill_per_second = 50, .peers = 8});
    AttesterSession::Instance shared{instance_.claims, platform_, challenges, quotes, instance_.roster, instance_.now};
    AttesterSession attester(shared, "peer");
    RelyingPartySession party({platform_.appraiser(), contract_, key_, fixed, [] { return kNow; }});
    const auto flip = [&](int which, Bytes bytes) {
      if (which == message && byte < bytes.size()) bytes[byte] ^= std::byte{1};
      return bytes;
    };
    REDOUBT_CHECK(attester.begin(server()));
    REDOUBT_TRY(Bytes hello, party.begin(client()));
    REDOUBT_TRY(Step evidence, attester.receive(flip(0, std::move(hello))));
    REDOUBT_TRY(Step proof, party.receive(flip(1, std::move(evidence.send))));
    REDOUBT_TRY(Step accepted, attester.receive(flip(2, std::move(proof.send))));
    if (attester.participant() != "hospital") return Error(Code::internal, "another participant");
    return {};
  };
  ASSERT_OK(run(-1, 0));
  for (const auto& [message, size] : {std::pair<int, std::size_t>{0, 62}, {1, 700}, {2, 120}}) {
    std::size_t length = 0;
    while (length < size && !run(message, length).ok()) ++length;
    EXPECT_GT(length, message == 0 ? 50U : 100U) << message;  // beyond the end of the message nothing is flipped
    for (std::size_t i = length; i < size; ++i) EXPECT_OK(run(message, i)) << "byte " << i << " of message " << message << " does not count";
  }
}

}  // namespace
}  // namespace redoubt::ratls
