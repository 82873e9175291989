// TpmDevice: a TPM 2.0 with an attestation key (AK) under its endorsement key (EK).
//
// Runs in the enclave program. The host owns the transport and, with a software TPM, the TPM: nothing here is believed, it is
// passed to the verifier. The AK is ECC P-256, restricted signing, ECDSA with SHA-256, and never leaves the TPM; it comes back
// after a restart of the same TPM, and from ak_blob() in a later process. No command is encrypted or authenticated against
// the transport. Thread-safe by one mutex; a TPM that hangs makes callers hang. TCG EK Credential Profile 2.x (template L-1,
// NV index 0x01c00002, persistent handle 0x81010001); TPM 2.0 Library Part 3.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "common/base/secret.h"
#include "enclave/collect/tpm/quote_source.h"

struct ESYS_CONTEXT;  // of the TSS, which only the .cpp files of this room know

namespace redoubt::collect {

class TpmDevice final : public QuoteSource {
 public:
  // open connects (tss2-tctildr(3): "swtpm:path=/ABS/u.sock", "device:/dev/tpmrm0"), finds or makes the EK and makes an AK, or
  // loads the one of `ak_blob`. `unavailable`: no TPM answers; `binding`: the blob is of another TPM; `malformed`: it is none.
  static Result<std::unique_ptr<TpmDevice>> open(const std::string& tcti, const std::optional<Bytes>& ak_blob = std::nullopt);
  ~TpmDevice() override;

  // ek_certificate: the DER certificate in NV; its length is that of its outer SEQUENCE, the NV index may be longer.
  // `not_found` when the TPM has none.
  Result<Bytes> ek_certificate() override;
  Result<Bytes> ek_public() override;
  Result<Bytes> ak_public() override;
  Result<std::map<int, tpm::PcrValue>> read_pcrs(const std::vector<int>& pcrs) override;
  Result<TpmQuote> quote(const std::vector<int>& pcrs, ByteView extra_data) override;
  // reopen: as open with the same AK; `binding` when another TPM answers.
  Status reopen() override;

  // activate_credential takes TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET. `binding`: made for another AK name or EK, or changed;
  // `refused`: the TPM cannot decrypt it; `malformed`: not such structures.
  Result<SecretBytes> activate_credential(ByteView id_object, ByteView encrypted_secret);

  // use runs `commands` on the connection, for the rest of this room (tpm_sealer.h). They leave no transient object and no session behind.
  Status use(const std::function<Status(ESYS_CONTEXT*)>& commands);

  // ak_blob: the AK, wrapped by this TPM's EK; of no use without the TPM. Keep it to keep enrolments.
  Bytes ak_blob();

 private:
  class Session;
  explicit TpmDevice(std::string tcti);
  Status connect();
  // with runs `work` on the connection; when the transport fails the connection is dropped until reopen().
  template <class Work>
  auto with(Work work) -> decltype(work(std::declval<Session&>()));

  const std::string tcti_;
  std::mutex mutex_;
  Bytes ak_blob_;  // empty until the AK was made
  std::unique_ptr<Session> session_;
};

}  // namespace redoubt::collect
