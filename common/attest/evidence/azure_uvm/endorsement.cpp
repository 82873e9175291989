#include "common/attest/evidence/azure_uvm/endorsement.h"

#include <charconv>

#include "common/attest/evidence/azure_uvm/did_x509.h"

namespace redoubt::azure_uvm {
namespace {

constexpr std::string_view kSvn = "x-ms-sevsnpvm-guestsvn";
constexpr std::string_view kMeasurement = "x-ms-sevsnpvm-launchmeasurement";
constexpr std::int64_t kX5t = 34;
constexpr std::int64_t kSha256Algorithm = -16;  // RFC 9054
constexpr std::uint64_t kEpochTime = 1;         // tag, RFC 8949 section 3.4.2
constexpr std::size_t kMaxName = 2048;
constexpr Interval kEmpty{Instant(1), Instant(0)};
constexpr der::Oid kKeyUsage = der::oid("2.5.29.15");
constexpr der::Oid kExtendedKeyUsage = der::oid("2.5.29.37");
constexpr auto kAlgorithm = crypto::CoseAlgorithm::ps384;

Error malformed_endorsement(std::string message) { return Error(Code::malformed, "uvm endorsement: " + std::move(message)); }

Result<std::string> header_text(const cbor::Value* value, std::string_view name) {
  if (value == nullptr) return malformed_endorsement(std::string(name) + " is absent");
  const std::string* text = value->as_text();
  if (text == nullptr || text->empty() || text->size() > kMaxName) {
    return malformed_endorsement(std::string(name) + ": expected text of 1 to " + std::to_string(kMaxName) + " bytes");
  }
  return *text;
}

Result<std::vector<Bytes>> header_chain(const crypto::CoseSign1& cose) {
  const cbor::Value* value = cose.protected_value(crypto::kCoseX5Chain);
  const cbor::Array* items = value != nullptr ? value->as_array() : nullptr;
  if (items == nullptr || items->size() < 2 || items->size() > kMaxChain) {
    return malformed_endorsement("x5chain: expected an array of 2 to " + std::to_string(kMaxChain) + " certificates");
  }
  std::vector<Bytes> chain;
  for (const cbor::Value& item : *items) {
    const Bytes* der = item.as_bytes();
    if (der == nullptr || der->empty() || der->size() > crypto::CertificateView::kMaxSize) {
      return malformed_endorsement("x5chain: expected certificates of 1 to " + std::to_string(crypto::CertificateView::kMaxSize) + " bytes");
    }
    chain.push_back(*der);
  }
  return chain;
}

// x5t: the hash of the leaf, if it is there.
Status check_thumbprint(const crypto::CoseSign1& cose, ByteView leaf) {
  const cbor::Value* value = cose.protected_value(kX5t);
  if (value == nullptr) return {};
  const cbor::Array* parts = value->as_array();
  if (parts == nullptr || parts->size() != 2 || (*parts)[0].as_integer() != kSha256Algorithm || (*parts)[1].as_bytes() == nullptr) {
    return malformed_endorsement("x5t: expected a SHA-256 hash");
  }
  if (!equal(*(*parts)[1].as_bytes(), crypto::sha256(leaf).view())) {
    return Error(Code::chain, "x5t: expected " + crypto::sha256(leaf).hex() + ", found " + hex_encode(*(*parts)[1].as_bytes()));
  }
  return {};
}

Result<std::optional<Instant>> header_time(const crypto::CoseSign1& cose) {
  const cbor::Value* value = cose.protected_value("signingtime");
  if (value == nullptr) return std::optional<Instant>();
  const cbor::Value* seconds = value->as_tagged(kEpochTime);
  const auto number = seconds != nullptr ? seconds->as_integer() : std::nullopt;
  if (!number || *number < 0 || *number > 253402300799) return malformed_endorsement("signingtime: expected seconds since 1970 under tag 1");
  return std::optional<Instant>(Instant(*number));
}

Result<std::uint64_t> read_svn(const json::Value& value) {
  if (const std::int64_t* number = value.integer(); number != nullptr && *number >= 0) return static_cast<std::uint64_t>(*number);
  std::uint64_t svn = 0;
  if (const std::string* text = value.string(); text != nullptr && !text->empty() && (*text == "0" || text->front() != '0')) {
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), svn);
    if (error == std::errc() && end == text->data() + text->size()) return svn;
  }
  return malformed_endorsement(std::string(kSvn) + ": expected an unsigned integer, as a number or in decimal");
}

