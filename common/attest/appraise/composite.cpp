#include "common/attest/appraise/composite.h"

#include <set>

#include "common/attest/appraise/ear.h"

namespace redoubt::appraise {
namespace {

constexpr std::size_t kMaxName = 64;

std::string_view form_text(BindingForm form) {
  switch (form) {
    case BindingForm::equal: return "equal";
    case BindingForm::sha256: return "SHA-256";
    case BindingForm::sha384: return "SHA-384";
    case BindingForm::sha512: return "SHA-512";
  }
  return "";
}

std::string text(const Binding& binding) {
  return binding.by + "." + binding.by_claim + (binding.form == BindingForm::equal ? " equal to " : " holding " + std::string(form_text(binding.form)) + " of ") +
         binding.part + "." + binding.claim;
}

const Part* find_part(const Composite& composite, std::string_view name) {
  const auto found = std::ranges::find(composite.parts, name, &Part::name);
  return found == composite.parts.end() ? nullptr : &*found;
}

// value_of: what the part states under that name, if it is authentic or carried and states it.
std::optional<Bytes> value_of(const Part& part, const std::string& claim) {
  const json::Object& claims = part.appraisal ? part.appraisal->measured : part.claims;
  const auto found = claims.find(claim);
  if (found == claims.end() || found->second.string() == nullptr || found->second.string()->empty()) return std::nullopt;
  auto bytes = hex_decode(*found->second.string());
  if (!bytes.ok()) return std::nullopt;
  return std::move(*bytes);
}

// in_form: the value as it must stand in a place of `size` bytes; nothing when it has no room there.
std::optional<Bytes> in_form(const Bytes& value, BindingForm form, std::size_t size) {
  Bytes out;
  switch (form) {
    case BindingForm::equal: return value;
    case BindingForm::sha256: out = to_bytes(crypto::sha256(value).view()); break;
    case BindingForm::sha384: out = to_bytes(crypto::sha384(value).view()); break;
    case BindingForm::sha512: out = to_bytes(crypto::sha512(value).view()); break;
  }
  if (out.size() > size) return std::nullopt;
  out.resize(size);
  return out;
}

BindingCheck check(const Composite& composite, const Binding& binding) {
  const auto stated = value_of(*find_part(composite, binding.by), binding.by_claim);
  const auto own = value_of(*find_part(composite, binding.part), binding.claim);
  const auto wanted = stated && own ? in_form(*own, binding.form, stated->size()) : std::nullopt;
  BindingCheck out{binding, wanted && equal(*wanted, *stated), {}, {}};
  out.expected = wanted ? hex_encode(*wanted) : own ? "a value with room for its digest" : "absent";
  out.found = stated ? hex_encode(*stated) : "absent";
  return out;
}

Status check_form(const Composite& composite) {
  const auto usage = [](std::string message) { return Status(Error(Code::usage, "composite: " + std::move(message))); };
  if (composite.parts.empty() || composite.parts.size() > kMaxParts) {
    return usage("expected 1 to " + std::to_string(kMaxParts) + " parts, found " + std::to_string(composite.parts.size()));
  }
  if (composite.bindings.size() > kMaxBindings) {
    return usage("expected at most " + std::to_string(kMaxBindings) + " bindings, found " + std::to_string(composite.bindings.size()));
  }
  std::set<std::string_view> names;
  for (const Part& part : composite.parts) {
    if (part.name.empty() || part.name.size() > kMaxName) return usage("expected names of 1 to " + std::to_string(kMaxName) + " characters");
    if (!names.insert(part.name).second) return usage("expected each name once, found " + part.name + " twice");
  }
  if (!composite.parts.front().appraisal) return usage("expected a root that was appraised, found one that is carried: " + composite.parts.front().name);
  for (const Binding& binding : composite.bindings) {
    if (!names.contains(binding.by) || !names.contains(binding.part)) return usage("expected bindings of its parts, found " + text(binding));
    if (binding.by == binding.part) return usage("expected bindings between two parts, found " + text(binding));
  }
  return {};
}

Tier worse(Tier a, Tier b) { return static_cast<int>(a) < static_cast<int>(b) ? b : a; }

Tier own_tier(const Part& part) {
  return part.appraisal && part.appraisal->status != Tier::none ? part.appraisal->status : Tier::contraindicated;
}

// bound_parts: the root, and what is reached from it, with what each is worth. A part is bound when every binding that leads to it holds,
// and one of them comes from a bound part that is trusted; a binding that does not hold is never made good by another, and one that
// leads back to the root speaks against the part that it comes from. A carried part is worth what the worst part is that binds it.
std::map<std::string, Tier> bound_parts(const Composite& composite, const std::vector<BindingCheck>& checks) {
  std::map<std::string, Tier> bound{{composite.parts.front().name, own_tier(composite.parts.front())}};
  const auto contradicted = [&](const std::string& name) {
    return std::ranges::any_of(checks, [&](const BindingCheck& one) {
      return !one.holds && (one.binding.part == name || (one.binding.by == name && one.binding.part == composite.parts.front().name));
    });
  };
  for (std::size_t before = 0; before != bound.size();) {
    before = bound.size();
    for (const Part& part : composite.parts) {
      if (bound.contains(part.name) || contradicted(part.name)) continue;
      std::optional<Tier> worst;
      for (const BindingCheck& one : checks) {
        const auto by = bound.find(one.binding.by);
        if (one.binding.part != part.name || by == bound.end() || by->second == Tier::contraindicated) continue;
        worst = worse(worst.value_or(Tier::affirming), by->second);
      }
      if (worst) bound.emplace(part.name, part.appraisal ? own_tier(part) : *worst);
    }
  }
  return bound;
}


}  // namespace

Status CompositeAppraisal::accepted() const {
  if (status == Tier::affirming || status == Tier::warning) return {};
  for (const BindingCheck& one : bindings) {
    if (!one.holds) {
      return Error(Code::binding, "composite evidence is not trusted: expected " + text(one.binding) + ": expected " + one.expected + ", found " + one.found);
    }
  }
  return Error(Code::policy, "composite evidence is not trusted: " + (remarks.empty() ? std::string("no part was accepted") : remarks.front()));
}

Result<CompositeAppraisal> appraise_composite(const Composite& composite) {
  REDOUBT_CHECK(check_form(composite));
  CompositeAppraisal out;
  for (const Binding& binding : composite.bindings) out.bindings.push_back(check(composite, binding));
  const std::map<std::string, Tier> bound = bound_parts(composite, out.bindings);
  const std::set<std::string> required(composite.required.begin(), composite.required.end());
  const Part& root = composite.parts.front();
  out.validity = root.appraisal->validity;
  out.status = own_tier(root);
  for (const Part& part : composite.parts) {
    const auto found = bound.find(part.name);
    CompositePart one{part.name, found != bound.end(), required.contains(part.name) || &part == &root, Tier::contraindicated};
    if (part.appraisal) out.validity = out.validity.intersect(part.appraisal->validity);
    if (one.bound) {
      one.status = found->second;
      if (one.status == Tier::contraindicated) out.remarks.push_back("part " + part.name + " is not trusted");
    } else {
      if (!one.required && part.appraisal) one.status = worse(own_tier(part), Tier::warning);
      out.remarks.push_back("part " + part.name + " is not bound to " + root.name + ": it may be of another machine");
    }
    // What is not required, and bad or of another machine, lowers the whole to a warning.
    out.status = worse(out.status, one.required ? one.status : one.status == Tier::affirming ? Tier::affirming : Tier::warning);
    out.parts.push_back(std::move(one));
  }
  for (const std::string& name : composite.required) {
    if (find_part(composite, name) != nullptr) continue;
    out.remarks.push_back("part " + name + " is required and was not given");
    out.status = Tier::contraindicated;
  }
  return out;
}

Result<Part> rtmr_log_part(std::string name, const eventlog::EventLog& log) {
  const eventlog::Bank* const bank = log.bank(eventlog::kSha384);
  if (log.registers != eventlog::Registers::rtmrs || bank == nullptr) {
    return Error(Code::malformed, "composite: expected an event log of RTMRs with SHA-384, found another");
  }
  const eventlog::Replay replayed = log.replay(*bank);
  Part part{std::move(name), std::nullopt, {}};
  for (std::size_t i = 0; i < eventlog::kRtmrCount; ++i) {
    const auto& value = replayed[i + 1];
    if (!value && i == 3) continue;  // the guest's own software need not log there
    part.claims.emplace("rtmr" + std::to_string(i), value ? value->hex() : eventlog::Digest(bank->size).hex());
  }
  return part;
}

std::vector<Binding> rtmr_bindings(const std::string& domain, const Part& log) {
  std::vector<Binding> bindings;
  for (const auto& [claim, value] : log.claims) bindings.push_back({domain, claim, log.name, claim, BindingForm::equal});
  return bindings;
}

json::Value ear(const Composite& composite, const CompositeAppraisal& appraisal, Instant now) {
  json::Object submodules;
  for (std::size_t i = 0; i < composite.parts.size() && i < appraisal.parts.size(); ++i) {
    const Part& part = composite.parts[i];
    const CompositePart& judged = appraisal.parts[i];
    json::Object submodule = part.appraisal ? *ear_submodule(*part.appraisal).object() : json::Object{};
    submodule["ear.status"] = tier_text(judged.status);
    submodule["redoubt.bound"] = judged.bound;
    json::Array bindings;
    for (const BindingCheck& one : appraisal.bindings) {
      if (one.binding.part != part.name) continue;
      bindings.emplace_back(json::Object{{"binding", text(one.binding)}, {"expected", one.expected}, {"found", one.found}, {"outcome", one.holds ? "passed" : "failed"}});
    }
    submodule["redoubt.bindings"] = std::move(bindings);
    submodules.emplace(part.name, std::move(submodule));
  }
  json::Value result = ear_of(std::move(submodules), now);
  json::Object members = *result.object();
  json::Array remarks;
  for (const std::string& remark : appraisal.remarks) remarks.emplace_back(remark);
  members["redoubt.composite"] = json::Object{{"remarks", std::move(remarks)}, {"status", tier_text(appraisal.status)}, {"valid-until", appraisal.validity.end.text()}};
  return members;
}

}  // namespace redoubt::appraise
