// Nitro documents and UVM endorsements, as the folders aws-nitro and azure-aci-uvm list them.
#include "client/sdk/conformance/entry.h"
#include "common/attest/evidence/azure_uvm/endorsement.h"
#include "common/attest/evidence/nitro/evidence.h"

namespace redoubt::conformance {

Result<Facts> nitro_facts(const Entry& entry) {
  REDOUBT_TRY(const Bytes document, entry.evidence("file"));
  REDOUBT_TRY(const Instant now, entry.at());
  REDOUBT_TRY(const auto parsed, nitro::parse(document));
  const crypto::RootPin roots[] = {nitro::kAwsRootG1};
  const nitro::Outcome outcome = nitro::authenticate(parsed, {.roots = roots, .now = now});
  // A document from the future is refused; its age is for a policy to bound.
  const bool authentic = outcome.authentic && (**outcome.authentic).time() <= now;
  Facts facts{{"authentic", authentic}, {"verdict", authentic ? "accept" : "reject"}, {"accept_under_strict_policy", false}};
  if (!authentic) return facts;
  const bool debug = (**outcome.authentic).debug();
  facts.emplace("debug_enclave", debug);
  facts["accept_under_strict_policy"] = !debug;
  return facts;
}

Result<Facts> uvm_facts(const Entry& entry) {
  REDOUBT_TRY(const Bytes endorsement, entry.evidence("file"));
  REDOUBT_TRY(const auto parsed, azure_uvm::parse(endorsement));
  const crypto::RootPin roots[] = {azure_uvm::kMicrosoftSupplyChainRoot2022};
  const azure_uvm::Outcome outcome = azure_uvm::authenticate(parsed, roots);
  const bool authentic = outcome.status.ok();
  Facts facts{{"signature", authentic}, {"verdict", authentic ? "accept" : "reject"}, {"authentic", authentic}};
  const json::Value chain = member_or_null(json::Value(entry.members), "chain");
  json::Array links;
  for (std::size_t i = 1; chain.array() != nullptr && i < chain.array()->size(); ++i) links.emplace_back(authentic);
  facts.emplace("chain_links", std::move(links));
  return facts;
}

}  // namespace redoubt::conformance
