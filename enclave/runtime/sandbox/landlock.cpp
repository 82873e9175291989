// Landlock (Documentation/userspace-api/landlock.rst of Linux). The numbers are the kernel's interface and written here, since the
// headers of a build machine may be older than the kernel that the program meets.
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "enclave/runtime/sandbox/parts.h"

namespace redoubt::runtime::sandbox {
namespace {

constexpr long kCreateRuleset = 444;
constexpr long kRestrictSelf = 446;
constexpr unsigned kVersionFlag = 1;
constexpr unsigned kNewestKnown = 6;

struct RulesetAttributes {  // struct landlock_ruleset_attr
  std::uint64_t files = 0;    // since version 1
  std::uint64_t network = 0;  // since version 4
  std::uint64_t scoped = 0;   // since version 6
};

// Rights of each version: EXECUTE to MAKE_SYM, then REFER, TRUNCATE, IOCTL_DEV.
std::uint64_t file_rights(unsigned version) {
  constexpr std::array<unsigned, kNewestKnown> kBits{13, 14, 15, 15, 16, 16};
  return (std::uint64_t{1} << kBits[version - 1]) - 1;
}

}  // namespace

Result<unsigned> deny_files() {
  REDOUBT_CHECK(no_new_privileges());
  const long found = syscall(kCreateRuleset, nullptr, std::size_t{0}, kVersionFlag);
  if (found <= 0) {
    // Not built in, or not switched on when the machine started. Anything else is not an absent Landlock.
    if (errno == ENOSYS || errno == EOPNOTSUPP) return 0U;
    return Error(Code::unavailable, "sandbox: the kernel refused to tell its version of landlock");
  }
  const unsigned version = static_cast<unsigned>(found);
  const unsigned known = std::min(version, kNewestKnown);
  RulesetAttributes attributes{file_rights(known), known >= 4 ? 3U : 0U, known >= 6 ? 3U : 0U};
  const std::size_t size = known >= 6 ? 24 : known >= 4 ? 16 : 8;
  const long ruleset = syscall(kCreateRuleset, &attributes, size, 0U);
  if (ruleset < 0) return Error(Code::unavailable, "sandbox: the kernel refused landlock's rules");
  const long restricted = syscall(kRestrictSelf, static_cast<int>(ruleset), 0U);
  close(static_cast<int>(ruleset));
  if (restricted != 0) return Error(Code::unavailable, "sandbox: the kernel refused landlock");
  return version;
}

}  // namespace redoubt::runtime::sandbox