Status read_payload(ByteView payload, UvmEndorsement& out) {
  json::Limits limits;
  limits.max_bytes = kMaxPayload;
  limits.max_depth = 8;
  REDOUBT_TRY(const json::Value value, json::parse(as_text(payload), limits).context("uvm endorsement: payload"));
  const json::Object* object = value.object();
  if (object == nullptr) return malformed_endorsement("payload: expected an object");
  const auto measurement = object->find(kMeasurement);
  const auto svn = object->find(kSvn);
  if (measurement == object->end() || measurement->second.string() == nullptr) return malformed_endorsement(std::string(kMeasurement) + " is absent");
  if (svn == object->end()) return malformed_endorsement(std::string(kSvn) + " is absent");
  REDOUBT_TRY(out.measurement,
              LaunchMeasurement::from_hex(*measurement->second.string(), kMeasurement).context("uvm endorsement: payload"));
  REDOUBT_TRY(out.svn, read_svn(svn->second));
  return {};
}

}  // namespace

Result<attest::Parsed<UvmEndorsement>> parse(ByteView endorsement) {
  if (endorsement.size() > kMaxEndorsement) {
    return malformed_endorsement("expected at most " + std::to_string(kMaxEndorsement) + " bytes, found " + std::to_string(endorsement.size()));
  }
  UvmEndorsement out;
  out.bytes = std::make_shared<const Bytes>(to_bytes(endorsement));
  REDOUBT_TRY(out.cose, crypto::CoseSign1::parse(*out.bytes, crypto::CoseTag::required).context("uvm endorsement"));
  REDOUBT_TRY(const std::string content_type, header_text(out.cose.protected_value(crypto::kCoseContentType), "content type"));
  if (content_type != "application/json") return malformed_endorsement("content type: expected application/json, found " + content_type);
  REDOUBT_TRY(out.issuer, header_text(out.cose.protected_value("iss"), "iss"));
  REDOUBT_TRY(out.feed, header_text(out.cose.protected_value("feed"), "feed"));
  REDOUBT_TRY(out.signing_time, header_time(out.cose));
  REDOUBT_TRY(out.chain, header_chain(out.cose));
  REDOUBT_CHECK(read_payload(out.cose.payload, out));
  return attest::Parsed<UvmEndorsement>(std::move(out));
}

// UvmAuthenticator: the one class that may make Authentic<UvmEndorsement> (type_state.h).
class UvmAuthenticator {
 public:
  static Outcome run(const UvmEndorsement& evidence, std::span<const crypto::RootPin> roots) {
    Outcome outcome{{}, std::nullopt, kEmpty};
    outcome.status = judge(evidence, roots, outcome.validity);
    if (outcome.status.ok()) outcome.authentic = attest::Authentic<UvmEndorsement>(evidence);
    return outcome;
  }
  static const UvmEndorsement& look(const attest::Parsed<UvmEndorsement>& parsed) { return parsed.value_; }

