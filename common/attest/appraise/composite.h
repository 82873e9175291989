// Composite Evidence: several parts of one machine as a graph, and whether they are of one machine.
//
// A trust domain with its event log, a TPM with the report of the hardware below it, a CPU with an accelerator: each part alone may be
// good and of another machine. So parts are joined by bindings: a value that the authentic Evidence of one part states must be a value,
// or the digest of a value, of the other. What follows from the root part along bindings that hold is of its machine; every other part
// is unbound and lowers the whole: never better than a warning, and contraindicated where the Relying Party requires the part. Parts come
// from a liar; which parts and bindings are asked for is the Relying Party's word. Pure: no I/O, no clock. RFC 9334 section 3.3
// (composite devices), draft-ietf-rats-ear (one submodule a part).
#pragma once

#include "common/attest/appraise/appraisal.h"
#include "common/attest/evidence/eventlog/event_log.h"

namespace redoubt::appraise {

inline constexpr std::size_t kMaxParts = 16;
inline constexpr std::size_t kMaxBindings = 64;

// Part: what was appraised, or what is only carried along, such as a log, and is worth what binds it.
struct Part {
  std::string name;                    // 1 to 64 characters; also of its submodule
  std::optional<Appraisal> appraisal;  // absent: carried
  json::Object claims = {};            // of a carried part: hexadecimal values; ignored where there is an appraisal
};

// How the value of the bound part stands in the binding one. A digest shorter than its place is followed by zeros.
enum class BindingForm { equal, sha256, sha384, sha512 };

// Binding: the claim `by_claim` of part `by` (a member of Appraisal::measured) holds the claim `claim` of part `part`.
struct Binding {
  std::string by, by_claim;
  std::string part, claim;
  BindingForm form = BindingForm::equal;
};

struct Composite {
  std::vector<Part> parts;          // the first is the root: it answers the challenge, and is always required
  std::vector<Binding> bindings;
  std::vector<std::string> required;  // names; one that is not among the parts is a refusal
};

// BindingCheck: a binding with both values, "absent" where a part does not state the claim or is not authentic.
struct BindingCheck {
  Binding binding;
  bool holds = false;
  std::string expected, found;
};

struct CompositePart {
  std::string name;
  bool bound = false;     // along bindings that hold, from the root
  bool required = false;
  Tier status = Tier::contraindicated;  // of the part in this composite
};

struct CompositeAppraisal {
  Tier status = Tier::contraindicated;
  std::vector<CompositePart> parts;     // in the order of the composite
  std::vector<BindingCheck> bindings;   // all of them, in their order
  std::vector<std::string> remarks;     // what lowered the status, in words for people
  Interval validity;                    // of all parts that were appraised

  // accepted: ok for affirming and warning; otherwise the first reason, with both values where there are two.
  Status accepted() const;
};

// appraise_composite: `usage` for a composite that is none: no part, a name twice, a binding of parts that are not there or of a part to
// itself, too many of either, a root that was only carried.
Result<CompositeAppraisal> appraise_composite(const Composite& composite);

// rtmr_log_part: the event log of a trust domain as a carried part: its claims "rtmr0" to "rtmr2", and "rtmr3" where the log speaks of it,
// are what the log replays to; a register that no event extends is zero, as in the domain. `malformed` for a log of other registers.
Result<Part> rtmr_log_part(std::string name, const eventlog::EventLog& log);
// rtmr_bindings: that the log's registers are those of the part `domain`, a quote of a trust domain.
std::vector<Binding> rtmr_bindings(const std::string& domain, const Part& log);

// ear: one submodule a part, each with its status in the composite, whether it is bound and by what; "redoubt.composite" is the status of
// the whole.
json::Value ear(const Composite& composite, const CompositeAppraisal& appraisal, Instant now);

}  // namespace redoubt::appraise
