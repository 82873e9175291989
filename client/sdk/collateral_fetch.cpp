#include "client/sdk/collateral_fetch.h"

#include "client/sdk/files.h"
#include "client/sdk/hub_client.h"
#include "common/attest/evidence/azure/evidence.h"
#include "common/attest/evidence/cert/evidence_certificate.h"
#include "common/attest/evidence/dcap/evidence.h"
#include "common/attest/evidence/snp/report.h"
#include "common/attest/verifier/detect.h"
#include "common/base/encoding.h"
#include "common/base/json.h"
#include "common/net/client.h"

namespace redoubt::sdk {
namespace {

constexpr std::size_t kMaxConfig = std::size_t{64} << 10;
constexpr std::size_t kMaxDownload = std::size_t{4} << 20;

// percent_decoded: Intel's headers carry PEM with every special character escaped.
Result<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    std::string pair(text.substr(i + 1, 2));
    for (char& c : pair) c = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    const auto byte = hex_decode(pair);
    if (!byte.ok() || byte->size() != 1) return Error(Code::malformed, "header: a percent sign without two hexadecimal digits");
    out += static_cast<char>(byte->front());
    i += 2;
  }
  return out;
}

// from_hex_or_der: caches give revocation lists in hexadecimal.
Bytes from_hex_or_der(const Bytes& body) {
  std::string text(as_text(body));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  for (char& c : text) c = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  const auto decoded = hex_decode(text);
  return decoded.ok() && !decoded->empty() ? *decoded : body;
}

class Fetcher {
 public:
  Fetcher(const CollateralService& service, net::HttpClient client) : service_(service), client_(std::move(client)) {}

  static Result<net::HttpClient> connect(const CollateralService& service) {
    net::ClientOptions options;
    options.host = service.address.host;
    options.port = service.address.port;
    options.trust = service.trust;
    options.max_response_bytes = kMaxDownload;
    return net::HttpClient::connect(options).context("connecting to the collateral service");
  }

  // get: one answer and, with it, the chain in the header of that name.
  Status get(const std::string& target, std::string_view chain_header, bool may_be_hex = false) {
    if (!client_.open()) {
      REDOUBT_TRY(client_, connect(service_));
    }
    REDOUBT_TRY(const net::ClientResponse response, client_.request({.target = target}).context("asking for " + target));
    if (response.status != 200) {
      return Error(Code::unavailable, "asking for " + target + ": expected status 200, found " + std::to_string(response.status));
    }
    files_.push_back({service_.address.host + target, may_be_hex ? from_hex_or_der(response.body) : response.body});
    const std::string* chain = chain_header.empty() ? nullptr : response.headers.find(chain_header);
    if (chain == nullptr) return {};
    REDOUBT_TRY(const std::string pem, percent_decoded(*chain));
    files_.push_back({service_.address.host + target + " (" + std::string(chain_header) + ")", to_bytes(pem)});
    return {};
  }

  std::vector<verifier::NamedFile> take() && { return std::move(files_); }

 private:
  const CollateralService& service_;
  net::HttpClient client_;
  std::vector<verifier::NamedFile> files_;
};

}  // namespace

