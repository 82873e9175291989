// Goal: a chain is accepted only from a sound leaf through CAs to a named root at the given time. Method: throw-away certificates
// (tests/golden/x509), one for each thing that can be wrong; junk and cut bytes for the parser.
#include "common/crypto/x509.h"

#include <gtest/gtest.h>

#include "common/crypto/sha1.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"

namespace redoubt::crypto {
namespace {

std::string pem(std::string_view name) { return test::read_text(test::golden("x509") / (std::string(name) + ".pem")); }
Certificate certificate(std::string_view name) { return OrDie(Certificate::parse_pem_bundle(pem(name))).at(0); }

Instant at(std::string_view time) { return OrDie(Instant::parse(time)); }

Result<ChainResult> chain(std::string_view leaf, std::vector<std::string_view> between, std::string_view root = "root",
                          std::string_view time = "2026-12-01T00:00:00Z") {
  std::vector<Certificate> intermediates;
  for (const std::string_view name : between) intermediates.push_back(certificate(name));
  const std::vector<Certificate> roots{certificate(root)};
  return verify_chain(certificate(leaf), intermediates, roots, at(time));
}

TEST(X509, ACertificateTellsWhatItSays) {
  const Certificate leaf = certificate("leaf");
  EXPECT_EQ(leaf.subject(), "CN=leaf,O=Redoubt tests");
  EXPECT_EQ(leaf.digest(), sha256(leaf.der()));
  EXPECT_EQ(leaf.validity().begin.text().substr(0, 10), "2026-11-21");
  EXPECT_EQ(leaf.validity().end.text().substr(0, 10), "2026-12-21");
  EXPECT_TRUE(leaf.has_extended_usage("2.23.133.8.1"));
  EXPECT_TRUE(leaf.has_extended_usage("1.3.6.1.5.5.7.3.2"));
  EXPECT_FALSE(leaf.has_extended_usage("2.23.133.8.3"));
  EXPECT_FALSE(leaf.is_ca());
  EXPECT_TRUE(certificate("issuer").is_ca());
  EXPECT_FALSE(certificate("issuer").has_extended_usage("2.23.133.8.1"));
}

TEST(X509, BytesOfAnotherFormAreRefused) {
  const Bytes der = to_bytes(certificate("leaf").der());
  for (std::size_t size = 0; size < der.size(); ++size) EXPECT_FALSE(Certificate::parse_der(ByteView(der).first(size)).ok());
  Bytes more = der;
  more.push_back(std::byte{0xff});
  EXPECT_ERROR(Certificate::parse_der(more), Code::malformed, "1 trailing bytes");
  EXPECT_ERROR(Certificate::parse_der(Bytes(Certificate::kMaxSize + 1)), Code::malformed, "16384");
}

TEST(X509, ABundleHoldsCertificatesOnly) {
  EXPECT_EQ(OrDie(Certificate::parse_pem_bundle("text\n" + pem("root") + pem("issuer"))).size(), 2U);
  EXPECT_ERROR(Certificate::parse_pem_bundle(""), Code::malformed, "no certificate");
  EXPECT_ERROR(Certificate::parse_pem_bundle("-----BEGIN PRIVATE KEY-----\n"), Code::malformed, "no certificate");
  EXPECT_ERROR(Certificate::parse_pem_bundle("-----BEGIN CERTIFICATE-----\nAAAA"), Code::malformed, "end line");
  EXPECT_ERROR(Certificate::parse_pem_bundle("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----"), Code::malformed, "pem");
  std::string many;
  for (int i = 0; i < 17; ++i) many += pem("root");
  EXPECT_ERROR(Certificate::parse_pem_bundle(many), Code::malformed, "more than 16");
}

TEST(X509, ASoundChainLeadsToItsRoot) {
  const ChainResult result = OrDie(chain("leaf", {"issuer"}));
  EXPECT_EQ(result.anchor, certificate("root").digest());
  EXPECT_EQ(result.validity.begin, certificate("leaf").validity().begin);
  EXPECT_EQ(result.validity.end, certificate("leaf").validity().end);
  // Intermediates that are not needed, and a root among them, change nothing.
  EXPECT_OK(chain("leaf", {"deep1", "root", "issuer"}));
}

TEST(X509, EveryUnsoundChainIsRefused) {
  EXPECT_ERROR(chain("leaf", {}), Code::chain, "unable to get local issuer certificate");
  EXPECT_ERROR(chain("leaf", {"issuer", "root"}, "deep1"), Code::chain, "self-signed certificate in certificate chain");
  EXPECT_ERROR(chain("leaf", {"issuer"}, "issuer"), Code::chain, "unable to get issuer certificate");
  EXPECT_ERROR(chain("by_leaf", {"leaf", "issuer"}), Code::chain, "invalid CA certificate");
  EXPECT_ERROR(chain("sha1", {"issuer"}), Code::chain, "digest algorithm too weak");
  EXPECT_ERROR(chain("rsa1024", {"issuer"}), Code::chain, "key too weak");
  EXPECT_ERROR(chain("unknown", {"issuer"}), Code::chain, "unhandled critical extension");
  EXPECT_ERROR(verify_chain(certificate("leaf"), {}, {}, at("2026-12-01T00:00:00Z")), Code::chain, "issuer");
}

TEST(X509, TimeIsTheCallers) {
  EXPECT_ERROR(chain("leaf", {"issuer"}, "root", "2026-11-01T00:00:00Z"), Code::chain, "not yet valid");
  EXPECT_ERROR(chain("leaf", {"issuer"}, "root", "2027-01-01T00:00:00Z"), Code::chain, "has expired");
  const Interval validity = certificate("leaf").validity();
  EXPECT_OK(chain("leaf", {"issuer"}, "root", validity.begin.text()));
  EXPECT_ERROR(chain("leaf", {"issuer"}, "root", validity.begin.plus_seconds(-1).text()), Code::chain, "not yet valid");
  EXPECT_ERROR(chain("leaf", {"issuer"}, "root", validity.end.plus_seconds(1).text()), Code::chain, "has expired");
  EXPECT_OK(chain("leaf", {"issuer"}, "root", validity.begin.text()));
  EXPECT_OK(chain("leaf", {"issuer"}, "root", validity.end.text()));  // its last second
}

TEST(X509, AChainHasAtMostSixCertificates) {
  EXPECT_OK(chain("deep3_leaf", {"issuer", "deep1", "deep2", "deep3"}));
  EXPECT_ERROR(chain("deep_leaf", {"issuer", "deep1", "deep2", "deep3", "deep4"}), Code::chain, "too long");
}

TEST(X509, ASelfSignedLeafIsItsOwnRootOnlyWhenNamed) {
  const Certificate root = certificate("root");
  EXPECT_ERROR(verify_chain(root, {}, {}, at("2026-12-01T00:00:00Z")), Code::chain, "self-signed");
  const std::vector<Certificate> roots{root};
  EXPECT_OK(verify_chain(root, {}, roots, at("2026-12-01T00:00:00Z")));
}

TEST(Sha1, GivesThePublishedDigest) {
  EXPECT_EQ(legacy_sha1(as_bytes("abc")).hex(), "a9993e364706816aba3e25717850c26c9cd0d89d");  // FIPS 180 example
}

}  // namespace
}  // namespace redoubt::crypto
