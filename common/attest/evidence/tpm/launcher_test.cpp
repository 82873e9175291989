// Goal: what a launcher measured reaches the verifier as typed events, and an event cannot be hidden, moved or invented by the
// host that hands in the logs. Method: an attestation key of the test quotes whatever PCR values a story needs; the rest of the
// Evidence is that of a recorded boot.
#include <gtest/gtest.h>

#include "common/attest/evidence/tpm/pcr.h"
#include "common/crypto/ecdsa_p256.h"
#include "tests/support/evidence_eventlog.h"
#include "tests/support/tpm_vectors.h"

namespace redoubt::tpm {
namespace {

using test::TpmVerifier;
using Ids = std::set<std::string>;

// The coordinates at the end of a DER SubjectPublicKeyInfo of P-256.
ByteView point(const Bytes& spki) { return ByteView(spki).last(64); }

// Quoting: Evidence of a machine whose TPM holds `pcrs`.
RawEvidence quote(const std::map<int, PcrValue>& pcrs, const TpmVerifier& verifier) {
  static const crypto::EcdsaP256PrivateKey key = OrDie(crypto::EcdsaP256PrivateKey::generate());
  RawEvidence raw = test::without_logs(test::tpm_evidence("good"));
  const Bytes spki = key.public_key().spki();
  Writer ak;
  ak.bytes(ByteView(raw.ak_public).first(raw.ak_public.size() - 68));
  ak.sized16be(point(spki).first(32)).sized16be(point(spki).last(32));
  raw.ak_public = ak.take();

  raw.pcrs = pcrs;
  Bytes values;
  std::uint32_t bitmap = 0;
  for (const auto& [pcr, value] : pcrs) {
    append(values, value.view());
    bitmap |= 1U << pcr;
  }
  Writer attest;
  const AkName parent = primary_qualified_name(OrDie(Public::parse(raw.ek_public)).name, kHierarchyEndorsement);
  const AkName signer = qualified_name(OrDie(Public::parse(raw.ak_public)).name, parent.view());
  attest.u32be(0xff544347).u16be(0x8018).sized16be(signer.view()).sized16be(verifier.nonce);
  attest.u64be(1).u32be(1).u32be(0).u8(1).u64be(1).u32be(1).u16be(kAlgSha256).u8(3);
  attest.u8(static_cast<std::uint8_t>(bitmap)).u8(static_cast<std::uint8_t>(bitmap >> 8)).u8(static_cast<std::uint8_t>(bitmap >> 16));
  attest.sized16be(crypto::sha256(values).view());
  raw.attest = attest.take();
  const crypto::EcdsaP256Signature signature = key.sign_digest(crypto::sha256(raw.attest));
  raw.signature = Writer().u16be(kAlgEcdsa).u16be(kAlgSha256).sized16be(signature.r.view()).sized16be(signature.s.view()).take();
  return raw;
}

TpmVerifier verifier_of(const RawEvidence& raw) {
  TpmVerifier verifier("good");
  verifier.enrolments = {test::tpm_enrolment(raw, test::tpm_enroller())};
  verifier.required_pcrs = {kLauncherPcr};
  return verifier;
}

std::vector<Bytes> launch(std::string_view contract) {
  return {ApplicationEvent{"manifest", Bytes(32, std::byte{1})}.encode(),
          ApplicationEvent{"contract", to_bytes(contract)}.encode(), ApplicationEvent{"cap", {}}.encode()};
}

std::vector<Bytes> both(std::vector<Bytes> first, const std::vector<Bytes>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

// A firmware log that says of each of PCR 0-7 that it has its separator, and of `pcr` that `events` were measured into it.
Bytes firmware_log(int pcr, const std::vector<Bytes>& events) {
  test::LogBuilder log;
  log.separators(0, 7);
  for (const Bytes& data : events) log.event(static_cast<std::uint32_t>(pcr), 0x0d, data);
  return log.bytes();
}

const PcrValue kSeparated = extend({}, crypto::sha256(Bytes(4)));

std::optional<std::vector<std::string>> types(const RawEvidence& raw) {
  const TpmVerifier verifier = verifier_of(raw);
  const Outcome outcome = authenticate(OrDie(parse(raw.encode())), verifier.inputs());
  if (!outcome.authentic || !(*outcome.authentic)->application_events) return std::nullopt;
  std::vector<std::string> names;
  for (const ApplicationEvent& event : *(*outcome.authentic)->application_events) names.push_back(event.type);
  return names;
}

TEST(TpmLauncher, WhatItMeasuredIsReadAsTypedEvents) {
  const ApplicationLog log{kLauncherPcr, launch("ours")};
  RawEvidence raw = quote({{kLauncherPcr, log.replay()}}, TpmVerifier("good"));
  raw.application_log = log;
  EXPECT_EQ(verifier_of(raw).failures(raw), Ids{});
  EXPECT_EQ(types(raw), (std::vector<std::string>{"manifest", "contract", "cap"}));
}

TEST(TpmLauncher, NoEventCanBeLeftOut) {
  const ApplicationLog all{kLauncherPcr, both(launch("ours"), launch("theirs"))};
  RawEvidence raw = quote({{kLauncherPcr, all.replay()}}, TpmVerifier("good"));
  for (std::size_t i = 0; i < all.events.size(); ++i) {
    raw.application_log = all;
    raw.application_log->events.erase(raw.application_log->events.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_EQ(verifier_of(raw).failures(raw), Ids{"app.log"}) << i;
  }
  raw.application_log = ApplicationLog{kLauncherPcr, launch("theirs")};
  EXPECT_EQ(verifier_of(raw).failures(raw), Ids{"app.log"});
}

TEST(TpmLauncher, AnEarlierLaunchCannotHideAmongFirmwareEvents) {
  // The host measured one launch, capped, then another, and calls the first one firmware events of the same PCR.
  const ApplicationLog all{kLauncherPcr, both(launch("ours"), launch("theirs"))};
  RawEvidence raw = quote({{7, kSeparated}, {kLauncherPcr, all.replay()}}, TpmVerifier("good"));
  raw.event_log = firmware_log(kLauncherPcr, launch("ours"));
  raw.application_log = ApplicationLog{kLauncherPcr, launch("theirs")};
  EXPECT_EQ(verifier_of(raw).failures(raw), Ids{});  // it does replay
  EXPECT_EQ(types(raw), std::nullopt);               // and says nothing
}

TEST(TpmLauncher, EventsOfAnotherPcrAreNotTheLaunchers) {
  // Whoever controls the machine may extend PCR 15 with a launch that never was.
  const ApplicationLog log{15, launch("theirs")};
  RawEvidence raw = quote({{kLauncherPcr, PcrValue()}, {15, log.replay()}}, TpmVerifier("good"));
  raw.application_log = log;
  EXPECT_EQ(verifier_of(raw).failures(raw), Ids{});
  EXPECT_EQ(types(raw), std::nullopt);
}

TEST(TpmLauncher, OneUntypedEventMakesTheWholeLogUntyped) {
  ApplicationLog log{kLauncherPcr, launch("ours")};
  log.events.push_back(to_bytes("anything"));
  RawEvidence raw = quote({{kLauncherPcr, log.replay()}}, TpmVerifier("good"));
  raw.application_log = log;
  EXPECT_EQ(verifier_of(raw).failures(raw), Ids{});
  EXPECT_EQ(types(raw), std::nullopt);
}

TEST(TpmLauncher, SecureBootIsUnknownWithoutPcr7) {
  RawEvidence raw = test::tpm_evidence("good");
  const ApplicationLog log{kLauncherPcr, {}};
  RawEvidence quoted = quote({{0, raw.pcrs.at(0)}, {kLauncherPcr, log.replay()}}, TpmVerifier("good"));
  quoted.event_log = raw.event_log;
  quoted.application_log = log;
  const TpmVerifier verifier = verifier_of(quoted);
  const Outcome outcome = authenticate(OrDie(parse(quoted.encode())), verifier.inputs());
  ASSERT_TRUE(outcome.authentic);
  EXPECT_FALSE((*outcome.authentic)->secure_boot);
}

TEST(TpmLauncher, AnImaListWithoutPcr10IsRefused) {
  RawEvidence raw = quote({{kLauncherPcr, PcrValue()}}, TpmVerifier("good"));
  raw.ima_log = test::tpm_evidence("good").ima_log;
  EXPECT_EQ(verifier_of(raw).failures(raw), Ids{"I3"});
}

}  // namespace
}  // namespace redoubt::tpm
