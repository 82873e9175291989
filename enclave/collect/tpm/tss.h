// The TSS (tpm2-tss, ESAPI) behind RAII and Result: one connection, its sessions and its transient objects.
//
// Internal to this room: no other header may include the TSS's. Not thread-safe; TpmDevice holds a mutex around it. The
// TPM's transport is the host's. TCG TSS 2.0 ESAPI 1.0; response codes: TPM 2.0 Library Part 2 section 6.6.
#pragma once

#include <tss2/tss2_esys.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"

namespace redoubt::collect {

// tss_status: ok, or the response code as an Error with the TSS's text. Transport and "try again" are `unavailable`; a bad
// integrity value `binding`; no such handle `not_found`; an answer of another form `malformed`; other answers `refused`.
Status tss_status(TSS2_RC code, std::string_view doing);

struct EsysFree {
  void operator()(void* pointer) const { Esys_Free(pointer); }
};
template <class T>
using EsysPtr = std::unique_ptr<T, EsysFree>;

// TssConnection: TCTI and ESYS context. Leftovers of earlier users of a TPM without resource manager (transient objects, loaded
// sessions) are flushed when it opens: such a TPM has one user at a time and three places.
class TssConnection {
 public:
  // open: `unavailable` when no TPM answers at `tcti` (tss2-tctildr(3): "swtpm:path=/ABS/u.sock", "device:/dev/tpmrm0").
  static Result<std::unique_ptr<TssConnection>> open(const std::string& tcti);
  TssConnection(const TssConnection&) = delete;
  TssConnection& operator=(const TssConnection&) = delete;
  ~TssConnection();

  ESYS_CONTEXT* esys() { return esys_; }

 private:
  TssConnection() = default;
  Status flush_leftovers();
  TSS2_TCTI_CONTEXT* tcti_ = nullptr;
  ESYS_CONTEXT* esys_ = nullptr;
};

// TransientHandle: a session or a transient object, flushed at the end. Borrows the connection.
class TransientHandle {
 public:
  TransientHandle() = default;
  TransientHandle(ESYS_CONTEXT* esys, ESYS_TR handle) : esys_(esys), handle_(handle) {}
  TransientHandle(TransientHandle&& other) noexcept : esys_(other.esys_), handle_(std::exchange(other.handle_, ESYS_TR_NONE)) {}
  TransientHandle& operator=(TransientHandle&& other) noexcept;
  ~TransientHandle() { flush(); }
  ESYS_TR get() const { return handle_; }
  // forget: the connection is dead, there is nothing to flush.
  void forget() { handle_ = ESYS_TR_NONE; }

 private:
  void flush();
  ESYS_CONTEXT* esys_ = nullptr;
  ESYS_TR handle_ = ESYS_TR_NONE;
};

// start_session of a type, salted to `key` where there is one: parameters are then encrypted on their way.
Result<TransientHandle> start_session(ESYS_CONTEXT* esys, TPM2_SE type, ESYS_TR key = ESYS_TR_NONE);

// endorsement_session: a policy session that PolicySecret(endorsement) has authorized for one use of an endorsement key
// (TCG EK Credential Profile 2.4, B.6.2).
Result<TransientHandle> endorsement_session(ESYS_CONTEXT* esys);

// pcr_selection: these PCRs in the SHA-256 bank; `usage` for what is no PCR of a PC client (0 to 23).
Result<TPML_PCR_SELECTION> pcr_selection(const std::vector<int>& pcrs);

// NvIndex: an NV index as the TSS holds it, with its metadata forgotten at the end. Borrows the connection.
class NvIndex {
 public:
  // open: nothing when the TPM has no index of this number.
  static Result<std::optional<NvIndex>> open(ESYS_CONTEXT* esys, TPM2_HANDLE number);
  NvIndex(ESYS_CONTEXT* esys, ESYS_TR handle) : esys_(esys), handle_(handle) {}
  NvIndex(NvIndex&& other) noexcept : esys_(other.esys_), handle_(std::exchange(other.handle_, ESYS_TR_NONE)) {}
  NvIndex& operator=(NvIndex&&) = delete;
  ~NvIndex();
  ESYS_TR get() const { return handle_; }

  // facts: attributes, policy, size.
  Result<TPMS_NV_PUBLIC> facts() const;
  // read: the first `size` bytes; nothing when it was never written. `malformed` when the TPM gives another number of them.
  Result<std::optional<Bytes>> read(std::size_t size) const;
  // remove deletes it, with the owner's empty password.
  Status remove();

 private:
  ESYS_CONTEXT* esys_;
  ESYS_TR handle_;
};

// WrappedObject: an object that only its parent in this TPM can load, as it is kept outside: TPM2B_PUBLIC and TPM2B_PRIVATE, each with a
// u32be length.
struct WrappedObject {
  TPM2B_PUBLIC public_part{};
  TPM2B_PRIVATE private_part{};

  Result<Bytes> encode() const;
  // decode: `malformed`, naming `what`.
  static Result<WrappedObject> decode(ByteView bytes, std::string_view what);
};

// marshalled: the wire form of a TSS structure by its Tss2_MU_..._Marshal function.
template <class T, class Marshal>
Result<Bytes> marshalled(const T& value, Marshal marshal, std::string_view what) {
  std::vector<std::uint8_t> buffer(sizeof(T) + 64);
  std::size_t size = 0;
  REDOUBT_CHECK(tss_status(marshal(&value, buffer.data(), buffer.size(), &size), what));
  return to_bytes(std::as_bytes(std::span(buffer.data(), size)));
}

// unmarshalled: the other way; trailing bytes are `malformed`.
template <class T, class Unmarshal>
Result<T> unmarshalled(ByteView bytes, Unmarshal unmarshal, std::string_view what) {
  T out{};
  std::size_t offset = 0;
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const TSS2_RC code = bytes.empty() ? TSS2_MU_RC_INSUFFICIENT_BUFFER : unmarshal(data, bytes.size(), &offset, &out);
  if (code != TSS2_RC_SUCCESS || offset != bytes.size()) {
    return Error(Code::malformed, std::string(what) + ": not a structure of this kind");
  }
  return out;
}

}  // namespace redoubt::collect
