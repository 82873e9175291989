#include "enclave/collect/tpm/tss.h"

#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#include "common/base/reader.h"
#include "common/base/writer.h"

namespace redoubt::collect {
namespace {

constexpr TSS2_RC kFormatOneBit = 0x80;
constexpr std::size_t kNvChunk = 512;  // every TPM's MAX_NV_BUFFER is at least this

// class_of_tpm_code: for codes of the TPM itself (layer 0, or passed on by a resource manager).
Code class_of_tpm_code(TSS2_RC code) {
  if ((code & kFormatOneBit) != 0) {
    switch (code & 0xbfU) {
      case TPM2_RC_INTEGRITY: return Code::binding;
      case TPM2_RC_HANDLE: return Code::not_found;
      default: return Code::refused;
    }
  }
  switch (code) {
    case TPM2_RC_INITIALIZE:
    case TPM2_RC_RETRY:
    case TPM2_RC_YIELDED:
    case TPM2_RC_TESTING:
    case TPM2_RC_CANCELED:
    case TPM2_RC_OBJECT_MEMORY:
    case TPM2_RC_SESSION_MEMORY:
    case TPM2_RC_SESSION_HANDLES:
    case TPM2_RC_OBJECT_HANDLES:
    case TPM2_RC_PCR_CHANGED:  // extended between a policy and its use
    case TPM2_RC_NV_RATE:
    case TPM2_RC_NV_UNAVAILABLE:
    case TPM2_RC_LOCKOUT: return Code::unavailable;
    default: return Code::refused;
  }
}

Code class_of(TSS2_RC code) {
  const TSS2_RC layer = code & TSS2_RC_LAYER_MASK;
  if (layer == TSS2_TPM_RC_LAYER || layer == TSS2_RESMGR_TPM_RC_LAYER) return class_of_tpm_code(code & 0xfffU);
  switch (code & 0xffffU) {
    case TSS2_BASE_RC_IO_ERROR:
    case TSS2_BASE_RC_NO_CONNECTION:
    case TSS2_BASE_RC_TRY_AGAIN:
    // The context is in the middle of a command that broke off: only a new connection helps.
    case TSS2_BASE_RC_BAD_SEQUENCE: return Code::unavailable;
    case TSS2_BASE_RC_MALFORMED_RESPONSE:
    case TSS2_BASE_RC_INSUFFICIENT_RESPONSE: return Code::malformed;
    case TSS2_BASE_RC_BAD_TR: return Code::not_found;
    default: break;
  }
  return layer == TSS2_TCTI_RC_LAYER ? Code::unavailable : Code::internal;
}

// flush_range: every handle of one kind that the TPM lists.
Status flush_range(ESYS_CONTEXT* esys, TPM2_HANDLE first) {
  TPMI_YES_NO more = TPM2_NO;
  TPMS_CAPABILITY_DATA* raw = nullptr;
  const TSS2_RC listed = Esys_GetCapability(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_HANDLES, first,
                                            TPM2_MAX_CAP_HANDLES, &more, &raw);
  const EsysPtr<TPMS_CAPABILITY_DATA> data(raw);
  REDOUBT_CHECK(tss_status(listed, "listing handles"));
  const TPML_HANDLE& handles = data->data.handles;
  for (UINT32 i = 0; i < handles.count && i < TPM2_MAX_CAP_HANDLES; ++i) {
    ESYS_TR object = ESYS_TR_NONE;
    REDOUBT_CHECK(tss_status(
        Esys_TR_FromTPMPublic(esys, handles.handle[i], ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &object), "opening a leftover"));
    REDOUBT_CHECK(tss_status(Esys_FlushContext(esys, object), "flushing a leftover"));
  }
  return {};
}

}  // namespace

Status tss_status(TSS2_RC code, std::string_view doing) {
  if (code == TSS2_RC_SUCCESS) return {};
  return Error(class_of(code), std::string(doing) + ": " + Tss2_RC_Decode(code));
}

Result<std::unique_ptr<TssConnection>> TssConnection::open(const std::string& tcti) {
  std::unique_ptr<TssConnection> connection(new TssConnection);
  if (const TSS2_RC code = Tss2_TctiLdr_Initialize(tcti.c_str(), &connection->tcti_); code != TSS2_RC_SUCCESS) {
    return Error(Code::unavailable, "connecting to TPM `" + tcti + "`: " + Tss2_RC_Decode(code));
  }
  REDOUBT_CHECK(tss_status(Esys_Initialize(&connection->esys_, connection->tcti_, nullptr), "starting ESYS"));
  REDOUBT_CHECK(connection->flush_leftovers());
  return connection;
}

TssConnection::~TssConnection() {
  Esys_Finalize(&esys_);
  Tss2_TctiLdr_Finalize(&tcti_);
}

Status TssConnection::flush_leftovers() {
  REDOUBT_CHECK(flush_range(esys_, TPM2_TRANSIENT_FIRST));
  return flush_range(esys_, TPM2_LOADED_SESSION_FIRST);
}

TransientHandle& TransientHandle::operator=(TransientHandle&& other) noexcept {
  if (this != &other) {
    flush();
    esys_ = other.esys_;
    handle_ = std::exchange(other.handle_, ESYS_TR_NONE);
  }
  return *this;
}

void TransientHandle::flush() {
  // A failure leaves the TPM with one place fewer until the next open() clears it.
  if (handle_ != ESYS_TR_NONE) static_cast<void>(Esys_FlushContext(esys_, handle_));
  handle_ = ESYS_TR_NONE;
}

Result<TransientHandle> start_session(ESYS_CONTEXT* esys, TPM2_SE type, ESYS_TR key) {
  TPMT_SYM_DEF symmetric{};
  symmetric.algorithm = TPM2_ALG_NULL;
  if (key != ESYS_TR_NONE) {
    symmetric.algorithm = TPM2_ALG_AES;
    symmetric.keyBits.aes = 128;
    symmetric.mode.aes = TPM2_ALG_CFB;
  }
  ESYS_TR handle = ESYS_TR_NONE;
  REDOUBT_CHECK(tss_status(Esys_StartAuthSession(esys, key, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, nullptr, type, &symmetric,
                                                 TPM2_ALG_SHA256, &handle),
                           "starting a session"));
  TransientHandle out(esys, handle);
  const TPMA_SESSION attributes = TPMA_SESSION_CONTINUESESSION | (key == ESYS_TR_NONE ? 0U : TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT);
  const TPMA_SESSION mask = TPMA_SESSION_CONTINUESESSION | TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT;
  // The session stays after its use, so that its end is always ours.
  if (type != TPM2_SE_TRIAL) REDOUBT_CHECK(tss_status(Esys_TRSess_SetAttributes(esys, handle, attributes, mask), "session attributes"));
  return out;
}

Result<TransientHandle> endorsement_session(ESYS_CONTEXT* esys) {
  REDOUBT_TRY(TransientHandle session, start_session(esys, TPM2_SE_POLICY));
  REDOUBT_CHECK(tss_status(Esys_PolicySecret(esys, ESYS_TR_RH_ENDORSEMENT, session.get(), ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                             nullptr, nullptr, nullptr, 0, nullptr, nullptr),
                           "authorizing the use of the endorsement key"));
  return session;
}

Result<TPML_PCR_SELECTION> pcr_selection(const std::vector<int>& pcrs) {
  TPML_PCR_SELECTION out{};
  out.count = 1;
  out.pcrSelections[0].hash = TPM2_ALG_SHA256;
  out.pcrSelections[0].sizeofSelect = 3;
  for (const int pcr : pcrs) {
    if (pcr < 0 || pcr > 23) return Error(Code::usage, "PCR " + std::to_string(pcr) + ": expected 0 to 23");
    BYTE& octet = out.pcrSelections[0].pcrSelect[pcr / 8];
    octet = static_cast<BYTE>(octet | 1U << (pcr % 8));
  }
  return out;
}

Result<std::optional<NvIndex>> NvIndex::open(ESYS_CONTEXT* esys, TPM2_HANDLE number) {
  ESYS_TR handle = ESYS_TR_NONE;
  const Status known = tss_status(Esys_TR_FromTPMPublic(esys, number, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &handle), "NV index");
  if (!known.ok() && known.error().code() == Code::not_found) return std::optional<NvIndex>();
  REDOUBT_CHECK(known);
  return std::optional<NvIndex>(NvIndex(esys, handle));
}

NvIndex::~NvIndex() {
  if (handle_ != ESYS_TR_NONE) Esys_TR_Close(esys_, &handle_);
}

Result<TPMS_NV_PUBLIC> NvIndex::facts() const {
  TPM2B_NV_PUBLIC* raw = nullptr;
  const TSS2_RC code = Esys_NV_ReadPublic(esys_, handle_, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &raw, nullptr);
  const EsysPtr<TPM2B_NV_PUBLIC> found(raw);
  REDOUBT_CHECK(tss_status(code, "TPM2_NV_ReadPublic"));
  return found->nvPublic;
}

Result<std::optional<Bytes>> NvIndex::read(std::size_t size) const {
  Bytes out;
  while (out.size() < size) {
    const auto count = static_cast<UINT16>(std::min(kNvChunk, size - out.size()));
    TPM2B_MAX_NV_BUFFER* raw = nullptr;
    const TSS2_RC code = Esys_NV_Read(esys_, handle_, handle_, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, count, static_cast<UINT16>(out.size()), &raw);
    const EsysPtr<TPM2B_MAX_NV_BUFFER> chunk(raw);
    if (code == TPM2_RC_NV_UNINITIALIZED) return std::optional<Bytes>();
    REDOUBT_CHECK(tss_status(code, "TPM2_NV_Read"));
    if (chunk->size != count) return Error(Code::malformed, "NV gave another size than asked for");
    append(out, std::as_bytes(std::span(chunk->buffer, chunk->size)));
  }
  return std::optional(std::move(out));
}

Status NvIndex::remove() {
  REDOUBT_CHECK(tss_status(Esys_NV_UndefineSpace(esys_, ESYS_TR_RH_OWNER, handle_, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE), "TPM2_NV_UndefineSpace"));
  handle_ = ESYS_TR_NONE;
  return {};
}

Result<Bytes> WrappedObject::encode() const {
  REDOUBT_TRY(const Bytes public_bytes, marshalled(public_part, Tss2_MU_TPM2B_PUBLIC_Marshal, "writing TPM2B_PUBLIC"));
  REDOUBT_TRY(const Bytes private_bytes, marshalled(private_part, Tss2_MU_TPM2B_PRIVATE_Marshal, "writing TPM2B_PRIVATE"));
  return Writer().sized32be(public_bytes).sized32be(private_bytes).take();
}

Result<WrappedObject> WrappedObject::decode(ByteView bytes, std::string_view what) {
  Reader reader(bytes, what);
  const ByteView public_bytes = reader.sized32be(sizeof(TPM2B_PUBLIC));
  const ByteView private_bytes = reader.sized32be(sizeof(TPM2B_PRIVATE));
  REDOUBT_CHECK(reader.finish());
  WrappedObject out;
  REDOUBT_TRY(out.public_part, unmarshalled<TPM2B_PUBLIC>(public_bytes, Tss2_MU_TPM2B_PUBLIC_Unmarshal, std::string(what) + ": TPM2B_PUBLIC"));
  REDOUBT_TRY(out.private_part, unmarshalled<TPM2B_PRIVATE>(private_bytes, Tss2_MU_TPM2B_PRIVATE_Unmarshal, std::string(what) + ": TPM2B_PRIVATE"));
  return out;
}

}  // namespace redoubt::collect
