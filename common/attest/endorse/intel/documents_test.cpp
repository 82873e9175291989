// Goal: TCB info and QE identity are read exactly as Intel publishes them, and a document with any fault is refused. Method: the
// published documents and faulty ones of shared data; small documents of our own with one fault each; truncation; byte flips.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "common/attest/endorse/intel/qe_identity.h"
#include "common/attest/endorse/intel/tcb_info.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"
#include "tests/support/intel_documents.h"

namespace redoubt::endorse {
namespace {

namespace fs = std::filesystem;

// replaced: `text` with the first `from`, which must be there, replaced.
std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  if (at == std::string::npos) std::abort();
  return text.replace(at, from.size(), to);
}

std::string signed_text(std::string_view name, std::string_view body) {
  return "{\"" + std::string(name) + "\":" + std::string(body) + ",\"signature\":\"" + std::string(128, 'a') + "\"}";
}
std::string tcb_text(std::string_view body) { return signed_text("tcbInfo", body); }
std::string qe_text(std::string_view body) { return signed_text("enclaveIdentity", body); }

TEST(IntelDocuments, ReadATdxDocumentInAllItsParts) {
  const std::string body = test::tdx_tcb_info({});
  const std::string text = tcb_text(body);
  const SignedTcbInfo read = OrDie(parse_tcb_info(text));
  EXPECT_EQ(read.signed_bytes, body);
  EXPECT_EQ(read.signature.hex(), std::string(128, 'a'));
  const TcbInfo& info = read.info;
  EXPECT_EQ(info.tee, Tee::tdx);
  EXPECT_EQ(info.version, 3U);
  EXPECT_EQ(info.fmspc.hex(), "90c06f000000");
  ASSERT_TRUE(info.pce_id.has_value());
  EXPECT_EQ(info.pce_id->hex(), "0000");
  EXPECT_EQ(info.evaluation_number, 19U);
  EXPECT_EQ(info.issue_date.text(), "2026-06-08T11:32:35Z");
  EXPECT_EQ(info.next_update.text(), "2026-07-08T11:32:35Z");
  ASSERT_EQ(info.levels.size(), 2U);
  EXPECT_EQ(info.levels[0].sgx[0], 3);
  EXPECT_EQ(info.levels[0].pcesvn, 13);
  EXPECT_EQ(info.levels[0].tdx[2], 3);
  EXPECT_EQ(info.levels[0].status, TcbStatus::up_to_date);
  EXPECT_EQ(info.levels[1].status, TcbStatus::out_of_date);
  EXPECT_EQ(info.levels[1].advisories, std::vector<std::string>({"INTEL-SA-00106", "INTEL-SA-00115"}));
  EXPECT_EQ(info.newest_level_date(), info.levels[0].date);
  TcbInfo later = info;
  later.levels[1].date = info.levels[0].date.plus_seconds(1);
  EXPECT_EQ(later.newest_level_date(), later.levels[1].date);
  EXPECT_EQ(TcbInfo().newest_level_date(), std::nullopt);
  ASSERT_NE(info.module(1), nullptr);
  EXPECT_EQ(info.module(1)->levels.size(), 2U);
  EXPECT_EQ(info.module(2), nullptr);
}

TEST(IntelDocuments, LookAtLevelsNewestFirstHoweverTheyStand) {
  std::string body = test::tdx_tcb_info({});
  const auto levels = body.rfind("\"tcbLevels\":[") + 13;
  const auto second = body.find("},{\"tcb\":", levels) + 2;
  const std::string swapped =
      body.substr(0, levels) + body.substr(second, body.size() - 2 - second) + "," + body.substr(levels, second - 1 - levels) + "]}";
  const SignedTcbInfo read = OrDie(parse_tcb_info(tcb_text(swapped)));
  ASSERT_EQ(read.info.levels.size(), 2U);
  EXPECT_EQ(read.info.levels[0].status, TcbStatus::up_to_date);
}

TEST(IntelDocuments, PassOverMembersThatAreNotKnown) {
  EXPECT_OK(parse_tcb_info(tcb_text(replaced(test::tdx_tcb_info({}), "\"tcbType\":0", "\"news\":{\"a\":[1,null]},\"tcbType\":0"))));
}

TEST(IntelDocuments, AFaultyTcbInfoIsRefused) {
  const std::string good = test::tdx_tcb_info({});
  const struct {
    std::string_view from, to, why;
  } faults[] = {
      {"\"id\":\"TDX\",", "", "id: missing"},
      {"\"id\":\"TDX\"", "\"id\":\"SGX\"", "a TDX module in a document for SGX"},
      {"\"id\":\"TDX\"", "\"id\":\"TDY\"", "expected id SGX or TDX"},
      {"\"version\":3", "\"version\":2", "version 2 speaks of SGX only"},
      {"\"version\":3", "\"version\":4", "expected version 2 or 3"},
      {"\"version\":3", "\"version\":\"3\"", "expected an integer"},
      {"2026-06-08", "2026-06-31", "expected a time"},
      {"\"fmspc\":\"90C06F000000\"", "\"fmspc\":\"90C06F0000\"", "12 hexadecimal digits"},
      {"\"pceId\":\"0000\",", "", "pceId: missing"},
      {"\"tcbType\":0", "\"tcbType\":1", "expected an integer from 0 to 0"},
      {"\"tcbEvaluationDataNumber\":19", "\"tcbEvaluationDataNumber\":-19", "expected an integer"},
      {"\"tcbEvaluationDataNumber\":19", "\"tcbEvaluationDataNumber\":19,\"tcbEvaluationDataNumber\":20", "stands twice"},
      {"{\"svn\":3}", "{\"svn\":256}", "expected an integer from 0 to 255"},
      {"{\"svn\":3},", "", "sixteen components: missing"},
      {"{\"svn\":3},", "{\"svn\":3},{\"svn\":3},", "more than 16 items"},
      {"{\"svn\":3}", "{\"SVN\":3}", "svn: missing"},
      {"\"pcesvn\":13", "\"pcesvn\":65536", "expected an integer from 0 to 65535"},
      {"\"pcesvn\":13,", "", "pcesvn: missing"},
      {"\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":\"NotSupported\"", "unknown tcbStatus"},
      {"\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":\"uptodate\"", "unknown tcbStatus"},
      {"\"TDX_03\"", "\"TDX_3\"", "expected a module id"},
      {"\"TDX_03\"", "\"TDX_01\"", "a module id stands twice"},
      {"\"tcbLevels\":[{\"tcb\":{\"isvsvn\":3}", "\"tcbLevels\":[{\"tcb\":{}", "isvsvn: missing"},
      {"\"tdxModule\":", "\"tdxmodule\":", "tdxModule: missing"},
  };
  for (const auto& fault : faults) {
    EXPECT_TRUE(IsError(parse_tcb_info(tcb_text(replaced(good, fault.from, fault.to))), Code::malformed, fault.why)) << fault.to;
  }
  EXPECT_TRUE(IsError(parse_tcb_info(signed_text("tcbinfo", good)), Code::malformed, "unknown member"));
  EXPECT_TRUE(IsError(parse_tcb_info("{\"tcbInfo\":" + good + "}"), Code::malformed, "signature: missing"));
  EXPECT_TRUE(IsError(parse_tcb_info(tcb_text(good) + "x"), Code::malformed, "expected the end"));
  EXPECT_TRUE(IsError(parse_tcb_info(replaced(tcb_text(good), "aaaa\"}", "aa\"}")), Code::malformed, "128 hexadecimal digits"));
  EXPECT_TRUE(IsError(parse_tcb_info(tcb_text(good + ",\"tcbInfo\":" + good)), Code::malformed, "stands twice"));
  EXPECT_TRUE(IsError(parse_tcb_info(std::string(TcbInfo::kMaxSize + 1, ' ')), Code::malformed, "at most"));
}

TEST(IntelDocuments, AFaultyQeIdentityIsRefused) {
  const std::string good = test::qe_identity({});
  EXPECT_OK(parse_qe_identity(qe_text(good)));
  const struct {
    std::string_view from, to, why;
  } faults[] = {
      {"\"id\":\"TD_QE\",", "", "id: missing"},
      {"\"id\":\"TD_QE\"", "\"id\":\"QVE\"", "expected id QE or TD_QE"},
      {"\"version\":2", "\"version\":1", "expected version 2"},
      {"\"isvprodid\":2", "\"isvprodid\":65536", "expected an integer"},
      {"\"isvprodid\":2,", "", "isvprodid: missing"},
      {"\"mrsigner\":\"D", "\"mrsigner\":\"DD", "expected a string of 1 to 64 bytes"},
      {"\"miscselect\":\"00000000\"", "\"miscselect\":\"0000000\"", "8 hexadecimal digits"},
      {"\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":\"SWHardeningNeeded\"", "unknown tcbStatus"},
      {"\"isvsvn\":4", "\"isvsvn\":4.0", "expected an integer"},
  };
  for (const auto& fault : faults) {
    EXPECT_TRUE(IsError(parse_qe_identity(qe_text(replaced(good, fault.from, fault.to))), Code::malformed, fault.why)) << fault.to;
  }
}

TEST(IntelDocuments, NoTruncationIsAcceptedAndNoByteFlipCrashes) {
  const std::string tcb = tcb_text(test::tdx_tcb_info({}));
  const std::string qe = qe_text(test::qe_identity({}));
  for (std::size_t size = 0; size < tcb.size(); ++size) {
    EXPECT_FALSE(parse_tcb_info(std::string_view(tcb).substr(0, size)).ok()) << size;
  }
  for (std::size_t size = 0; size < qe.size(); ++size) {
    EXPECT_FALSE(parse_qe_identity(std::string_view(qe).substr(0, size)).ok()) << size;
  }
  // A flip may give another well-formed document: its signature is what refuses it (collateral_test.cpp). Here: no crash, and what
  // is read is read from the slice that is signed.
  const std::size_t around = tcb_text("").size();
  std::size_t refused = 0;
  for (std::size_t at = 0; at < tcb.size(); ++at) {
    std::string flipped = tcb;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x01);
    const auto read = parse_tcb_info(flipped);
    if (!read.ok()) {
      ++refused;
    } else {
      EXPECT_EQ(read->signed_bytes.size() + around, flipped.size());
    }
  }
  EXPECT_GT(refused, tcb.size() / 2);
}

