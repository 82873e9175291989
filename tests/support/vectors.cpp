#include "tests/support/vectors.h"

#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "tests/support/files.h"

namespace redoubt::test {
namespace {

[[noreturn]] void die(std::string_view what, std::string_view name) {
  std::fprintf(stderr, "vectors: %s: %s\n", std::string(what).c_str(), std::string(name).c_str());
  std::abort();
}

}  // namespace

const std::string& VectorCase::text(std::string_view name) const {
  const auto at = fields_.find(name);
  if (at == fields_.end()) die("no such line", name);
  return at->second;
}

Bytes VectorCase::hex(std::string_view name) const {
  auto bytes = hex_decode(text(name));
  if (!bytes.ok()) die("not hexadecimal", name);
  return std::move(bytes).value();
}

std::uint64_t VectorCase::number(std::string_view name) const { return std::stoull(text(name)); }

std::vector<VectorCase> read_vectors(std::string_view name) {
  std::istringstream lines(read_text(golden(name)));
  std::vector<VectorCase> cases;
  VectorCase one;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) {
      if (!one.fields_.empty()) cases.push_back(std::exchange(one, {}));
      continue;
    }
    const std::size_t at = line.find(" =");
    if (at == std::string::npos) die("a line without ' ='", line);
    one.fields_[line.substr(0, at)] = line.size() > at + 3 ? line.substr(at + 3) : std::string();
  }
  if (!one.fields_.empty()) cases.push_back(std::move(one));
  if (cases.empty()) die("no case in", name);
  return cases;
}

}  // namespace redoubt::test
