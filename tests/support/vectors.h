// Vectors: published test vectors in the line format that tools/vectors writes: `name = value` lines, an empty line ends
// a case. A file or a value that is not there ends the test program: a suite never passes because it found nothing.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"

namespace redoubt::test {

class VectorCase {
 public:
  // has tells whether the case has a line of this name.
  bool has(std::string_view name) const { return fields_.contains(name); }
  // text, hex (bytes from hexadecimal) and number (decimal) of the line `name`.
  const std::string& text(std::string_view name) const;
  Bytes hex(std::string_view name) const;
  std::uint64_t number(std::string_view name) const;

 private:
  friend std::vector<VectorCase> read_vectors(std::string_view name);
  std::map<std::string, std::string, std::less<>> fields_;
};

// read_vectors reads tests/golden/<name>, which must hold at least one case.
std::vector<VectorCase> read_vectors(std::string_view name);

}  // namespace redoubt::test