// --- shared data

fs::path folder() { return *test::shared_dir() / "vectors" / "intel-dcap"; }

TEST(IntelDocuments, EveryPublishedDocumentIsRead) {
  REDOUBT_REQUIRE_SHARED();
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(folder() / "collateral" / "tcbinfo")) {
    const std::string name = entry.path().filename().string();
    const std::string text = test::read_text(entry.path());
    const auto read = parse_tcb_info(text);
    ASSERT_OK(read) << name;
    // tdx-v3-00806f050000-20250213T0350-e17.json
    EXPECT_EQ(tee_text(read->info.tee), name.starts_with("tdx") ? "TDX" : "SGX");
    EXPECT_EQ(std::to_string(read->info.version), name.substr(5, 1));
    EXPECT_EQ(read->info.fmspc.hex(), name.substr(7, 12));
    EXPECT_EQ(std::to_string(read->info.evaluation_number), name.substr(35, name.size() - 40));
    ++count;
  }
  EXPECT_GE(count, 28U);
  for (const auto& entry : fs::directory_iterator(folder() / "collateral" / "qeidentity")) {
    const std::string text = test::read_text(entry.path());
    const auto read = parse_qe_identity(text);
    ASSERT_OK(read) << entry.path();
    EXPECT_EQ(read->identity.tee, entry.path().filename().string().starts_with("tdqe") ? Tee::tdx : Tee::sgx);
  }
}

