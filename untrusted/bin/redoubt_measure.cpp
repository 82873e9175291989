// redoubt-measure: the Reference Value of a clean room's program, computed from the files of a build. A participant runs it on a
// build of its own; what an operator's hub says of its program is not to be believed.
#include <cstdio>
#include <filesystem>

#include "untrusted/launch/cleanroom_program.h"

int main(int argc, char** argv) {
  using namespace redoubt;
  const bool help = argc == 2 && std::string_view(argv[1]) == "--help";
  if (argc != 2 || help) {
    std::fputs(
        "usage: redoubt-measure FOLDER\n"
        "  prints the manifest of FOLDER/redoubt-cleanroom as JSON: name, digest, and every file that it maps\n"
        "example:\n"
        "  redoubt-measure build/release/bin > program.json\n"
        "  redoubt environment create study --program program.json ...\n",
        help ? stdout : stderr);
    return help ? 0 : 2;
  }
  const auto folder = std::filesystem::absolute(argv[1]).lexically_normal();
  const auto program = launch::measure_program(launch::cleanroom_spec(folder));
  if (!program.ok()) {
    std::fprintf(stderr, "redoubt-measure: %s\n", program.error().message().c_str());
    return static_cast<int>(program.error().code());
  }
  json::Array files;
  for (const launch::ManifestFile& file : program->manifest.files) {
    files.emplace_back(json::Object{{"path", file.path}, {"sha256", file.sha256.hex()}, {"size", static_cast<std::int64_t>(file.size)}});
  }
  const json::Value value = json::Object{{"files", std::move(files)},
                                         {"manifest", program->manifest.digest().hex()},
                                         {"name", launch::kCleanroomProgram}};
  std::printf("%s\n", json::pretty(value).c_str());
  return 0;
}
