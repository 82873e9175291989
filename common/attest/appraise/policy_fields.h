// The fields of each section of a policy: one list that reads and writes. Private to this room; docs/specs/policy.md explains them.
#pragma once

#include "common/attest/appraise/policy_codec.h"

namespace redoubt::appraise {

// Revoked and NotSupported are not in the list: no policy can accept them.
inline constexpr std::string_view kTcbStatuses[] = {
    "UpToDate", "SWHardeningNeeded", "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded", "OutOfDate",
    "OutOfDateConfigurationNeeded", "TDRelaunchAdvised", "TDRelaunchAdvisedConfigurationNeeded"};
inline constexpr std::string_view kSnpProducts[] = {"milan", "genoa", "turin"};
inline constexpr std::string_view kSnpKeys[] = {"VCEK", "VLEK"};

template <class C>
void fields(C& c, typename C::template Ref<TrustAnchor> p) {
  c.hex("certificate", p.certificate);
  c.text("name", p.name);
  c.boolean("software", p.software);
  c.word("ak_usage", p.ak_without_usage, kAny);
}

template <class C>
void fields(C& c, typename C::template Ref<VendorRoot> p) {
  c.hex("certificate", p.certificate);
  c.text("name", p.name);
  c.hex("spki", p.spki);
}

template <class C>
void fields(C& c, typename C::template Ref<TpmPolicy> p) {
  c.list_or_none("anchors", p.anchors);
  c.hex_list("enrollers", p.enrollers);
  c.any_registers("pcrs", p.pcrs, 24);
  c.known_registers("pcrs_sha384", p.pcrs_sha384, 24);
  c.known_registers("pcrs_sha512", p.pcrs_sha512, 24);
  c.choice("secure_boot", p.secure_boot_required, "required", kAny);
  c.word("ima_violations", p.accept_ima_violations, "accepted");
  c.word("revocation_lists", p.require_revocation_lists, "required");
}

template <class C>
void fields(C& c, typename C::template Ref<TcbPolicy> p) {
  c.any_words("advisories", p.advisories);
  c.number("grace_days", p.grace_days);
  c.any_number("minimum_evaluation_number", p.minimum_evaluation_number);
  c.any_instant("minimum_level_date", p.minimum_level_date);
  c.vendor_list("roots", p.roots);
  c.words("statuses", p.statuses, kTcbStatuses);
}

template <class C>
void fields(C& c, typename C::template Ref<SgxSigner> p) {
  c.number("minimum_svn", p.minimum_svn);
  c.hex("mrsigner", p.mrsigner);
  c.number("product", p.product);
}

template <class C>
void fields(C& c, typename C::template Ref<SgxPolicy> p) {
  c.choice("debug", p.accept_debug, "accepted", "refused");
  c.any_hex_list("mrenclave", p.mrenclave);
  c.any_list("signers", p.signers);
  c.section("tcb", p.tcb);
}

template <class C>
void fields(C& c, typename C::template Ref<TdxPolicy> p) {
  c.choice("debug", p.accept_debug, "accepted", "refused");
  c.choice("migration", p.accept_migratable, "accepted", "refused");
  c.any_hex("mr_config_id", p.mr_config_id);
  c.any_hex("mr_owner", p.mr_owner);
  c.any_hex("mr_owner_config", p.mr_owner_config);
  c.any_hex_list("mrtd", p.mrtd);
  c.any_registers("rtmrs", p.rtmrs, 4);
  c.choice("sept_ve_disable", p.require_sept_ve_disable, "required", kAny);
  c.choice("service_td", p.accept_service_td, "accepted", "refused");
  c.section("tcb", p.tcb);
}

template <class C>
void fields(C& c, typename C::template Ref<SnpTcb> p) {
  c.number("boot_loader", p.boot_loader);
  c.number("fmc", p.fmc);
  c.number("microcode", p.microcode);
  c.number("snp", p.snp);
  c.number("tee", p.tee);
}

template <class C>
void fields(C& c, typename C::template Ref<SnpPolicy> p) {
  c.choice("alias_check", p.require_alias_check, "required", kAny);
  c.any_hex_list("author_key", p.author_key);
  c.any_hex_list("chips", p.chips);
  c.choice("debug", p.accept_debug, "accepted", "refused");
  c.any_hex("host_data", p.host_data);
  c.any_hex_list("id_key", p.id_key);
  c.words("keys", p.keys, kSnpKeys);
  c.choice("masked_chip_id", p.accept_masked_chip_id, "accepted", "refused");
  c.number("maximum_vmpl", p.maximum_vmpl);
  c.any_hex_list("measurement", p.measurement);
  c.choice("migration_agent", p.accept_migration_agent, "accepted", "refused");
  c.any_number("minimum_guest_svn", p.minimum_guest_svn);
  c.any_section("minimum_launch_tcb", p.minimum_launch_tcb);
  c.any_section("minimum_tcb", p.minimum_tcb);
  c.words("products", p.products, kSnpProducts);
  c.choice("provisional_firmware", p.accept_provisional_firmware, "accepted", "refused");
  c.any_number("required_mitigations", p.required_mitigations);
  c.choice("revocation_list", p.require_revocation_list, "required", kAny);
  c.vendor_list("roots", p.roots);
  c.choice("single_socket", p.require_single_socket, "required", kAny);
  c.choice("smt", p.accept_smt, "accepted", "refused");
}

template <class C>
void fields(C& c, typename C::template Ref<NitroPolicy> p) {
  c.choice("debug", p.accept_debug, "accepted", "refused");
  c.number("maximum_age_seconds", p.maximum_age_seconds);
  c.any_registers("pcrs", p.pcrs, 32);
  c.vendor_list("roots", p.roots);
}

template <class C>
void fields(C& c, typename C::template Ref<TokenPolicy> p) {
  c.any_text("audience", p.audience);
  c.choice("debug", p.accept_debug, "accepted", "refused");
  c.any_words("hardware_models", p.hardware_models);
  c.any_words("image_digests", p.image_digests);
  c.text("issuer", p.issuer);
  c.any_number("minimum_software_version", p.minimum_software_version);
  c.choice("overrides", p.accept_overrides, "accepted", "refused");
  c.vendor_list("roots", p.roots);
  c.choice("secure_boot", p.require_secure_boot, "required", kAny);
  c.number("skew_seconds", p.skew_seconds);
  c.words("software_names", p.software_names);
  c.any_words("support", p.support);
}

template <class C>
void fields(C& c, typename C::template Ref<AzurePolicy> p) {
  c.choice("ak_certificate", p.ak_certificate_required, "required", kAny);
  c.vendor_list("ak_roots", p.ak_roots);
  c.any_registers("pcrs", p.pcrs, 24);
  c.choice("secure_boot", p.secure_boot_required, "required", kAny);
  c.word("revocation_lists", p.require_revocation_lists, "required");
  c.refused_section("snp", p.snp);
  c.refused_section("tdx", p.tdx);
}

template <class C>
void fields(C& c, typename C::template Ref<PlatformPolicies> p) {
  c.optional_section("azure", p.azure);
  c.optional_section("nitro", p.nitro);
  c.optional_section("sgx", p.sgx);
  c.optional_section("snp", p.snp);
  c.optional_section("tdx", p.tdx);
  c.optional_section("token", p.token);
  c.optional_section("tpm", p.tpm);
}

template <class T>
void PolicyReader::read_section(const json::Value& value, std::string_view what, T& out) {
  if (!reader_.ok()) return;
  PolicyReader inner(value, what);
  fields(inner, out);
  if (const Status status = inner.finish(); !status.ok()) reader_.fail(status.error().message());
}

template <class T>
void PolicyWriter::section(std::string_view key, const T& value) {
  PolicyWriter inner;
  fields(inner, value);
  put(key, std::move(inner).take());
}

template <class T>
void PolicyWriter::list(std::string_view key, const std::vector<T>& values) {
  json::Array items;
  for (const T& value : values) {
    PolicyWriter inner;
    fields(inner, value);
    items.emplace_back(std::move(inner).take());
  }
  put(key, std::move(items));
}

}  // namespace redoubt::appraise
