// Goal: kept collateral comes back as it was, and nobody brings an older one in by the way. Method: collateral under a root made here, added
// in every order; files changed on disk.
#include "client/sdk/collateral_store.h"

#include <gtest/gtest.h>

#include <fstream>

#include "common/base/encoding.h"
#include "tests/support/evidence_dcap.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"

namespace redoubt::sdk {
namespace {

using verifier::NamedFile;

std::vector<NamedFile> documents(const endorse::RawCollateral& raw) { return {{"tcb", raw.tcb_info}, {"qe", raw.qe_identity}}; }
std::vector<NamedFile> certificates(const endorse::RawCollateral& raw) {
  std::vector<NamedFile> files;
  for (const auto* list : {&raw.tcb_signing_chain, &raw.pck_issuers}) {
    for (const Bytes& der : *list) files.push_back({"certificate", der});
  }
  return files;
}
std::vector<NamedFile> all_of(const endorse::RawCollateral& raw) {
  std::vector<NamedFile> files = documents(raw);
  for (NamedFile& file : certificates(raw)) files.push_back(std::move(file));
  files.push_back({"root crl", raw.root_crl});
  files.push_back({"pck crl", raw.pck_crl});
  return files;
}

class CollateralStoreTest : public testing::Test {
 protected:
  CollateralStoreTest() : maker_(4, test::DcapMaker::kTd10), store_(folder_.path() / "state/collateral", {maker_.pin()}) {}

  endorse::RawCollateral numbered(std::uint32_t number) {
    maker_.evaluation_number = number;
    return maker_.collateral();
  }

  test::TempDir folder_;
  test::DcapMaker maker_;
  CollateralStore store_;
};

TEST_F(CollateralStoreTest, GivesBackWhatWasAddedUnderItsDigest) {
  EXPECT_TRUE(OrDie(store_.files()).empty());
  EXPECT_TRUE(OrDie(store_.list()).empty());
  const std::vector<NamedFile> files = all_of(maker_.collateral());
  const AddedCollateral added = OrDie(store_.add(files, false));
  EXPECT_EQ(added.added.size(), files.size());
  EXPECT_TRUE(added.unverified.empty());
  EXPECT_EQ(OrDie(store_.add(files, false)).known, files.size());
  const auto listed = OrDie(store_.list());
  EXPECT_EQ(listed.size(), files.size());
  for (const StoredCollateral& one : listed) {
    EXPECT_EQ(crypto::sha256(one.item.bytes), one.digest);
    EXPECT_TRUE(one.item.validity.contains(maker_.now)) << one.item.what;
  }
  EXPECT_EQ(listed.front().item.what, "TCB info of TDX 90c06f000000, evaluation number 19");
}

TEST_F(CollateralStoreTest, RefusesLowerNumbersThanItHasSeenUnlessTold) {
  EXPECT_OK(store_.add(all_of(numbered(20)), false));
  const auto older = documents(numbered(19));
  EXPECT_ERROR(store_.add(older, false), Code::freshness, "number 19 is below 20, the highest seen");
  EXPECT_EQ(OrDie(store_.list()).size(), all_of(maker_.collateral()).size());  // all or none
  EXPECT_OK(store_.add(older, true));
  EXPECT_OK(store_.add(documents(numbered(21)), false));
  EXPECT_ERROR(store_.add(documents(numbered(18)), false), Code::freshness, "number 18 is below 21");
  // Another family has its own number.
  maker_.fmspc = "00806F050000";
  EXPECT_OK(store_.add({{{"tcb", numbered(5).tcb_info}}}, false));
  // The memory outlives the files.
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path() / "state/collateral")) {
    if (entry.path().filename() != "highest.json") std::filesystem::remove(entry.path());
  }
  maker_.fmspc = "90C06F000000";
  EXPECT_ERROR(store_.add(all_of(numbered(20)), false), Code::freshness, "is below 21");
}

TEST_F(CollateralStoreTest, OneCallWithOldAndNewNeedsThePermissionToo) {
  std::vector<NamedFile> both = all_of(numbered(20));
  for (NamedFile& file : documents(numbered(19))) both.push_back(std::move(file));
  EXPECT_ERROR(store_.add(both, false), Code::freshness, "below 20");
  EXPECT_OK(store_.add(both, true));
}

TEST_F(CollateralStoreTest, OnlyWhatAPinnedKeySignedRaisesANumber) {
  EXPECT_OK(store_.add(all_of(numbered(19)), false));
  test::DcapMaker foreign(4, test::DcapMaker::kTd10);  // the same names, another root
  foreign.evaluation_number = 4000;
  const AddedCollateral added = OrDie(store_.add(all_of(foreign.collateral()), false));
  EXPECT_EQ(added.unverified.size(), 2U);
  endorse::RawCollateral changed = numbered(4001);
  changed.tcb_info[changed.tcb_info.size() - 5] = changed.tcb_info[changed.tcb_info.size() - 5] == std::byte{'0'} ? std::byte{'1'} : std::byte{'0'};
  EXPECT_EQ(OrDie(store_.add({{{"tcb", changed.tcb_info}}}, false)).unverified.size(), 1U);
  EXPECT_OK(store_.add(documents(numbered(20)), false));
}

TEST_F(CollateralStoreTest, ASignerThatComesLaterMakesTheNumberCount) {
  const endorse::RawCollateral raw = numbered(20);
  EXPECT_EQ(OrDie(store_.add(documents(raw), false)).unverified.size(), 2U);
  EXPECT_OK(store_.add(certificates(raw), false));
  EXPECT_ERROR(store_.add(documents(numbered(19)), false), Code::freshness, "below 20");
}

TEST_F(CollateralStoreTest, AFileThatWasChangedOrIsNoCollateralIsNamed) {
  EXPECT_OK(store_.add(all_of(maker_.collateral()), false));
  EXPECT_ERROR(store_.add({{{"stray", Bytes(3)}}}, false), Code::malformed, "stray");
  const std::string name = OrDie(store_.list()).front().digest.hex();
  std::ofstream(folder_.path() / "state/collateral" / name, std::ios::app) << " ";
  EXPECT_ERROR(store_.list(), Code::binding, name);
  EXPECT_ERROR(store_.add(all_of(maker_.collateral()), false), Code::binding, name);
  EXPECT_ERROR(store_.files(), Code::binding, "not what the name says");
}

}  // namespace
}  // namespace redoubt::sdk
