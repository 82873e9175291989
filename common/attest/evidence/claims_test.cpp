// Goal: claims have one form, and every field of claims and transcript changes what Evidence is taken over. Method: one value
// written and read; each field changed in turn must change the digest or the statement; labels keep statements apart.
#include <gtest/gtest.h>

#include <set>

#include "common/attest/evidence/binding.h"
#include "tests/support/expect.h"

namespace redoubt::attest {
namespace {

Claims sample() {
  Claims claims;
  claims.workload = "cleanroom";
  claims.instance.array()[0] = std::byte{1};
  claims.boot.array()[0] = std::byte{2};
  claims.contract.array()[0] = std::byte{3};
  return claims;
}

Transcript transcript() {
  Transcript transcript;
  transcript.claims = sample().digest();
  transcript.peer_key = SpkiDigest();
  return transcript;
}

template <class F>
void flip(F& field) {
  field.array()[F::size - 1] ^= std::byte{1};
}

TEST(Claims, ReadWhatTheyWrite) {
  EXPECT_EQ(OrDie(Claims::parse(sample().canonical())), sample());
  EXPECT_ERROR(Claims::parse(sample().canonical() + " "), Code::malformed, "canonical");
  EXPECT_ERROR(Claims::parse("{}"), Code::malformed, "absent");
  EXPECT_ERROR(Claims::parse(std::string(5000, ' ')), Code::malformed, "above the limit");
  Claims long_name = sample();
  long_name.workload = std::string(33, 'w');
  EXPECT_ERROR(Claims::parse(long_name.canonical()), Code::malformed, "workload");
}

TEST(Claims, EveryFieldChangesTheDigest) {
  std::set<ClaimsDigest> digests{sample().digest()};
  const auto add = [&](auto change) {
    Claims claims = sample();
    change(claims);
    EXPECT_TRUE(digests.insert(claims.digest()).second);
  };
  add([](Claims& c) { c.workload = "scoring"; });
  add([](Claims& c) { flip(c.instance); });
  add([](Claims& c) { flip(c.boot); });
  add([](Claims& c) { flip(c.tls_key); });
  add([](Claims& c) { flip(c.receipt_key); });
  add([](Claims& c) { flip(c.hpke_key); });
  add([](Claims& c) { flip(c.contract); });
  add([](Claims& c) { flip(c.workload_claims); });
}

TEST(Binding, EveryFieldChangesTheSessionStatement) {
  std::set<Bytes> statements{session_statement(transcript())};
  const auto add = [&](auto change) {
    Transcript changed = transcript();
    change(changed);
    EXPECT_TRUE(statements.insert(session_statement(changed)).second);
  };
  add([](Transcript& t) { flip(t.relying_party_challenge); });
  add([](Transcript& t) { flip(t.attester_challenge); });
  add([](Transcript& t) { flip(t.exporter); });
  add([](Transcript& t) { flip(t.attester_key); });
  add([](Transcript& t) { flip(*t.peer_key); });
  add([](Transcript& t) { t.peer_key.reset(); });
  add([](Transcript& t) { flip(t.claims); });
  add([](Transcript& t) {
    t.relying_party_challenge.array()[0] = std::byte{9};
    t.attester_challenge.array()[0] = std::byte{8};
  });
  add([](Transcript& t) {  // the two challenges swapped
    t.relying_party_challenge.array()[0] = std::byte{8};
    t.attester_challenge.array()[0] = std::byte{9};
  });
}

TEST(Binding, StatementsOfDifferentPurposesAreNeverEqual) {
  const Transcript t = transcript();
  const std::set<Bytes> statements{session_statement(t), participant_statement(t, sample().contract),
                                   identity_statement(t.relying_party_challenge, t.claims)};
  EXPECT_EQ(statements.size(), 3U);
}

TEST(Binding, TheParticipantStatementNamesTheContractAndTheConnection) {
  const Bytes statement = participant_statement(transcript(), sample().contract);
  Transcript other = transcript();
  flip(other.exporter);
  EXPECT_NE(participant_statement(other, sample().contract), statement);
  EXPECT_NE(participant_statement(transcript(), ContractDigest()), statement);
}

}  // namespace
}  // namespace redoubt::attest
