// NitroAuthenticator: one run of authenticate() over one document. Private to this room: it is the one class that may make
// Authentic<NitroEvidence> (type_state.h) and look into Parsed<NitroEvidence>. One object, one thread, one run.
#pragma once

#include "common/attest/evidence/nitro/evidence.h"

namespace redoubt::nitro {

class NitroAuthenticator {
 public:
  NitroAuthenticator(const attest::Parsed<NitroEvidence>& parsed, const Inputs& inputs) : evidence_(parsed.value_), inputs_(inputs) {}

  Outcome run();
  static json::Value describe(const attest::Parsed<NitroEvidence>& parsed);

 private:
  void check_form();
  void check_chain();
  // note keeps what is wrong with signature or chain. A2 fails with `freshness` only when nothing but the time is wrong.
  void note(std::string_view part, const Error& error);

  const NitroEvidence& evidence_;
  const Inputs& inputs_;
  Outcome outcome_;
  std::string wrong_;
  Code code_ = Code::freshness;  // of A2, if it fails
};

}  // namespace redoubt::nitro
