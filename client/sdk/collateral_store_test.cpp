// Goal: kept collateral comes back as it was, and nobody brings an older one in by the way; fetching asks the configured service for
// exactly what a quote needs. Method: collateral under a root made here, added in every order; files changed on disk; a service on
// loopback that answers as Intel's does, or lies.
#include "client/sdk/collateral_store.h"

#include <gtest/gtest.h>

#include <fstream>
#include <mutex>
#include <set>

#include "client/sdk/collateral_fetch.h"
#include "client/sdk/files.h"
#include "common/base/encoding.h"
#include "common/net/server.h"
#include "common/net/uri.h"
#include "tests/support/evidence_dcap.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"
#include "tests/support/self_signed.h"

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

// A service that answers for one platform family.
class FetchTest : public testing::Test {
 protected:
  FetchTest() : maker_(4, test::DcapMaker::kTd10), certificate_(test::self_signed()), raw_(maker_.collateral()) {
    net::Router router;
    router.get("/{path...}", net::Access::open, [this](const net::HttpRequest& request) { return answer(request); });
    net::ServerOptions options;
    options.listen = "127.0.0.1:0";
    options.identity = net::TlsIdentity{to_bytes(certificate_.certificate_pem), certificate_.key.clone()};
    server_ = OrDie(net::HttpServer::start(std::move(options), std::move(router)));
    pin_ = net::spki_digest(OrDie(crypto::Certificate::parse_pem_bundle(certificate_.certificate_pem)).at(0).spki());
  }

  net::HttpResponse answer(const net::HttpRequest& request) {
    const std::lock_guard lock(mutex_);
    std::string target = request.path;
    for (const auto& [name, value] : request.query) target += " " + name + "=" + value;
    asked_.insert(target);
    if (refuse_) return net::text_response(404, "no");
    const auto chain = [](const std::vector<Bytes>& ders) {
      std::string pem;
      for (const Bytes& der : ders) pem += "-----BEGIN CERTIFICATE-----\n" + lines(base64_encode(der)) + "-----END CERTIFICATE-----\n";
      return net::percent_encode(pem);
    };
    if (request.path.ends_with("/tcb")) return {.headers = {{"TCB-Info-Issuer-Chain", chain(raw_.tcb_signing_chain)}}, .body = raw_.tcb_info};
    if (request.path.ends_with("/qe/identity")) return {.headers = {{"SGX-Enclave-Identity-Issuer-Chain", chain(raw_.tcb_signing_chain)}}, .body = raw_.qe_identity};
    if (request.path.ends_with("/pckcrl")) {
      std::vector<Bytes> issuers = raw_.pck_issuers;
      issuers.push_back(maker_.root());
      return {.headers = {{"SGX-PCK-CRL-Issuer-Chain", chain(issuers)}}, .body = raw_.pck_crl};
    }
    return {.body = to_bytes(hex_encode(raw_.root_crl))};  // as caches write it
  }
  static std::string lines(std::string base64) {
    std::string out;
    for (std::size_t i = 0; i < base64.size(); i += 64) out += base64.substr(i, 64) + "\n";
    return out;
  }
  CollateralService service(net::TlsTrust trust) const { return {OrDie(Address::parse(server_->address())), std::move(trust)}; }

  test::DcapMaker maker_;
  test::SelfSigned certificate_;
  endorse::RawCollateral raw_;
  std::mutex mutex_;
  std::set<std::string> asked_;
  bool refuse_ = false;
  SpkiDigest pin_;
  std::unique_ptr<net::HttpServer> server_;
};

TEST_F(FetchTest, AsksForWhatAQuoteNeedsAndKeepsIt) {
  const CollateralWanted wanted = OrDie(CollateralWanted::of_quote(maker_.quote()));
  const auto files = OrDie(fetch_collateral(service(net::TrustSpki{pin_}), wanted));
  EXPECT_EQ(asked_, (std::set<std::string>{"/tdx/certification/v4/tcb fmspc=90c06f000000", "/tdx/certification/v4/qe/identity",
                                           "/sgx/certification/v4/pckcrl ca=platform encoding=der", "/sgx/certification/v4/rootcacrl"}));
  test::TempDir folder;
  CollateralStore store(folder.path(), {maker_.pin()});
  const AddedCollateral added = OrDie(store.add(files, false));
  EXPECT_TRUE(added.unverified.empty());
  std::set<verifier::Kind> kinds;
  for (const StoredCollateral& one : added.added) kinds.insert(one.item.kind);
  EXPECT_EQ(kinds, (std::set<verifier::Kind>{verifier::Kind::tcb_info, verifier::Kind::qe_identity, verifier::Kind::intel_signer, verifier::Kind::pck_authority,
                                             verifier::Kind::root, verifier::Kind::crl}));
}

TEST_F(FetchTest, AnotherKeyARefusalAndForeignEvidenceAreErrors) {
  const CollateralWanted wanted = OrDie(CollateralWanted::of_quote(maker_.quote()));
  EXPECT_ERROR(fetch_collateral(service(net::TrustSpki{SpkiDigest()}), wanted), Code::chain, "connecting to the collateral service");
  EXPECT_TRUE(asked_.empty());
  refuse_ = true;
  EXPECT_ERROR(fetch_collateral(service(net::TrustSpki{pin_}), wanted), Code::unavailable, "expected status 200, found 404");
  EXPECT_ERROR(fetch_collateral(service(net::TrustSpki{pin_}), {endorse::Tee::sgx, {}, "other"}), Code::usage, "platform or processor");
  EXPECT_ERROR(CollateralWanted::of_quote(Bytes(1184)), Code::usage, "quotes of SGX and TDX");
}

TEST_F(FetchTest, TheServiceIsTheOneOfTheConfigurationOrNone) {
  test::TempDir folder;
  const auto file = folder.path() / "collateral.json";
  const auto load = [&](const std::string& text) {
    OrDie(Result<bool>(write_file(file, as_bytes(text), FileKind::open).ok()));
    return CollateralService::load(file);
  };
  EXPECT_ERROR(CollateralService::load(file), Code::not_found, "no collateral service is configured");
  const std::string type = R"({"type":"redoubt/collateral-service/1","url":")";
  const auto loaded = OrDie(load(type + "https://127.0.0.1:" + std::to_string(server_->port()) + R"(","pin":")" + pin_.hex() + R"("})"));
  EXPECT_OK(fetch_collateral(loaded, OrDie(CollateralWanted::of_quote(maker_.quote()))));
  OrDie(Result<bool>(write_file(folder.path() / "ca.pem", as_bytes(certificate_.certificate_pem), FileKind::open).ok()));
  EXPECT_OK(load(type + R"(https://127.0.0.1:1","certificates":")" + (folder.path() / "ca.pem").string() + R"("})"));
  EXPECT_ERROR(load(type + R"(https://127.0.0.1:1"})"), Code::malformed, "certificates");
  EXPECT_ERROR(load(type + R"(http://127.0.0.1:1","pin":")" + pin_.hex() + R"("})"), Code::usage, "https://HOST:PORT");
  EXPECT_ERROR(load(type + R"(https://127.0.0.1:1","pin":")" + pin_.hex() + R"(","more":1})"), Code::malformed, "more");
}

}  // namespace
}  // namespace redoubt::sdk
