// A fresh software TPM for a test, in a short temporary folder, from the code that production uses. Include it where the test
// program links redoubt::untrusted::launch.
#pragma once

#include "tests/support/expect.h"
#include "tests/support/files.h"
#include "tests/support/test_cache.h"
#include "untrusted/launch/swtpm.h"

namespace redoubt::test {

// TestTpm: manufactured with a CA that no other TPM of this process has, running, killed and removed with the object.
class TestTpm {
 public:
  explicit TestTpm(std::string pcr_banks = "sha256") : tpm_(OrDie(launch::SwTpm::start(options(std::move(pcr_banks))))) { ca_.keep(); }
  launch::SwTpm& operator*() { return tpm_; }
  launch::SwTpm* operator->() { return &tpm_; }
  const launch::SwTpm* operator->() const { return &tpm_; }

 private:
  launch::SwTpmOptions options(std::string pcr_banks) const {
    launch::SwTpmOptions out;
    out.pcr_banks = std::move(pcr_banks);
    out.state = folder_.path() / "t";
    out.ca = ca_.folder();
    out.die_with_parent = true;
    return out;
  }
  TempDir folder_;
  const KeptCa ca_{folder_.path() / "ca"};
  launch::SwTpm tpm_;
};

}  // namespace redoubt::test

// Skips the test, visibly, where swtpm is not installed.
#define REDOUBT_REQUIRE_SWTPM() \
  if (!std::filesystem::exists("/usr/bin/swtpm_setup")) GTEST_SKIP() << "swtpm is not installed (tools/setup test)"
