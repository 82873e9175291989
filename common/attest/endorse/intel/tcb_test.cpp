// Goal: the TCB status is what Intel's reference verifier gives. Method: the 88 appraisals of shared data, each with all its values;
// tables of convergence and relaunch by documents of our own, in which one version at a time is lowered.
#include "common/attest/endorse/intel/tcb.h"

#include <gtest/gtest.h>

#include <functional>

#include "tests/support/check_printer.h"
#include "tests/support/expect.h"
#include "tests/support/intel_documents.h"
#include "tests/support/intel_vectors.h"

namespace redoubt::endorse {
namespace {

using attest::CheckId;
using attest::Outcome;

struct Bench {
  TcbInfo info;
  QeIdentity qe;
  PlatformTcb platform;

  TcbVerdict run() const { return evaluate_tcb(platform, info, qe); }
};

std::string with_signature(std::string_view name, const std::string& body) {
  return "{\"" + std::string(name) + "\":" + body + ",\"signature\":\"" + std::string(128, '0') + "\"}";
}

// bench: documents of our own and a platform that is up to date by them.
Bench bench(bool tdx = true) {
  Bench out;
  out.info = OrDie(parse_tcb_info(with_signature("tcbInfo", test::tdx_tcb_info({.tdx = tdx})))).info;
  out.qe = OrDie(parse_qe_identity(with_signature("enclaveIdentity", test::qe_identity({.tdx = tdx})))).identity;
  out.platform.sgx = {3, 3, 2};
  out.platform.pcesvn = 13;
  out.platform.qe = {.miscselect = {},
                     .attributes = OrDie(EnclaveAttributes::from_hex("1500000000000000e700000000000000", "attributes")),
                     .mrsigner = out.qe.mrsigner,
                     .isvprodid = out.qe.isvprodid,
                     .isvsvn = 4};
  if (tdx) out.platform.tdx = TdxFacts{.tee_tcb_svn = {6, 1, 3}, .tee_tcb_svn2 = std::nullopt, .mrsignerseam = {}, .seamattributes = {}};
  return out;
}

Outcome outcome(const TcbVerdict& verdict, CheckId id) {
  for (const attest::Check& check : verdict.checks) {
    if (check.id == id) return check.outcome;
  }
  ADD_FAILURE() << "no check " << attest::id_text(id);
  return Outcome::failed;
}

std::vector<CheckId> failures(const TcbVerdict& verdict) {
  std::vector<CheckId> out;
  for (const attest::Check& check : verdict.checks) {
    if (check.outcome == Outcome::failed) out.push_back(check.id);
  }
  return out;
}

TEST(IntelTcb, APlatformThatReachesTheNewestLevelIsUpToDate) {
  for (const bool tdx : {false, true}) {
    const TcbVerdict verdict = bench(tdx).run();
    EXPECT_EQ(verdict.tcb_status, TcbStatus::up_to_date);
    EXPECT_EQ(verdict.matched_level, TcbStatus::up_to_date);
    EXPECT_EQ(verdict.sgx_level, TcbStatus::up_to_date);
    EXPECT_EQ(verdict.qe, TcbStatus::up_to_date);
    EXPECT_EQ(verdict.tdx_module, tdx ? std::optional(TcbStatus::up_to_date) : std::nullopt);
    EXPECT_TRUE(verdict.advisories.empty());
    ASSERT_EQ(verdict.checks.size(), 5U);
    for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(attest::id_text(verdict.checks[i].id), "T" + std::to_string(i + 1));
    EXPECT_TRUE(failures(verdict).empty());
    EXPECT_EQ(outcome(verdict, CheckId::t2), tdx ? Outcome::passed : Outcome::not_applicable);
  }
}

TEST(IntelTcb, EachLowerVersionLowersTheLevelOrLeavesNone) {
  for (std::size_t i = 0; i < 16; ++i) {
    Bench b = bench(false);
    b.info.levels[0].sgx[i] = 9;
    b.info.levels[1].sgx[i] = 9;
    b.platform.sgx[i] = 8;
    EXPECT_EQ(b.run().tcb_status, TcbStatus::not_supported) << i;
    EXPECT_EQ(failures(b.run()), std::vector{CheckId::t1});
    b.info.levels[1].sgx[i] = 8;
    EXPECT_EQ(b.run().tcb_status, TcbStatus::out_of_date) << i;
    b.platform.sgx[i] = 9;
    EXPECT_EQ(b.run().tcb_status, TcbStatus::up_to_date) << i;
  }
  Bench b = bench(false);
  b.platform.pcesvn = 12;
  EXPECT_EQ(b.run().tcb_status, TcbStatus::out_of_date);
  EXPECT_EQ(b.run().advisories, std::vector<std::string>({"INTEL-SA-00106", "INTEL-SA-00115"}));
  b.platform.pcesvn = 4;
  EXPECT_EQ(b.run().tcb_status, TcbStatus::not_supported);
  EXPECT_EQ(b.run().matched_level, std::nullopt);
}

TEST(IntelTcb, TdxComponentsCountFromTheThirdOnceTheModuleHasAVersion) {
  for (std::size_t i = 0; i < 16; ++i) {
    for (const std::uint8_t version : {std::uint8_t{0}, std::uint8_t{1}}) {
      Bench b = bench();
      b.platform.tdx->tee_tcb_svn = {255, version, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
      for (TcbLevel& level : b.info.levels) level.tdx = {};
      for (TcbLevel& level : b.info.levels) level.tdx[i] = 255;
      if (i != 1) {
        EXPECT_EQ(b.run().matched_level, TcbStatus::up_to_date);
        b.platform.tdx->tee_tcb_svn[i] = 254;
      }
      const bool ignored = i < 2 && version > 0;
      EXPECT_EQ(b.run().matched_level, ignored ? std::optional(TcbStatus::up_to_date) : std::nullopt) << i << " " << int{version};
      EXPECT_EQ(outcome(b.run(), CheckId::t2), ignored ? Outcome::passed : Outcome::failed);
    }
  }
}

TEST(IntelTcb, TheModuleMustBeThePublishedOne) {
  const std::function<void(Bench&)> faults[] = {
      [](Bench& b) { b.platform.tdx->mrsignerseam.array()[47] = std::byte{1}; },
      [](Bench& b) { b.platform.tdx->seamattributes.array()[7] = std::byte{1}; },
      [](Bench& b) {  // published as such, and still not zero
        b.platform.tdx->seamattributes.array()[0] = std::byte{1};
        b.info.modules[1].attributes.array()[0] = std::byte{1};
      },
      [](Bench& b) { b.info.modules[1].attributes.array()[0] = std::byte{1}; },
      [](Bench& b) { b.info.modules[1].mrsigner.array()[0] = std::byte{1}; },
  };
  for (const auto& fault : faults) {
    Bench b = bench();
    fault(b);
    EXPECT_EQ(failures(b.run()), std::vector{CheckId::t3});
    EXPECT_EQ(b.run().tcb_status, TcbStatus::not_supported);
  }
  Bench unknown = bench();
  unknown.platform.tdx->tee_tcb_svn[1] = 2;
  EXPECT_EQ(failures(unknown.run()), (std::vector{CheckId::t3, CheckId::t4}));
  EXPECT_EQ(unknown.run().tcb_status, TcbStatus::not_supported);
  Bench zero = bench();
  zero.platform.tdx->tee_tcb_svn = {5, 0, 3};
  EXPECT_EQ(zero.run().tcb_status, TcbStatus::up_to_date);
  EXPECT_EQ(outcome(zero.run(), CheckId::t4), Outcome::not_applicable);
  zero.info.tdx_module->mrsigner.array()[0] = std::byte{1};
  EXPECT_EQ(failures(zero.run()), std::vector{CheckId::t3});
}

TEST(IntelTcb, TheModulesVersionReachesALevelOrNone) {
  Bench b = bench();
  b.platform.tdx->tee_tcb_svn[0] = 5;
  EXPECT_EQ(b.run().tdx_module, TcbStatus::out_of_date);
  EXPECT_EQ(b.run().tcb_status, TcbStatus::out_of_date);
  EXPECT_EQ(b.run().advisories, std::vector<std::string>{"INTEL-SA-01036"});
  b.platform.tdx->tee_tcb_svn[0] = 1;
  EXPECT_EQ(failures(b.run()), std::vector{CheckId::t4});
  EXPECT_EQ(b.run().tcb_status, TcbStatus::not_supported);
  b.platform.tdx->tee_tcb_svn[0] = 2;
  b.info.modules[1].levels[1].status = TcbStatus::revoked;
  EXPECT_EQ(failures(b.run()), std::vector{CheckId::t4});
  EXPECT_EQ(b.run().tcb_status, TcbStatus::revoked);
}

TEST(IntelTcb, TheQuotingEnclaveMustBeThePublishedOne) {
  const std::function<void(QeFacts&)> faults[] = {
      [](QeFacts& qe) { qe.miscselect.array()[3] = std::byte{1}; },
      [](QeFacts& qe) { qe.attributes.array()[0] = std::byte{0x17}; },  // DEBUG
      [](QeFacts& qe) { qe.attributes.array()[7] = std::byte{1}; },
      [](QeFacts& qe) { qe.mrsigner.array()[31] ^= std::byte{1}; },
      [](QeFacts& qe) { qe.isvprodid = 3; },
      [](QeFacts& qe) { qe.isvsvn = 1; },
  };
  for (const auto& fault : faults) {
    Bench b = bench();
    fault(b.platform.qe);
    EXPECT_EQ(failures(b.run()), std::vector{CheckId::t5});
    EXPECT_EQ(b.run().tcb_status, TcbStatus::not_supported);
    EXPECT_EQ(b.run().qe, std::nullopt);
  }
  Bench masked = bench();
  masked.platform.qe.attributes.array()[8] = std::byte{0xff};  // XFRM is outside of the mask
  EXPECT_TRUE(failures(masked.run()).empty());
  Bench other = bench();
  other.qe.tee = Tee::sgx;
  EXPECT_EQ(failures(other.run()), std::vector{CheckId::t5});
  Bench revoked = bench();
  revoked.qe.levels[0].status = TcbStatus::revoked;
  EXPECT_EQ(failures(revoked.run()), std::vector{CheckId::t5});
  EXPECT_EQ(revoked.run().tcb_status, TcbStatus::revoked);
}

TEST(IntelTcb, LevelsOfTheOtherTeeNeverMatch) {
  Bench b = bench();
  b.info.tee = Tee::sgx;
  EXPECT_EQ(failures(b.run()), (std::vector{CheckId::t1, CheckId::t2}));
  EXPECT_EQ(b.run().tcb_status, TcbStatus::not_supported);
  Bench c = bench(false);
  c.info.tee = Tee::tdx;
  EXPECT_EQ(failures(c.run()), std::vector{CheckId::t1});
}

TEST(IntelTcb, StatusesConvergeAsTheReferenceVerifierDoes) {
  using enum TcbStatus;
  const struct {
    TcbStatus platform, with_outdated_part;
  } rows[] = {
      {up_to_date, out_of_date},
      {sw_hardening_needed, out_of_date},
      {configuration_needed, out_of_date_configuration_needed},
      {configuration_and_sw_hardening_needed, out_of_date_configuration_needed},
      {out_of_date, out_of_date},
      {out_of_date_configuration_needed, out_of_date_configuration_needed},
      {revoked, revoked},
  };
  for (const auto& row : rows) {
    Bench b = bench();
    b.info.levels[0].status = row.platform;
    EXPECT_EQ(b.run().tcb_status, row.platform);
    Bench module = b;
    module.platform.tdx->tee_tcb_svn[0] = 5;
    EXPECT_EQ(module.run().tcb_status, row.with_outdated_part);
    Bench qe = b;
    qe.platform.qe.isvsvn = 3;
    EXPECT_EQ(qe.run().tcb_status, row.with_outdated_part);
    EXPECT_EQ(qe.run().qe, out_of_date);
    Bench revoked_qe = b;
    revoked_qe.qe.levels[0].status = revoked;
    EXPECT_EQ(revoked_qe.run().tcb_status, revoked);
    Bench revoked_module = b;
    revoked_module.info.modules[1].levels[0].status = revoked;
    EXPECT_EQ(revoked_module.run().tcb_status, revoked);
  }
  Bench revoked_level = bench();
  revoked_level.info.levels[0].status = revoked;
  EXPECT_EQ(failures(revoked_level.run()), (std::vector{CheckId::t1, CheckId::t2}));
}

// relaunchable: the module was updated from 5 to 6 while the TD ran.
Bench relaunchable() {
  Bench b = bench();
  b.platform.tdx->tee_tcb_svn = {5, 1, 3};
  b.platform.tdx->tee_tcb_svn2 = Components{6, 1, 3};
  return b;
}

TEST(IntelTcb, ATdUnderAnUpdatedModuleNeedsOnlyARelaunch) {
  using enum TcbStatus;
  EXPECT_EQ(relaunchable().run().tcb_status, td_relaunch_advised);
  EXPECT_TRUE(relaunchable().run().relaunch_advised);
  EXPECT_TRUE(failures(relaunchable().run()).empty());
  const struct {
    TcbStatus expected;
    std::function<void(Bench&)> change;
  } rows[] = {
      {out_of_date, [](Bench& b) { b.platform.tdx->tee_tcb_svn2 = std::nullopt; }},
      {out_of_date, [](Bench& b) { (*b.platform.tdx->tee_tcb_svn2)[0] = 5; }},
      {out_of_date, [](Bench& b) { (*b.platform.tdx->tee_tcb_svn2)[2] = 2; }},
      {out_of_date, [](Bench& b) { b.platform.qe.isvsvn = 3; }},
      {not_supported, [](Bench& b) { b.platform.qe.isvsvn = 1; }},
      {not_supported, [](Bench& b) { (*b.platform.tdx->tee_tcb_svn2)[1] = 2; }},
      {td_relaunch_advised, [](Bench& b) { *b.platform.tdx->tee_tcb_svn2 = {3, 3, 3}; }},
      {out_of_date, [](Bench& b) { *b.platform.tdx->tee_tcb_svn2 = {2, 3, 3}; }},
      {td_relaunch_advised, [](Bench& b) { *b.platform.tdx->tee_tcb_svn2 = {5, 0, 3}; }},
      {out_of_date, [](Bench& b) { *b.platform.tdx->tee_tcb_svn2 = {4, 0, 3}; }},
      {out_of_date, [](Bench& b) { b.info.levels[0].status = out_of_date; }},
      {td_relaunch_advised, [](Bench& b) { b.info.levels[0].status = sw_hardening_needed; }},
      {td_relaunch_advised_configuration_needed, [](Bench& b) { b.info.levels[0].status = configuration_needed; }},
      {td_relaunch_advised_configuration_needed, [](Bench& b) { b.info.levels[0].status = configuration_and_sw_hardening_needed; }},
      {out_of_date_configuration_needed, [](Bench& b) { b.info.levels[0].status = out_of_date_configuration_needed; }},
  };
  for (const auto& row : rows) {
    Bench b = relaunchable();
    row.change(b);
    EXPECT_EQ(b.run().tcb_status, row.expected) << &row - rows << " found " << status_text(b.run().tcb_status);
  }
}

TEST(IntelTcb, AdvisoriesAreUnitedSortedAndEachOnce) {
  Bench b = bench();
  b.platform.pcesvn = 12;
  b.platform.tdx->tee_tcb_svn[0] = 5;
  b.qe.levels[0].advisories = {"INTEL-SA-01036", "INTEL-SA-00001"};
  EXPECT_EQ(b.run().advisories, std::vector<std::string>({"INTEL-SA-00001", "INTEL-SA-00106", "INTEL-SA-00115", "INTEL-SA-01036"}));
}

// --- shared data

std::string text_or_null(const std::optional<TcbStatus>& status) { return status ? std::string(status_text(*status)) : "null"; }
std::string text_or_null(const json::Value& value) { return value.string() != nullptr ? *value.string() : "null"; }

TEST(IntelTcb, EveryAppraisalOfSharedDataHasAllItsValues) {
  REDOUBT_REQUIRE_SHARED();
  const test::IntelVectors vectors;
  std::size_t count = 0;
  for (const json::Value& item : vectors.cases()) {
    const json::Object& entry = *item.object();
    const std::string id = test::member(entry, "id");
    const json::Object& expect = *entry.at("expect").object();
    const std::string tcb_text = vectors.text(test::member(entry, "tcb_info"));
    const std::string qe_text = vectors.text(test::member(entry, "qe_identity"));
    const TcbVerdict found = evaluate_tcb(vectors.platform(test::member(entry, "quote")), OrDie(parse_tcb_info(tcb_text)).info,
                                          OrDie(parse_qe_identity(qe_text)).identity);
    EXPECT_EQ(status_text(found.tcb_status), test::member(expect, "tcb_status")) << id;
    EXPECT_EQ(text_or_null(found.matched_level), text_or_null(expect.at("matched_level"))) << id;
    EXPECT_EQ(found.matched_level_date ? found.matched_level_date->text() : "null", text_or_null(expect.at("matched_level_date"))) << id;
    EXPECT_EQ(text_or_null(found.sgx_level), text_or_null(expect.at("sgx_level"))) << id;
    EXPECT_EQ(text_or_null(found.tdx_module), text_or_null(expect.at("tdx_module"))) << id;
    EXPECT_EQ(text_or_null(found.qe), text_or_null(expect.at("qe"))) << id;
    std::vector<std::string> advisories;
    if (!expect.at("advisories").is_null()) advisories = OrDie(json::strings(expect.at("advisories"), "advisories", 1000));
    EXPECT_EQ(found.advisories, advisories) << id;
    EXPECT_EQ(!failures(found).empty(), found.tcb_status == TcbStatus::not_supported) << id;
    // What verifiers with known faults would say is told apart.
    for (const char* column : {"diverges_if_all_16_tdx_components_are_compared", "diverges_if_module_status_replaces_platform_status"}) {
      if (entry.contains(column)) {
        EXPECT_NE(status_text(found.tcb_status), test::member(entry, column)) << id;
      }
    }
    ++count;
  }
  EXPECT_GE(count, 88U);
}

}  // namespace
}  // namespace redoubt::endorse
