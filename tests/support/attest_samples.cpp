// attest_samples: Evidence of a trust domain, a SEV-SNP guest and a Nitro enclave under test roots, as files, for tests that are not
// C++. Usage: attest_samples FOLDER. Each sample NAME has NAME.evidence, NAME.nonce, NAME.time (seconds since 1970), NAME.policy.json
// (which names the test root), and its endorsements in the folder NAME.endorsements.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "common/attest/appraise/policy.h"
#include "tests/support/evidence_dcap.h"
#include "tests/support/evidence_nitro.h"
#include "tests/support/evidence_snp.h"

namespace {

using namespace redoubt;
namespace fs = std::filesystem;

class Folder {
 public:
  Folder(const fs::path& root, std::string name) : root_(root), name_(std::move(name)) {
    fs::create_directories(root_ / (name_ + ".endorsements"));
  }
  void write(const std::string& kind, ByteView bytes) const { put(root_ / (name_ + "." + kind), bytes); }
  void endorsement(const std::string& file, ByteView bytes) const { put(root_ / (name_ + ".endorsements") / file, bytes); }

 private:
  static void put(const fs::path& path, ByteView bytes) {
    std::ofstream out(path, std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!out.flush()) throw fs::filesystem_error("writing", path, std::make_error_code(std::errc::io_error));
  }
  fs::path root_;
  std::string name_;
};

appraise::Policy policy(const std::string& name) {
  appraise::Policy policy;
  policy.name = name;
  policy.workload = "any";
  policy.accept_host_asserted = false;
  policy.accept_software_tpm = false;
  return policy;
}

void finish(const Folder& folder, const appraise::Policy& policy, ByteView evidence, ByteView nonce, Instant now) {
  folder.write("evidence", evidence);
  folder.write("nonce", nonce);
  folder.write("time", as_bytes(std::to_string(now.unix_seconds())));
  folder.write("policy.json", as_bytes(policy.canonical()));
}

void write_tdx(const fs::path& root) {
  const Folder folder(root, "tdx");
  const test::DcapMaker maker(4, test::DcapMaker::kTd10);
  const endorse::RawCollateral raw = maker.collateral();
  folder.endorsement("tcb_info.json", raw.tcb_info);
  folder.endorsement("qe_identity.json", raw.qe_identity);
  for (std::size_t i = 0; i < raw.tcb_signing_chain.size(); ++i) folder.endorsement("signer" + std::to_string(i) + ".der", raw.tcb_signing_chain[i]);
  for (std::size_t i = 0; i < raw.pck_issuers.size(); ++i) folder.endorsement("issuer" + std::to_string(i) + ".der", raw.pck_issuers[i]);
  folder.endorsement("root.crl", raw.root_crl);
  folder.endorsement("pck.crl", raw.pck_crl);
  appraise::Policy own = policy("test trust domain");
  auto& section = own.platforms.tdx.emplace();
  section.tcb.statuses = {"UpToDate"};
  section.tcb.roots = std::vector<appraise::VendorRoot>{{crypto::sha256(maker.root()), "a root of the tests", maker.pin()}};
  section.require_sept_ve_disable = false;
  finish(folder, own, maker.quote(), ByteView(maker.body).last(64), maker.now);
}

void write_snp(const fs::path& root) {
  const Folder folder(root, "snp");
  test::SnpSample made;
  folder.endorsement("vcek.der", made.leaf);
  folder.endorsement("ask.der", made.intermediate);
  folder.endorsement("ark.der", made.ark);
  appraise::Policy own = policy("test guest");
  auto& section = own.platforms.snp.emplace();
  section.products = {"milan"};
  section.keys = {"VCEK"};
  section.accept_provisional_firmware = true;
  section.accept_migration_agent = true;
  section.accept_debug = true;
  section.maximum_vmpl = 3;
  section.roots = std::vector<appraise::VendorRoot>{
      {crypto::sha256(made.ark), "a root of the tests", appraise::Hash32(made.anchors.at(0).ark.array())}};
  finish(folder, own, made.report, ByteView(made.report).subspan(0x50, 64), made.now);
}

void write_nitro(const fs::path& root) {
  const Folder folder(root, "nitro");
  const test::NitroSample made;
  const crypto::RootPin pin = made.root();
  appraise::Policy own = policy("test enclave");
  auto& section = own.platforms.nitro.emplace();
  section.maximum_age_seconds = 300;
  section.roots = std::vector<appraise::VendorRoot>{{pin.certificate, "a root of the tests", pin.spki}};
  finish(folder, own, made.encode(), Bytes(16, std::byte{9}), test::kNitroTime.plus_seconds(1));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: attest_samples FOLDER\n");
    return 2;
  }
  try {
    const fs::path root = argv[1];
    fs::create_directories(root);
    write_tdx(root);
    write_snp(root);
    write_nitro(root);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "attest_samples: %s\n", error.what());
    return 1;
  }
  return 0;
}
