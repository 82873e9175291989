// SEV-SNP reports with AMD's certificates, as the folder amd-snp lists them.
#include "client/sdk/conformance/entry.h"
#include "common/attest/evidence/snp/evidence.h"

namespace redoubt::conformance {
namespace {

json::Value parts_json(const amd::TcbParts& parts) {
  json::Object out{{"bl", parts.boot_loader}, {"snp", parts.snp}, {"tee", parts.tee}, {"ucode", parts.microcode}};
  if (parts.fmc) out.emplace("fmc", *parts.fmc);
  return out;
}

Result<Bytes> certificate(const Entry& entry, std::string_view key) {
  REDOUBT_TRY(Bytes bytes, entry.file(key));
  return first_certificate(std::move(bytes));
}

}  // namespace

Result<Facts> snp_facts(const Entry& entry) {
  REDOUBT_TRY(const Bytes report, entry.evidence("report"));
  REDOUBT_TRY(const Instant now, entry.at());
  REDOUBT_TRY(const Bytes leaf, certificate(entry, "leaf"));
  REDOUBT_TRY(const Bytes ask, certificate(entry, "ask"));
  REDOUBT_TRY(const Bytes ark, certificate(entry, "ark"));
  REDOUBT_TRY(const auto parsed, snp::parse(report));
  const snp::Outcome outcome = snp::authenticate(parsed, {.leaf = leaf, .intermediate = ask, .ark = ark, .now = now});
  Facts facts{{"authentic", outcome.authentic.has_value()}, {"accept_under_strict_policy", false}, {"verdict", "reject"}};
  if (!outcome.authentic) return facts;

  const snp::SnpEvidence& evidence = **outcome.authentic;
  const amd::LeafExtensions& extensions = evidence.endorsement.leaf;
  const bool vlek = evidence.endorsement.signing_key == amd::KeyKind::vlek;
  std::string product(amd::product_text(evidence.endorsement.product));
  product[0] = static_cast<char>(product[0] - 'A' + 'a');
  facts["verdict"] = "accept";
  facts.emplace("signing_key", amd::key_kind_text(evidence.endorsement.signing_key));
  facts.emplace("product", product);
  facts.emplace("reported_tcb_parts", parts_json(evidence.reported_tcb()));
  facts.emplace("leaf_tcb_parts", parts_json(amd::tcb_parts(extensions.tcb, evidence.endorsement.product)));
  facts.emplace("tcb_matches_leaf", evidence.report.reported_tcb == extensions.tcb);
  facts.emplace("chip_id_matches_leaf", extensions.chip_id ? json::Value(evidence.report.chip_id == *extensions.chip_id) : json::Value());
  facts.emplace("leaf_product_name", extensions.product_name);
  facts.emplace("vlek_csp_id", vlek ? json::Value(extensions.csp_id) : json::Value());
  facts.emplace("debug_policy", evidence.report.policy.debug());
  facts["accept_under_strict_policy"] = !evidence.report.policy.debug() && evidence.report.vmpl == 0;
  return facts;
}

}  // namespace redoubt::conformance
