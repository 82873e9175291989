#include <algorithm>

#include "common/attest/endorse/intel/collateral_parts.h"
#include "common/base/concat.h"

namespace redoubt::endorse {

namespace {

using attest::Check;
using attest::CheckId;
using crypto::CertificateView;

std::string period(Instant begin, Instant end) { return concat(begin, " to ", end); }

// Verdict: one check in the making. The first failure is the one that is told, with its class.
class Verdict {
 public:
  explicit Verdict(CheckId id) : id_(id) {}
  void require(const Status& status) {
    if (!status.ok()) fail(status.error().code(), status.error().message());
  }
  void require(bool holds, Code code, std::string_view found) {
    if (!holds) fail(code, std::string(found));
  }
  void fail(Code code, std::string found) {
    if (failed_) return;
    failed_ = true;
    code_ = code;
    why_ = std::move(found);
  }
  bool ok() const { return !failed_; }
  Check check(std::string expected, std::string found) && {
    if (failed_) return attest::failed(id_, code_, std::move(expected), std::move(why_));
    return attest::passed(id_, std::move(expected), std::move(found));
  }

 private:
  CheckId id_;
  bool failed_ = false;
  Code code_ = Code::malformed;
  std::string why_;
};

bool pinned(const CollateralParts& parts, const CollateralInputs& inputs) {
  return std::ranges::find(inputs.roots, parts.root_pin) != inputs.roots.end();
}

// PinsText: roots that are trusted, as a part of a text (concat).
struct PinsText {
  static constexpr std::string_view kNone = "no root is trusted";
  static constexpr std::string_view kOr = " or ";
  std::span<const RootPin> roots;
};
void append_text(std::string& out, PinsText pins) {
  if (pins.roots.empty()) out += PinsText::kNone;
  std::string_view before;
  for (const RootPin& pin : pins.roots) {
    out += before;
    append_text(out, Hex{pin.view()});
    before = PinsText::kOr;
  }
}
std::size_t text_room(PinsText pins) { return pins.roots.empty() ? PinsText::kNone.size() : pins.roots.size() * (2 * RootPin::size + PinsText::kOr.size()); }

Check check_signers(const CollateralParts& parts, const CollateralInputs& inputs, bool& passed) {
  Verdict verdict(CheckId::c1);
  if (parts.root && !pinned(parts, inputs)) verdict.fail(Code::chain, "root key " + parts.root_pin.hex());
  verdict.require(parts.signers);
  if (parts.signers.ok() && !parts.signers_validity.contains(inputs.now)) {
    verdict.fail(Code::freshness, "valid " + period(parts.signers_validity.begin, parts.signers_validity.end) + ", time is " +
                                      inputs.now.text());
  }
  verdict.require(!parts.tcb_signer_revoked, Code::chain, "the TCB signing certificate is revoked");
  verdict.require(!parts.qe_signer_revoked, Code::chain, "the QE signing certificate is revoked");
  passed = passed && verdict.ok();
  return std::move(verdict).check(concat("Intel SGX TCB Signing under root key ", PinsText{inputs.roots}, ", valid at ", inputs.now),
                                  concat("root key ", Hex{parts.root_pin.view()}, ", valid ", parts.signers_validity.begin, " to ",
                                         parts.signers_validity.end));
}

Check check_signatures(const CollateralParts& parts, bool& passed) {
  Verdict verdict(CheckId::c2);
  verdict.require(parts.tcb_info_signature);
  verdict.require(parts.qe_identity_signature);
  passed = passed && verdict.ok();
  return std::move(verdict).check("ECDSA P-256 signatures of the signing certificates over the exact bytes", "both verified");
}

Check check_dates(const CollateralParts& parts, Instant now, bool& passed) {
  Verdict verdict(CheckId::c3);
  const auto look = [&](const Status& read, std::string_view what, Instant issued, Instant next) {
    verdict.require(read);
    if (read.ok() && !Interval{issued, next}.contains(now)) {
      verdict.fail(Code::freshness, std::string(what) + " is valid " + period(issued, next));
    }
  };
  look(parts.tcb_info_read, "TCB info", parts.tcb_info.issue_date, parts.tcb_info.next_update);
  look(parts.qe_identity_read, "QE identity", parts.qe_identity.issue_date, parts.qe_identity.next_update);
  passed = passed && verdict.ok();
  return std::move(verdict).check(concat("issued and not past the next update at ", now),
                                  concat("TCB info ", parts.tcb_info.issue_date, " to ", parts.tcb_info.next_update, ", QE identity ",
                                         parts.qe_identity.issue_date, " to ", parts.qe_identity.next_update));
}

Check check_kind(const CollateralParts& parts, const PckLeaf* leaf, bool& passed) {
  Verdict verdict(CheckId::c4);
  verdict.require(parts.tcb_info_read);
  verdict.require(parts.qe_identity_read);
  std::string found = concat("TCB info ", tee_text(parts.tcb_info.tee), " version ", parts.tcb_info.version, ", QE identity ",
                             tee_text(parts.qe_identity.tee), " version ", parts.qe_identity.version);
  verdict.require(parts.tcb_info.tee == parts.qe_identity.tee, Code::binding, found);
  passed = passed && verdict.ok();
  if (leaf != nullptr) verdict.require(leaf->tee == parts.tcb_info.tee, Code::binding, found);
  return std::move(verdict).check(concat("TCB info and QE identity for ", leaf != nullptr ? tee_text(leaf->tee) : "the same TEE"), std::move(found));
}

Check check_family(const CollateralParts& parts, const PckLeaf* leaf) {
  if (leaf == nullptr) return attest::not_applicable(CheckId::c5, "no PCK certificate to compare with");
  Verdict verdict(CheckId::c5);
  verdict.require(parts.tcb_info_read);
  const auto& pce = parts.tcb_info.pce_id;
  std::string found = concat("FMSPC ", Hex{parts.tcb_info.fmspc.view()}, ", PCE id ", pce ? "" : "absent", Hex{pce ? pce->view() : ByteView()});
  verdict.require(parts.tcb_info.fmspc == leaf->fmspc && pce == leaf->pce_id, Code::binding, found);
  return std::move(verdict).check(concat("FMSPC ", Hex{leaf->fmspc.view()}, ", PCE id ", Hex{leaf->pce_id.view()}), std::move(found));
}

void look_at_crl(const std::optional<crypto::CrlView>& crl, std::string_view what, Instant now, Verdict& verdict) {
  if (crl && !Interval{crl->this_update, crl->next_update}.contains(now)) {
    verdict.fail(Code::freshness, std::string(what) + " is valid " + period(crl->this_update, crl->next_update));
  }
}

void look_at_leaf(const CollateralParts& parts, const PckLeaf& leaf, Verdict& verdict) {
  if (leaf.certificate == nullptr || leaf.issuer == nullptr) {
    return verdict.fail(Code::chain, "the PCK certificate came without its issuer");
  }
  if (!parts.pck_crl || !parts.pck_issuer) return;
  const bool same = equal(leaf.certificate->issuer, parts.pck_crl->issuer) && equal(leaf.issuer->subject, parts.pck_crl->issuer) &&
                    equal(leaf.issuer->spki, parts.pck_issuer->spki);
  if (!same) verdict.fail(Code::binding, concat("PCK CRL of ", crypto::common_name(parts.pck_crl->issuer)));
  if (parts.pck_crl->revokes(leaf.certificate->serial)) {
    verdict.fail(Code::chain, concat("the PCK certificate ", Hex{leaf.certificate->serial}, " is revoked"));
  }
  verdict.require(!parts.root_crl || !parts.root_crl->revokes(leaf.issuer->serial), Code::chain, "the PCK certificate's CA is revoked");
}

// CrlText: a revocation list, if there is one, as a part of a text (concat).
struct CrlText {
  const std::optional<crypto::CrlView>& crl;
};
void append_text(std::string& out, const CrlText& text) {
  if (!text.crl) {
    out += "absent";
    return;
  }
  out += crypto::common_name(text.crl->issuer);
  out += " number ";
  append_text(out, Hex{*text.crl->number});
  out += ", ";
  append_text(out, text.crl->this_update);
  out += " to ";
  append_text(out, text.crl->next_update);
}
std::size_t text_room(const CrlText& text) {
  constexpr std::size_t kRest = 64;  // words and times
  return kRest + (text.crl ? crypto::common_name(text.crl->issuer).size() + 2 * text.crl->number->size() : 0);
}

Check check_lists(const CollateralParts& parts, const CollateralInputs& inputs, bool& passed) {
  Verdict verdict(CheckId::c6);
  verdict.require(parts.root_crl_issued);
  verdict.require(parts.pck_crl_issued);
  look_at_crl(parts.root_crl, "root CRL", inputs.now, verdict);
  look_at_crl(parts.pck_crl, "PCK CRL", inputs.now, verdict);
  if (parts.pck_issuer && !parts.pck_issuer->validity.contains(inputs.now)) {
    verdict.fail(Code::freshness,
                 "the PCK CA is valid " + period(parts.pck_issuer->validity.begin, parts.pck_issuer->validity.end));
  }
  verdict.require(!parts.pck_issuer_revoked, Code::chain, "the PCK CA is revoked");
  verdict.require(!parts.tcb_signer_revoked, Code::chain, "the TCB signing certificate is revoked");
  verdict.require(!parts.qe_signer_revoked, Code::chain, "the QE signing certificate is revoked");
  passed = passed && verdict.ok();
  const std::string_view authority =
      inputs.leaf != nullptr && inputs.leaf->certificate != nullptr ? crypto::common_name(inputs.leaf->certificate->issuer) : "a PCK CA";
  if (inputs.leaf != nullptr) look_at_leaf(parts, *inputs.leaf, verdict);
  return std::move(verdict).check(
      concat("lists of the root and of ", authority, ", valid at ", inputs.now, ", that list none of the certificates"),
      concat(CrlText{parts.root_crl}, "; ", CrlText{parts.pck_crl}));
}

// check_age: Intel publishes TCB info and QE identity by the same numbers, yet not always at the same time, so that genuine pairs may
// differ: both must reach the minimum, or the older one would be the attester's choice.
Check check_age(const CollateralParts& parts, std::optional<std::uint32_t> minimum) {
  Verdict verdict(CheckId::c7);
  verdict.require(parts.tcb_info_read);
  verdict.require(parts.qe_identity_read);
  std::string found = concat("TCB info ", parts.tcb_info.evaluation_number, ", QE identity ", parts.qe_identity.evaluation_number);
  const std::uint32_t least = std::min(parts.tcb_info.evaluation_number, parts.qe_identity.evaluation_number);
  verdict.require(least >= minimum.value_or(0), Code::freshness, found);
  return std::move(verdict).check(
      minimum ? concat("evaluation numbers at least ", *minimum) : std::string("any evaluation numbers (no minimum is set)"),
      std::move(found));
}

}  // namespace

bool judge(const CollateralParts& parts, const CollateralInputs& inputs, std::vector<Check>& checks) {
  bool passed = true;
  checks.reserve(checks.size() + 7);
  checks.push_back(check_signers(parts, inputs, passed));
  checks.push_back(check_signatures(parts, passed));
  checks.push_back(check_dates(parts, inputs.now, passed));
  checks.push_back(check_kind(parts, inputs.leaf, passed));
  checks.push_back(check_family(parts, inputs.leaf));
  checks.push_back(check_lists(parts, inputs, passed));
  checks.push_back(check_age(parts, inputs.minimum_evaluation_number));
  return passed;
}

}  // namespace redoubt::endorse
