// Composites of Azure confidential VMs, as the folder azure-cvm lists them: one folder a case, files by their names.
#include "client/sdk/conformance/entry.h"
#include "common/attest/evidence/azure/evidence.h"
#include "common/attest/evidence/tpm/certificates.h"

namespace redoubt::conformance {
namespace {

using azure::Node;

struct Case {
  const Entry& entry;
  std::string id{entry.text("id")};

  bool lists(std::string_view name) const {
    const std::vector<std::string> all = files();
    return std::ranges::find(all, name) != all.end();
  }
  // files: the listed names, in the order of the alphabet.
  std::vector<std::string> files() const {
    std::vector<std::string> out;
    const json::Value list = member_or_null(json::Value(entry.members), "files");
    for (std::size_t i = 0; list.array() != nullptr && i < list.array()->size(); ++i) {
      if (const auto* name = (*list.array())[i].string()) out.push_back(*name);
    }
    std::ranges::sort(out);
    return out;
  }
  // read: a file of the case's folder, or the one that a changed entry names in its place.
  Result<Bytes> read(std::string_view name) const {
    const std::string_view other = entry.text(name);
    const bool evidence = name == "hcl-report.bin";
    return other.empty() ? entry.read(id + "/" + std::string(name), name, evidence) : entry.read(other, name, evidence);
  }
};

// at: the case's time, or the first at which its AK certificate is valid.
Result<Instant> at(const Entry& entry) {
  auto time = entry.at();
  if (time.ok()) return time;
  Entry certificate = entry;
  certificate.members["window"] = member_or_null(member_or_null(json::Value(entry.members), "ak_certificate"), "window");
  return certificate.at();
}

Result<std::map<int, crypto::Sha256Digest>> read_pcrs(const Case& one) {
  REDOUBT_TRY(const Bytes text, one.read("pcrs.json"));
  REDOUBT_TRY(const json::Value document, json::parse(as_text(text)));
  const json::Value bank = member_or_null(document, "sha256");
  if (bank.object() == nullptr) return Error(Code::usage, "pcrs.json: expected the bank \"sha256\"");
  std::map<int, crypto::Sha256Digest> out;
  for (const auto& [name, value] : *bank.object()) {
    if (value.string() == nullptr || name.size() > 2 || name.find_first_not_of("0123456789") != std::string::npos) {
      return Error(Code::usage, "pcrs.json: expected indices and hexadecimal values");
    }
    REDOUBT_TRY(out[std::stoi(name)], crypto::Sha256Digest::from_hex(*value.string(), "pcr"));
  }
  return out;
}

// read_certificate: PEM or DER; as read from the TPM's memory it may be padded.
Result<Bytes> read_certificate(const Case& one, std::string_view name) {
  REDOUBT_TRY(Bytes bytes, one.read(name));
  REDOUBT_TRY(bytes, first_certificate(std::move(bytes)));
  REDOUBT_TRY(const ByteView certificate, tpm::unpad(bytes));
  return to_bytes(certificate);
}

Result<azure::RawComposite> read_composite(const Case& one) {
  azure::RawComposite raw;
  REDOUBT_TRY(raw.hcl_report, one.read("hcl-report.bin"));
  REDOUBT_TRY(raw.attest, one.read("tpm-attest.bin"));
  REDOUBT_TRY(raw.signature, one.read("tpm-signature.bin"));
  REDOUBT_TRY(raw.pcrs, read_pcrs(one));
  if (one.lists("td-quote.bin")) {
    REDOUBT_TRY(raw.td_quote, one.read("td-quote.bin"));
  }
  for (const std::string_view part : {"ak-certificate", "ak-intermediate", "root"}) {
    for (const std::string& name : one.files()) {
      const bool is_root = name.find("root") != std::string::npos;
      if (part == "root" ? !is_root : !name.starts_with(part) || is_root) continue;
      REDOUBT_TRY(Bytes der, read_certificate(one, name));
      raw.ak_certificates.push_back(std::move(der));
    }
  }
  return raw;
}

// issuer_beside: the certificate in the folder of AMD's whose subject is `name`; a candidate only, the ARK is pinned.
Bytes issuer_beside(const Entry& entry, ByteView name) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(entry.folder / "../amd-snp/certs", error)) {
    if (file.path().extension() == ".pem") files.push_back(file.path().filename());
  }
  std::ranges::sort(files);
  for (const auto& file : files) {
    const auto text = entry.read("../amd-snp/certs/" + file.string());
    if (!text.ok()) continue;
    auto blocks = crypto::pem_decode(as_text(*text), "CERTIFICATE", 1);
    if (!blocks.ok()) continue;
    const auto view = crypto::CertificateView::parse(blocks->front());
    if (view.ok() && equal(view->subject, name)) return std::move(blocks->front());
  }
  return {};
}

