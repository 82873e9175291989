#include "enclave/collect/tpm/tss.h"

#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

namespace redoubt::collect {
namespace {

constexpr TSS2_RC kFormatOneBit = 0x80;

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

Result<TransientHandle> endorsement_session(ESYS_CONTEXT* esys) {
  const TPMT_SYM_DEF symmetric{.algorithm = TPM2_ALG_NULL, .keyBits = {}, .mode = {}};
  ESYS_TR raw = ESYS_TR_NONE;
  REDOUBT_CHECK(tss_status(Esys_StartAuthSession(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                                 nullptr, TPM2_SE_POLICY, &symmetric, TPM2_ALG_SHA256, &raw),
                           "starting a policy session"));
  TransientHandle session(esys, raw);
  // The session stays after its use, so that its end is always ours.
  REDOUBT_CHECK(tss_status(
      Esys_TRSess_SetAttributes(esys, raw, TPMA_SESSION_CONTINUESESSION, TPMA_SESSION_CONTINUESESSION), "session attributes"));
  REDOUBT_CHECK(tss_status(Esys_PolicySecret(esys, ESYS_TR_RH_ENDORSEMENT, raw, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                             nullptr, nullptr, nullptr, 0, nullptr, nullptr),
                           "authorizing the use of the endorsement key"));
  return session;
}

}  // namespace redoubt::collect
