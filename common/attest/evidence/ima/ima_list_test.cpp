// Goal: an IMA list is read in full or refused, and only what the quoted PCR 10 backs is believed. Method: a list with an entry of every
// template is written in both forms; each byte and field is changed, entries are dropped and appended.
#include <gtest/gtest.h>

#include "tests/support/evidence_ima.h"
#include "tests/support/expect.h"

namespace redoubt::ima {
namespace {

using eventlog::kSha1;
using eventlog::kSha256;
using test::ima_ascii;
using test::ima_binary;
using test::ima_entries;
using test::ImaFields;

TEST(ImaList, EveryTemplateReadsAsItWasWritten) {
  const Bytes bytes = ima_binary(ima_entries());
  const List list = OrDie(List::parse_binary(bytes));
  ASSERT_EQ(list.entries.size(), 8U);
  EXPECT_EQ(mismatches(list), std::vector<std::size_t>{});
  const auto& e = list.entries;
  EXPECT_EQ(e[0].path, "boot_aggregate");
  EXPECT_EQ(e[1].path, "/opt/a name\nof two lines");
  EXPECT_EQ(escaped(e[1].path), "/opt/a\\x20name\\x0aof\\x20two\\x20lines");
  EXPECT_EQ(e[2].signature_key(), 0xf3452d23U);
  EXPECT_EQ(e[3].signature_key(), std::nullopt);
  EXPECT_EQ(e[3].algorithm, "sha512");
  EXPECT_EQ(as_text(e[4].buffer), "root=/dev/vda1 ro");
  EXPECT_EQ(e[5].modsig.size(), 20U);
  EXPECT_EQ(e[6].type, "verity");
  EXPECT_EQ(e[6].algorithm, "sha256");
  EXPECT_EQ(e[7].file_digest.size(), 20U);
  EXPECT_EQ(e[7].end, bytes.size());
}

TEST(ImaList, BothFormsSayTheSame) {
  std::vector<ImaFields> entries = ima_entries();
  entries[1].path = "/opt/a name";  // the ASCII list has no way to write a newline
  std::string text;
  for (const ImaFields& fields : entries) text += ima_ascii(fields);
  const Bytes bytes = ima_binary(entries);
  const List binary = OrDie(List::parse_binary(bytes));
  const List ascii = OrDie(List::parse_ascii(text));
  EXPECT_EQ(json::canonical(describe(binary)), json::canonical(describe(ascii)));
  EXPECT_TRUE(mismatches(ascii).empty());
  for (const std::uint16_t bank : {kSha1, kSha256, eventlog::kSha512}) EXPECT_EQ(replay(binary, bank), replay(ascii, bank));
  // A list of the SHA-256 bank, and one whose blanks at line ends were cut.
  const std::string other = ima_ascii(entries[0], kSha256);
  EXPECT_EQ(OrDie(List::parse_ascii(other)).column, kSha256);
  EXPECT_TRUE(mismatches(OrDie(List::parse_ascii(other))).empty());
  EXPECT_ERROR(List::parse_ascii(other + ima_ascii(entries[2])), Code::malformed, "template hash: expected 32 bytes, found 20");
  std::string cut = ima_ascii(entries[3]);
  cut.erase(cut.size() - 2, 1);
  EXPECT_TRUE(mismatches(OrDie(List::parse_ascii(cut))).empty());
}

TEST(ImaList, EachBankIsExtendedWithItsOwnHash) {
  const Bytes bytes = ima_binary(std::vector<ImaFields>{ima_entries()[0]});
  const List list = OrDie(List::parse_binary(bytes));
  const Bytes data = test::ima_template_data(ima_entries()[0]);
  for (const std::uint16_t bank : {kSha1, kSha256, eventlog::kSha384}) {
    EXPECT_EQ(replay(list, bank), eventlog::extend(bank, Digest(eventlog::known_size(bank)), eventlog::hash(bank, data).view()));
  }
}

TEST(ImaList, AViolationExtendsAllOnesAndIsCounted) {
  std::vector<ImaFields> entries = ima_entries();
  entries[3].violation = true;
  const Bytes bytes = ima_binary(entries);
  const List list = OrDie(List::parse_binary(bytes));
  EXPECT_EQ(violations(list, 8), 1U);
  EXPECT_EQ(violations(list, 3), 0U);
  EXPECT_TRUE(mismatches(list).empty());
  Digest ones(32);
  std::ranges::fill(ones.writable(), std::byte{0xff});
  EXPECT_EQ(list.entries[3].extended(kSha256), ones);

  // Some kernels write 20 zero bytes for the digest then; nothing else of that size, and in no other entry.
  ImaFields blank = ima_entries()[1];
  blank.violation = true;
  blank.digest = Bytes(20);
  EXPECT_OK(List::parse_binary(ima_binary(blank)));
  EXPECT_OK(List::parse_ascii(ima_ascii(ima_entries()[0]) + "10 " + std::string(40, '0') + " ima-ng sha256:" + std::string(40, '0') + " /a\n"));
  blank.digest[19] = std::byte{1};
  EXPECT_ERROR(List::parse_binary(ima_binary(blank)), Code::malformed, "expected 32 bytes, found 20");
  blank.digest[19] = std::byte{0};
  blank.violation = false;
  EXPECT_ERROR(List::parse_binary(ima_binary(blank)), Code::malformed, "expected 32 bytes, found 20");
}

TEST(ImaList, OnlyAPrefixThatGivesTheQuotedValueCounts) {
  const std::vector<ImaFields> entries = ima_entries();
  const Bytes bytes = ima_binary(entries);
  const List list = OrDie(List::parse_binary(bytes));
  for (std::size_t count = 1; count <= entries.size(); ++count) {
    const Bytes part = ima_binary({entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(count)});
    for (const std::uint16_t bank : {kSha1, kSha256}) {
      EXPECT_EQ(quoted_prefix(list, bank, replay(OrDie(List::parse_binary(part)), bank)), count);
    }
    EXPECT_EQ(list.entries[count - 1].end, part.size());
  }
  EXPECT_EQ(quoted_prefix(list, kSha256, Digest(32)), std::nullopt);  // the empty prefix is none
  Digest other = replay(list, kSha256);
  other.writable()[0] ^= std::byte{1};
  EXPECT_EQ(quoted_prefix(list, kSha256, other), std::nullopt);
}

TEST(ImaList, TheBootAggregateIsOfTheQuotedPcrs) {
  PcrValues pcrs{kSha256, {}};
  Bytes joined;
  for (std::size_t i = 0; i < pcrs.values.size(); ++i) {
    pcrs.values[i] = eventlog::hash(kSha256, Bytes(1, static_cast<std::byte>(i)));
    append(joined, pcrs.values[i]->view());
  }
  std::vector<ImaFields> entries = ima_entries();
  const auto judged = [&] {
    const Bytes bytes = ima_binary(entries);
    return check_boot_aggregate(OrDie(List::parse_binary(bytes)), pcrs);
  };
  EXPECT_ERROR(judged(), Code::measurement, "boot_aggregate of the quoted PCRs is");
  entries[0].digest = to_bytes(eventlog::hash(kSha256, joined).view());
  EXPECT_OK(judged());
  pcrs.values[9]->writable()[0] ^= std::byte{1};
  EXPECT_ERROR(judged(), Code::measurement, "boot_aggregate of the quoted PCRs is");
  pcrs.values[9].reset();  // not quoted: nothing to compare with
  EXPECT_OK(judged());
  // In SHA-1 it never covered PCR 8 and 9.
  pcrs = PcrValues{kSha1, {}};
  joined.clear();
  for (std::size_t i = 0; i < 8; ++i) {
    pcrs.values[i] = eventlog::hash(kSha1, Bytes(1, static_cast<std::byte>(i)));
    append(joined, pcrs.values[i]->view());
  }
  entries[0].digest_head = "sha1:";
  entries[0].digest = to_bytes(eventlog::hash(kSha1, joined).view());
  EXPECT_OK(judged());
  entries[0].digest[0] ^= std::byte{1};
  EXPECT_ERROR(judged(), Code::measurement, "boot_aggregate");
  entries.erase(entries.begin());
  EXPECT_ERROR(judged(), Code::measurement, "expected boot_aggregate, found");
  entries.clear();
  EXPECT_ERROR(judged(), Code::measurement, "found no entry");
}

TEST(ImaList, FieldsThatLieAreMalformed) {
  const auto refused = [](auto change, std::string_view part) {
    ImaFields fields = ima_entries()[0];
    change(fields);
    EXPECT_ERROR(List::parse_binary(ima_binary(fields)), Code::malformed, part);
  };
  refused([](ImaFields& f) { f.kind = "evm-sig"; }, "template is unknown");
  refused([](ImaFields& f) { f.digest_head = "sha2:"; }, "digest algorithm \"sha2\" is unknown");
  refused([](ImaFields& f) { f.digest_head = "sha256"; }, "digest without its algorithm");
  refused([](ImaFields& f) { f.digest_head = ":"; }, "digest without its algorithm");
  refused([](ImaFields& f) { f.digest.pop_back(); }, "digest: expected 32 bytes, found 31");
  refused([](ImaFields& f) { f.path = ""; }, "path without its end");
  refused([](ImaFields& f) { f.path = std::string("a\0b", 3); }, "path with a NUL");
  refused([](ImaFields& f) { f.path.assign(4097, 'a'); }, "above the limit");
  refused([](ImaFields& f) { f.more = {Bytes(1)}; }, "ima entry");
  refused([](ImaFields& f) { f.kind = "ima-sig"; }, "ima entry");
  refused([](ImaFields& f) { f.kind = "ima-ngv2"; }, "expected a digest of type ima or verity");
  refused([](ImaFields& f) { f.kind = "ima-ngv2", f.digest_head = "other:sha256:"; }, "expected a digest of type ima or verity");
  EXPECT_ERROR(List::parse_binary(Bytes(List::kMaxSize + 1)), Code::malformed, "at most 16777216 bytes");
}

TEST(ImaList, LinesThatLieAreMalformed) {
  const std::string good = ima_ascii(ima_entries()[0]);
  ASSERT_OK(List::parse_ascii(good));
  const auto refused = [&](std::string_view from, std::string_view to, std::string_view part) {
    std::string line = good;
    line.replace(line.find(from), from.size(), to);
    EXPECT_ERROR(List::parse_ascii(line), Code::malformed, part);
  };
  refused("10 ", "11 ", "PCR: expected 10");
  refused("10 ", "10  ", "expected PCR");
  refused(" ima-ng", " ima-xx", "template \"ima-xx\" is unknown");
  refused("sha256:", "sha256", "digest without its algorithm");
  refused("sha256:", "sha257:", "is unknown");
  refused("sha256:07", "sha256:0g", "digest");
  refused("sha256:07", "sha256:", "expected 32 bytes, found 31");
  refused(" boot_aggregate\n", "\n", "expected PCR");
  refused("boot_aggregate\n", "\n", "path without its end");
  EXPECT_ERROR(List::parse_ascii(good + "\n"), Code::malformed, "line 2");
}

TEST(ImaList, NoTruncationOrFlipIsAccepted) {
  const Bytes good = ima_binary(ima_entries());
  const List list = OrDie(List::parse_binary(good));
  const Digest quoted = replay(list, kSha256);
  for (std::size_t size = 0; size < good.size(); ++size) {
    const auto part = List::parse_binary(ByteView(good).first(size));
    EXPECT_FALSE(part.ok() && quoted_prefix(*part, kSha256, quoted)) << size;
  }
  for (std::size_t at = 0; at < good.size(); ++at) {
    Bytes changed = good;
    changed[at] ^= std::byte{4};
    const auto other = List::parse_binary(changed);
    EXPECT_FALSE(other.ok() && mismatches(*other).empty() && quoted_prefix(*other, kSha256, quoted)) << at;
  }
}

}  // namespace
}  // namespace redoubt::ima
