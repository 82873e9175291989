#include "enclave/collect/tpm/tpm_device.h"

#include <tss2/tss2_mu.h>

#include "common/base/reader.h"
#include "enclave/collect/tpm/tss.h"

namespace redoubt::collect {
namespace {

constexpr TPM2_HANDLE kEkCertificateIndex = 0x01c00002;
constexpr TPM2_HANDLE kEkHandle = 0x81010001;
constexpr std::size_t kMaxCertificate = crypto::Certificate::kMaxSize;
constexpr std::size_t kMaxPcrsPerRead = 8;

// PolicySecret(TPM_RH_ENDORSEMENT), the policy of template L-1 (TCG EK Credential Profile 2.4, B.3.2).
constexpr std::string_view kEkPolicy = "837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa";

TPM2B_PUBLIC ek_template() {
  TPM2B_PUBLIC out{};
  TPMT_PUBLIC& area = out.publicArea;
  area.type = TPM2_ALG_RSA;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                          TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;
  const auto policy = hex_decode(kEkPolicy);
  area.authPolicy.size = static_cast<UINT16>(policy.value().size());
  std::ranges::copy(policy.value(), reinterpret_cast<std::byte*>(area.authPolicy.buffer));
  area.parameters.rsaDetail.symmetric.algorithm = TPM2_ALG_AES;
  area.parameters.rsaDetail.symmetric.keyBits.aes = 128;
  area.parameters.rsaDetail.symmetric.mode.aes = TPM2_ALG_CFB;
  area.parameters.rsaDetail.scheme.scheme = TPM2_ALG_NULL;
  area.parameters.rsaDetail.keyBits = 2048;
  area.unique.rsa.size = 256;
  return out;
}

TPM2B_PUBLIC ak_template() {
  TPM2B_PUBLIC out{};
  TPMT_PUBLIC& area = out.publicArea;
  area.type = TPM2_ALG_ECC;
  area.nameAlg = TPM2_ALG_SHA256;
  // noDA: the key has no password to guess, and a TPM that lost power counts each use before as a guess (Part 1 section 19.8).
  area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                          TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT;
  area.parameters.eccDetail.symmetric.algorithm = TPM2_ALG_NULL;
  area.parameters.eccDetail.scheme.scheme = TPM2_ALG_ECDSA;
  area.parameters.eccDetail.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
  area.parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
  area.parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
  return out;
}

// der_size: the whole length of the SEQUENCE that `head` begins with, in the definite forms that certificates have.
Result<std::size_t> der_size(ByteView head) {
  Reader reader(head, "EK certificate");
  if (reader.u8() != 0x30) reader.fail("expected a SEQUENCE");
  const std::uint8_t first = reader.u8();
  std::size_t size = first;
  if (first == 0x81) {
    size = reader.u8();
  } else if (first == 0x82) {
    size = reader.u16be();
  } else if (first >= 0x80) {
    reader.fail("length of the SEQUENCE");
  }
  REDOUBT_CHECK(reader.status());
  return reader.offset() + size;
}

}  // namespace

// Session: the connection, the EK and the loaded AK. Destroyed from the bottom up.
class TpmDevice::Session {
 public:
  static Result<std::unique_ptr<Session>> open(const std::string& tcti, Bytes& ak_blob) {
    auto session = std::make_unique<Session>();
    REDOUBT_TRY(session->connection_, TssConnection::open(tcti));
    REDOUBT_CHECK(session->open_ek().context("opening the endorsement key"));
    if (ak_blob.empty()) {
      REDOUBT_TRY(ak_blob, session->make_ak().context("making an attestation key"));
    }
    REDOUBT_CHECK(session->load_ak(ak_blob).context("loading the attestation key"));
    return session;
  }

  ESYS_CONTEXT* esys() { return connection_->esys(); }
  ESYS_TR ek() const { return ek_; }
  ESYS_TR ak() const { return ak_.get(); }
  const Bytes& ek_public() const { return ek_public_; }
  const Bytes& ak_public() const { return ak_public_; }

