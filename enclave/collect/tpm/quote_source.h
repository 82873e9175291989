// QuoteSource: what the collector needs of a TPM, as an interface, so that tests can fail every step.
//
// Runs in the enclave program; the host owns the transport and may answer anything or nothing. Implementations are
// thread-safe. Errors: `unavailable` when the TPM does not answer (reopen() may help), `not_found` when it lacks the object,
// `malformed` for an answer of another form, `refused` when it refuses the command.
#pragma once

#include <map>
#include <vector>

#include "common/attest/evidence/tpm/evidence.h"

namespace redoubt::collect {

struct TpmQuote {
  Bytes attest;     // TPMS_ATTEST
  Bytes signature;  // TPMT_SIGNATURE
};

class QuoteSource {
 public:
  virtual ~QuoteSource() = default;

  // ek_certificate: DER. ek_public, ak_public: TPMT_PUBLIC.
  virtual Result<Bytes> ek_certificate() = 0;
  virtual Result<Bytes> ek_public() = 0;
  virtual Result<Bytes> ak_public() = 0;
  // read_pcrs: exactly the PCRs asked for (0 to 23), SHA-256 bank.
  virtual Result<std::map<int, tpm::PcrValue>> read_pcrs(const std::vector<int>& pcrs) = 0;
  // quote: `extra_data` at most 32 bytes.
  virtual Result<TpmQuote> quote(const std::vector<int>& pcrs, ByteView extra_data) = 0;
  // reopen connects anew after the TPM went away; the attestation key stays the same.
  virtual Status reopen() = 0;
};

}  // namespace redoubt::collect
