// The checks of a quote that need nothing but the quote, the key and the PCR values: M1 to M4, for TPM Evidence and for composites
// that hold a TPM quote.
//
// Quote, signature and values come from the attester; the key and its scheme come from what vouches for the key, never from the
// signature. Each function makes one check, with both compared values. TPM 2.0 Library, Part 2 sections 10.12 and 11.3, Part 3
// section 18.4. Pure and thread-safe.
#pragma once

#include <map>
#include <span>

#include "common/attest/evidence/check.h"
#include "common/attest/evidence/tpm/structures.h"

namespace redoubt::tpm {

// Signers: the qualified names that the quoting key can have, each with words for it. Empty: the key's ancestors are not known.
struct Signer {
  AkName qualified_name;
  std::string_view what;
};

// check_quote: M1. Of a quote that was parsed: the clock is safe, and the qualified signer is one of `signers`, where these are known.
attest::Check check_quote(const Attest& attest, std::span<const Signer> signers);

// check_extra_data: M2. Exactly the expected bytes; an empty expectation is never met.
attest::Check check_extra_data(ByteView expected, ByteView found);

// verify_quote: ok, or `chain`: the signature by this key under this scheme (M3). For ECDSA it is r and s.
Status verify_quote(const crypto::PublicKey& key, crypto::SignatureScheme scheme, ByteView attest, ByteView signature);

struct QuotedPcrs {
  std::uint16_t bank = kAlgSha256;
  ShortList<std::pair<int, ByteView>, 24> values;  // ascending, each as long as the bank's digest
};

// check_pcrs: M4. One selection, of this bank, of exactly these PCRs, the required ones among them; the digest over the values is
// the quoted one, under the hash of the signature (Part 3 section 18.4.1).
attest::Check check_pcrs(const Attest& attest, const QuotedPcrs& pcrs, std::span<const int> required, crypto::HashKind hash);

}  // namespace redoubt::tpm