struct Hardware {
  snp::Outcome snp;
  dcap::Outcome tdx;
};

Result<Hardware> judge_hardware(const Case& one, const azure::Parts& parts, Instant now) {
  Hardware out;
  if (parts.hardware == azure::Hardware::tdx) {
    REDOUBT_TRY(const auto quote, dcap::parse(parts.hardware_report));
    out.tdx = dcap::authenticate(quote, {.now = now});
    return out;
  }
  REDOUBT_TRY(const auto report, snp::parse(parts.hardware_report));
  REDOUBT_TRY(const Bytes leaf, one.read("vcek.der"));
  REDOUBT_TRY(const auto leaf_view, crypto::CertificateView::parse(leaf));
  const Bytes intermediate = issuer_beside(one.entry, leaf_view.issuer);
  const auto intermediate_view = crypto::CertificateView::parse(intermediate);
  if (!intermediate_view.ok()) return Error(Code::usage, "case: the authorities of AMD are not beside it");
  const Bytes ark = issuer_beside(one.entry, intermediate_view->issuer);
  out.snp = snp::authenticate(report, {.leaf = leaf, .intermediate = intermediate, .ark = ark, .now = now});
  return out;
}

bool passed(const azure::Outcome& outcome, attest::CheckId id) {
  const auto found = std::ranges::find(outcome.checks, id, &attest::Check::id);
  return found != outcome.checks.end() && found->outcome == attest::Outcome::passed;
}

}  // namespace

Result<Facts> azure_facts(const Entry& entry) {
  const Case one{entry};
  REDOUBT_TRY(const Instant now, at(entry));
  REDOUBT_TRY(const azure::RawComposite raw, read_composite(one));
  REDOUBT_TRY(const auto parsed, azure::parse(raw.encode()));
  const azure::Parts parts = azure::unverified_parts(parsed);
  REDOUBT_TRY(const Hardware hardware, judge_hardware(one, parts, now));
  REDOUBT_TRY(const Bytes nonce, hex_decode(entry.text("nonce")));

  azure::Inputs inputs;
  if (hardware.snp.authentic) inputs.snp = &*hardware.snp.authentic;
  if (hardware.tdx.authentic) inputs.tdx = &*hardware.tdx.authentic;
  // A case whose quote was made without a challenge has an empty nonce, which no challenge equals.
  if (!nonce.empty()) inputs.expected_extra_data = nonce;
  inputs.ak_certificate_required = !raw.ak_certificates.empty();
  inputs.now = now;
  const azure::Outcome outcome = azure::authenticate(parsed, inputs);

  // The same data stand beside the report as files of their own: they must be what the report vouches for.
  REDOUBT_TRY(const Bytes var_data, one.read("var-data.json"));
  const bool same_data = equal(var_data, parts.runtime_data);
  const auto* bound = outcome.graph.edge(Node::hardware_report, Node::runtime_data);
  const auto* signed_by = outcome.graph.edge(Node::attestation_key, Node::tpm_quote);
  REDOUBT_TRY(const azure::RuntimeData runtime, azure::RuntimeData::parse(var_data));
  bool same_key = true;
  if (one.lists("ak.spki.der")) {
    REDOUBT_TRY(const Bytes spki, one.read("ak.spki.der"));
    same_key = equal(spki, runtime.attestation_key.spki());
  }
  const bool fresh = nonce.empty() || passed(outcome, attest::CheckId::m2);
  const bool authentic = outcome.authentic.has_value() && same_data && same_key;
  const bool report = inputs.snp != nullptr || inputs.tdx != nullptr;
  Facts facts{{"verdict", authentic ? "accept" : "reject"},
              {"authentic", authentic},
              {"tpm_quote_authentic", passed(outcome, attest::CheckId::m1) && signed_by->bound && fresh},
              {"pcr_digest_matches", passed(outcome, attest::CheckId::m4)},
              {parts.hardware == azure::Hardware::snp ? "report_authentic" : "quote_authentic", report},
              {"report_data_binds_var_data", bound->bound && same_data},
              {"ak_in_var_data", same_key}};
  // The strict policy asks for a challenge, collateral that says UpToDate (which a TDX case does not carry), VMPL 0 and no debug.
  const bool strict = authentic && !nonce.empty() && hardware.snp.authentic && !(*hardware.snp.authentic)->report.policy.debug() &&
                      (*hardware.snp.authentic)->report.vmpl == 0;
  facts.emplace("accept_under_strict_policy", strict);
  return facts;
}

}  // namespace redoubt::conformance
