// Goal: a host's certificate table gives exactly the certificates that it names, and every table with a part out of place is refused.
// Method: tables of certificates under test keys, and AMD's own from the shared test data, changed in one place each.
#include "enclave/collect/tsm/certificate_table.h"

#include "enclave/collect/tsm/table_maker_test.h"
#include "tests/support/evidence_snp.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"

namespace redoubt::collect {
namespace {

using test::SnpSample;

const SnpSample& sample() {
  static const SnpSample one;
  return one;
}

TableMaker maker() {
  return {{{std::string(kVcekGuid), sample().leaf}, {std::string(kAskGuid), sample().intermediate}, {std::string(kArkGuid), sample().ark}}, false};
}

std::string pem(ByteView der) {
  std::string text = "-----BEGIN CERTIFICATE-----\n";
  const std::string base64 = base64_encode(der);
  for (std::size_t at = 0; at < base64.size(); at += 64) text += base64.substr(at, 64) + "\n";
  return text + "-----END CERTIFICATE-----\n";
}

Bytes with(Bytes table, std::size_t offset, const Bytes& value) {
  std::ranges::copy(value, table.begin() + static_cast<std::ptrdiff_t>(offset));
  return table;
}

TEST(CertificateTableTest, GivesEachCertificateByItsGuidInBothSpellings) {
  for (const bool turned : {false, true}) {
    TableMaker made = maker();
    made.turned = turned;
    made.items.push_back({std::string(kVlekGuid), sample().leaf});
    made.items.push_back({std::string(32, '7'), to_bytes("what no name is known for")});
    const auto table = OrDie(CertificateTable::parse(made.make()));
    EXPECT_EQ(table.vcek, sample().leaf);
    EXPECT_EQ(table.vlek, sample().leaf);
    EXPECT_EQ(table.ask, sample().intermediate);
    EXPECT_EQ(table.ark, sample().ark);
    EXPECT_TRUE(table.crl.empty());
    EXPECT_EQ(table.unknown_count, 1U);
  }
}

// The bytes of the GHCB specification, written out, so that maker and reader cannot be wrong together.
TEST(CertificateTableTest, KnowsTheGuidsAsTheSpecificationWritesThem) {
  Bytes table = OrDie(hex_decode("63da758de6644564adc5f4b93be8accd"
                                 "30000000"));
  append(table, TableMaker::little32(sample().leaf.size()));
  table.resize(48);
  append(table, sample().leaf);
  EXPECT_EQ(OrDie(CertificateTable::parse(table)).vcek, sample().leaf);
  const Bytes seen_on_hosts = OrDie(hex_decode("8d75da6364e66445adc5f4b93be8accd"));
  EXPECT_EQ(OrDie(CertificateTable::parse(with(table, 0, seen_on_hosts))).vcek, sample().leaf);
}

TEST(CertificateTableTest, TakesPemAndGivesDer) {
  TableMaker made = maker();
  for (auto& item : made.items) item.content = to_bytes(pem(item.content));
  const auto table = OrDie(CertificateTable::parse(made.make()));
  EXPECT_EQ(table.vcek, sample().leaf);
  EXPECT_EQ(table.ask, sample().intermediate);
  EXPECT_EQ(table.ark, sample().ark);
  made.items[0].content = to_bytes(pem(sample().leaf) + pem(sample().leaf));
  EXPECT_ERROR(CertificateTable::parse(made.make()), Code::malformed, "entry 0 (VCEK)");
}

TEST(CertificateTableTest, ReadsARevocationList) {
  TableMaker made = maker();
  const Bytes crl = sample().authority->crl({}, Interval{Instant(1780000000), Instant(1790000000)});
  made.items.push_back({std::string(kCrlGuid), crl});
  EXPECT_EQ(OrDie(CertificateTable::parse(made.make())).crl, crl);
  made.items.back().content.pop_back();
  EXPECT_ERROR(CertificateTable::parse(made.make()), Code::malformed, "entry 3 (CRL)");
}

TEST(CertificateTableTest, AHostNeedNotGiveAnything) {
  EXPECT_TRUE(OrDie(CertificateTable::parse({})).vcek.empty());
  EXPECT_TRUE(OrDie(CertificateTable::parse(TableMaker().make())).vcek.empty());
}

TEST(CertificateTableTest, RefusesPlacesThatAreNotTheirOwn) {
  const Bytes good = maker().make();
  ASSERT_OK(CertificateTable::parse(good));
  const std::size_t first = 4 * 24;
  const auto refused = [&](const Bytes& table, std::string_view part) { EXPECT_ERROR(CertificateTable::parse(table), Code::malformed, part); };
  refused(with(good, 16, TableMaker::little32(first - 1)), "entry 0: expected a place in bytes 96 to");        // into the entries
  refused(with(good, 16, TableMaker::little32(0)), "entry 0: expected a place");
  refused(with(good, 20, TableMaker::little32(0)), "entry 0: expected a place");                                 // nothing
  refused(with(good, 16, TableMaker::little32(good.size())), "entry 0: expected a place");                       // behind the end
  refused(with(good, 16, TableMaker::little32(0xffffffffU)), "entry 0: expected a place");
  refused(with(good, 20, TableMaker::little32(0xffffffffU)), "entry 0: expected a place");
  refused(with(good, 20, TableMaker::little32(sample().leaf.size() + 1)), "entry 1: expected a place of its own, found that of entry 0");
  refused(with(good, 40, TableMaker::little32(first)), "entry 1: expected a place of its own");
  refused(with(good, 20, TableMaker::little32(sample().leaf.size() - 1)), "entry 0 (VCEK)");                     // a certificate cut short
  Bytes longer = good;
  longer.push_back(std::byte{0});
  refused(longer, "expected to end at byte");
  refused(with(good, 3 * 24 + 16, TableMaker::little32(1)), "entry 3: expected zeros");
  refused(with(good, 24, maker().guid_bytes(kVcekGuid)), "entry 1 (VCEK): expected once, found again");
  TableMaker turned;
  turned.turned = true;
  refused(with(good, 24, turned.guid_bytes(kVcekGuid)), "entry 1 (VCEK): expected once, found again");
}

TEST(CertificateTableTest, EachByteOfTheEntriesMatters) {
  const Bytes good = maker().make();
  for (std::size_t at = 0; at < 4 * 24; ++at) {
    for (unsigned change = 1; change < 256; ++change) {
      Bytes table = good;
      table[at] ^= static_cast<std::byte>(change);
      const auto parsed = CertificateTable::parse(table);
      const bool in_guid = at % 24 < 16 && at < 3 * 24;
      if (in_guid) {
        ASSERT_OK(parsed);
        EXPECT_EQ(parsed->unknown_count, 1U) << at;
      } else {
        EXPECT_ERROR(parsed, Code::malformed, "certificate table: ") << at << " " << change;
      }
    }
  }
}

TEST(CertificateTableTest, RefusesTablesWithoutEndAndTooLargeOnes) {
  const Bytes good = maker().make();
  for (std::size_t size = 1; size < good.size(); ++size) EXPECT_FALSE(CertificateTable::parse(ByteView(good).first(size)).ok()) << size;
  TableMaker many;
  for (std::size_t i = 0; i < CertificateTable::kMaxEntries; ++i) many.items.push_back({std::string(32, '7'), to_bytes("x")});
  EXPECT_EQ(OrDie(CertificateTable::parse(many.make())).unknown_count, CertificateTable::kMaxEntries);
  many.items.push_back({std::string(32, '7'), to_bytes("x")});
  EXPECT_ERROR(CertificateTable::parse(many.make()), Code::malformed, "expected at most 16 entries");
  TableMaker large;
  large.items.push_back({std::string(32, '7'), Bytes(CertificateTable::kMaxSize - 48)});
  EXPECT_OK(CertificateTable::parse(large.make()));
  large.items.front().content.push_back(std::byte{0});
  EXPECT_ERROR(CertificateTable::parse(large.make()), Code::malformed, "expected at most 65536 bytes, found 65537");
}

TEST(CertificateTableTest, ReadsAmdsOwnCertificates) {
  REDOUBT_REQUIRE_SHARED();
  const auto folder = *test::shared_dir() / "vectors/amd-snp/certs";
  const Bytes leaf = test::read_file(folder / "leaf-milan-v3-microsoft.der");
  const TableMaker made{{{std::string(kVcekGuid), leaf},
                         {std::string(kAskGuid), test::read_file(folder / "milan-ask.pem")},
                         {std::string(kArkGuid), test::read_file(folder / "milan-ark.pem")}},
                        true};
  const auto table = OrDie(CertificateTable::parse(made.make()));
  EXPECT_EQ(table.vcek, leaf);
  EXPECT_OK(amd::Leaf::parse(table.vcek));
  EXPECT_OK(amd::verify_chain(table.ask, table.ark, amd::production_anchors(), Instant(1780272000)));
}

}  // namespace
}  // namespace redoubt::collect
