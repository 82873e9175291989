// Error: why something could not be done, with a stable code.
//
// Messages are lower case, without a full stop; they name the thing, what was expected and what was found. Callers
// add context in the "-ing" form, so that a chain reads `verifying quote: checking nonce: expected 1f.., found 2e..`.
// Inside an enclave only the code and fixed text may leave: an Error must never hold user data there.
// "Could not appraise" is an Error; "appraised and not trusted" is a result of its own.
#pragma once

#include <string>
#include <string_view>

namespace redoubt {

// Code is stable: each value is also the exit code of the command-line programs.
enum class Code {
  internal = 1,            // our own bug, or a resource that cannot fail did
  usage = 2,               // the caller asked for something that does not exist
  not_found = 3,
  auth = 4,                // who the caller is was not shown
  refused = 5,             // a rule says no
  unavailable = 6,         // a peer, a device or a quota; trying later may help
  malformed = 10,          // bytes do not have the form they must have
  chain = 11,              // a signature, certificate or key does not lead to a trusted root
  tcb = 12,                // platform security version
  measurement = 13,        // what ran is not what was expected
  freshness = 14,          // stale, replayed or expired
  binding = 15,            // two things that must belong together do not
  policy = 16,             // appraised, and not accepted
  log_proof = 17,          // inclusion, consistency or checkpoint
  partial = 20,            // some of the work was done
  missing_dependency = 69,
};

// code_name returns the stable lower-case name of a code, as it stands in JSON output.
std::string_view code_name(Code code);

class [[nodiscard]] Error {
 public:
  Error(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  Code code() const { return code_; }
  const std::string& message() const { return message_; }

  // context returns the same error with "<doing>: " before its message.
  Error context(std::string_view doing) const;

 private:
  Code code_;
  std::string message_;
};

}  // namespace redoubt
