// Goal: genuine reports are accepted with every decoded field as published, and every edit and swap of the collection is refused for its
// reason. Method: all cases and negatives of the shared folder vectors/amd-snp, under AMD's own pins.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "common/attest/evidence/snp/evidence.h"
#include "tests/support/evidence_snp.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"

namespace redoubt::snp {
namespace {

using IdSet = std::set<std::string>;

std::filesystem::path folder() { return *test::shared_dir() / "vectors" / "amd-snp"; }

json::Value read_json(std::string_view name) {
  return OrDie(json::parse(test::read_text(folder() / name), {.max_bytes = 1U << 24U, .max_depth = 32}));
}

const json::Value& at(const json::Value& value, std::string_view key) { return value.object()->find(key)->second; }
const std::string& text(const json::Value& value, std::string_view key) { return *at(value, key).string(); }
std::int64_t number(const json::Value& value, std::string_view key) { return *at(value, key).integer(); }
const json::Value* find(const json::Value& value, std::string_view key) {
  const auto found = value.object()->find(key);
  return found == value.object()->end() ? nullptr : &found->second;
}

// certificate: DER, from a file in DER or PEM.
Bytes certificate(const std::string& name) {
  const Bytes bytes = test::read_file(folder() / name);
  if (!as_text(bytes).starts_with("-----")) return bytes;
  return OrDie(crypto::pem_decode(as_text(bytes), "CERTIFICATE", 1)).at(0);
}

// Material: what one case gives to the verifier.
struct Material {
  Bytes report, leaf, intermediate, ark;
  Instant now;

  explicit Material(const json::Value& one)
      : report(test::read_file(folder() / text(one, "report"))), leaf(certificate(text(one, "leaf"))),
        intermediate(certificate(text(one, "ask"))), ark(certificate(text(one, "ark"))), now(OrDie(Instant::parse(text(one, "at")))) {}

  void replace(const json::Value& fields) {
    for (const auto& [key, value] : *fields.object()) {
      if (key == "report") report = test::read_file(folder() / *value.string());
      else if (key == "leaf") leaf = certificate(*value.string());
      else if (key == "ask") intermediate = certificate(*value.string());
      else if (key == "ark") ark = certificate(*value.string());
      else if (key == "at") now = OrDie(Instant::parse(*value.string()));
      else ADD_FAILURE() << "override of an unknown field " << key;
    }
  }

  void edit(const json::Value& edit) {
    const std::string& op = text(edit, "op");
    if (op == "xor") {
      report.at(static_cast<std::size_t>(number(edit, "offset"))) ^= static_cast<std::byte>(number(edit, "value"));
    } else if (op == "set") {
      std::size_t offset = static_cast<std::size_t>(number(edit, "offset"));
      for (const std::byte byte : OrDie(hex_decode(text(edit, "hex")))) report.at(offset++) = byte;
    } else if (op == "truncate") {
      report.resize(static_cast<std::size_t>(number(edit, "length")));
    } else if (op == "append") {
      append(report, OrDie(hex_decode(text(edit, "hex"))));
    } else {
      ADD_FAILURE() << "unknown edit " << op;
    }
  }

