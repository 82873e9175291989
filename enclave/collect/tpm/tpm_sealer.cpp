#include "enclave/collect/tpm/tpm_sealer.h"

#include <tss2/tss2_mu.h>

#include "common/base/reader.h"
#include "enclave/collect/tpm/tss.h"

namespace redoubt::collect {
namespace {

constexpr std::uint32_t kFirstIndex = 0x01800000;  // of those that are the owner's (Registry of Reserved TPM 2.0 Handles)
constexpr int kIndexBits = 21;                     // of the contract's digest; twice as many indices are the owner's
constexpr std::uint16_t kCounterSize = 8;
constexpr std::size_t kMaxSecret = 128;  // of a sealed object

std::uint32_t index_of(const ContractDigest& contract, std::uint32_t which) {
  Reader reader(contract.view(), "contract digest");
  return kFirstIndex + ((reader.u32be() >> (32 - kIndexBits)) << 1) + which;
}

// storage_template: an ECC P-256 storage key; the same template gives the same key as long as the owner does not clear the TPM.
TPM2B_PUBLIC storage_template() {
  TPM2B_PUBLIC out{};
  TPMT_PUBLIC& area = out.publicArea;
  area.type = TPM2_ALG_ECC;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
                          TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;
  area.parameters.eccDetail.symmetric.algorithm = TPM2_ALG_AES;
  area.parameters.eccDetail.symmetric.keyBits.aes = 128;
  area.parameters.eccDetail.symmetric.mode.aes = TPM2_ALG_CFB;
  area.parameters.eccDetail.scheme.scheme = TPM2_ALG_NULL;
  area.parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
  area.parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
  return out;
}

Result<TransientHandle> storage_key(ESYS_CONTEXT* esys) {
  const TPM2B_SENSITIVE_CREATE sensitive{};
  const TPM2B_PUBLIC area = storage_template();
  const TPM2B_DATA outside{};
  const TPML_PCR_SELECTION creation{};
  ESYS_TR handle = ESYS_TR_NONE;
  TPM2B_PUBLIC* raw = nullptr;
  const TSS2_RC code = Esys_CreatePrimary(esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &area, &outside,
                                          &creation, &handle, &raw, nullptr, nullptr, nullptr);
  const EsysPtr<TPM2B_PUBLIC> made(raw);
  REDOUBT_CHECK(tss_status(code, "making the storage key"));
  return TransientHandle(esys, handle);
}

// policy_session: one that holds as long as the PCRs have the values that they have now.
Result<TransientHandle> policy_session(ESYS_CONTEXT* esys, TPM2_SE type, ESYS_TR key, const std::vector<int>& pcrs) {
  REDOUBT_TRY(const TPML_PCR_SELECTION selected, pcr_selection(pcrs));
  REDOUBT_TRY(TransientHandle out, start_session(esys, type, key));
  const TPM2B_DIGEST present{};
  REDOUBT_CHECK(tss_status(Esys_PolicyPCR(esys, out.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &present, &selected), "TPM2_PolicyPCR"));
  return out;
}

Result<Bytes> policy_of_now(ESYS_CONTEXT* esys, const std::vector<int>& pcrs) {
  REDOUBT_TRY(const TransientHandle trial, policy_session(esys, TPM2_SE_TRIAL, ESYS_TR_NONE, pcrs));
  TPM2B_DIGEST* raw = nullptr;
  const TSS2_RC code = Esys_PolicyGetDigest(esys, trial.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &raw);
  const EsysPtr<TPM2B_DIGEST> digest(raw);
  REDOUBT_CHECK(tss_status(code, "TPM2_PolicyGetDigest"));
  return to_bytes(std::as_bytes(std::span(digest->buffer, digest->size)));
}

// as_digest: a policy digest in the form of the TSS.
TPM2B_DIGEST as_digest(ByteView policy) {
  TPM2B_DIGEST out{};
  out.size = static_cast<UINT16>(std::min(policy.size(), sizeof out.buffer));
  std::ranges::copy(policy.first(out.size), reinterpret_cast<std::byte*>(out.buffer));
  return out;
}

Result<Bytes> seal_under(ESYS_CONTEXT* esys, ByteView policy, ByteView secret) {
  REDOUBT_TRY(const TransientHandle parent, storage_key(esys));
  REDOUBT_TRY(const TransientHandle encrypted, start_session(esys, TPM2_SE_HMAC, parent.get()));
  TPM2B_SENSITIVE_CREATE sensitive{};
  sensitive.sensitive.data.size = static_cast<UINT16>(secret.size());
  std::ranges::copy(secret, reinterpret_cast<std::byte*>(sensitive.sensitive.data.buffer));
  TPM2B_PUBLIC area{};
  area.publicArea.type = TPM2_ALG_KEYEDHASH;
  area.publicArea.nameAlg = TPM2_ALG_SHA256;
  area.publicArea.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_NODA;
  area.publicArea.authPolicy = as_digest(policy);
  area.publicArea.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL;
  const TPM2B_DATA outside{};
  const TPML_PCR_SELECTION creation{};
  TPM2B_PRIVATE* raw_private = nullptr;
  TPM2B_PUBLIC* raw_public = nullptr;
  const TSS2_RC code = Esys_Create(esys, parent.get(), encrypted.get(), ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &area, &outside, &creation, &raw_private,
                                   &raw_public, nullptr, nullptr, nullptr);
  const EsysPtr<TPM2B_PRIVATE> private_part(raw_private);
  const EsysPtr<TPM2B_PUBLIC> public_part(raw_public);
  wipe(std::as_writable_bytes(std::span(&sensitive, 1)));
  REDOUBT_CHECK(tss_status(code, "TPM2_Create"));
  return WrappedObject{*public_part, *private_part}.encode();
}

bool policy_failed(TSS2_RC code) { return (code & TSS2_RC_LAYER_MASK) == TSS2_TPM_RC_LAYER && (code & 0xbfU) == TPM2_RC_POLICY_FAIL; }

Error other_pcrs() { return Error(Code::measurement, "the PCRs that hold program and contract do not have the values that it was sealed to"); }

Result<SecretBytes> unseal_under(ESYS_CONTEXT* esys, const std::vector<int>& pcrs, const WrappedObject& blob) {
  REDOUBT_TRY(const TransientHandle parent, storage_key(esys));
  REDOUBT_TRY(const TransientHandle policy, policy_session(esys, TPM2_SE_POLICY, parent.get(), pcrs));
  ESYS_TR handle = ESYS_TR_NONE;
  REDOUBT_CHECK(tss_status(Esys_Load(esys, parent.get(), ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &blob.private_part, &blob.public_part, &handle),
                           "TPM2_Load"));
  const TransientHandle object(esys, handle);
  // A command without parameters of its own takes no encryption of them.
  REDOUBT_CHECK(tss_status(Esys_TRSess_SetAttributes(esys, policy.get(), 0, TPMA_SESSION_DECRYPT), "session attributes"));
  TPM2B_SENSITIVE_DATA* raw = nullptr;
  const TSS2_RC code = Esys_Unseal(esys, object.get(), policy.get(), ESYS_TR_NONE, ESYS_TR_NONE, &raw);
  const EsysPtr<TPM2B_SENSITIVE_DATA> data(raw);
  if (policy_failed(code)) return other_pcrs();
  REDOUBT_CHECK(tss_status(code, "TPM2_Unseal"));
  const auto bytes = std::as_writable_bytes(std::span(data->buffer, data->size));
  SecretBytes out = SecretBytes::copy_of(bytes);
  wipe(bytes);
  return out;
}

TPM2B_NV_PUBLIC nv_template(std::uint32_t index, TPM2_NT type, std::uint16_t size, ByteView policy) {
  TPM2B_NV_PUBLIC out{};
  out.nvPublic.nvIndex = index;
  out.nvPublic.nameAlg = TPM2_ALG_SHA256;
  out.nvPublic.attributes = (static_cast<TPMA_NV>(type) << TPMA_NV_TPM2_NT_SHIFT) | TPMA_NV_POLICYWRITE | TPMA_NV_AUTHREAD | TPMA_NV_NO_DA;
  out.nvPublic.authPolicy = as_digest(policy);
  out.nvPublic.dataSize = size;
  return out;
}

bool same_index(const TPMS_NV_PUBLIC& wanted, const TPMS_NV_PUBLIC& found) {
  const auto bytes = [](const TPM2B_DIGEST& digest) { return std::as_bytes(std::span(digest.buffer, digest.size)); };
  return wanted.nameAlg == found.nameAlg && wanted.attributes == (found.attributes & ~TPMA_NV_WRITTEN) && wanted.dataSize == found.dataSize &&
         equal(bytes(wanted.authPolicy), bytes(found.authPolicy));
}

// open_index: the index of exactly this form; nothing when there is none, or one of another form.
Result<std::optional<NvIndex>> open_index(ESYS_CONTEXT* esys, const TPM2B_NV_PUBLIC& wanted, bool remove_other) {
  REDOUBT_TRY(auto index, NvIndex::open(esys, wanted.nvPublic.nvIndex));
  if (!index) return std::optional<NvIndex>();
  REDOUBT_TRY(const TPMS_NV_PUBLIC found, index->facts());
  if (same_index(wanted.nvPublic, found)) return std::optional<NvIndex>(std::move(index));
  if (remove_other) REDOUBT_CHECK(index->remove());
  return std::optional<NvIndex>();
}

// make_index: open_index, and if there is none it is defined.
Result<NvIndex> make_index(ESYS_CONTEXT* esys, const TPM2B_NV_PUBLIC& wanted) {
  REDOUBT_TRY(auto known, open_index(esys, wanted, true));
  if (known) return std::move(*known);
  const TPM2B_AUTH auth{};
  ESYS_TR handle = ESYS_TR_NONE;
  REDOUBT_CHECK(tss_status(Esys_NV_DefineSpace(esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &auth, &wanted, &handle),
                           "TPM2_NV_DefineSpace"));
  return NvIndex(esys, handle);
}

// read_counter: nothing before the first increment.
Result<std::optional<std::uint64_t>> read_counter(const NvIndex& index) {
  REDOUBT_TRY(const auto bytes, index.read(kCounterSize));
  if (!bytes) return std::optional<std::uint64_t>();
  Reader reader(*bytes, "NV counter");
  const std::uint64_t value = reader.u64be();
  REDOUBT_CHECK(reader.finish());
  return std::optional(value);
}

Result<std::uint64_t> increment_counter(ESYS_CONTEXT* esys, const NvIndex& index, const std::vector<int>& pcrs) {
  REDOUBT_TRY(const TransientHandle allowed, policy_session(esys, TPM2_SE_POLICY, ESYS_TR_NONE, pcrs));
  REDOUBT_CHECK(tss_status(Esys_NV_Increment(esys, index.get(), index.get(), allowed.get(), ESYS_TR_NONE, ESYS_TR_NONE), "TPM2_NV_Increment"));
  REDOUBT_TRY(const auto value, read_counter(index));
  if (!value) return Error(Code::malformed, "NV counter: nothing to read after an increment");
  return *value;
}

// of_platform: an answer of another form says nothing about what is sealed. It is the TPM, or its transport, that does not answer.
Status of_platform(const Status& status) {
  if (status.ok() || status.error().code() != Code::malformed) return status;
  return Error(Code::unavailable, status.error().message());
}

}  // namespace

TpmSealer::TpmSealer(TpmDevice& device, const ContractDigest& contract, std::vector<int> pcrs)
    : device_(device), pcrs_(std::move(pcrs)), anchor_index_(index_of(contract, 0)), counter_index_(index_of(contract, 1)) {}

Status TpmSealer::with_policy(const std::function<Status(ESYS_CONTEXT*, ByteView policy)>& commands) {
  return of_platform(device_.use([&](ESYS_CONTEXT* esys) -> Status {
    if (policy_.empty()) {
      REDOUBT_TRY(policy_, policy_of_now(esys, pcrs_));
    }
    return commands(esys, policy_);
  }));
}

Result<Bytes> TpmSealer::seal(const SecretBytes& secret) {
  if (secret.empty() || secret.size() > kMaxSecret) return Error(Code::usage, "sealing: a secret of " + std::to_string(secret.size()) + " bytes");
  Bytes blob;
  REDOUBT_CHECK(with_policy([&](ESYS_CONTEXT* esys, ByteView policy) -> Status {
    REDOUBT_TRY(blob, seal_under(esys, policy, secret.reveal()));
    return {};
  }));
  return blob;
}

Result<SecretBytes> TpmSealer::unseal(ByteView blob) {
  REDOUBT_TRY(const WrappedObject parts, WrappedObject::decode(blob, "sealed object"));
  SecretBytes out;
  REDOUBT_CHECK(of_platform(device_.use([&](ESYS_CONTEXT* esys) -> Status {
    REDOUBT_TRY(out, unseal_under(esys, pcrs_, parts));
    return {};
  })));
  return out;
}

Result<std::optional<seal::Anchor>> TpmSealer::anchor() {
  std::optional<seal::Anchor> out;
  REDOUBT_CHECK(with_policy([&](ESYS_CONTEXT* esys, ByteView policy) -> Status {
    REDOUBT_TRY(const auto index, open_index(esys, nv_template(anchor_index_, TPM2_NT_EXTEND, seal::Anchor::size, policy), false));
    if (!index) return {};
    REDOUBT_TRY(const auto bytes, index->read(seal::Anchor::size));
    if (!bytes) return {};
    REDOUBT_TRY(out, seal::Anchor::from(*bytes, "anchor"));
    return {};
  }));
  return out;
}

Status TpmSealer::extend(const crypto::Sha256Digest& digest) {
  return with_policy([&](ESYS_CONTEXT* esys, ByteView policy) -> Status {
    REDOUBT_TRY(const NvIndex index, make_index(esys, nv_template(anchor_index_, TPM2_NT_EXTEND, seal::Anchor::size, policy)));
    REDOUBT_TRY(const TransientHandle allowed, policy_session(esys, TPM2_SE_POLICY, ESYS_TR_NONE, pcrs_));
    TPM2B_MAX_NV_BUFFER data{};
    data.size = crypto::Sha256Digest::size;
    std::ranges::copy(digest.view(), reinterpret_cast<std::byte*>(data.buffer));
    return tss_status(Esys_NV_Extend(esys, index.get(), index.get(), allowed.get(), ESYS_TR_NONE, ESYS_TR_NONE, &data), "TPM2_NV_Extend");
  });
}

Result<std::uint64_t> TpmSealer::counter() {
  std::uint64_t out = 0;
  REDOUBT_CHECK(with_policy([&](ESYS_CONTEXT* esys, ByteView policy) -> Status {
    REDOUBT_TRY(const NvIndex index, make_index(esys, nv_template(counter_index_, TPM2_NT_COUNTER, kCounterSize, policy)));
    REDOUBT_TRY(const auto value, read_counter(index));
    if (value) {
      out = *value;
      return {};
    }
    // A new one starts above every counter that this TPM ever had, and says where only once it is incremented.
    REDOUBT_TRY(out, increment_counter(esys, index, pcrs_));
    return {};
  }));
  return out;
}

Result<std::uint64_t> TpmSealer::increment() {
  std::uint64_t out = 0;
  REDOUBT_CHECK(with_policy([&](ESYS_CONTEXT* esys, ByteView policy) -> Status {
    REDOUBT_TRY(const NvIndex index, make_index(esys, nv_template(counter_index_, TPM2_NT_COUNTER, kCounterSize, policy)));
    REDOUBT_TRY(out, increment_counter(esys, index, pcrs_));
    return {};
  }));
  return out;
}

}  // namespace redoubt::collect
