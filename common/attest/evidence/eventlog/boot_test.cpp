// Goal: of a log's events only those count for a decision that a digest backs and that stand where firmware alone could write.
// Method: logs built event by event, one thing wrong in each.
#include <gtest/gtest.h>

#include "common/attest/evidence/eventlog/boot.h"
#include "tests/support/evidence_eventlog.h"
#include "tests/support/expect.h"

namespace redoubt::eventlog {
namespace {

using test::LogBuilder;
using test::uefi_variable;

constexpr std::uint32_t kConfig = kEvEfiVariableDriverConfig;
constexpr std::uint32_t kIpl = 0x0d;
constexpr std::string_view kDatabase = "cbb219d73a3d9645a3bcdad00e67656f";

// with calls f(log, bank) on the log's first bank.
template <class F>
auto with(const LogBuilder& builder, F f) {
  const EventLog log = OrDie(EventLog::parse(builder.view()));
  return f(log, log.banks.front());
}
Result<BootFacts> facts(const LogBuilder& builder) { return with(builder, boot_facts); }
std::optional<bool> secure_boot(const LogBuilder& builder) { return OrDie(facts(builder)).secure_boot; }

TEST(BootFacts, SecureBootIsReadOnceAndBeforeTheSeparator) {
  const Bytes on = uefi_variable("SecureBoot", Bytes{std::byte{1}});
  const Bytes off = uefi_variable("SecureBoot", Bytes{std::byte{0}});
  const LogBuilder start = LogBuilder().event(0, kIpl, {});
  const auto log = [&] { return start; };
  EXPECT_EQ(secure_boot(log().event(7, kConfig, on)), true);
  EXPECT_EQ(secure_boot(log().event(7, kConfig, off)), false);
  EXPECT_EQ(secure_boot(log().event(7, kConfig, uefi_variable("SecureBoot", {}))), false);
  EXPECT_EQ(secure_boot(log().event(1, kConfig, on)), std::nullopt);  // another PCR
  EXPECT_EQ(secure_boot(log().event(7, kConfig, uefi_variable("SecureBoo", Bytes{std::byte{1}}))), std::nullopt);
  EXPECT_EQ(secure_boot(log().event(7, kConfig, uefi_variable("SecureBoot", Bytes{std::byte{1}}, kDatabase))), std::nullopt);
  EXPECT_EQ(secure_boot(log().event(7, kEvNoAction, on)), std::nullopt);
  EXPECT_ERROR(facts(log().separators(7, 7).event(7, kConfig, on)), Code::measurement, "SecureBoot after the separator");
  EXPECT_ERROR(facts(log().event(7, kConfig, off).event(7, kConfig, on)), Code::measurement, "SecureBoot stands twice");
  EXPECT_ERROR(facts(log().event(7, kConfig, on, off)), Code::measurement, "SecureBoot is not what the digest says");
  EXPECT_ERROR(facts(log().event(7, kConfig, uefi_variable("SecureBoot", Bytes{std::byte{2}}))), Code::measurement, "found 02");
  EXPECT_ERROR(facts(log().event(7, kConfig, uefi_variable("SecureBoot", Bytes(2)))), Code::measurement, "found 0000");
  EXPECT_ERROR(facts(log().event(7, kConfig, as_bytes("junk"))), Code::measurement, "UEFI variable");
}

TEST(BootFacts, KeysAndDatabasesAreTheirEventsDigests) {
  const Bytes pk = uefi_variable("PK", as_bytes("platform key"));
  const Bytes dbx = uefi_variable("dbx", as_bytes("revoked"), kDatabase);
  const LogBuilder log = LogBuilder().event(7, kConfig, pk).event(7, kConfig, dbx);
  const BootFacts read = OrDie(facts(log));
  EXPECT_EQ(read.pk, hash(kSha256, pk));
  EXPECT_EQ(read.dbx, hash(kSha256, dbx));
  EXPECT_FALSE(read.kek || read.db || read.secure_boot);
  LogBuilder twice = log;
  EXPECT_ERROR(facts(twice.event(7, kConfig, uefi_variable("dbx", {}, kDatabase))), Code::measurement, "dbx stands twice");
  LogBuilder late = log;
  EXPECT_ERROR(facts(late.separators(7, 7).event(7, kConfig, uefi_variable("db", {}, kDatabase))), Code::measurement,
               "db after the separator");
}

TEST(BootFacts, AuthoritiesCountAfterTheSeparatorAndActionsByTheirDigest) {
  const Bytes authority = uefi_variable("db", as_bytes("certificate"), kDatabase);
  const std::string_view done = "Exit Boot Services Returned with Success";
  LogBuilder log = LogBuilder().event(7, kEvEfiVariableAuthority, authority).separators(7, 7);
  EXPECT_TRUE(OrDie(facts(log)).authorities.empty());
  log.event(7, kEvEfiVariableAuthority, authority).event(2, kEvEfiBootServicesDriver, as_bytes("rom"));
  EXPECT_EQ(OrDie(facts(log)).authorities, std::vector<Digest>{hash(kSha256, authority)});
  EXPECT_EQ(OrDie(facts(log)).option_roms, 1U);
  EXPECT_FALSE(OrDie(facts(log)).exit_boot_services);
  LogBuilder claimed = log;
  EXPECT_FALSE(OrDie(facts(claimed.event(5, kEvEfiAction, as_bytes(done), as_bytes("something else")))).exit_boot_services);
  LogBuilder elsewhere = log;
  EXPECT_FALSE(OrDie(facts(elsewhere.event(4, kEvEfiAction, as_bytes(done)))).exit_boot_services);
  EXPECT_TRUE(OrDie(facts(log.event(5, kEvEfiAction, as_bytes(done)))).exit_boot_services);
}

TEST(CheckData, DigestsOfCoveredTypesAreRecomputed) {
  const Bytes variable = uefi_variable("db", as_bytes("certificate"), kDatabase);
  for (const std::uint32_t type : {kConfig, kEvEfiVariableAuthority, kEvSeparator, kEvEfiAction}) {
    EXPECT_OK(with(LogBuilder().event(7, type, variable), check_data));
    EXPECT_ERROR(with(LogBuilder().event(7, type, variable, as_bytes("other")), check_data), Code::measurement,
                 "event 1 in PCR 7: digest of the data");
  }
  EXPECT_OK(with(LogBuilder().event(4, kIpl, variable, as_bytes("an image")), check_data));  // not a digest of the data
  // An authority by its value alone, or without the byte that old shim logged too many; other types not.
  const ByteView value = as_bytes("certificate");
  const ByteView shorter = ByteView(variable).first(variable.size() - 1);
  for (const ByteView measured : {value, shorter}) {
    EXPECT_OK(with(LogBuilder().event(7, kEvEfiVariableAuthority, variable, measured), check_data));
    EXPECT_ERROR(with(LogBuilder().event(7, kConfig, variable, measured), check_data), Code::measurement, "event 1");
  }
}

TEST(CheckSeparators, EachOfPcr0To7NeedsItsSeparator) {
  const auto status = [](const LogBuilder& builder) { return with(builder, check_separators); };
  LogBuilder builder = LogBuilder().separators(0, 6);
  EXPECT_ERROR(status(builder), Code::measurement, "PCR 7: expected one separator, found 0");
  builder.separators(7, 7);
  EXPECT_OK(status(builder));
  builder.separators(9, 9);  // others may have as many as they like
  EXPECT_OK(status(builder));
  LogBuilder twice = builder;
  EXPECT_ERROR(status(twice.separators(7, 7)), Code::measurement, "PCR 7: expected one separator, found 2");
  LogBuilder error = builder;
  EXPECT_ERROR(status(error.event(0, kEvSeparator, Bytes{std::byte{1}, {}, {}, {}})), Code::measurement, "found 01000000");
  LogBuilder contents = builder;
  EXPECT_OK(status(contents.event(0, 0x07, as_bytes("S-CRTM"), Bytes(4))));
  LogBuilder elsewhere = builder;
  EXPECT_ERROR(status(elsewhere.event(7, 0x07, as_bytes("S-CRTM"), Bytes(4))), Code::measurement, "under event type 7");
}

// Types are not authenticated: a host that boots without Secure Boot, extends PCR 7 with "SecureBoot = 1" and one more separator
// afterwards, and gives the firmware's own events other types, has a log whose replay and digests fit.
TEST(CheckSeparators, ASecureBootAppendedBehindARelabelledSeparatorIsRefused) {
  LogBuilder builder = LogBuilder().separators(0, 6);
  builder.event(7, kIpl, uefi_variable("SecureBoot", Bytes{std::byte{0}})).event(7, kIpl, Bytes(4));
  builder.event(7, kConfig, uefi_variable("SecureBoot", Bytes{std::byte{1}})).separators(7, 7);
  EXPECT_OK(with(builder, check_data));
  EXPECT_ERROR(with(builder, check_separators), Code::measurement, "event 9 in PCR 7: a separator's digest under event type 13");
  EXPECT_ERROR(facts(builder), Code::measurement, "SecureBoot after the separator");
}

}  // namespace
}  // namespace redoubt::eventlog
