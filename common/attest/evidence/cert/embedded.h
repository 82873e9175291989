// Finding the Evidence among the extensions of a certificate. Private to this room.
#pragma once

#include "common/attest/evidence/cert/container.h"
#include "common/attest/evidence/cert/evidence_certificate.h"

namespace redoubt::cert {

// read_embedded fills embedded and event_log by the rule of R1, or says why there is not exactly one piece of Evidence.
Status read_embedded(const Container& container, EvidenceCertificate& out);

}  // namespace redoubt::cert
