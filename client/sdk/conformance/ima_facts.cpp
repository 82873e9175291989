// IMA measurement lists in the kernel's ASCII form, as the folder ima lists them.
#include "client/sdk/conformance/entry.h"
#include "common/attest/evidence/ima/ima_list.h"

namespace redoubt::conformance {

Result<Facts> ima_facts(const Entry& entry) {
  REDOUBT_TRY(const Bytes bytes, entry.evidence("file"));
  REDOUBT_TRY(const ima::List list, ima::List::parse_ascii(as_text(bytes)));
  return Facts{{"verdict", "accept"},
               {"entries", static_cast<std::int64_t>(list.entries.size())},
               {"violations", static_cast<std::int64_t>(ima::violations(list, list.entries.size()))},
               {"template_hash_mismatches", static_cast<std::int64_t>(ima::mismatches(list).size())},
               {"pcr10_sha1", ima::replay(list, eventlog::kSha1).hex()},
               {"pcr10_sha256", ima::replay(list, eventlog::kSha256).hex()}};
}

}  // namespace redoubt::conformance
