#include "untrusted/launch/cleanroom_program.h"

namespace redoubt::launch {
namespace {

constexpr std::string_view kEngine = "redoubt-cleanroom-engine";
// The TSS opens its transport by name at run time, so the loader's list does not show it.
constexpr std::string_view kTransports[] = {"/usr/lib/x86_64-linux-gnu/libtss2-tcti-swtpm.so.0",
                                            "/usr/lib/aarch64-linux-gnu/libtss2-tcti-swtpm.so.0"};

}  // namespace

ProgramSpec cleanroom_spec(const std::filesystem::path& folder) {
  ProgramSpec spec{folder / kCleanroomProgram, {"serve"}, {}, {}};
  if (std::filesystem::exists(folder / kEngine)) spec.extra.push_back(folder / kEngine);
  for (const std::string_view library : kTransports) {
    if (std::filesystem::exists(library)) spec.extra.emplace_back(library);
  }
  return spec;
}

}  // namespace redoubt::launch
