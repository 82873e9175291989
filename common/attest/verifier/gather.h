// gather: from a heap of files, the Endorsements for one piece of Evidence.
//
// Candidates are chosen by what they say of themselves and by who signed them: for Intel's platforms those of the quote's own
// family that are valid at the time, the highest evaluation number and CRL number first; for AMD's the chain of the key that
// the report names. Choosing decides nothing about trust: the appraiser verifies all of it, and roots count only where the policy
// names them. Pure and thread-safe.
#pragma once

#include "common/attest/appraise/appraisal.h"
#include "common/attest/verifier/at_hand.h"
#include "common/attest/verifier/detect.h"

namespace redoubt::verifier {

struct Gathered {
  appraise::Endorsements endorsements;
  // What the Evidence needs and the heap lacks, for people: "no TCB info of TDX 90c06f000000 that is valid at ...".
  std::vector<std::string> missing;
};

// gather: `evidence` is of the form `format` (of a certificate: the quote inside). Pieces are those at hand and, after them, `more`, read from
// what came along. `malformed` for key sets that contradict each other.
Result<Gathered> gather(const AtHand& at_hand, std::span<const Item> more, Format format, ByteView evidence, Instant now);

}  // namespace redoubt::verifier
