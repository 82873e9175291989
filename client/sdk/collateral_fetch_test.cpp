// Goal: fetching asks the configured service for exactly what a piece of Evidence needs, and what comes back is kept and used like any other
// collateral. Method: a service on loopback that answers as Intel's and AMD's do, or refuses, or is another; Evidence made here.
#include "client/sdk/collateral_fetch.h"

#include <gtest/gtest.h>

#include <mutex>
#include <set>

#include "client/sdk/collateral_store.h"
#include "client/sdk/files.h"
#include "common/attest/evidence/cert/evidence_certificate.h"
#include "common/attest/evidence/snp/report.h"
#include "common/attest/verifier/verifier.h"
#include "common/base/encoding.h"
#include "common/net/server.h"
#include "common/net/uri.h"
#include "tests/support/evidence_azure.h"
#include "tests/support/evidence_dcap.h"
#include "tests/support/evidence_nitro.h"
#include "tests/support/evidence_snp.h"
#include "tests/support/evidence_token.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"
#include "tests/support/self_signed.h"

namespace redoubt::sdk {
namespace {

using verifier::NamedFile;

// A service that answers for one platform family of Intel's and one chip of AMD's.
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
    if (request.path.ends_with("/cert_chain")) return {.body = to_bytes(pem(amd_.intermediate) + pem(amd_.ark))};
    if (request.path.ends_with("/crl")) return {.body = amd_.authority->crl({}, amd_.spec.validity)};
    if (request.path.starts_with("/vcek/")) return {.body = amd_.leaf};
    const auto chain = [](const std::vector<Bytes>& ders) {
      std::string all;
      for (const Bytes& der : ders) all += pem(der);
      return net::percent_encode(all);
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
  static std::string pem(ByteView der) { return "-----BEGIN CERTIFICATE-----\n" + lines(base64_encode(der)) + "-----END CERTIFICATE-----\n"; }
  static std::string lines(std::string base64) {
    std::string out;
    for (std::size_t i = 0; i < base64.size(); i += 64) out += base64.substr(i, 64) + "\n";
    return out;
  }
  CollateralService service(net::TlsTrust trust) const { return {OrDie(Address::parse(server_->address())), std::move(trust)}; }

  test::DcapMaker maker_;
  test::SnpSample amd_;
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

TEST_F(FetchTest, AsksForTheKeyOfAChipByWhatItsReportSays) {
  const AnyWanted wanted = OrDie(wanted_by(amd_.report, std::nullopt));
  const auto files = OrDie(fetch_collateral(service(net::TrustSpki{pin_}), std::get<AmdWanted>(wanted)));
  const amd::TcbParts tcb = amd::tcb_parts(OrDie(snp::Report::parse(amd_.report)).reported_tcb, amd::Product::milan);
  const auto number = [](const std::string& name, int value) { return " " + name + "=" + std::to_string(value); };
  const std::string key = "/vcek/v1/Milan/" + hex_encode(ByteView(amd_.report).subspan(0x1a0, 64)) + number("blSPL", tcb.boot_loader) +
                          number("snpSPL", tcb.snp) + number("teeSPL", tcb.tee) + number("ucodeSPL", tcb.microcode);
  EXPECT_EQ(asked_, (std::set<std::string>{key, "/vcek/v1/Milan/cert_chain", "/vcek/v1/Milan/crl"}));
  // What came is all that the verifier needs.
  appraise::Policy policy = verifier::strict_policy();
  policy.platforms.snp->roots = std::vector<appraise::VendorRoot>{{{}, "test", crypto::Sha256Digest(amd_.authority->anchor().ark.array())}};
  EXPECT_OK(OrDie(verifier::verify(amd_.report, files, policy, std::nullopt, amd_.now)).accepted());
  EXPECT_FALSE(OrDie(verifier::verify(amd_.report, std::vector<NamedFile>(), policy, std::nullopt, amd_.now)).accepted().ok());
  test::TempDir folder;
  EXPECT_EQ(OrDie(CollateralStore(folder.path(), {maker_.pin()}).add(files, false)).added.size(), 4U);
}

TEST_F(FetchTest, TurinsChipsHaveAShorterNameAndOneMorePart) {
  const test::SnpSample turin(amd::Product::turin);
  const AnyWanted wanted = OrDie(wanted_by(turin.report, std::nullopt));
  OrDie(fetch_collateral(service(net::TrustSpki{pin_}), std::get<AmdWanted>(wanted)));
  const std::string chip = hex_encode(ByteView(turin.report).subspan(0x1a0, 8));
  EXPECT_TRUE(std::ranges::any_of(asked_, [&](const std::string& one) { return one.starts_with("/vcek/v1/Turin/" + chip + " ") && one.find("fmcSPL=") != std::string::npos; }));
}

TEST_F(FetchTest, OfAProvidersKeyItAsksForTheChainAndTheList) {
  const test::SnpSample vlek(amd::Product::milan, amd::KeyKind::vlek);
  const AnyWanted wanted = OrDie(wanted_by(vlek.report, std::nullopt));
  OrDie(fetch_collateral(service(net::TrustSpki{pin_}), std::get<AmdWanted>(wanted)));
  EXPECT_EQ(asked_, (std::set<std::string>{"/vlek/v1/Milan/cert_chain", "/vlek/v1/Milan/crl"}));
}

TEST_F(FetchTest, AReportThatDoesNotSayWhatToAskByNeedsTheWord) {
  Bytes old = amd_.report;
  old[0] = std::byte{2};
  std::fill(old.begin() + 0x188, old.begin() + 0x18b, std::byte{0});
  EXPECT_ERROR(wanted_by(old, std::nullopt), Code::usage, "version 2 does not name its processor");
  EXPECT_EQ(std::get<AmdWanted>(OrDie(wanted_by(old, amd::Product::genoa))).product, amd::Product::genoa);
  EXPECT_ERROR(wanted_by(amd_.report, amd::Product::genoa), Code::usage, "the report is of Milan, found Genoa");
  Bytes masked = amd_.report;
  std::fill(masked.begin() + 0x1a0, masked.begin() + 0x1e0, std::byte{0});
  EXPECT_ERROR(wanted_by(masked, std::nullopt), Code::usage, "masks its chip id");
}

TEST_F(FetchTest, CompositesAndCertificatesAskForTheirHardwaresPart) {
  const test::AzureSample snp(azure::Hardware::snp);
  const AmdWanted of_snp = std::get<AmdWanted>(OrDie(wanted_by(snp.raw.encode(), std::nullopt)));
  EXPECT_EQ(of_snp.product, snp.snp.product);
  EXPECT_EQ(of_snp.tcb, OrDie(snp::Report::parse(snp.snp.report)).reported_tcb);
  const test::AzureSample tdx(azure::Hardware::tdx);
  EXPECT_EQ(std::get<CollateralWanted>(OrDie(wanted_by(tdx.raw.encode(), std::nullopt))).fmspc, OrDie(CollateralWanted::of_quote(tdx.raw.td_quote)).fmspc);
  const test::Signer& key = test::test_signer(test::SignerKind::p256, "fetch");
  const Bytes der = test::signer_certificate({.extensions = {{"2.23.133.5.4.9", cert::encode_tagged(maker_.quote(), cert::encode_claims(key.spki()))}}}, key, key);
  for (const Bytes& form : {der, to_bytes(pem(der))}) {
    EXPECT_EQ(std::get<CollateralWanted>(OrDie(wanted_by(form, std::nullopt))).fmspc, OrDie(CollateralWanted::of_quote(maker_.quote())).fmspc);
  }
  EXPECT_ERROR(wanted_by(test::signer_certificate({}, key, key), std::nullopt), Code::usage, "holds no quote");
  EXPECT_ERROR(wanted_by(to_bytes("a.b.c"), std::nullopt), Code::malformed, "");
  EXPECT_ERROR(wanted_by(test::NitroSample().encode(), std::nullopt), Code::usage, "nothing is fetched for a Nitro document");
}

TEST_F(FetchTest, AnotherKeyARefusalAndForeignEvidenceAreErrors) {
  const CollateralWanted wanted = OrDie(CollateralWanted::of_quote(maker_.quote()));
  EXPECT_ERROR(fetch_collateral(service(net::TrustSpki{SpkiDigest()}), wanted), Code::chain, "connecting to the collateral service");
  EXPECT_TRUE(asked_.empty());
  refuse_ = true;
  EXPECT_ERROR(fetch_collateral(service(net::TrustSpki{pin_}), wanted), Code::unavailable, "expected status 200, found 404");
  EXPECT_ERROR(fetch_collateral(service(net::TrustSpki{pin_}), {endorse::Tee::sgx, {}, "other"}), Code::usage, "platform or processor");
  EXPECT_ERROR(fetch_collateral(service(net::TrustSpki{pin_}), OrDie(AmdWanted::of_report(amd_.report, std::nullopt))), Code::unavailable, "found 404");
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
