// Goal: the collector packs what its source gives, retries exactly what may be retried, and passes every failure on.
// Method: a source of plausible parts in which each step can fail or lie.
#include "enclave/collect/tpm/tpm_collector.h"

#include "tests/support/expect.h"

namespace redoubt::collect {
namespace {

const Bytes kStatement = to_bytes("a statement");

// FakeSource: a TPM without keys, whose quotes have the form of TPMS_ATTEST over its PCRs.
class FakeSource final : public QuoteSource {
 public:
  Result<Bytes> ek_certificate() override { return step("certificate", to_bytes("certificate")); }
  Result<Bytes> ek_public() override { return step("ek", to_bytes("ek")); }
  Result<Bytes> ak_public() override { return step("ak", to_bytes("ak")); }
  Result<std::map<int, tpm::PcrValue>> read_pcrs(const std::vector<int>& pcrs) override {
    std::map<int, tpm::PcrValue> out;
    for (const int pcr : pcrs) out[pcr] = value(pcr);
    return step("pcrs", out);
  }
  Result<TpmQuote> quote(const std::vector<int>& pcrs, ByteView extra_data) override {
    ++quotes;
    std::map<int, tpm::PcrValue> values;
    std::array<std::byte, 3> selected{};
    for (const int pcr : pcrs) {
      values[pcr] = value(pcr);
      selected[static_cast<std::size_t>(pcr) / 8] |= std::byte(1 << (pcr % 8));
    }
    crypto::Sha256 digest;
    for (const auto& [pcr, value] : values) digest.update(value.view());
    Writer writer;
    writer.u32be(0xff544347).u16be(0x8018).sized16be({}).sized16be(extra_data);
    writer.u64be(1).u32be(2).u32be(3).u8(1).u64be(4);
    writer.u32be(1).u16be(tpm::kAlgSha256).u8(3).bytes(selected).sized16be(digest.finish().view());
    if (changes_after_quote > 0) {
      --changes_after_quote;
      ++generation;
    }
    return step("quote", TpmQuote{bad_quote ? to_bytes("no quote") : writer.take(), to_bytes("signature")});
  }
  Status reopen() override {
    ++reopened;
    if (!reopens) return Error(Code::unavailable, "still gone");
    failing.clear();
    return {};
  }

  std::string failing;  // the step that fails, with `code`
  Code code = Code::unavailable;
  bool reopens = true;
  bool bad_quote = false;
  int changes_after_quote = 0;
  int reopened = 0;
  int quotes = 0;

 private:
  template <class T>
  Result<T> step(std::string_view name, T result) {
    if (failing == name) return Error(code, std::string(name) + " failed");
    return result;
  }
  tpm::PcrValue value(int pcr) const {
    return crypto::sha256(Fields("pcr").number(static_cast<std::uint64_t>(pcr)).number(static_cast<std::uint64_t>(generation)).view());
  }
  int generation = 0;
};

TEST(TpmCollectorTest, PacksEveryPartAndBindsTheStatement) {
  FakeSource source;
  TpmCollectorOptions options;
  options.untrusted_ek_intermediates = {to_bytes("issuer")};
  options.event_log = to_bytes("events");
  options.ima_log = [] { return Result<Bytes>(to_bytes("ima")); };
  options.application_log.emplace().events = {tpm::ApplicationEvent{"cap", {}}.encode()};
  TpmCollector collector(source, options);
  const auto raw = OrDie(tpm::RawEvidence::decode(OrDie(collector.collect(kStatement)).evidence.bytes));
  EXPECT_TRUE(equal(OrDie(tpm::Attest::parse(raw.attest)).extra_data, crypto::sha256(kStatement).view()));
  EXPECT_EQ(raw.signature, to_bytes("signature"));
  EXPECT_EQ(raw.ak_public, to_bytes("ak"));
  EXPECT_EQ(raw.ek_public, to_bytes("ek"));
  EXPECT_EQ(raw.ek_certificate, to_bytes("certificate"));
  EXPECT_EQ(raw.ek_intermediates, options.untrusted_ek_intermediates);
  EXPECT_EQ(raw.event_log, options.event_log);
  EXPECT_EQ(raw.ima_log, to_bytes("ima"));
  EXPECT_EQ(raw.application_log->events, options.application_log->events);
  std::vector<int> pcrs;
  for (const auto& [pcr, value] : raw.pcrs) pcrs.push_back(pcr);
  EXPECT_EQ(pcrs, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 9, 14}));
}

TEST(TpmCollectorTest, PassesTheFailureOfEachStepOn) {
  for (const char* step : {"certificate", "ek", "ak", "quote", "pcrs"}) {
    for (const Code code : {Code::refused, Code::not_found, Code::malformed}) {
      FakeSource source;
      source.failing = step;
      source.code = code;
      TpmCollector collector(source, {});
      EXPECT_ERROR(collector.collect(kStatement), code, std::string(step) + " failed");
      EXPECT_EQ(source.reopened, 0);
    }
    // A TPM that went away: opened again once, and the collection succeeds.
    FakeSource source;
    source.failing = step;
    TpmCollector collector(source, {});
    EXPECT_OK(collector.collect(kStatement));
    EXPECT_EQ(source.reopened, 1);
    source.failing = step;
    source.reopens = false;
    EXPECT_ERROR(collector.collect(kStatement), Code::unavailable, "still gone");
    source.reopens = true;
    EXPECT_OK(collector.collect(kStatement));
  }
  FakeSource source;
  TpmCollectorOptions options;
  options.ima_log = []() -> Result<Bytes> { return Error(Code::not_found, "no list"); };
  EXPECT_ERROR(TpmCollector(source, options).collect(kStatement), Code::not_found, "IMA list: no list");
}

TEST(TpmCollectorTest, QuotesAgainWhenAPcrChangedBetweenQuoteAndRead) {
  FakeSource source;
  source.changes_after_quote = 2;
  TpmCollector collector(source, {});
  EXPECT_OK(collector.collect(kStatement));
  EXPECT_EQ(source.quotes, 3);
  source.changes_after_quote = 1000;
  EXPECT_ERROR(collector.collect(kStatement), Code::unavailable, "changed under every quote");
}

TEST(TpmCollectorTest, RefusesAnswersWithoutFormAndPartsTooLarge) {
  FakeSource source;
  source.bad_quote = true;
  EXPECT_ERROR(TpmCollector(source, {}).collect(kStatement), Code::malformed, "");
  source.bad_quote = false;
  TpmCollectorOptions options;
  options.untrusted_ek_intermediates.assign(5, to_bytes("issuer"));
  EXPECT_ERROR(TpmCollector(source, options).collect(kStatement), Code::malformed, "intermediate");
}

}  // namespace
}  // namespace redoubt::collect