Result<CollateralService> CollateralService::load(const std::filesystem::path& file) {
  const auto text = read_file(file, kMaxConfig);
  if (!text.ok() && text.error().code() == Code::not_found) {
    return Error(Code::not_found, "no collateral service is configured: expected " + file.string() +
                                      R"( with {"type":"redoubt/collateral-service/1","url":"https://HOST:PORT","pin":"<SHA-256 of its TLS key>"})");
  }
  if (!text.ok()) return text.error();
  REDOUBT_TRY(const json::Value value, json::parse(*text).context(file.string()));
  json::ObjectReader reader(value, file.string());
  reader.expect("type", "redoubt/collateral-service/1");
  const std::string url = reader.nonempty("url", 256);
  const bool pinned = reader.has("pin");
  const SpkiDigest pin = pinned ? reader.hex<SpkiDigest>("pin") : SpkiDigest();
  const std::string certificates = pinned ? "" : reader.nonempty("certificates", 4096);
  REDOUBT_CHECK(reader.finish());
  CollateralService service;
  REDOUBT_TRY(service.address, parse_hub_url(url).context(file.string()));
  if (pinned) {
    service.trust = net::TrustSpki{pin};
  } else {
    REDOUBT_TRY(std::string pem, read_file(certificates, std::size_t{1} << 20));
    service.trust = net::TrustCertificates{std::move(pem)};
  }
  return service;
}

Result<CollateralWanted> CollateralWanted::of_quote(ByteView quote) {
  const auto parsed = dcap::parse(quote);
  if (!parsed.ok()) return Error(Code::usage, "collateral is fetched for quotes of SGX and TDX: " + parsed.error().message());
  const dcap::QuoteFacts facts = dcap::unverified_facts(*parsed);
  REDOUBT_TRY(const auto certificates, dcap::PckCertificates::from_pem(dcap::certification_data(*parsed)).context("the quote's certificates"));
  if (!facts.fmspc) return Error(Code::malformed, "the quote's certificates name no platform family");
  CollateralWanted wanted{facts.tee, *facts.fmspc, "platform"};
  if (crypto::common_name(certificates->leaf().issuer) == "Intel SGX PCK Processor CA") wanted.authority = "processor";
  return wanted;
}

Result<std::vector<verifier::NamedFile>> fetch_collateral(const CollateralService& service, const CollateralWanted& wanted) {
  if (wanted.authority != "platform" && wanted.authority != "processor") {
    return Error(Code::usage, "certificate authority: expected platform or processor, found \"" + wanted.authority + "\"");
  }
  REDOUBT_TRY(net::HttpClient client, Fetcher::connect(service));
  Fetcher fetcher(service, std::move(client));
  const std::string tee = wanted.tee == endorse::Tee::tdx ? "/tdx/certification/v4" : "/sgx/certification/v4";
  REDOUBT_CHECK(fetcher.get(tee + "/tcb?fmspc=" + wanted.fmspc.hex(), "tcb-info-issuer-chain"));
  REDOUBT_CHECK(fetcher.get(tee + "/qe/identity", "sgx-enclave-identity-issuer-chain"));
  REDOUBT_CHECK(fetcher.get("/sgx/certification/v4/pckcrl?ca=" + wanted.authority + "&encoding=der", "sgx-pck-crl-issuer-chain", true));
  REDOUBT_CHECK(fetcher.get("/sgx/certification/v4/rootcacrl", "", true));
  return std::move(fetcher).take();
}

Result<AmdWanted> AmdWanted::of_report(ByteView bytes, const std::optional<amd::Product>& product) {
  REDOUBT_TRY(const snp::Report report, snp::Report::parse(bytes));
  const std::optional<amd::Product> stated = report.product();
  if (!stated && !product) {
    return Error(Code::usage, report.cpuid ? "the report is of no processor that is known here: say which line it is (--product)"
                                           : "a report of version 2 does not name its processor: say which line it is (--product)");
  }
  if (stated && product && *stated != *product) {
    return Error(Code::usage, "product: the report is of " + std::string(amd::product_text(*stated)) + ", found " + std::string(amd::product_text(*product)));
  }
  AmdWanted wanted{stated ? *stated : *product, amd::KeyKind::vcek, report.chip_id, report.reported_tcb};
  if (report.keys.signing_key() == 1) {
    wanted.key = amd::KeyKind::vlek;
  } else if (report.chip_id_masked()) {
    return Error(Code::usage, "the platform masks its chip id: get its VCEK certificate from who runs it");
  }
  return wanted;
}

Result<AnyWanted> wanted_by(ByteView evidence, const std::optional<amd::Product>& product) {
  REDOUBT_TRY(const verifier::Format format, verifier::detect(evidence));
  const auto intel = [](ByteView quote) -> Result<AnyWanted> {
    REDOUBT_TRY(CollateralWanted wanted, CollateralWanted::of_quote(quote));
    return AnyWanted(std::move(wanted));
  };
  const auto amd = [&](ByteView report) -> Result<AnyWanted> {
    REDOUBT_TRY(AmdWanted wanted, AmdWanted::of_report(report, product));
    return AnyWanted(wanted);
  };
  switch (format) {
    case verifier::Format::sgx:
    case verifier::Format::tdx: return intel(evidence);
    case verifier::Format::snp: return amd(evidence);
    case verifier::Format::azure_snp:
    case verifier::Format::azure_tdx: {
      REDOUBT_TRY(const auto parsed, azure::parse(evidence));
      const azure::Parts parts = azure::unverified_parts(parsed);
      return parts.hardware == azure::Hardware::snp ? amd(parts.hardware_report) : intel(parts.hardware_report);
    }
    case verifier::Format::certificate: {
      Bytes der = to_bytes(evidence);
      if (as_text(evidence).starts_with("-----BEGIN")) {
        REDOUBT_TRY(auto blocks, crypto::pem_decode(as_text(evidence), "CERTIFICATE", 8, verifier::kMaxEvidence));
        der = std::move(blocks.front());
      }
      REDOUBT_TRY(const auto parsed, cert::parse(der));
      const std::vector<cert::Embedded> embedded = cert::unverified_embedded(parsed);
      if (embedded.empty()) return Error(Code::usage, "the certificate holds no quote");
      return intel(embedded.front().quote);
    }
    default:
      return Error(Code::usage, "nothing is fetched for a " + std::string(verifier::format_text(format)) +
                                    ": expected Evidence of SGX, TDX or SEV-SNP, alone, in a composite or in a certificate");
  }
}

Result<std::vector<verifier::NamedFile>> fetch_collateral(const CollateralService& service, const AmdWanted& wanted) {
  REDOUBT_TRY(net::HttpClient client, Fetcher::connect(service));
  Fetcher fetcher(service, std::move(client));
  const std::string folder = (wanted.key == amd::KeyKind::vcek ? "/vcek/v1/" : "/vlek/v1/") + std::string(amd::product_text(wanted.product));
  if (wanted.key == amd::KeyKind::vcek) {
    const bool turin = wanted.product == amd::Product::turin;
    constexpr std::size_t kTurinChip = 8;  // bytes; the rest of the field is zero
    const ByteView chip = wanted.chip.view();
    const amd::TcbParts parts = amd::tcb_parts(wanted.tcb, wanted.product);
    std::string target = folder + "/" + hex_encode(turin ? chip.first(kTurinChip) : chip) + "?";
    if (parts.fmc) target += "fmcSPL=" + std::to_string(*parts.fmc) + "&";
    target += "blSPL=" + std::to_string(parts.boot_loader) + "&teeSPL=" + std::to_string(parts.tee) + "&snpSPL=" + std::to_string(parts.snp) +
              "&ucodeSPL=" + std::to_string(parts.microcode);
    REDOUBT_CHECK(fetcher.get(target, ""));
  }
  REDOUBT_CHECK(fetcher.get(folder + "/cert_chain", ""));
  REDOUBT_CHECK(fetcher.get(folder + "/crl", ""));
  return std::move(fetcher).take();
}

}  // namespace redoubt::sdk
