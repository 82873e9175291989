#include "enclave/runtime/sandbox/sandbox.h"

#include "enclave/runtime/sandbox/parts.h"

namespace redoubt::runtime {

std::string Sandbox::text() const {
  if (insecure_none) return "insecure: a sanitizer's build, no sandbox";
  return landlock == 0 ? "seccomp, no landlock" : "seccomp, landlock " + std::to_string(landlock);
}

Result<Sandbox> enter_sandbox(const SandboxLimits& limits) {
  if constexpr (kInsecureSanitizedBuild) return Sandbox{0, true};
  REDOUBT_CHECK(sandbox::drop_inheritance());
  // Landlock's rules are a descriptor for a moment, so they come before the limit that allows no more of them.
  REDOUBT_TRY(const unsigned landlock, sandbox::deny_files());
  REDOUBT_CHECK(sandbox::limit_resources(limits));
  REDOUBT_CHECK(sandbox::filter_calls());
  return Sandbox{landlock, false};
}

}  // namespace redoubt::runtime
