// SnpAuthenticator: one run of authenticate() over one report. Private to this room: it is the one class that may make
// Authentic<SnpEvidence> (type_state.h). Every check is recorded, whether or not an earlier one failed. One object, one thread,
// one run.
#pragma once

#include "common/attest/evidence/snp/evidence.h"

namespace redoubt::snp {

class SnpAuthenticator {
 public:
  SnpAuthenticator(const attest::Parsed<SnpEvidence>& parsed, const Inputs& inputs);
  Outcome run();
  static json::Value describe(const attest::Parsed<SnpEvidence>& parsed);

 private:
  void check_form();             // N1
  void check_key_kind();         // N2
  void check_signature();        // N3
  void check_chain();            // N4
  void check_product();          // N5
  void check_tcb();              // N6
  void check_chip();             // N7
  void check_revocation();       // N13
  void check_list(const amd::VerifiedCrl& list);

  // verify fills proof_, or leaf_, chain_ and the error that N4 tells.
  void verify();
  // chain: whichever was accepted, cached or new; null when none was.
  const amd::VerifiedAmdChain* chain() const;
  bool usable(const amd::VerifiedVcek& proof) const;
  bool usable(const amd::VerifiedCrl& list) const;
  void pass(attest::CheckId id, std::string expected, std::string found) {
    checks_.push_back(attest::passed(id, std::move(expected), std::move(found)));
  }
  void fail(attest::CheckId id, Code code, std::string expected, std::string found) {
    checks_.push_back(attest::failed(id, code, std::move(expected), std::move(found)));
  }
  // unreadable records that a check has nothing to compare with: the leaf does not have its form. True when that is so.
  bool unreadable(attest::CheckId id, std::string_view expected);

  SnpEvidence evidence_;  // a copy, which becomes the authentic value
  const Report& report_;
  const Inputs& inputs_;
  std::optional<amd::VerifiedVcek> proof_;       // the chain and the leaf were accepted
  std::optional<amd::VerifiedAmdChain> chain_;   // the intermediate was
  std::optional<amd::Leaf> parsed_leaf_;         // the leaf could be read
  std::optional<Result<amd::IntermediateName>> intermediate_;  // of whichever was given
  const amd::Leaf* leaf_ = nullptr;              // of proof_ or parsed_leaf_
  std::optional<Error> leaf_error_, chain_error_;
  std::vector<attest::Check> checks_;
  Interval validity_{Instant(1), Instant(0)};
};

}  // namespace redoubt::snp