TEST(IntelDocuments, SchemaViolationsAreRefusedAndTheWellFormedOnesRead) {
  REDOUBT_REQUIRE_SHARED();
  const std::set<std::string> good = {"qe_identity_ok.json",  "qe_identity_with_advisoryids.json", "tcbInfo.json",
                                      "tcbInfoAdvisoryIds.json", "tcbInfo_with_pceid.json"};
  const std::map<std::string, std::string_view> why = {
      {"qe_identity_missing_attributes.json", "attributes: missing"},
      {"qe_identity_missing_attributesmask.json", "attributesMask: missing"},
      {"qe_identity_missing_id.json", "id: missing"},
      {"qe_identity_missing_isvsvn.json", "expected a string"},
      {"qe_identity_missing_miscselect.json", "miscselect: missing"},
      {"qe_identity_missing_miscselectmask.json", "miscselectMask: missing"},
      {"qe_identity_missing_qeidentity.json", "expected a string"},
      {"qe_identity_missing_signature.json", "signature: missing"},
      {"qe_identity_missing_tcb_date.json", "tcbDate: missing"},
      {"qe_identity_missing_tcb_status.json", "tcbStatus: missing"},
      {"qe_identity_missing_version.json", "version: missing"},
      {"tcbInfoNegativeCompSvn.json", "expected an integer from 0 to 255"},
      {"tcbInfoNegativeIntegerWithSign.json", "expected an integer"},
      {"tcbInfoNegativeInvalidIssueDate.json", "expected a time"},
      {"tcbInfoNegativeInvalidNextUpdate.json", "expected a time"},
      {"tcbInfoNegativePropertyMissingLevel0.json", "unknown member beside the signature"},
      {"tcbInfoNegativePropertyMissingLevel1.json", "version: missing"},
      {"tcbInfoNegativePropertyMissingLevel2.json", "tcbDate: missing"},
      {"tcbInfoNegativePropertyWrongTypeLevel1.json", "(\"fmspc\"): expected a string"},
      {"tcbInfoNegativePropertyWrongTypeLevel2.json", "(\"tcbStatus\"): expected a string"},
      {"tcbInfoNegativePropertyWrongTypeLevel3.json", "expected an integer from 0 to 255"},
      {"tcbInfoNegativeTcbType.json", "expected an integer from 0 to 0"},
  };
  std::size_t seen = 0;
  for (const char* kind : {"qe_identity", "tcb_info"}) {
    for (const auto& entry : fs::directory_iterator(folder() / "json-schema" / kind)) {
      const std::string name = entry.path().filename().string();
      const std::string text = test::read_text(entry.path());
      Status read;
      if (std::string_view(kind) == "tcb_info") {
        if (auto result = parse_tcb_info(text); !result.ok()) read = result.error();
      } else {
        if (auto result = parse_qe_identity(text); !result.ok()) read = result.error();
      }
      if (good.contains(name)) {
        EXPECT_OK(read) << name;
      } else {
        const auto expected = why.find(name);  // other violations than these need only be refused
        EXPECT_TRUE(IsError(read, Code::malformed, expected == why.end() ? "" : expected->second)) << name;
      }
      ++seen;
    }
  }
  EXPECT_GE(seen, 27U);
}

}  // namespace
}  // namespace redoubt::endorse
