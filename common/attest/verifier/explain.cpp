#include "common/attest/verifier/explain.h"

#include <algorithm>
#include <functional>

namespace redoubt::verifier {
namespace {

using appraise::Appraisal;
using appraise::Policy;

// Loosening: one requirement made as wide as this Evidence needs, and no wider where its value is known. False: it was so already.
using Loosening = std::function<bool(Policy&)>;
using Loosenings = std::vector<Loosening>;

std::string text_of(const Appraisal& appraisal, std::string_view key) {
  const auto found = appraisal.measured.find(key);
  return found == appraisal.measured.end() || found->second.string() == nullptr ? "" : *found->second.string();
}

std::optional<std::uint64_t> number_of(const Appraisal& appraisal, std::string_view key) {
  const auto found = appraisal.measured.find(key);
  if (found == appraisal.measured.end() || found->second.integer() == nullptr || *found->second.integer() < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*found->second.integer());
}

template <class F>
std::optional<F> hex_of(const Appraisal& appraisal, std::string_view key) {
  const auto bytes = F::from_hex(text_of(appraisal, key), key);
  return bytes.ok() ? std::optional<F>(*bytes) : std::nullopt;
}

bool set(bool& flag, bool to) {
  const bool changed = flag != to;
  flag = to;
  return changed;
}

template <class T>
bool drop(std::optional<T>& requirement) {
  const bool changed = requirement.has_value();
  requirement.reset();
  return changed;
}

// add: the value to the list of accepted ones; without a value the requirement is dropped.
template <class T>
bool add(std::optional<std::vector<T>>& list, const std::optional<T>& value) {
  if (!list) return false;
  if (!value) return drop(list);
  if (std::ranges::find(*list, *value) != list->end()) return false;
  list->push_back(*value);
  return true;
}

bool add(std::vector<std::string>& list, const std::string& value) {
  if (value.empty() || std::ranges::find(list, value) != list.end()) return false;
  list.push_back(value);
  return true;
}

template <class T>
bool replace(std::optional<T>& requirement, const std::optional<T>& value) {
  if (!requirement) return false;
  if (!value) return drop(requirement);
  const bool changed = !(*requirement == *value);
  requirement = value;
  return changed;
}

// registers: one loosening for each register that is asked for.
template <class Section, class F>
void registers(Loosenings& out, Section section, std::optional<std::map<int, F>> wanted, const Appraisal& appraisal, std::string_view prefix) {
  if (!wanted) return;
  for (const auto& [index, value] : *wanted) {
    const auto found = hex_of<F>(appraisal, std::string(prefix) + std::to_string(index));
    out.emplace_back([section, index = index, found](Policy& policy) {
      auto& all = section(policy);
      if (!all || !all->contains(index)) return false;
      if (found) {
        const bool changed = !(all->at(index) == *found);
        all->insert_or_assign(index, *found);
        return changed;
      }
      all->erase(index);
      return true;
    });
  }
}

bool is_acceptable(const std::string& status) { return !status.empty() && status != "Revoked" && status != "NotSupported"; }

void tcb(Loosenings& out, const std::function<appraise::TcbPolicy&(Policy&)>& section, const Appraisal& appraisal) {
  const std::string status = text_of(appraisal, "tcb_status");
  if (is_acceptable(status)) out.emplace_back([=](Policy& p) { return add(section(p).statuses, status); });
  const auto found = appraisal.measured.find("advisories");
  if (found != appraisal.measured.end() && found->second.array() != nullptr) {
    for (const json::Value& one : *found->second.array()) {
      if (one.string() != nullptr) out.emplace_back([=, id = *one.string()](Policy& p) { return add(section(p).advisories, std::optional(id)); });
    }
  }
  const auto date = Instant::parse(text_of(appraisal, "tcb_date"));
  out.emplace_back([=, date = date.ok() ? std::optional(*date) : std::nullopt](Policy& p) { return replace(section(p).minimum_level_date, date); });
  out.emplace_back([=](Policy& p) { return drop(section(p).minimum_evaluation_number); });
}

void sgx(Loosenings& out, const Appraisal& appraisal) {
  tcb(out, [](Policy& p) -> appraise::TcbPolicy& { return p.platforms.sgx->tcb; }, appraisal);
  out.emplace_back([](Policy& p) { return set(p.platforms.sgx->accept_debug, true); });
  out.emplace_back([value = hex_of<appraise::Hash32>(appraisal, "mrenclave")](Policy& p) { return add(p.platforms.sgx->mrenclave, value); });
  const auto signer = hex_of<appraise::Hash32>(appraisal, "mrsigner");
  const auto product = number_of(appraisal, "isvprodid");
  const auto svn = number_of(appraisal, "isvsvn");
  out.emplace_back([=](Policy& p) {
    auto& signers = p.platforms.sgx->signers;
    if (!signers) return false;
    if (!signer) return drop(signers);
    signers->push_back({*signer, product.value_or(0), svn.value_or(0)});
    return true;
  });
}

// Where a policy's section for this hardware stands: for bare Evidence or for a composite's part.
using TdxSection = appraise::TdxPolicy& (*)(Policy&);
using SnpSection = appraise::SnpPolicy& (*)(Policy&);

void tdx(Loosenings& out, TdxSection section, const appraise::TdxPolicy& wanted, const Appraisal& appraisal) {
  tcb(out, [section](Policy& p) -> appraise::TcbPolicy& { return section(p).tcb; }, appraisal);
  out.emplace_back([section](Policy& p) { return set(section(p).accept_debug, true); });
  out.emplace_back([section](Policy& p) { return set(section(p).accept_migratable, true); });
  out.emplace_back([section](Policy& p) { return set(section(p).require_sept_ve_disable, false); });
  out.emplace_back([section](Policy& p) { return set(section(p).accept_service_td, true); });
  out.emplace_back([section, value = hex_of<appraise::Hash48>(appraisal, "mrtd")](Policy& p) { return add(section(p).mrtd, value); });
  out.emplace_back([section, value = hex_of<appraise::Hash48>(appraisal, "mrconfigid")](Policy& p) { return replace(section(p).mr_config_id, value); });
  out.emplace_back([section](Policy& p) { return drop(section(p).mr_owner); });
  out.emplace_back([section](Policy& p) { return drop(section(p).mr_owner_config); });
  registers(out, [section](Policy& p) -> auto& { return section(p).rtmrs; }, wanted.rtmrs, appraisal, "rtmr");
}

void snp(Loosenings& out, SnpSection section, const Appraisal& appraisal) {
  const auto flag = [&](bool appraise::SnpPolicy::*member, bool to) {
    out.emplace_back([=](Policy& p) { return set(section(p).*member, to); });
  };
  flag(&appraise::SnpPolicy::accept_debug, true);
  flag(&appraise::SnpPolicy::accept_migration_agent, true);
  flag(&appraise::SnpPolicy::accept_smt, true);
  flag(&appraise::SnpPolicy::require_single_socket, false);
  flag(&appraise::SnpPolicy::accept_masked_chip_id, true);
  flag(&appraise::SnpPolicy::accept_provisional_firmware, true);
  flag(&appraise::SnpPolicy::require_alias_check, false);
  flag(&appraise::SnpPolicy::require_revocation_list, false);
  out.emplace_back([section, value = text_of(appraisal, "product")](Policy& p) { return add(section(p).products, value); });
  out.emplace_back([section, value = text_of(appraisal, "signing_key")](Policy& p) { return add(section(p).keys, value); });
  out.emplace_back([section, value = number_of(appraisal, "vmpl")](Policy& p) {
    if (!value || *value <= section(p).maximum_vmpl) return false;
    section(p).maximum_vmpl = *value;
    return true;
  });
  out.emplace_back([section](Policy& p) { return drop(section(p).minimum_tcb); });
  out.emplace_back([section](Policy& p) { return drop(section(p).minimum_launch_tcb); });
  out.emplace_back([section, value = number_of(appraisal, "guest_svn")](Policy& p) { return replace(section(p).minimum_guest_svn, value); });
  out.emplace_back([section](Policy& p) { return drop(section(p).required_mitigations); });
  out.emplace_back([section, value = hex_of<appraise::Hash48>(appraisal, "measurement")](Policy& p) { return add(section(p).measurement, value); });
  out.emplace_back([section](Policy& p) { return drop(section(p).id_key); });
  out.emplace_back([section](Policy& p) { return drop(section(p).author_key); });
  out.emplace_back([section, value = hex_of<appraise::Hash32>(appraisal, "host_data")](Policy& p) { return replace(section(p).host_data, value); });
  out.emplace_back([section, value = hex_of<appraise::ReportBytes64>(appraisal, "chip_id")](Policy& p) { return add(section(p).chips, value); });
}

void nitro(Loosenings& out, const Policy& policy, const Appraisal& appraisal, Instant now) {
  out.emplace_back([](Policy& p) { return set(p.platforms.nitro->accept_debug, true); });
  const auto time = Instant::parse(text_of(appraisal, "time"));
  if (time.ok() && *time <= now) {
    const auto age = static_cast<std::uint64_t>(now.unix_seconds() - time->unix_seconds());
    out.emplace_back([age](Policy& p) {
      if (age <= p.platforms.nitro->maximum_age_seconds) return false;
      p.platforms.nitro->maximum_age_seconds = age;
      return true;
    });
  }
  registers(out, [](Policy& p) -> auto& { return p.platforms.nitro->pcrs; }, policy.platforms.nitro->pcrs, appraisal, "pcr");
}

void token(Loosenings& out, const Appraisal& appraisal) {
  constexpr std::uint64_t kMaxSkew = 600;
  out.emplace_back([](Policy& p) { return set(p.platforms.token->accept_debug, true); });
  out.emplace_back([](Policy& p) { return set(p.platforms.token->require_secure_boot, false); });
  out.emplace_back([](Policy& p) { return set(p.platforms.token->accept_overrides, true); });
  out.emplace_back([value = text_of(appraisal, "swname")](Policy& p) { return add(p.platforms.token->software_names, value); });
  out.emplace_back([](Policy& p) { return drop(p.platforms.token->minimum_software_version); });
  out.emplace_back([](Policy& p) { return drop(p.platforms.token->support); });
  const auto known = [](std::string value) { return value.empty() ? std::optional<std::string>() : std::optional(std::move(value)); };
  out.emplace_back([value = known(text_of(appraisal, "hwmodel"))](Policy& p) { return add(p.platforms.token->hardware_models, value); });
  out.emplace_back([value = known(text_of(appraisal, "image_digest"))](Policy& p) { return add(p.platforms.token->image_digests, value); });
  out.emplace_back([](Policy& p) { return drop(p.platforms.token->audience); });
  out.emplace_back([](Policy& p) {
    if (p.platforms.token->skew_seconds == kMaxSkew) return false;
    p.platforms.token->skew_seconds = kMaxSkew;
    return true;
  });
}

// reference_pcrs: one loosening for each Reference Value, from a section that has some.
template <class Section>
void reference_pcrs(Loosenings& out, Section section, const std::optional<std::map<int, crypto::Sha256Digest>>& wanted, const Appraisal& appraisal) {
  if (!wanted) return;
  for (const auto& [index, value] : *wanted) {
    const tpm::PcrValue* const found = appraisal.pcrs.find(index);
    out.emplace_back([section, index = index, found = found == nullptr ? std::nullopt : std::optional(*found)](Policy& p) {
      auto& pcrs = *section(p);
      if (!found) return pcrs.erase(index) > 0;
      const bool changed = pcrs.at(index) != *found;
      pcrs.at(index) = *found;
      return changed;
    });
  }
}

// wide_pcrs: the same for a bank whose values stand in the result's "pcrs".
template <class Section, class F>
void wide_pcrs(Loosenings& out, Section section, const std::optional<std::map<int, F>>& wanted, std::string_view bank, const Appraisal& appraisal) {
  if (!wanted) return;
  const auto values = appraisal.measured.find("pcrs");
  const bool quoted = text_of(appraisal, "bank") == bank && values != appraisal.measured.end() && values->second.object() != nullptr;
  if (!quoted) {
    out.emplace_back([section](Policy& p) { return drop(section(p)); });
    return;
  }
  for (const auto& [index, value] : *wanted) {
    const auto at = values->second.object()->find(std::to_string(index));
    std::optional<F> found;
    if (at != values->second.object()->end() && at->second.string() != nullptr) {
      if (const auto bytes = F::from_hex(*at->second.string(), "pcr"); bytes.ok()) found = *bytes;
    }
    out.emplace_back([section, index = index, found](Policy& p) {
      auto& all = section(p);
      if (!all || !all->contains(index)) return false;
      const bool changed = !found || !(all->at(index) == *found);
      if (found) {
        all->at(index) = *found;
      } else if (all->size() == 1) {
        all.reset();  // a policy has no empty list of values
      } else {
        all->erase(index);
      }
      return changed;
    });
  }
}

void tpm(Loosenings& out, const Policy& policy, const Appraisal& appraisal) {
  out.emplace_back([](Policy& p) { return set(p.accept_software_tpm, true); });
  out.emplace_back([](Policy& p) { return set(p.accept_host_asserted, true); });
  out.emplace_back([](Policy& p) { return set(p.platforms.tpm->secure_boot_required, false); });
  out.emplace_back([](Policy& p) { return set(p.platforms.tpm->accept_ima_violations, true); });
  out.emplace_back([](Policy& p) { return set(p.platforms.tpm->require_revocation_lists, false); });
  out.emplace_back([program = appraisal.program](Policy& p) {
    if (!p.programs || !program) return drop(p.programs);
    p.programs->push_back({"the program that was found", *program});
    return true;
  });
  const appraise::TpmPolicy& section = *policy.platforms.tpm;
  reference_pcrs(out, [](Policy& p) -> auto& { return p.platforms.tpm->pcrs; }, section.pcrs, appraisal);
  wide_pcrs(out, [](Policy& p) -> auto& { return p.platforms.tpm->pcrs_sha384; }, section.pcrs_sha384, "SHA-384", appraisal);
  wide_pcrs(out, [](Policy& p) -> auto& { return p.platforms.tpm->pcrs_sha512; }, section.pcrs_sha512, "SHA-512", appraisal);
}

void azure(Loosenings& out, const Policy& policy, const Appraisal& appraisal) {
  out.emplace_back([](Policy& p) { return set(p.platforms.azure->ak_certificate_required, false); });
  out.emplace_back([](Policy& p) { return set(p.platforms.azure->secure_boot_required, false); });
  out.emplace_back([](Policy& p) { return set(p.platforms.azure->require_revocation_lists, false); });
  reference_pcrs(out, [](Policy& p) -> auto& { return p.platforms.azure->pcrs; }, policy.platforms.azure->pcrs, appraisal);
  if (appraisal.format == "azure-snp" && policy.platforms.azure->snp) snp(out, [](Policy& p) -> auto& { return *p.platforms.azure->snp; }, appraisal);
  if (appraisal.format == "azure-tdx" && policy.platforms.azure->tdx) {
    tdx(out, [](Policy& p) -> auto& { return *p.platforms.azure->tdx; }, *policy.platforms.azure->tdx, appraisal);
  }
}

Loosenings loosenings(const Policy& policy, const Appraisal& appraisal, Instant now) {
  Loosenings out;
  if (policy.workload != "any") out.emplace_back([](Policy& p) { return std::exchange(p.workload, "any") != "any"; });
  const bool certificate = appraisal.format == "certificate";
  if (policy.platforms.sgx && (certificate || appraisal.format == "sgx")) sgx(out, appraisal);
  if (policy.platforms.tdx && (certificate || appraisal.format == "tdx")) {
    tdx(out, [](Policy& p) -> auto& { return *p.platforms.tdx; }, *policy.platforms.tdx, appraisal);
  }
  if (policy.platforms.snp && appraisal.format == "snp") snp(out, [](Policy& p) -> auto& { return *p.platforms.snp; }, appraisal);
  if (policy.platforms.nitro && appraisal.format == "nitro") nitro(out, policy, appraisal, now);
  if (policy.platforms.token && appraisal.format == "token") token(out, appraisal);
  if (policy.platforms.tpm && appraisal.format == "tpm") tpm(out, policy, appraisal);
  if (policy.platforms.azure && appraisal.format.starts_with("azure-")) azure(out, policy, appraisal);
  return out;
}

}  // namespace

Result<Explained> explain(ByteView evidence, std::span<const NamedFile> files, const std::optional<Policy>& policy, const std::optional<Bytes>& nonce,
                          Instant now) {
  if (const auto format = detect(evidence); !format.ok()) return format.error();
  REDOUBT_TRY(const auto at_hand, AtHand::read(files));
  REDOUBT_TRY(Appraisal appraisal, verify(evidence, *at_hand, {}, policy, nonce, now));
  Explained out{std::move(appraisal), {}};
  const Policy& base = policy ? *policy : strict_policy();
  // Only what changes this policy is worth trying.
  Loosenings all = loosenings(base, out.appraisal, now);
  std::erase_if(all, [&](const Loosening& one) {
    Policy copy = base;
    return !one(copy);
  });
  const auto with = [&](const std::vector<bool>& used) {
    Policy changed = base;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (used[i]) all[i](changed);
    }
    return changed;
  };
  const auto turns = [&](attest::CheckId id, const std::vector<bool>& used) {
    const auto again = verify(evidence, *at_hand, {}, with(used), nonce, now);
    const attest::Check* check = again.ok() ? again->find(id) : nullptr;
    return check != nullptr && check->outcome != attest::Outcome::failed;
  };
  for (const attest::Check& check : out.appraisal.checks) {
    if (check.outcome != attest::Outcome::failed) continue;
    Explanation one{check, std::string(attest::title(check.id)), {}};
    std::vector<bool> used(all.size(), true);
    if (!all.empty() && turns(check.id, used)) {
      for (std::size_t i = 0; i < all.size(); ++i) {
        used[i] = false;
        if (!turns(check.id, used)) used[i] = true;
      }
      one.change = appraise::difference(base, with(used));
    }
    out.failed.push_back(std::move(one));
  }
  return out;
}

}  // namespace redoubt::verifier