 private:
  static Status judge(const UvmEndorsement& evidence, std::span<const crypto::RootPin> roots, Interval& validity) {
    std::vector<crypto::CertificateView> chain;
    for (const Bytes& der : evidence.chain) {
      const std::string name = "x5chain[" + std::to_string(chain.size()) + "]";
      REDOUBT_TRY(crypto::CertificateView certificate, crypto::CertificateView::parse(der).context(name));
      chain.push_back(std::move(certificate));
    }
    if (crypto::find_pin(roots, chain.back()) == nullptr) {
      return Error(Code::chain, "x5chain: expected a pinned root, found a certificate with SHA-256 " + crypto::sha256(chain.back().der).hex());
    }
    const der::Oid critical[] = {kKeyUsage, kExtendedKeyUsage};
    crypto::PathProfile profile;
    profile.known_critical = critical;
    profile.check_time = false;  // see endorsement.h
    REDOUBT_TRY(const Interval common, crypto::check_path(chain, validity.begin, profile).context("x5chain"));
    const crypto::CertificateView& leaf = chain.front();
    if (leaf.is_ca.value_or(false)) return Error(Code::chain, "x5chain[0]: expected an end entity, found a CA");
    if (!leaf.key_usage || (*leaf.key_usage & crypto::kDigitalSignature) == 0) {
      return Error(Code::chain, "x5chain[0]: expected the key usage digitalSignature, found none such");
    }
    REDOUBT_TRY(const DidX509 issuer, DidX509::parse(evidence.issuer).context("issuer"));
    REDOUBT_CHECK(issuer.check(chain).context("issuer"));
    REDOUBT_CHECK(check_thumbprint(evidence.cose, evidence.chain.front()));
    REDOUBT_TRY(const crypto::PublicKey key, leaf.public_key().context("x5chain[0]"));
    REDOUBT_CHECK(evidence.cose.verify(key, kAlgorithm));
    if (evidence.signing_time && !common.contains(*evidence.signing_time)) {
      return Error(Code::freshness, "signingtime: expected " + common.begin.text() + " to " + common.end.text() + ", found " +
                                        evidence.signing_time->text());
    }
    validity = common;
    return {};
  }
};

Outcome authenticate(const attest::Parsed<UvmEndorsement>& parsed, std::span<const crypto::RootPin> roots) {
  return UvmAuthenticator::run(UvmAuthenticator::look(parsed), roots);
}

json::Value describe(const attest::Parsed<UvmEndorsement>& parsed) {
  const UvmEndorsement& evidence = UvmAuthenticator::look(parsed);
  json::Array chain;
  for (const Bytes& der : evidence.chain) {
    json::Object entry;
    entry["sha256"] = crypto::sha256(der).hex();
    if (const auto certificate = crypto::CertificateView::parse(der); certificate.ok()) {
      entry["subject"] = crypto::name_text(certificate->subject);
      entry["not_before"] = certificate->validity.begin.text();
      entry["not_after"] = certificate->validity.end.text();
    } else {
      entry["error"] = certificate.error().message();
    }
    chain.push_back(std::move(entry));
  }
  json::Object out;
  out["format"] = "azure-uvm-endorsement";
  out["verified"] = false;
  out["algorithm"] = evidence.cose.algorithm ? json::Value(*evidence.cose.algorithm) : json::Value();
  out["issuer"] = evidence.issuer;
  out["feed"] = evidence.feed;
  out["signing_time"] = evidence.signing_time ? json::Value(evidence.signing_time->text()) : json::Value();
  out["svn"] = std::to_string(evidence.svn);
  out["measurement"] = evidence.measurement.hex();
  out["x5chain"] = std::move(chain);
  return out;
}

attest::Check check_endorsed(const Outcome& outcome, const LaunchMeasurement& measurement, std::span<const AcceptedFeed> accepted) {
  constexpr auto kId = attest::CheckId::n16;
  if (!outcome.authentic) return attest::failed(kId, outcome.status.error().code(), "an authentic endorsement", outcome.status.error().message());
  const UvmEndorsement& endorsement = **outcome.authentic;
  if (endorsement.measurement != measurement) {
    return attest::failed(kId, Code::measurement, "measurement " + measurement.hex(), "an endorsement of " + endorsement.measurement.hex());
  }
  const std::string found = endorsement.issuer + " feed " + endorsement.feed + " svn " + std::to_string(endorsement.svn);
  std::string expected;
  for (const AcceptedFeed& feed : accepted) {
    const std::string text = feed.issuer + " feed " + feed.feed + " svn at least " + std::to_string(feed.minimum_svn);
    if (feed.issuer == endorsement.issuer && feed.feed == endorsement.feed && endorsement.svn >= feed.minimum_svn) {
      return attest::passed(kId, text, found);
    }
    expected += (expected.empty() ? "" : " or ") + text;
  }
  return attest::failed(kId, Code::policy, expected.empty() ? "an accepted feed, of which there is none" : expected, found);
}

}  // namespace redoubt::azure_uvm
