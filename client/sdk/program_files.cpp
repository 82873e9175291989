#include "client/sdk/program_files.h"

#include "client/sdk/files.h"

namespace redoubt::sdk {
namespace {
namespace fs = std::filesystem;

class OwnFiles final : public measure::ProgramFiles {
 public:
  bool exists(const std::string& path) const override {
    std::error_code error;
    return fs::exists(path, error);
  }

  Result<std::string> canonical(const std::string& path) const override {
    std::error_code error;
    const fs::path real = fs::canonical(path, error);
    if (error) return Error(Code::not_found, path + ": " + error.message());
    return real.string();
  }

  Result<Bytes> read(const std::string& path) const override {
    REDOUBT_TRY(const std::string content, read_file(path, kMaxFileSize));
    return to_bytes(as_bytes(content));
  }
};

}  // namespace

Result<measure::ProgramManifest> measure_cleanroom(const fs::path& program) {
  if (program.filename() != measure::kCleanroomProgram) {
    return Error(Code::usage, program.string() + ": expected a program named " + std::string(measure::kCleanroomProgram));
  }
  std::error_code error;
  const fs::path path = fs::absolute(program, error).lexically_normal();
  if (error) return Error(Code::not_found, program.string() + ": " + error.message());
  const OwnFiles files;
  REDOUBT_TRY(auto measured, measure::measure_program(measure::cleanroom_spec(path.parent_path(), files), files));
  return std::move(measured.manifest);
}

}  // namespace redoubt::sdk
