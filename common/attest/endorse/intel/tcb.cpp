#include "common/attest/endorse/intel/tcb.h"

#include <algorithm>

#include "common/base/concat.h"

namespace redoubt::endorse {

namespace {

using attest::CheckId;

// all_reached: every version from `first` on is at least the level's. One that is lower makes the whole lower.
bool all_reached(const Components& found, const Components& level, std::size_t first) {
  for (std::size_t i = first; i < found.size(); ++i) {
    if (found[i] < level[i]) return false;
  }
  return true;
}

// first_tdx_component: from module version 1 on, the first two components are the module's own version, which has levels of its own.
std::size_t first_tdx_component(const Components& tee_tcb_svn) { return tee_tcb_svn[1] > 0 ? 2 : 0; }

struct Match {
  const TcbLevel* sgx = nullptr;    // first level whose SGX part is reached
  const TcbLevel* whole = nullptr;  // for TDX: with the TDX part; for SGX the same
};

Match match(const PlatformTcb& platform, const TcbInfo& info) {
  Match out;
  for (const TcbLevel& level : info.levels) {
    if (!all_reached(platform.sgx, level.sgx, 0) || platform.pcesvn < level.pcesvn) continue;
    if (out.sgx == nullptr) out.sgx = &level;
    if (!platform.tdx || all_reached(platform.tdx->tee_tcb_svn, level.tdx, first_tdx_component(platform.tdx->tee_tcb_svn))) {
      out.whole = &level;
      break;
    }
  }
  return out;
}

const IsvLevel* reached(const std::vector<IsvLevel>& levels, unsigned isvsvn) {
  const auto found = std::ranges::find_if(levels, [&](const IsvLevel& level) { return isvsvn >= level.isvsvn; });
  return found == levels.end() ? nullptr : &*found;
}

// converge: what an outdated or revoked part makes of the platform's status.
TcbStatus converge(TcbStatus platform, TcbStatus part) {
  if (part == TcbStatus::up_to_date) return platform;
  if (part == TcbStatus::revoked) return TcbStatus::revoked;
  switch (platform) {
    case TcbStatus::up_to_date:
    case TcbStatus::sw_hardening_needed: return TcbStatus::out_of_date;
    case TcbStatus::configuration_needed:
    case TcbStatus::configuration_and_sw_hardening_needed: return TcbStatus::out_of_date_configuration_needed;
    default: return platform;
  }
}

bool needs_configuration(TcbStatus status) {
  return status == TcbStatus::configuration_needed || status == TcbStatus::configuration_and_sw_hardening_needed ||
         status == TcbStatus::out_of_date_configuration_needed;
}

Hex hex_of(const Components& components) { return {std::as_bytes(std::span(components))}; }

template <class F>
bool equal_under(const F& found, const F& mask, const F& expected) {
  for (std::size_t i = 0; i < F::size; ++i) {
    if ((found.array()[i] & mask.array()[i]) != expected.array()[i]) return false;
  }
  return true;
}

std::string module_name(std::uint8_t version) { return "TDX_" + hex_encode(std::as_bytes(std::span(&version, 1))); }

// Evaluation: one call of evaluate_tcb.
class Evaluation {
 public:
  Evaluation(const PlatformTcb& platform, const TcbInfo& info, const QeIdentity& qe, std::vector<attest::Check>& checks)
      : platform_(platform), info_(info), identity_(qe), checks_(checks) {}

  TcbVerdict run() && {
    checks_.reserve(checks_.size() + 5);
    if (platform_.tdx.has_value() == (info_.tee == Tee::tdx)) match_ = match(platform_, info_);
    check_sgx();
    check_tdx();
    check_module();
    check_module_level();
    check_qe();
    conclude();
    return std::move(out_);
  }

 private:
  void pass(CheckId id, std::string expected, std::string found) {
    checks_.push_back(attest::passed(id, std::move(expected), std::move(found)));
  }
  void fail(CheckId id, std::string expected, std::string found) {
    checks_.push_back(attest::failed(id, Code::tcb, std::move(expected), std::move(found)));
  }
  void tell(CheckId id, bool holds, std::string expected, std::string found) {
    holds ? pass(id, std::move(expected), std::move(found)) : fail(id, std::move(expected), std::move(found));
  }
  // level_text: the parts, the level's status and its date.
  static std::string level_text(const LevelFacts& level, const auto&... parts) {
    return concat(parts..., ", ", status_text(level.status), " of ", level.date);
  }