  // ek_certificate reads NV once per connection: it is written when the TPM is made.
  Result<Bytes> ek_certificate() {
    if (!ek_certificate_.empty()) return ek_certificate_;
    REDOUBT_TRY(const auto index, NvIndex::open(esys(), kEkCertificateIndex));
    if (!index) return Error(Code::not_found, "the TPM has no EK certificate at its NV index");
    REDOUBT_TRY(const TPMS_NV_PUBLIC facts, index->facts());
    if (facts.dataSize > kMaxCertificate) return Error(Code::malformed, "NV index of " + std::to_string(facts.dataSize) + " bytes");
    REDOUBT_TRY(auto bytes, index->read(facts.dataSize));
    if (!bytes) return Error(Code::not_found, "the TPM has no EK certificate: its NV index was never written");
    REDOUBT_TRY(const std::size_t size, der_size(*bytes));
    if (size > bytes->size()) return Error(Code::malformed, "EK certificate: longer than its NV index");
    bytes->resize(size);
    ek_certificate_ = *bytes;
    return ek_certificate_;
  }

  // forget: the transport is dead; do not try to flush over it.
  void forget() {
    ak_.forget();
    made_ek_.forget();
  }

 private:
  Status open_ek() {
    if (Esys_TR_FromTPMPublic(esys(), kEkHandle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &ek_) == TSS2_RC_SUCCESS) {
      TPM2B_PUBLIC* raw = nullptr;
      const TSS2_RC code = Esys_ReadPublic(esys(), ek_, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &raw, nullptr, nullptr);
      const EsysPtr<TPM2B_PUBLIC> found(raw);
      REDOUBT_CHECK(tss_status(code, "reading its public part"));
      REDOUBT_TRY(ek_public_, marshalled(found->publicArea, Tss2_MU_TPMT_PUBLIC_Marshal, "writing TPMT_PUBLIC"));
      const auto parsed = tpm::Public::parse(ek_public_);
      if (parsed.ok() && tpm::ek_template_matches(*parsed)) return {};
    }
    const TPM2B_SENSITIVE_CREATE sensitive{};
    const TPM2B_PUBLIC area = ek_template();
    const TPM2B_DATA outside{};
    const TPML_PCR_SELECTION creation{};
    TPM2B_PUBLIC* raw = nullptr;
    const TSS2_RC code = Esys_CreatePrimary(esys(), ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                            &sensitive, &area, &outside, &creation, &ek_, &raw, nullptr, nullptr, nullptr);
    const EsysPtr<TPM2B_PUBLIC> made(raw);
    REDOUBT_CHECK(tss_status(code, "making it from the template"));
    made_ek_ = TransientHandle(esys(), ek_);
    REDOUBT_TRY(ek_public_, marshalled(made->publicArea, Tss2_MU_TPMT_PUBLIC_Marshal, "writing TPMT_PUBLIC"));
    return {};
  }

  // make_ak gives the blob: WrappedObject.
  Result<Bytes> make_ak() {
    REDOUBT_TRY(const TransientHandle authorized, endorsement_session(esys()));
    const TPM2B_SENSITIVE_CREATE sensitive{};
    const TPM2B_PUBLIC area = ak_template();
    const TPM2B_DATA outside{};
    const TPML_PCR_SELECTION creation{};
    TPM2B_PRIVATE* raw_private = nullptr;
    TPM2B_PUBLIC* raw_public = nullptr;
    const TSS2_RC code = Esys_Create(esys(), ek_, authorized.get(), ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &area, &outside,
                                     &creation, &raw_private, &raw_public, nullptr, nullptr, nullptr);
    const EsysPtr<TPM2B_PRIVATE> private_part(raw_private);
    const EsysPtr<TPM2B_PUBLIC> public_part(raw_public);
    REDOUBT_CHECK(tss_status(code, "TPM2_Create"));
    return WrappedObject{*public_part, *private_part}.encode();
  }

