#include "common/attest/evidence/azure/composite.h"

#include "common/attest/evidence/azure/hcl_report.h"
#include "common/attest/evidence/tpm/structures.h"
#include "common/base/cbor.h"
#include "common/crypto/certificate_view.h"

namespace redoubt::azure {
namespace {

constexpr std::string_view kType = "redoubt/azure-evidence/1";
constexpr std::uint64_t kTypeKey = 0, kHcl = 1, kAttest = 2, kSignature = 3, kPcrs = 4, kQuote = 5, kCertificates = 6;
constexpr std::size_t kMaxPcrs = 24;
constexpr std::size_t kMaxSignature = 512;
constexpr std::size_t kMaxQuote = 64 * 1024;

void read_pcrs(cbor::MapReader& reader, std::map<int, crypto::Sha256Digest>& out) {
  int last = -1;
  for (const cbor::Value& one : reader.array(kPcrs, kMaxPcrs)) {
    const cbor::Array* pair = one.as_array();
    const auto index = pair != nullptr && pair->size() == 2 ? (*pair)[0].as_unsigned() : std::nullopt;
    const Bytes* value = index ? (*pair)[1].as_bytes() : nullptr;
    if (value == nullptr || value->size() != crypto::Sha256Digest::size || *index >= kMaxPcrs || static_cast<int>(*index) <= last) {
      return reader.fail("PCRs: expected [index, 32 bytes] with ascending indices below 24");
    }
    last = static_cast<int>(*index);
    std::ranges::copy(*value, out[last].array().begin());
  }
}

void read_certificates(cbor::MapReader& reader, std::vector<Bytes>& out) {
  const cbor::Array& items = reader.array(kCertificates, RawComposite::kMaxAkCertificates);
  if (reader.ok() && items.empty()) reader.fail("certificates: expected at least one, or none of this key");
  for (const cbor::Value& one : items) {
    const Bytes* der = one.as_bytes();
    if (der == nullptr || der->size() > crypto::CertificateView::kMaxSize) return reader.fail("certificates: expected byte strings of at most 16 KiB");
    out.push_back(*der);
  }
}

}  // namespace

Bytes RawComposite::encode() const {
  const auto key = [](std::uint64_t number) { return cbor::Value::unsigned_integer(number); };
  cbor::Array values;
  for (const auto& [pcr, value] : pcrs) {
    values.push_back(cbor::Value::array({cbor::Value::unsigned_integer(static_cast<std::uint64_t>(pcr)), cbor::Value::bytes(value.view())}));
  }
  cbor::Map map{{key(kTypeKey), cbor::Value::text(kType)},
                {key(kHcl), cbor::Value::bytes(hcl_report)},
                {key(kAttest), cbor::Value::bytes(attest)},
                {key(kSignature), cbor::Value::bytes(signature)},
                {key(kPcrs), cbor::Value::array(std::move(values))}};
  if (!td_quote.empty()) map.emplace_back(key(kQuote), cbor::Value::bytes(td_quote));
  if (!ak_certificates.empty()) {
    cbor::Array certificates;
    for (const Bytes& der : ak_certificates) certificates.push_back(cbor::Value::bytes(der));
    map.emplace_back(key(kCertificates), cbor::Value::array(std::move(certificates)));
  }
  return cbor::encode(cbor::Value::map(std::move(map)));
}

Result<RawComposite> RawComposite::decode(ByteView bytes) {
  REDOUBT_TRY(const cbor::Value value,
              cbor::parse(bytes, cbor::Order::deterministic, {.max_bytes = kMaxSize, .max_depth = 4}).context("azure evidence"));
  cbor::MapReader reader(value, "azure evidence");
  reader.expect(kTypeKey, kType);
  RawComposite out;
  out.hcl_report = reader.bytes(kHcl, HclReport::kMaxSize);
  out.attest = reader.bytes(kAttest, tpm::Attest::kMaxSize);
  out.signature = reader.bytes(kSignature, kMaxSignature);
  read_pcrs(reader, out.pcrs);
  if (reader.has(kQuote)) {
    out.td_quote = reader.bytes(kQuote, kMaxQuote);
    if (reader.ok() && out.td_quote.empty()) reader.fail("an empty TD quote");
  }
  if (reader.has(kCertificates)) read_certificates(reader, out.ak_certificates);
  REDOUBT_CHECK(reader.finish());
  return out;
}

}  // namespace redoubt::azure
