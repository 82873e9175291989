// AzureAuthenticator: one run of authenticate() over one composite. Private to this room: it is the one class that may make
// Authentic<AzureEvidence> (type_state.h). One object, one thread, one run.
#pragma once

#include "common/attest/evidence/azure/evidence.h"
#include "common/attest/evidence/tpm/certificates.h"

namespace redoubt::azure {

class AzureAuthenticator {
 public:
  AzureAuthenticator(const attest::Parsed<AzureEvidence>& parsed, const Inputs& inputs) : evidence_(parsed.value_), inputs_(inputs) {}
  Outcome run();
  static json::Value describe(const attest::Parsed<AzureEvidence>& parsed);
  static Parts parts(const attest::Parsed<AzureEvidence>& parsed);

 private:
  void bind(Node from, Node to, bool bound, std::string expected, std::string found) {
    evidence_.graph.edges.push_back({from, to, bound, std::move(expected), std::move(found)});
  }
  void bind_runtime_data();
  void bind_quote();
  void check_chain();
  void check_certificate();
  // report_data: of the authentic report, if it is this composite's; the error says what is wrong.
  Result<ByteView> report_data() const;

  AzureEvidence evidence_;  // a copy, which becomes the authentic value
  const Inputs& inputs_;
  std::vector<attest::Check> checks_;
  std::optional<Interval> validity_;
};

}  // namespace redoubt::azure
