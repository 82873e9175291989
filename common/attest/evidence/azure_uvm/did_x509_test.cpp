// Goal: an identifier names exactly the chains that did:x509 says it does. Method: identifiers of both policies against a chain of
// the tests; each part wrong in turn; every spelling that the specification does not have.
#include "common/attest/evidence/azure_uvm/did_x509.h"

#include <gtest/gtest.h>

#include "tests/support/evidence_azure_uvm.h"
#include "tests/support/expect.h"

namespace redoubt::azure_uvm {
namespace {

using test::UvmSample;

struct Chain {
  explicit Chain(const UvmSample& sample) {
    for (const auto& certificate : sample.certificates) views.push_back(OrDie(crypto::CertificateView::parse(certificate.der)));
  }
  Status check(const std::string& did) const {
    REDOUBT_TRY(const DidX509 parsed, DidX509::parse(did));
    return parsed.check(views);
  }
  std::vector<crypto::CertificateView> views;
};

TEST(DidX509, NamesAChainByACaAndTheLeaf) {
  const UvmSample sample;
  const Chain chain(sample);
  EXPECT_OK(chain.check(sample.did("eku:1.3.6.1.4.1.311.76.59.1.2")));
  EXPECT_OK(chain.check(sample.did("eku:1.3.6.1.4.1.311.76.59.1.1")));
  EXPECT_OK(chain.check(sample.did("eku:1.3.6.1.4.1.311.76.59.1.2", 1)));
  EXPECT_OK(chain.check(sample.did("subject:CN:TestPlat")));
  EXPECT_OK(chain.check(sample.did("subject:C:US:ST:Test%20State:O:Test:CN:TestPlat")));
  EXPECT_OK(chain.check(sample.did("subject:2.5.4.3:TestPlat")));
  EXPECT_OK(chain.check(sample.did("subject:CN:TestPlat::eku:1.3.6.1.4.1.311.76.59.1.2")));
  const std::string wide = "did:x509:0:sha384:" + base64url_encode(crypto::sha384(sample.certificates[1].der).view());
  EXPECT_OK(chain.check(wide + "::eku:1.3.6.1.4.1.311.76.59.1.2"));
}

TEST(DidX509, DoesNotNameOtherChains) {
  const UvmSample sample;
  const Chain chain(sample);
  const UvmSample other;
  EXPECT_ERROR(chain.check(other.did("eku:1.3.6.1.4.1.311.76.59.1.2")), Code::chain, "found none in the chain");
  EXPECT_ERROR(chain.check(sample.did("eku:1.3.6.1.4.1.311.76.59.1.2", 0)), Code::chain, "found none in the chain");  // the leaf
  EXPECT_ERROR(chain.check(sample.did("eku:1.3.6.1.4.1.311.76.59.1")), Code::chain, "extended usage");
  EXPECT_ERROR(chain.check(sample.did("eku:1.3.6.1.4.1.311.76.59.1.2::eku:1.2.3")), Code::chain, "extended usage 1.2.3");
  EXPECT_ERROR(chain.check(sample.did("subject:CN:Testplat")), Code::chain, "subject attribute");
  EXPECT_ERROR(chain.check(sample.did("subject:CN:TestPlat:L:Redmond")), Code::chain, "subject attribute 2.5.4.7");
  EXPECT_ERROR(chain.check(sample.did("subject:CN:TestPlat::eku:1.2.3")), Code::chain, "extended usage 1.2.3");
  EXPECT_ERROR(OrDie(DidX509::parse(sample.did("subject:CN:TestPlat"))).check({chain.views.data(), 1}), Code::chain, "expected a chain");

  auto specs = test::uvm_specs();
  specs[0].subject.emplace_back("CN", "Another");
  std::erase_if(specs[0].extensions, [](const auto& extension) { return extension.first == "extendedKeyUsage"; });
  const UvmSample changed(specs);
  const Chain two(changed);
  EXPECT_ERROR(two.check(changed.did("subject:CN:TestPlat")), Code::chain, "once");
  EXPECT_ERROR(two.check(changed.did("eku:1.2.3")), Code::chain, "found none");
  EXPECT_OK(two.check(changed.did("subject:O:Test")));
}

TEST(DidX509, RefusesEveryOtherSpelling) {
  const std::string head = "did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s";
  ASSERT_OK(DidX509::parse(head + "::eku:1.3.6.1.4.1.311.76.59.1.2"));
  for (const std::string& text : std::vector<std::string>{
           "", "did:x509:0", "did:x509:1:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::eku:1.2", head, head + "::",
           head + "::eku:1.2::", head + "::::eku:1.2", head + "::eku", head + "::eku:", head + "::eku:1", head + "::eku:1..2",
           head + "::eku:.1.2", head + "::eku:1.2.", head + "::eku:1.2:1.3", head + "::eku:anyExtendedKeyUsage", head + "::EKU:1.2",
           head + ":::eku:1.2", head + "=::eku:1.2", head + "A::eku:1.2", head + "::san:email:a", head + "::eku:1.2::san:dns:a",
           head + "::fulcio-issuer:a", head + "::subject", head + "::subject:", head + "::subject:CN", head + "::subject:CN:",
           head + "::subject:CN:a:", head + "::subject:CN:a:O", head + "::subject:CN:a:CN:b", head + "::subject:CN:a:2.5.4.3:a",
           head + "::subject:XX:a", head + "::subject:CN:a b", head + "::subject:CN:a%2", head + "::subject:CN:a%zz",
           head + "::subject:CN:a::subject:O:b", "did:x509:0:sha1:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::eku:1.2",
           "did:x509:0:sha512:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::eku:1.2", "did:x509:0:sha256:::eku:1.2",
           " " + head + "::eku:1.2", head + "::eku:1.2 ", head + "::eku:" + std::string(3000, '1') + ".2",
           head + "::eku:1.2::eku:1.2::eku:1.2::eku:1.2::eku:1.2::eku:1.2::eku:1.2::eku:1.2::eku:1.2"}) {
    EXPECT_ERROR(DidX509::parse(text), Code::malformed, "did:x509") << text;
  }
}

}  // namespace
}  // namespace redoubt::azure_uvm
