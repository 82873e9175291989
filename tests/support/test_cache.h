// What tests leave in the build tree for one another, because making it takes seconds of processor time and test programs are started by
// the hundred.
#pragma once

#include <filesystem>
#include <string>

namespace redoubt::test {

// test_cache: a path in the build tree for something that this user keeps; it is there once a test has kept it.
std::filesystem::path test_cache(const std::string& name);

// KeptCa: a certificate authority for software TPMs in a folder of the test's own (made with the one above it), copied from one that an earlier test made if there is
// one. The first of a process is another than the second, so that TPMs of different makers stay different.
class KeptCa {
 public:
  explicit KeptCa(std::filesystem::path folder);
  // keep, when a TPM was made under it, leaves it for later tests.
  void keep() const;
  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
  std::filesystem::path kept_;
};

}  // namespace redoubt::test
