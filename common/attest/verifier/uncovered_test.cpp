// Goal: of each form of Evidence it is known which bytes nothing covers, and docs/uncovered-bytes.md says so. Method: every byte of one piece
// of each form changed in turn, under a policy that takes the piece as it is; where it is still taken, the byte lies in a field of the
// list below, each field of which has such bytes; the page has the list's rows. Genuine Evidence has no others.
#include <algorithm>

#include "common/attest/verifier/annotate.h"
#include "common/attest/verifier/verifier_test_samples.h"
#include "tests/support/evidence_eventlog.h"
#include "tests/support/evidence_ima.h"
#include "tests/support/evidence_tpm.h"
#include "tests/support/files.h"
#include "tests/support/stride.h"
#include "tests/support/vector_edits.h"

namespace redoubt::verifier {
namespace {

struct Uncovered {
  std::string_view format, field, why;
};
// Fields as `evidence show` names them. One row of the page each, in this order.
constexpr Uncovered kUncovered[] = {
    {"sgx", "after_the_quote_covered_by_nothing", "bytes after the signature data, which are dropped (`Q5`)"},
    {"tdx", "after_the_quote_covered_by_nothing", "bytes after the signature data, which are dropped (`Q5`)"},
    {"tpm", "ak_public", "of a certified key, attributes that `M5` does not ask for, such as userWithAuth and noDA: the certificate is of the key alone; of an enrolled key, none"},
    {"tpm", "event_log", "the Spec ID event, types and data of events whose digest no check recomputes (`L3`), and digests of banks that are not quoted"},
    {"azure-snp", "hcl.version", "bytes 4 to 7 of the HCL report: 1 and 2 are read alike"},
    {"azure-tdx", "hcl.version", "bytes 4 to 7 of the HCL report: 1 and 2 are read alike"},
    {"azure-tdx", "hcl.tdreport", "bytes 32 to 1055 of the HCL report: a TDREPORT has no signature, and the TD quote is what is judged"},
};

using Fields = std::set<std::string>;

Fields listed(std::string_view format) {
  Fields out;
  for (const Uncovered& one : kUncovered) {
    if (one.format == format) out.emplace(one.field);
  }
  return out;
}

// Scene: Evidence that its policy takes as it is.
struct Scene {
  std::string format;
  Bytes evidence;
  std::vector<NamedFile> files;
  std::optional<appraise::Policy> policy;
  std::optional<Bytes> nonce;
  Instant now;
  std::size_t stride = 1;
};

// free_fields: the fields in which some byte can be another and the Evidence is taken all the same.
Fields free_fields(const Scene& scene) {
  const auto at_hand = OrDie(AtHand::read(scene.files));
  const auto taken = [&](const Bytes& bytes) {
    const auto appraisal = verify(bytes, *at_hand, {}, scene.policy, scene.nonce, scene.now);
    return appraisal.ok() && appraisal->accepted().ok();
  };
  EXPECT_TRUE(taken(scene.evidence)) << scene.format;
  Annotated annotated = OrDie(annotate(scene.evidence));
  EXPECT_EQ(format_name(annotated.format), scene.format);
  if (annotated.fields.empty()) annotated.fields = {{0, scene.evidence.size(), "text", ""}};
  Fields out;
  for (const Field& field : annotated.fields) {
    // The rooms of the forms flip every byte of theirs; of a long field some are flipped here. Which fields are found hangs on which: a
    // sanitized program flips the same ones.
    const auto every = [](std::size_t quick) { return std::min(test::stride(quick), quick); };
    const std::size_t step = field.length > 256 ? 4 * scene.stride * every(13) : field.length > 16 ? every(7) : 1;
    for (std::size_t at = field.offset; at < field.offset + field.length; at += step) {
      // A small number may have another value that is taken; of long fields one bit a byte tells.
      for (const unsigned mask : {1U << (at % 8), field.length <= 4 ? 3U : 0U, field.length <= 4 ? 6U : 0U}) {
        if (mask == 0 || out.contains(field.name)) continue;
        Bytes changed = scene.evidence;
        changed[at] ^= static_cast<std::byte>(mask);
        if (taken(changed)) out.insert(field.name);
      }
    }
  }
  return out;
}

Scene dcap_scene(std::uint16_t version, std::uint16_t body) {
  test::DcapMaker maker = dcap_maker(version, body);
  maker.padding = 4;
  return {body == test::DcapMaker::kSgx ? "sgx" : "tdx", maker.quote(), files_of(maker.collateral()), with_root(maker.pin()), sample_nonce(), maker.now};
}

Scene tpm_scene() {
  test::TpmSample sample(tpm::kAlgEcdsa);
  test::LogBuilder log({{eventlog::kSha1, 20}, {eventlog::kSha256, 32}});
  log.event(0, 8, as_bytes(std::string_view("firmware"))).separators(0, 7);
  sample.raw.event_log = log.bytes();
  const auto entries = test::ima_entries();
  for (std::size_t i = 0; i < 2; ++i) append(sample.raw.ima_log, test::ima_binary(entries[i]));
  const auto parsed = OrDie(eventlog::EventLog::parse(sample.raw.event_log));
  const eventlog::Replay replay = parsed.replay(*parsed.bank(eventlog::kSha256));
  for (int pcr = 0; pcr < 8; ++pcr) sample.quote.pcrs[pcr] = to_bytes(replay[static_cast<std::size_t>(pcr)]->view());
  sample.quote.pcrs[10] = to_bytes(ima::replay(OrDie(ima::List::parse_binary(sample.raw.ima_log)), eventlog::kSha256).view());
  sample.remake();
  appraise::Policy policy = strict_policy();
  policy.accept_host_asserted = true;
  policy.platforms.tpm.emplace().anchors = {{crypto::sha256(test::tpm_test_root()), "test", false}};
  return {"tpm", sample.raw.encode(), {{"root", test::tpm_test_root()}}, policy, sample.expected_nonce, sample.now};
}

std::vector<Scene> scenes() {
  std::vector<Scene> out{dcap_scene(3, test::DcapMaker::kSgx), dcap_scene(5, test::DcapMaker::kTd15)};
  const test::SnpSample snp;
  out.push_back({"snp", snp.report, files_of(snp), with_root(crypto::Sha256Digest(snp.authority->anchor().ark.array())), std::nullopt, snp.now});
  const test::NitroSample nitro;
  appraise::Policy nitro_policy = strict_policy();
  nitro_policy.platforms.nitro->roots = {{nitro.root().certificate, "test", nitro.root().spki}};
  out.push_back({"nitro", nitro.encode(), {}, nitro_policy, std::nullopt, test::kNitroTime});
  out.push_back({"token", to_bytes(token_text("n")), {{"k", to_bytes(test::jwk_set(token_signer(), "k1", "RS256"))}}, strict_policy(), std::nullopt, Instant(1790000100)});
  out.push_back(tpm_scene());
  for (const azure::Hardware hardware : kAzureHardware) {
    const AzureScene azure(hardware);
    appraise::Policy policy = azure.policy();
    policy.platforms.azure->ak_certificate_required = true;
    out.push_back({azure.snp() ? "azure-snp" : "azure-tdx", azure.bytes(), azure.files(), policy, sample_nonce(), azure.now()});
  }
  const test::Signer& key = test::test_signer(test::SignerKind::p256, "uncovered certificate");
  test::DcapMaker inside(3, test::DcapMaker::kSgx);
  test::put(inside.body, 320, Bytes(64));
  test::put(inside.body, 320, crypto::sha256(key.spki()).view());
  out.push_back({"certificate", test::signer_certificate({.extensions = {{"1.2.840.113741.1337.6", inside.quote()}}}, key, key), files_of(inside.collateral()), with_root(inside.pin()),
                 std::nullopt, inside.now});
  return out;
}

TEST(UncoveredBytes, AreThoseOfTheListAndNoOthers) {
  for (const Scene& scene : scenes()) EXPECT_EQ(free_fields(scene), listed(scene.format)) << scene.format;
}

// The genuine Evidence of the shared test data: the first case of each form that "strict" takes.
TEST(SharedUncoveredBytes, GenuineEvidenceHasNoOthers) {
  REDOUBT_REQUIRE_SHARED();
  const auto vectors = *test::shared_dir() / "vectors";
  std::map<std::string, Scene> found;
  const auto consider = [&](const std::string& set, const char* evidence, auto files) {
    for (const json::Value& one : test::json_array(vectors / set / "cases.json")) {
      if (!*one.object()->at("expect").object()->at("accept_under_strict_policy").boolean()) continue;
      const Bytes bytes = test::read_file(vectors / set / test::text_of(one, evidence));
      const std::string format(format_name(OrDie(detect(bytes))));
      if (!found.contains(format)) found.emplace(format, Scene{format, bytes, files(one), std::nullopt, std::nullopt, test::instant_of(test::text_of(one, "at")), 3});
    }
  };
  const auto folder = [](const std::filesystem::path& path) {
    std::vector<NamedFile> files;
    for (const auto& one : std::filesystem::directory_iterator(path)) files.push_back({one.path().filename(), test::read_file(one.path())});
    return files;
  };
  consider("intel-dcap", "quote", [&](const json::Value& one) {
    std::vector<NamedFile> files = folder(vectors / "intel-dcap/collateral/certs");
    for (const char* key : {"tcb_info", "qe_identity", "root_crl", "pck_crl"}) files.push_back({"f", test::read_file(vectors / "intel-dcap" / test::text_of(one, key))});
    return files;
  });
  consider("amd-snp", "report", [&](const json::Value&) { return folder(vectors / "amd-snp/certs"); });
  consider("aws-nitro", "file", [](const json::Value&) { return std::vector<NamedFile>(); });
  for (const char* format : {"tdx", "snp", "nitro"}) ASSERT_TRUE(found.contains(format)) << format;
  for (const auto& [format, scene] : found) {
    const Fields all = listed(format);
    for (const std::string& field : free_fields(scene)) EXPECT_TRUE(all.contains(field)) << format << ' ' << field;
  }
}

TEST(UncoveredBytes, ThePageHasTheRowsOfTheList) {
  std::istringstream page(test::read_text(test::source_dir() / "docs/uncovered-bytes.md"));
  std::vector<std::string> rows;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("| `")) rows.push_back(line);
  }
  std::vector<std::string> expected;
  for (const Uncovered& one : kUncovered) expected.push_back("| `" + std::string(one.format) + "` | `" + std::string(one.field) + "` | " + std::string(one.why) + " |");
  EXPECT_EQ(rows, expected);
}

}  // namespace
}  // namespace redoubt::verifier