  void check_sgx() {
    std::string found = concat("components ", hex_of(platform_.sgx), ", PCESVN ", platform_.pcesvn);
    if (platform_.tdx.has_value() != (info_.tee == Tee::tdx)) {
      return fail(CheckId::t1, "TCB levels for " + std::string(platform_.tdx ? "TDX" : "SGX"),
                  "levels for " + std::string(tee_text(info_.tee)));
    }
    if (match_.sgx == nullptr) {
      return fail(CheckId::t1, "one of " + std::to_string(info_.levels.size()) + " published levels", std::move(found));
    }
    out_.sgx_level = match_.sgx->status;
    tell(CheckId::t1, match_.sgx->status != TcbStatus::revoked,
         level_text(*match_.sgx, "level that is not revoked: components ", hex_of(match_.sgx->sgx), ", PCESVN ", match_.sgx->pcesvn),
         std::move(found));
  }

  void check_tdx() {
    if (!platform_.tdx) return checks_.push_back(attest::not_applicable(CheckId::t2, "no TDX components in an SGX quote"));
    const Components& svn = platform_.tdx->tee_tcb_svn;
    std::string found = concat("TEE_TCB_SVN ", hex_of(svn));
    if (match_.whole == nullptr) {
      return fail(CheckId::t2, "one of the published levels whose SGX components are reached, from index " +
                                   std::to_string(first_tdx_component(svn)),
                  std::move(found));
    }
    tell(CheckId::t2, match_.whole->status != TcbStatus::revoked,
         level_text(*match_.whole, "level that is not revoked: ", hex_of(match_.whole->tdx), " from index ", first_tdx_component(svn)),
         std::move(found));
  }

  // check_module: SEAMATTRIBUTES must be what is published and, as the reference verifier asks, zero; a mask could only weaken that.
  void check_module() {
    if (!platform_.tdx) return checks_.push_back(attest::not_applicable(CheckId::t3, "no TDX module in an SGX quote"));
    const TdxFacts& tdx = *platform_.tdx;
    const std::uint8_t version = tdx.tee_tcb_svn[1];
    const TdxModule* expected = nullptr;
    if (version == 0) {
      expected = info_.tdx_module ? &*info_.tdx_module : nullptr;
    } else {
      module_ = info_.module(version);
      expected = module_;
    }
    if (expected == nullptr) return fail(CheckId::t3, "a published identity of " + module_name(version), "none");
    const bool same = tdx.mrsignerseam == expected->mrsigner && tdx.seamattributes == expected->attributes &&
                      tdx.seamattributes == SeamAttributes();
    module_known_ = same;
    tell(CheckId::t3, same,
         concat(module_name(version), " signed by ", Hex{expected->mrsigner.view()}, ", attributes ", Hex{expected->attributes.view()}, " and zero"),
         concat("signed by ", Hex{tdx.mrsignerseam.view()}, ", attributes ", Hex{tdx.seamattributes.view()}));
  }

  void check_module_level() {
    if (!platform_.tdx) return checks_.push_back(attest::not_applicable(CheckId::t4, "no TDX module in an SGX quote"));
    const Components& svn = platform_.tdx->tee_tcb_svn;
    if (svn[1] == 0) {
      module_status_ = TcbStatus::up_to_date;
      return checks_.push_back(attest::not_applicable(CheckId::t4, "module version 0 has no levels but the platform's"));
    }
    std::string found = concat(module_name(svn[1]), " at version ", svn[0]);
    module_level_ = module_ == nullptr ? nullptr : reached(module_->levels, svn[0]);
    if (module_level_ == nullptr) return fail(CheckId::t4, "a published level of " + module_name(svn[1]), std::move(found));
    module_status_ = module_level_->status;
    tell(CheckId::t4, module_level_->status != TcbStatus::revoked,
         level_text(*module_level_, "level that is not revoked: version ", module_level_->isvsvn), std::move(found));
  }

  void check_qe() {
    const QeFacts& qe = platform_.qe;
    const bool same = identity_.tee == (platform_.tdx ? Tee::tdx : Tee::sgx) &&
                      equal_under(qe.miscselect, identity_.miscselect_mask, identity_.miscselect) &&
                      equal_under(qe.attributes, identity_.attributes_mask, identity_.attributes) &&
                      qe.mrsigner == identity_.mrsigner && qe.isvprodid == identity_.isvprodid;
    std::string found = concat("MISCSELECT ", Hex{qe.miscselect.view()}, ", ATTRIBUTES ", Hex{qe.attributes.view()}, ", MRSIGNER ",
                               Hex{qe.mrsigner.view()}, ", ISVPRODID ", qe.isvprodid, ", ISVSVN ", qe.isvsvn);
    const auto expected = [&](const auto&... level) {
      return concat("QE for ", tee_text(identity_.tee), ": MISCSELECT ", Hex{identity_.miscselect.view()}, " under ",
                    Hex{identity_.miscselect_mask.view()}, ", ATTRIBUTES ", Hex{identity_.attributes.view()}, " under ",
                    Hex{identity_.attributes_mask.view()}, ", MRSIGNER ", Hex{identity_.mrsigner.view()}, ", ISVPRODID ", identity_.isvprodid,
                    level...);
    };
    if (!same) return fail(CheckId::t5, expected(), std::move(found));
    qe_known_ = true;
    qe_level_ = reached(identity_.levels, qe.isvsvn);
    if (qe_level_ == nullptr) return fail(CheckId::t5, expected(", a published level"), std::move(found));
    out_.qe = qe_level_->status;
    out_.qe_date = qe_level_->date;
    tell(CheckId::t5, qe_level_->status != TcbStatus::revoked,
         expected(", level that is not revoked: ISVSVN ", qe_level_->isvsvn, ", ", status_text(qe_level_->status), " of ", qe_level_->date),
         std::move(found));
  }

