#include "common/attest/measure/cleanroom_program.h"

namespace redoubt::measure {
namespace {

constexpr std::string_view kEngine = "redoubt-cleanroom-engine";
// The TSS opens its transport by name at run time, so the loader's list does not show it.
constexpr std::string_view kTransports[] = {"/usr/lib/x86_64-linux-gnu/libtss2-tcti-swtpm.so.0",
                                            "/usr/lib/aarch64-linux-gnu/libtss2-tcti-swtpm.so.0"};

}  // namespace

ProgramSpec cleanroom_spec(const std::string& folder, const ProgramFiles& files) {
  const std::string at = folder + "/";
  ProgramSpec spec{at + std::string(kCleanroomProgram), {"serve"}, {}, {}};
  if (std::string engine = at + std::string(kEngine); files.exists(engine)) spec.extra.push_back(std::move(engine));
  for (const std::string_view library : kTransports) {
    if (files.exists(std::string(library))) spec.extra.emplace_back(library);
  }
  return spec;
}

}  // namespace redoubt::measure