  Inputs inputs() const {
    Inputs inputs;
    inputs.leaf = leaf;
    inputs.intermediate = intermediate;
    inputs.ark = ark;
    inputs.now = now;
    return inputs;
  }
};

// failures: of the outcome, or "parse: ..." where the report could not be read.
IdSet failures(const Material& material) {
  const auto parsed = parse(material.report);
  if (!parsed.ok()) return {"parse: " + parsed.error().message()};
  const auto failed = test::failed_ids(authenticate(*parsed, material.inputs()));
  return IdSet(failed.begin(), failed.end());
}

json::Object parts_of(const amd::TcbParts& parts) {
  json::Object out{{"bl", parts.boot_loader}, {"tee", parts.tee}, {"snp", parts.snp}, {"ucode", parts.microcode}};
  if (parts.fmc) out.emplace("fmc", *parts.fmc);
  return out;
}

std::string hex_number(std::uint64_t value) {
  char out[24];
  std::snprintf(out, sizeof out, "0x%llx", static_cast<unsigned long long>(value));
  return out;
}

std::string hex_version(const FirmwareVersion& version) {
  return hex_encode(std::array{std::byte{version.build}, std::byte{version.minor}, std::byte{version.major}});
}

// fields_of: the report as the collection writes it.
json::Object fields_of(const Report& r) {
  const CpuId cpu = r.cpuid.value_or(CpuId{});
  const GuestPolicy& p = r.policy;
  return {{"version", static_cast<std::int64_t>(r.version)}, {"guest_svn", static_cast<std::int64_t>(r.guest_svn)},
          {"policy", hex_number(p.raw)}, {"family_id", r.family_id.hex()}, {"image_id", r.image_id.hex()},
          {"vmpl", static_cast<std::int64_t>(r.vmpl)}, {"current_tcb", r.current_tcb.hex()}, {"platform_info", hex_number(r.platform.raw)},
          {"flags", hex_number(r.keys.raw)}, {"report_data", r.report_data.hex()}, {"measurement", r.measurement.hex()},
          {"host_data", r.host_data.hex()}, {"id_key_digest", r.id_key_digest.hex()}, {"author_key_digest", r.author_key_digest.hex()},
          {"report_id", r.report_id.hex()}, {"report_id_ma", r.report_id_ma.hex()}, {"reported_tcb", r.reported_tcb.hex()},
          {"cpuid", hex_encode(std::array{std::byte{cpu.family}, std::byte{cpu.model}, std::byte{cpu.stepping}})},
          {"chip_id", r.chip_id.hex()}, {"committed_tcb", r.committed_tcb.hex()}, {"current_build", hex_version(r.current)},
          {"committed_build", hex_version(r.committed)}, {"launch_tcb", r.launch_tcb.hex()}, {"author_key_en", r.keys.author_key_en() ? 1 : 0},
          {"mask_chip_key", r.keys.mask_chip_key() ? 1 : 0}, {"signing_key", r.keys.signing_key() == 0 ? "VCEK" : "VLEK"},
          {"pol", json::Object{{"abi", std::to_string(p.abi_major()) + "." + std::to_string(p.abi_minor())}, {"smt", p.smt() ? 1 : 0},
                               {"migrate_ma", p.migrate_ma() ? 1 : 0}, {"debug", p.debug() ? 1 : 0},
                               {"single_socket", p.single_socket() ? 1 : 0}, {"rest", hex_number(p.raw >> 21U)}}}};
}

// strict: the collection's strict policy, from typed facts alone: a VCEK, no debugging, privilege level 0, TCB versions in order.
bool strict(const SnpEvidence& evidence) {
  return evidence.endorsement.signing_key == amd::KeyKind::vcek && !evidence.report.policy.debug() && evidence.report.vmpl == 0 &&
         tcb_order(evidence.report).in_order();
}

json::Object expectations_of(const SnpEvidence& evidence) {
  const amd::LeafExtensions& leaf = evidence.endorsement.leaf;
  std::string product(amd::product_text(evidence.endorsement.product));
  product[0] = static_cast<char>(product[0] + ('a' - 'A'));
  const bool vcek = evidence.endorsement.signing_key == amd::KeyKind::vcek;
  return {{"authentic", true},
          {"signing_key", std::string(amd::key_kind_text(evidence.endorsement.signing_key))},
          {"product", product},
          {"reported_tcb_parts", parts_of(evidence.reported_tcb())},
          {"leaf_tcb_parts", parts_of(amd::tcb_parts(leaf.tcb, leaf.product))},
          {"tcb_matches_leaf", leaf.tcb == evidence.report.reported_tcb},
          {"chip_id_matches_leaf", vcek ? json::Value(leaf.chip_id == evidence.report.chip_id) : json::Value()},
          {"leaf_product_name", leaf.product_name},
          {"vlek_csp_id", vcek ? json::Value() : json::Value(leaf.csp_id)},
          {"debug_policy", evidence.report.policy.debug()},
          {"accept_under_strict_policy", strict(evidence)}};
}

// reason_holds: the failed checks are the ones that the collection's text speaks of.
bool reason_holds(std::string_view why, const IdSet& failed) {
  const auto has = [&](const char* id) { return failed.contains(id); };
  const bool unread = failed.size() == 1 && failed.begin()->starts_with("parse: ");
  if (why == "length") return unread && failed.begin()->find("expected 1184 bytes") != std::string::npos;
  if (why == "signature (and version out of range)") return has("N3") || (unread && failed.begin()->find("version") != std::string::npos);
  if (why == "signature") return has("N3");
  if (why == "unknown signature algorithm") return has("N1");
  if (why.starts_with("r does not fit the curve") || why == "s does not fit the curve" || why == "r out of range") return failed == IdSet{"N3"};
  if (why.starts_with("unsigned reserved tail")) return failed == IdSet{"N1"};
  if (why == "signature; signing key field says VLEK") return has("N2") && has("N3");
  if (why == "report is not signed by this leaf") return has("N3");
  if (why == "chain of another product line") return has("N4") && has("N5") && !has("N3");
  if (why == "wrong intermediate for the signing key kind") return failed == IdSet{"N2", "N4"};
  return false;
}

TEST(SnpVectors, EveryGenuineReportIsAcceptedWithAllItsFields) {
  REDOUBT_REQUIRE_SHARED();
  const json::Value cases = read_json("cases.json");
  ASSERT_GE(cases.array()->size(), 14U);
  for (const json::Value& one : *cases.array()) {
    SCOPED_TRACE(text(one, "id"));
    const Material material(one);
    const Outcome outcome = authenticate(OrDie(parse(material.report)), material.inputs());
    EXPECT_EQ(test::failed_ids(outcome), std::vector<std::string>{});
    ASSERT_TRUE(outcome.authentic.has_value());
    EXPECT_EQ(json::pretty(expectations_of(**outcome.authentic)), json::pretty(at(one, "expect")));
    EXPECT_EQ(json::pretty(fields_of((*outcome.authentic)->report)), json::pretty(at(one, "fields")));
    EXPECT_EQ(outcome.validity.begin.text(), *at(one, "window").array()->at(0).string());
    EXPECT_EQ(outcome.validity.end.text(), *at(one, "window").array()->at(1).string());
    EXPECT_EQ(text(one, "id").find("reported-below-committed") != std::string::npos || text(one, "id").find("vlek") != std::string::npos,
              tcb_order((*outcome.authentic)->report).reported_below_committed);
  }
}

TEST(SnpVectors, NoGenuineReportIsAcceptedOutsideItsWindow) {
  REDOUBT_REQUIRE_SHARED();
  const json::Value cases = read_json("cases.json");
  for (const json::Value& one : *cases.array()) {
    SCOPED_TRACE(text(one, "id"));
    Material material(one);
    const auto end = [&](std::size_t index) { return OrDie(Instant::parse(*at(one, "window").array()->at(index).string())); };
    for (const Instant inside : {end(0), end(1)}) {
      material.now = inside;
      EXPECT_EQ(failures(material), IdSet{});
    }
    for (const Instant outside : {end(0).plus_seconds(-1), end(1).plus_seconds(1)}) {
      material.now = outside;
      EXPECT_EQ(failures(material), IdSet{"N4"});
    }
  }
}

TEST(SnpVectors, EveryEditAndSwapIsRefusedForItsReason) {
  REDOUBT_REQUIRE_SHARED();
  const json::Value cases = read_json("cases.json");
  const json::Value negatives = read_json("negative.json");
  std::map<std::string, const json::Value*> bases;
  for (const json::Value& one : *cases.array()) bases[text(one, "id")] = &one;
  ASSERT_GE(negatives.array()->size(), 150U);
  for (const json::Value& one : *negatives.array()) {
    SCOPED_TRACE(text(one, "id") + ": " + text(one, "why"));
    Material material(*bases.at(text(one, "base")));
    if (const json::Value* fields = find(one, "override")) material.replace(*fields);
    if (const json::Value* edits = find(one, "edits")) {
      for (const json::Value& edit : *edits->array()) material.edit(edit);
    }
    ASSERT_EQ(text(one, "expect"), "reject");
    const IdSet failed = failures(material);
    EXPECT_TRUE(reason_holds(text(one, "why"), failed)) << ::testing::PrintToString(failed);
  }
}

TEST(SnpVectors, LeavesWithAnOverwrittenHardwareIdAreRefusedByTheirSignature) {
  REDOUBT_REQUIRE_SHARED();
  const Bytes ask = certificate("certs/milan-ask.pem");
  const Bytes ark = certificate("certs/milan-ark.pem");
  const Instant now = OrDie(Instant::parse("2024-06-01T00:00:00Z"));
  const auto chain = OrDie(amd::verify_chain(ask, ark, amd::production_anchors(), now));
  for (const std::string name : {"negative/vcek-invalid-legacy.der", "negative/vcek-invalid-new.der"}) {
    const Bytes leaf = certificate(name);
    const amd::Leaf read = OrDie(amd::Leaf::parse(leaf));
    EXPECT_EQ(read.extensions.chip_id->array()[63], std::byte{0x3f}) << name;
    EXPECT_ERROR(amd::verify_vcek(leaf, chain, now), Code::chain, "endorsement key certificate") << name;
  }
}

TEST(SnpVectors, EveryProductionPinIsThatOfAmdsCertificate) {
  REDOUBT_REQUIRE_SHARED();
  const Instant now = OrDie(Instant::parse("2026-06-01T00:00:00Z"));
  for (const std::string product : {"milan", "genoa", "turin"}) {
    for (const std::string between : {"ask", "asvk"}) {
      const auto chain = OrDie(amd::verify_chain(certificate("certs/" + product + "-" + between + ".pem"),
                                                 certificate("certs/" + product + "-ark.pem"), amd::production_anchors(), now));
      EXPECT_EQ(chain.kind() == amd::KeyKind::vcek, between == "ask");
    }
  }
}

}  // namespace
}  // namespace redoubt::snp