  // relaunch: a TD 1.5 whose only fault is that it was started under an older module than runs now. What runs now is TEE_TCB_SVN2.
  TcbStatus relaunch(TcbStatus tdx_status) {
    if (!platform_.tdx->tee_tcb_svn2) return tdx_status;
    const bool qe_good = qe_level_ != nullptr && qe_level_->status == TcbStatus::up_to_date;
    const TcbStatus sgx = match_.sgx->status;
    const bool sgx_good = sgx == TcbStatus::up_to_date || sgx == TcbStatus::sw_hardening_needed ||
                          sgx == TcbStatus::configuration_needed || sgx == TcbStatus::configuration_and_sw_hardening_needed;
    const bool outdated = tdx_status == TcbStatus::out_of_date || tdx_status == TcbStatus::out_of_date_configuration_needed;
    if (!qe_good || !sgx_good || !outdated || module_status_ != TcbStatus::out_of_date) return tdx_status;
    const Components& now = *platform_.tdx->tee_tcb_svn2;
    const TcbLevel& newest = info_.levels.front();
    unsigned newest_module = newest.tdx[0];
    if (now[1] != 0) {
      const TdxModuleIdentity* module = info_.module(now[1]);
      if (module == nullptr) return TcbStatus::not_supported;
      newest_module = module->levels.front().isvsvn;
    }
    if (now[0] < newest_module || now[2] < newest.tdx[2]) return tdx_status;
    out_.relaunch_advised = true;
    return needs_configuration(sgx) || needs_configuration(tdx_status) ? TcbStatus::td_relaunch_advised_configuration_needed
                                                                      : TcbStatus::td_relaunch_advised;
  }

  // converged: T6 in the order of the reference verifier.
  TcbStatus converged() {
    if (match_.whole == nullptr || !qe_known_) return TcbStatus::not_supported;
    TcbStatus status = match_.whole->status;
    if (platform_.tdx) {
      if (!module_known_ || !module_status_) return TcbStatus::not_supported;
      status = converge(status, *module_status_);
      if (status == TcbStatus::revoked) return status;
      status = relaunch(status);
    }
    if (qe_level_ == nullptr) return TcbStatus::not_supported;
    return converge(status, qe_level_->status);
  }

  void unite(const LevelFacts* level) {
    if (level == nullptr) return;
    for (const std::string& advisory : level->advisories) out_.advisories.push_back(advisory);
  }

  void conclude() {
    out_.tcb_status = converged();
    if (match_.whole == nullptr) return;
    out_.matched_level = match_.whole->status;
    out_.matched_level_date = match_.whole->date;
    if (platform_.tdx) out_.tdx_module = module_status_;
    if (module_level_ != nullptr) out_.tdx_module_date = module_level_->date;
    unite(match_.whole);
    unite(module_level_);
    unite(qe_level_);
    std::ranges::sort(out_.advisories);
    const std::string* const end = std::unique(out_.advisories.begin(), out_.advisories.end());
    out_.advisories.truncate(static_cast<std::size_t>(end - out_.advisories.begin()));
  }

  const PlatformTcb& platform_;
  const TcbInfo& info_;
  const QeIdentity& identity_;
  std::vector<attest::Check>& checks_;
  TcbVerdict out_;
  Match match_;
  const TdxModuleIdentity* module_ = nullptr;
  bool module_known_ = false;
  std::optional<TcbStatus> module_status_;
  const IsvLevel* module_level_ = nullptr;
  bool qe_known_ = false;
  const IsvLevel* qe_level_ = nullptr;
};

}  // namespace

TcbVerdict evaluate_tcb(const PlatformTcb& platform, const TcbInfo& tcb_info, const QeIdentity& qe_identity) {
  std::vector<attest::Check> checks;
  TcbVerdict out = Evaluation(platform, tcb_info, qe_identity, checks).run();
  out.checks = std::move(checks);
  return out;
}

TcbVerdict evaluate_tcb(const PlatformTcb& platform, const VerifiedCollateral& collateral) {
  return evaluate_tcb(platform, collateral.tcb_info(), collateral.qe_identity());
}

TcbVerdict evaluate_tcb(const PlatformTcb& platform, const VerifiedCollateral& collateral, std::vector<attest::Check>& checks) {
  return Evaluation(platform, collateral.tcb_info(), collateral.qe_identity(), checks).run();
}

}  // namespace redoubt::endorse
