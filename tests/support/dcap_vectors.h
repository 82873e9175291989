// What the tests of DCAP quotes share: failures by id, for quotes that evidence_dcap.h makes and for the genuine ones of the shared
// test data (intel-dcap), with the collateral that their cases name.
#pragma once

#include <set>
#include <string>

#include "common/attest/evidence/dcap/evidence.h"
#include "common/base/json.h"
#include "tests/support/evidence_dcap.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"
#include "tests/support/vector_edits.h"

namespace redoubt::test {

using Ids = std::set<std::string>;

// failed_ids ends the test when verdict and checks contradict each other, or a check is missing.
inline Ids failed_ids(const dcap::Outcome& outcome) {
  Ids ids;
  for (const attest::Check& check : outcome.checks) {
    if (check.outcome == attest::Outcome::failed) ids.emplace(attest::id_text(check.id));
  }
  if (outcome.checks.size() != 22 || ids.empty() != outcome.authentic.has_value()) std::abort();
  for (std::size_t i = 1; i < outcome.checks.size(); ++i) {
    if (outcome.checks[i].id <= outcome.checks[i - 1].id) std::abort();
  }
  return ids;
}

// What one appraisal needs, with the collateral still raw.
struct DcapCase {
  Bytes quote;
  std::optional<endorse::RawCollateral> collateral;
  std::vector<endorse::RootPin> roots;
  Instant now;
  std::optional<std::uint32_t> minimum;
  std::vector<Bytes> pck_chain = {};
};

struct DcapResult {
  std::string parse_error;  // or empty
  Ids failed;
  std::optional<attest::Authentic<dcap::Quote>> authentic;
  std::shared_ptr<const endorse::VerifiedCollateral> collateral;
  std::optional<endorse::TcbVerdict> tcb;
};

inline DcapResult appraise(const DcapCase& one) {
  DcapResult result;
  const auto parsed = dcap::parse(one.quote);
  if (!parsed.ok()) {
    result.parse_error = parsed.error().message();
    return result;
  }
  dcap::Inputs inputs;
  inputs.roots = one.roots;
  inputs.now = one.now;
  inputs.pck_chain = one.pck_chain;
  inputs.raw_collateral = one.collateral ? &*one.collateral : nullptr;
  inputs.minimum_evaluation_number = one.minimum;
  dcap::Outcome outcome = dcap::authenticate(*parsed, inputs);
  result.failed = failed_ids(outcome);
  result.authentic = std::move(outcome.authentic);
  result.collateral = std::move(outcome.collateral);
  result.tcb = std::move(outcome.tcb);
  return result;
}

inline DcapCase made_case(const DcapMaker& maker, bool with_collateral = true) {
  DcapCase out{maker.quote(), {}, {maker.pin()}, maker.now, {}};
  if (with_collateral) out.collateral = maker.collateral();
  return out;
}

// intel_dcap: a file of the shared test data.
inline std::filesystem::path intel_dcap(std::string_view name) { return *shared_dir() / "vectors/intel-dcap" / name; }

inline json::Value intel_dcap_json(std::string_view name) {
  return OrDie(json::parse(read_text(intel_dcap(name)), {.max_bytes = std::size_t{4} << 20, .max_depth = 32}));
}

inline const json::Value& member(const json::Value& object, std::string_view key) { return object.object()->find(key)->second; }

inline std::vector<Bytes> intel_certificates(std::initializer_list<std::string_view> files) {
  std::vector<Bytes> out;
  for (const std::string_view file : files) {
    for (Bytes& der : OrDie(endorse::certificates(read_file(intel_dcap(file))))) out.push_back(std::move(der));
  }
  return out;
}

// genuine_case: one of cases.json, at its time.
inline DcapCase genuine_case(const json::Value& fields) {
  constexpr std::string_view kRoot = "collateral/certs/intel-sgx-root-ca.pem";
  endorse::RawCollateral raw;
  raw.tcb_info = read_file(intel_dcap(text_of(fields, "tcb_info")));
  raw.qe_identity = read_file(intel_dcap(text_of(fields, "qe_identity")));
  raw.tcb_signing_chain = intel_certificates({text_of(fields, "tcb_signing_cert"), kRoot});
  raw.qe_signing_chain = intel_certificates({text_of(fields, "qe_signing_cert"), kRoot});
  raw.root_crl = read_file(intel_dcap(text_of(fields, "root_crl")));
  raw.pck_crl = read_file(intel_dcap(text_of(fields, "pck_crl")));
  raw.pck_issuers = intel_certificates({"collateral/certs/pck-platform-ca.pem", "collateral/certs/pck-processor-ca.pem"});
  return {read_file(intel_dcap(text_of(fields, "quote"))), std::move(raw), {endorse::intel_sgx_root()},
          OrDie(Instant::parse(text_of(fields, "at"))), {}};
}

}  // namespace redoubt::test