  Status load_ak(ByteView blob) {
    REDOUBT_TRY(const WrappedObject key, WrappedObject::decode(blob, "attestation key blob"));
    REDOUBT_TRY(const TransientHandle authorized, endorsement_session(esys()));
    ESYS_TR raw = ESYS_TR_NONE;
    REDOUBT_CHECK(tss_status(Esys_Load(esys(), ek_, authorized.get(), ESYS_TR_NONE, ESYS_TR_NONE, &key.private_part, &key.public_part,
                                       &raw),
                             "TPM2_Load"));
    ak_ = TransientHandle(esys(), raw);
    REDOUBT_TRY(ak_public_, marshalled(key.public_part.publicArea, Tss2_MU_TPMT_PUBLIC_Marshal, "writing TPMT_PUBLIC"));
    return {};
  }

  std::unique_ptr<TssConnection> connection_;
  ESYS_TR ek_ = ESYS_TR_NONE;  // persistent, or made_ek_
  TransientHandle made_ek_;
  TransientHandle ak_;
  Bytes ek_public_;
  Bytes ek_certificate_;
  Bytes ak_public_;
};

Result<std::unique_ptr<TpmDevice>> TpmDevice::open(const std::string& tcti, const std::optional<Bytes>& ak_blob) {
  std::unique_ptr<TpmDevice> device(new TpmDevice(tcti));
  if (ak_blob) {
    if (ak_blob->empty()) return Error(Code::malformed, "attestation key blob: empty");
    device->ak_blob_ = *ak_blob;
  }
  REDOUBT_CHECK(device->connect());
  return device;
}

TpmDevice::TpmDevice(std::string tcti) : tcti_(std::move(tcti)) {}
TpmDevice::~TpmDevice() = default;

Status TpmDevice::connect() {
  REDOUBT_TRY(session_, Session::open(tcti_, ak_blob_).context("opening the TPM"));
  return {};
}

Status TpmDevice::reopen() {
  const std::lock_guard lock(mutex_);
  session_.reset();  // the TPM takes one connection
  return connect();
}

template <class Work>
auto TpmDevice::with(Work work) -> decltype(work(std::declval<Session&>())) {
  const std::lock_guard lock(mutex_);
  if (!session_) return Error(Code::unavailable, "the TPM went away and was not opened again");
  auto result = work(*session_);
  if (!result.ok() && result.error().code() == Code::unavailable) {
    session_->forget();
    session_.reset();
  }
  return result;
}

Result<Bytes> TpmDevice::ek_certificate() {
  return with([](Session& session) { return session.ek_certificate(); });
}

Result<Bytes> TpmDevice::ek_public() {
  return with([](Session& session) -> Result<Bytes> { return session.ek_public(); });
}

Result<Bytes> TpmDevice::ak_public() {
  return with([](Session& session) -> Result<Bytes> { return session.ak_public(); });
}

Bytes TpmDevice::ak_blob() {
  const std::lock_guard lock(mutex_);
  return ak_blob_;
}

Result<std::map<int, tpm::PcrValue>> TpmDevice::read_pcrs(const std::vector<int>& pcrs) {
  return with([&](Session& session) -> Result<std::map<int, tpm::PcrValue>> {
    std::map<int, tpm::PcrValue> values;
    std::vector<int> wanted = pcrs;
    std::ranges::sort(wanted);
    for (std::size_t begin = 0; begin < wanted.size(); begin += kMaxPcrsPerRead) {
      const std::vector<int> some(wanted.begin() + static_cast<std::ptrdiff_t>(begin),
                                  wanted.begin() + static_cast<std::ptrdiff_t>(std::min(begin + kMaxPcrsPerRead, wanted.size())));
      REDOUBT_TRY(const TPML_PCR_SELECTION asked, pcr_selection(some));
      TPML_PCR_SELECTION* raw_selection = nullptr;
      TPML_DIGEST* raw_values = nullptr;
      const TSS2_RC code = Esys_PCR_Read(session.esys(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &asked, nullptr,
                                         &raw_selection, &raw_values);
      const EsysPtr<TPML_PCR_SELECTION> given(raw_selection);
      const EsysPtr<TPML_DIGEST> digests(raw_values);
      REDOUBT_CHECK(tss_status(code, "TPM2_PCR_Read"));
      const auto octets = [](const TPML_PCR_SELECTION& list) { return std::as_bytes(std::span(list.pcrSelections[0].pcrSelect, 3)); };
      if (given->count != 1 || !equal(octets(*given), octets(asked)) || digests->count != some.size()) {
        return Error(Code::not_found, "the TPM lacks a SHA-256 bank with these PCRs");
      }
      for (std::size_t i = 0; i < some.size(); ++i) {
        const TPM2B_DIGEST& digest = digests->digests[i];
        REDOUBT_TRY(values[some[i]], tpm::PcrValue::from(std::as_bytes(std::span(digest.buffer, digest.size)), "PCR value"));
      }
    }
    return values;
  });
}

Result<TpmQuote> TpmDevice::quote(const std::vector<int>& pcrs, ByteView extra_data) {
  if (extra_data.size() > crypto::Sha256Digest::size) return Error(Code::usage, "extra data: longer than 32 bytes");
  return with([&](Session& session) -> Result<TpmQuote> {
    REDOUBT_TRY(const TPML_PCR_SELECTION asked, pcr_selection(pcrs));
    TPM2B_DATA data{};
    data.size = static_cast<UINT16>(extra_data.size());
    std::ranges::copy(extra_data, reinterpret_cast<std::byte*>(data.buffer));
    TPMT_SIG_SCHEME scheme{};
    scheme.scheme = TPM2_ALG_NULL;  // that of the key
    TPM2B_ATTEST* raw_attest = nullptr;
    TPMT_SIGNATURE* raw_signature = nullptr;
    const TSS2_RC code = Esys_Quote(session.esys(), session.ak(), ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &data, &scheme,
                                    &asked, &raw_attest, &raw_signature);
    const EsysPtr<TPM2B_ATTEST> attest(raw_attest);
    const EsysPtr<TPMT_SIGNATURE> signature(raw_signature);
    REDOUBT_CHECK(tss_status(code, "TPM2_Quote"));
    TpmQuote out;
    out.attest = to_bytes(std::as_bytes(std::span(attest->attestationData, attest->size)));
    REDOUBT_TRY(out.signature, marshalled(*signature, Tss2_MU_TPMT_SIGNATURE_Marshal, "writing TPMT_SIGNATURE"));
    return out;
  });
}

Status TpmDevice::use(const std::function<Status(ESYS_CONTEXT*)>& commands) {
  return with([&](Session& session) { return commands(session.esys()); });
}

Result<SecretBytes> TpmDevice::activate_credential(ByteView id_object, ByteView encrypted_secret) {
  REDOUBT_TRY(const auto id, unmarshalled<TPM2B_ID_OBJECT>(id_object, Tss2_MU_TPM2B_ID_OBJECT_Unmarshal, "TPM2B_ID_OBJECT"));
  REDOUBT_TRY(const auto seed, unmarshalled<TPM2B_ENCRYPTED_SECRET>(encrypted_secret, Tss2_MU_TPM2B_ENCRYPTED_SECRET_Unmarshal,
                                                                    "TPM2B_ENCRYPTED_SECRET"));
  return with([&](Session& session) -> Result<SecretBytes> {
    REDOUBT_TRY(const TransientHandle authorized, endorsement_session(session.esys()));
    TPM2B_DIGEST* raw = nullptr;
    const TSS2_RC code = Esys_ActivateCredential(session.esys(), session.ak(), session.ek(), ESYS_TR_PASSWORD, authorized.get(),
                                                 ESYS_TR_NONE, &id, &seed, &raw);
    const EsysPtr<TPM2B_DIGEST> secret(raw);
    REDOUBT_CHECK(tss_status(code, "TPM2_ActivateCredential"));
    const auto bytes = std::as_writable_bytes(std::span(secret->buffer, secret->size));
    SecretBytes out = SecretBytes::copy_of(bytes);
    wipe(bytes);
    return out;
  });
}

}  // namespace redoubt::collect
