// Goal: a TPM with a SHA-384 bank quotes it, and logs that fit are authentic in that bank; a log that lacks the bank is refused. Method: a
// real swtpm with two banks, extended as firmware does, with an attestation key in its endorsement hierarchy.
#include <tss2/tss2_mu.h>

#include "enclave/collect/tpm/tpm_device.h"
#include "enclave/collect/tpm/tss.h"
#include "tests/support/evidence_eventlog.h"
#include "tests/support/swtpm.h"
#include "tests/support/tpm_vectors.h"

namespace redoubt {
namespace {

using collect::EsysPtr;
using collect::TssConnection;
using test::LogBuilder;

constexpr int kPcrs[] = {0, 1, 2, 3, 4, 5, 6, 7, 14};
const LogBuilder::Banks kBoth = {{eventlog::kSha256, 32}, {eventlog::kSha384, 48}};

crypto::Certificate certificate(const std::filesystem::path& pem) {
  return OrDie(crypto::Certificate::parse_pem_bundle(test::read_text(pem))).at(0);
}

Bytes log_of(const LogBuilder::Banks& banks) {
  LogBuilder log(banks);
  log.event(0, 8, as_bytes(std::string_view("firmware")));
  log.event(7, eventlog::kEvEfiVariableDriverConfig, test::uefi_variable("SecureBoot", Bytes{std::byte{1}}));
  return log.separators(0, 7).bytes();
}

// extend: one event in both banks, as firmware does (TPM2_PCR_Extend with a digest for each).
void extend(TssConnection& tpm, int pcr, ByteView measured) {
  TPML_DIGEST_VALUES values{};
  values.count = 2;
  values.digests[0].hashAlg = TPM2_ALG_SHA256;
  std::ranges::copy(eventlog::hash(eventlog::kSha256, measured).view(), reinterpret_cast<std::byte*>(values.digests[0].digest.sha256));
  values.digests[1].hashAlg = TPM2_ALG_SHA384;
  std::ranges::copy(eventlog::hash(eventlog::kSha384, measured).view(), reinterpret_cast<std::byte*>(values.digests[1].digest.sha384));
  ASSERT_OK(collect::tss_status(Esys_PCR_Extend(tpm.esys(), static_cast<ESYS_TR>(pcr), ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &values), "extending"));
}

// make_ak: a primary key of the endorsement hierarchy, and its public area.
collect::TransientHandle make_ak(TssConnection& tpm, Bytes& ak_public) {
  TPM2B_PUBLIC area{};
  area.publicArea.type = TPM2_ALG_ECC;
  area.publicArea.nameAlg = TPM2_ALG_SHA256;
  area.publicArea.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA |
                                     TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT;
  auto& ecc = area.publicArea.parameters.eccDetail;
  ecc.symmetric.algorithm = TPM2_ALG_NULL;
  ecc.scheme.scheme = TPM2_ALG_ECDSA;
  ecc.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
  ecc.curveID = TPM2_ECC_NIST_P256;
  ecc.kdf.scheme = TPM2_ALG_NULL;
  const TPM2B_SENSITIVE_CREATE sensitive{};
  const TPM2B_DATA outside{};
  const TPML_PCR_SELECTION creation{};
  ESYS_TR handle = ESYS_TR_NONE;
  TPM2B_PUBLIC* raw = nullptr;
  const TSS2_RC code = Esys_CreatePrimary(tpm.esys(), ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &area, &outside, &creation, &handle, &raw,
                                          nullptr, nullptr, nullptr);
  const EsysPtr<TPM2B_PUBLIC> made(raw);
  EXPECT_OK(collect::tss_status(code, "making the key"));
  ak_public = OrDie(collect::marshalled(made->publicArea, Tss2_MU_TPMT_PUBLIC_Marshal, "TPMT_PUBLIC"));
  return collect::TransientHandle(tpm.esys(), handle);
}

TPML_PCR_SELECTION selection(std::span<const int> pcrs) {
  TPML_PCR_SELECTION out{};
  out.count = 1;
  out.pcrSelections[0].hash = TPM2_ALG_SHA384;
  out.pcrSelections[0].sizeofSelect = 3;
  for (const int pcr : pcrs) {
    BYTE& octet = out.pcrSelections[0].pcrSelect[pcr / 8];
    octet = static_cast<BYTE>(octet | 1U << (pcr % 8));
  }
  return out;
}

Bytes read_pcr(TssConnection& tpm, int pcr) {
  const TPML_PCR_SELECTION asked = selection(std::span(&pcr, 1));
  TPML_PCR_SELECTION* raw_selection = nullptr;
  TPML_DIGEST* raw = nullptr;
  const TSS2_RC code = Esys_PCR_Read(tpm.esys(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &asked, nullptr, &raw_selection, &raw);
  const EsysPtr<TPML_PCR_SELECTION> given(raw_selection);
  const EsysPtr<TPML_DIGEST> digests(raw);
  EXPECT_OK(collect::tss_status(code, "reading a PCR"));
  return digests->count != 1 ? Bytes() : to_bytes(std::as_bytes(std::span(digests->digests[0].buffer, digests->digests[0].size)));
}

void quote(TssConnection& tpm, ESYS_TR ak, ByteView nonce, tpm::RawEvidence& raw) {
  const TPML_PCR_SELECTION asked = selection(kPcrs);
  TPM2B_DATA data{};
  data.size = static_cast<UINT16>(nonce.size());
  std::ranges::copy(nonce, reinterpret_cast<std::byte*>(data.buffer));
  TPMT_SIG_SCHEME scheme{};
  scheme.scheme = TPM2_ALG_NULL;
  TPM2B_ATTEST* raw_attest = nullptr;
  TPMT_SIGNATURE* raw_signature = nullptr;
  const TSS2_RC code = Esys_Quote(tpm.esys(), ak, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &data, &scheme, &asked, &raw_attest, &raw_signature);
  const EsysPtr<TPM2B_ATTEST> attest(raw_attest);
  const EsysPtr<TPMT_SIGNATURE> signature(raw_signature);
  ASSERT_OK(collect::tss_status(code, "TPM2_Quote"));
  raw.attest = to_bytes(std::as_bytes(std::span(attest->attestationData, attest->size)));
  raw.signature = OrDie(collect::marshalled(*signature, Tss2_MU_TPMT_SIGNATURE_Marshal, "TPMT_SIGNATURE"));
}

TEST(TpmBankEndToEnd, AQuoteOverTheSha384BankIsAuthenticWithItsLogs) {
  REDOUBT_REQUIRE_SWTPM();
  test::TestTpm swtpm("sha256,sha384");
  tpm::RawEvidence raw;
  raw.bank = tpm::kAlgSha384;
  {
    const auto device = OrDie(collect::TpmDevice::open(swtpm->tcti()));
    raw.ek_public = OrDie(device->ek_public());
    raw.ek_certificate = OrDie(device->ek_certificate());
  }
  raw.ek_intermediates = {to_bytes(certificate(swtpm->issuer_pem()).der())};
  raw.event_log = log_of(kBoth);
  raw.application_log = tpm::ApplicationLog{14, {to_bytes("an event")}};
  const Bytes nonce(32, std::byte{0x4e});
  {
    const auto connection = OrDie(TssConnection::open(swtpm->tcti()));
    const auto log = OrDie(eventlog::EventLog::parse(raw.event_log));
    for (const eventlog::Event& event : log.events) extend(*connection, event.index, event.data);
    extend(*connection, 14, raw.application_log->events.front());
    const auto ak = make_ak(*connection, raw.ak_public);
    for (const int pcr : kPcrs) raw.wide_pcrs[pcr] = read_pcr(*connection, pcr);
    quote(*connection, ak.get(), nonce, raw);
  }
  const std::vector<crypto::Certificate> roots{certificate(swtpm->root_pem())};
  const std::vector<tpm::AkEnrolment> enrolments{test::tpm_enrolment(raw, test::tpm_enroller())};
  const std::vector<crypto::Ed25519PublicKey> enrollers{test::tpm_enroller().public_key()};
  const Instant now = OrDie(crypto::CertificateView::parse(raw.ek_certificate)).validity.begin.plus_seconds(60);
  const auto judge = [&](const tpm::RawEvidence& evidence) {
    constexpr int kRequired[] = {0, 7, 14};
    tpm::Inputs inputs{nonce, roots, nullptr, enrolments, enrollers, kRequired, now};
    return tpm::authenticate(OrDie(tpm::parse(evidence.encode())), inputs);
  };
  const auto failures = [&](const tpm::RawEvidence& evidence) {
    std::set<std::string> ids;
    for (const attest::Check& check : judge(evidence).checks) {
      if (check.outcome == attest::Outcome::failed) ids.insert(std::string(attest::id_text(check.id)) + ": " + check.found);
    }
    return ids;
  };
  EXPECT_EQ(failures(raw), std::set<std::string>());
  const auto outcome = judge(raw);
  ASSERT_TRUE(outcome.authentic.has_value());
  EXPECT_EQ((**outcome.authentic).secure_boot, true);
  tpm::RawEvidence lacking = raw;
  lacking.event_log = log_of({{eventlog::kSha256, 32}});
  EXPECT_EQ(failures(lacking), std::set<std::string>{"L2: banks sha256"});
  tpm::RawEvidence other = raw;
  other.application_log->events.front().push_back(std::byte{0});
  EXPECT_EQ(failures(other).size(), 1U);
  EXPECT_TRUE(failures(other).begin()->starts_with("app.log: "));
}

}  // namespace
}  // namespace redoubt
