// verify: one piece of Evidence of any form, a heap of collateral, and a policy; the Appraisal comes out.
//
// For Relying Parties that have files and no protocol: the form of the Evidence is found out (detect.h), the collateral that fits is
// chosen (gather.h), the appraiser decides (common/attest/appraise). An RA-TLS certificate is judged by the quote inside, and by whether
// that quote binds its key. Without a policy the built-in one is used, which asks for a sound platform and for no measurement: what
// passes is then never better than a warning. Evidence that nobody challenged is never better than a warning either. Everything but
// policy, nonce and time is distrusted. Pure: no clock, no I/O; thread-safe.
#pragma once

#include "common/attest/verifier/gather.h"

namespace redoubt::verifier {

// strict_policy: "strict": TCB UpToDate, no debug, VMPL 0, the vendors' roots, any measurement, any workload. Its section for TPMs
// names no authority, since no root of theirs is compiled in: it makes every check of a TPM's Evidence and accepts none.
const appraise::Policy& strict_policy();

// report_data: what Evidence of that form holds when it answers `nonce`. SGX, TDX and SEV-SNP have room for 64 bytes: zeros follow a
// shorter nonce, as guests write it. `usage` for an empty nonce and one that has no room.
Result<Bytes> report_data(Format format, ByteView nonce);

// verify: `malformed` when the Evidence or a file of collateral cannot be read (the message says what it looks like), `policy` when the
// policy does not speak of this platform, `usage` when something that the form cannot do without was not given. Anything else that is
// wrong is a failed check of the Appraisal. What the heap lacks stands in the Appraisal's remarks.
Result<appraise::Appraisal> verify(ByteView evidence, std::span<const NamedFile> files, const std::optional<appraise::Policy>& policy,
                                   const std::optional<Bytes>& nonce, Instant now);
// The same with collateral that was read before, and what came along beside it.
Result<appraise::Appraisal> verify(ByteView evidence, const AtHand& at_hand, std::span<const NamedFile> more, const std::optional<appraise::Policy>& policy,
                                   const std::optional<Bytes>& nonce, Instant now);

}  // namespace redoubt::verifier
