#include "untrusted/launch/program_manifest.h"

#include <deque>
#include <fstream>
#include <map>
#include <set>

#include "common/base/utf8.h"
#include "untrusted/launch/elf.h"

namespace redoubt::launch {
namespace {
namespace fs = std::filesystem;

constexpr std::size_t kMaxFiles = 1024;
constexpr std::uintmax_t kMaxFileSize = std::uintmax_t{1} << 30;
constexpr std::string_view kType = "redoubt/program/1";
const std::vector<std::string> kDefaultFolders{"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib", "/usr/lib"};

Result<Bytes> read_whole(const fs::path& path) {
  std::error_code error;
  const std::uintmax_t size = fs::is_regular_file(path, error) ? fs::file_size(path, error) : 0;
  if (error) return Error(Code::not_found, path.string() + ": " + error.message());
  if (size > kMaxFileSize) return Error(Code::refused, path.string() + ": larger than 1 GiB");
  std::ifstream file(path, std::ios::binary);
  Bytes bytes(static_cast<std::size_t>(size));
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file || bytes.empty()) return Error(Code::not_found, path.string() + ": not a file that can be read");
  return bytes;
}

// run_path_folders: DT_RUNPATH with $ORIGIN replaced by the folder of the object that has it.
Result<std::vector<std::string>> run_path_folders(const std::string& runpath, const fs::path& object) {
  std::vector<std::string> folders;
  for (std::size_t begin = 0; begin <= runpath.size();) {
    const std::size_t end = std::min(runpath.find(':', begin), runpath.size());
    std::string folder = runpath.substr(begin, end - begin);
    begin = end + 1;
    for (const std::string_view token : {"${ORIGIN}", "$ORIGIN"}) {
      if (folder.starts_with(token)) folder = object.parent_path().string() + folder.substr(token.size());
    }
    if (!folder.starts_with('/') || folder.find('$') != std::string::npos) {
      return Error(Code::refused, object.string() + ": run path `" + folder + "` depends on more than $ORIGIN");
    }
    folders.push_back(std::move(folder));
  }
  return folders;
}

// Resolver: walks the files as the loader does, breadth first, one program (with its namespace of names) at a time.
class Resolver {
 public:
  // add measures `path` under `name`; an ELF file brings its interpreter and libraries.
  Status add_root(const fs::path& path) {
    names_.clear();  // another process, or another order of loading
    REDOUBT_CHECK(add(path, path.filename().string()));
    while (!open_.empty()) {
      const Object object = std::move(open_.front());
      open_.pop_front();
      if (!object.elf.interpreter.empty()) {
        const fs::path interpreter = object.elf.interpreter;
        if (!interpreter.is_absolute()) return Error(Code::refused, object.path.string() + ": relative interpreter");
        REDOUBT_CHECK(add(interpreter, interpreter.filename().string()));
      }
      for (const std::string& name : object.elf.needed) {
        if (names_.contains(name)) continue;
        REDOUBT_TRY(const fs::path found, find(name, object));
        REDOUBT_CHECK(add(found, name));
      }
    }
    return {};
  }

  std::map<std::string, ManifestFile> files;
  std::set<fs::path> paths;

 private:
  struct Object {
    fs::path path;  // as found: $ORIGIN is its folder
    ElfFile elf;
  };

  Status add(const fs::path& path, const std::string& name) {
    names_.insert(name);
    if (paths.size() >= kMaxFiles) return Error(Code::refused, "a program of more than " + std::to_string(kMaxFiles) + " files");
    REDOUBT_TRY(const Bytes bytes, read_whole(path));
    const ManifestFile file{name, crypto::sha256(bytes), bytes.size()};
    const auto [at, is_new] = files.emplace(name, file);
    if (!is_new && at->second != file) {
      return Error(Code::refused, "two different files are named " + name + ", one of them " + path.string());
    }
    paths.insert(fs::canonical(path));
    if (!looks_like_elf(bytes)) return {};
    auto elf = parse_elf(bytes).context(path.string());
    if (!elf.ok()) return elf.error();
    if (elf->has_rpath) return Error(Code::refused, path.string() + ": has DT_RPATH; link with --enable-new-dtags");
    if (elf->has_filters) return Error(Code::refused, path.string() + ": loads filters or auditors");
    if (machine_ != 0 && elf->machine != machine_) return Error(Code::refused, path.string() + ": of another machine");
    machine_ = elf->machine;
    if (!elf->soname.empty()) names_.insert(elf->soname);
    open_.push_back({path, std::move(elf).value()});
    return {};
  }

  static Result<fs::path> find(const std::string& name, const Object& object) {
    if (name.find('/') != std::string::npos) {
      return Error(Code::refused, object.path.string() + ": needs the path " + name + ", expected a name");
    }
    std::vector<std::string> folders;
    if (!object.elf.runpath.empty()) {
      REDOUBT_TRY(folders, run_path_folders(object.elf.runpath, object.path));
    }
    folders.insert(folders.end(), kDefaultFolders.begin(), kDefaultFolders.end());
    for (const std::string& folder : folders) {
      const fs::path base(folder);
      for (const char* level : {"x86-64-v2", "x86-64-v3", "x86-64-v4"}) {
        if (fs::exists(base / "glibc-hwcaps" / level / name)) {
          return Error(Code::refused, name + ": the loader would choose among variants in " + folder + "/glibc-hwcaps");
        }
      }
      if (fs::exists(base / name)) return base / name;
    }
    return Error(Code::not_found, "library " + name + ", which " + object.path.string() + " needs");
  }

  std::set<std::string> names_;  // loaded in this process: a name is looked for once
  std::deque<Object> open_;
  std::uint16_t machine_ = 0;
};

Status check_text(const std::vector<std::string>& list, std::string_view what) {
  for (const std::string& text : list) {
    if (!valid_utf8(text) || text.find('\0') != std::string::npos) {
      return Error(Code::malformed, std::string(what) + ": expected UTF-8 without NUL");
    }
  }
  return {};
}

Status check_environment(const std::vector<std::string>& environment) {
  REDOUBT_CHECK(check_text(environment, "environment"));
  std::set<std::string> names;
  for (const std::string& entry : environment) {
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos || equals == 0) return Error(Code::malformed, "environment: expected NAME=VALUE");
    const std::string name = entry.substr(0, equals);
    if (name.starts_with("LD_") || name == "GLIBC_TUNABLES") {
      return Error(Code::refused, "environment: " + name + " would change what the loader maps");
    }
    if (!names.insert(name).second) return Error(Code::refused, "environment: " + name + " stands there twice");
  }
  return {};
}

json::Array strings(const std::vector<std::string>& list) {
  json::Array out;
  for (const std::string& text : list) out.emplace_back(text);
  return out;
}

}  // namespace

std::string ProgramManifest::canonical() const {
  json::Array list;
  for (const ManifestFile& file : files) {
    list.emplace_back(json::Object{
        {"path", file.path}, {"sha256", file.sha256.hex()}, {"size", static_cast<std::int64_t>(file.size)}});
  }
  return json::canonical(json::Object{
      {"args", strings(arguments)}, {"env", strings(environment)}, {"files", std::move(list)}, {"type", kType}});
}

appraise::ProgramDigest ProgramManifest::digest() const {
  return crypto::digest_of<appraise::ProgramDigest>(kType, as_bytes(canonical()));
}

Result<MeasuredProgram> measure_program(const ProgramSpec& spec) {
  REDOUBT_CHECK(check_text(spec.arguments, "arguments"));
  REDOUBT_CHECK(check_environment(spec.environment));
  std::error_code ignored;
  if (fs::exists("/etc/ld.so.preload", ignored) && fs::file_size("/etc/ld.so.preload", ignored) != 0) {
    return Error(Code::refused, "/etc/ld.so.preload would add libraries to every program");
  }
  Resolver resolver;
  for (const auto& list : {std::vector<fs::path>{spec.program}, spec.extra}) {
    for (const fs::path& path : list) {
      if (!path.is_absolute()) return Error(Code::usage, path.string() + ": expected an absolute path");
      std::error_code error;
      // The kernel gives the loader the program's own path with links followed; $ORIGIN is that folder.
      const fs::path real = fs::canonical(path, error);
      if (error) return Error(Code::not_found, path.string() + ": " + error.message());
      REDOUBT_CHECK(resolver.add_root(real).context("measuring " + path.filename().string()));
    }
  }
  MeasuredProgram out;
  for (auto& [name, file] : resolver.files) {
    if (!valid_utf8(name)) return Error(Code::malformed, "a file name is not UTF-8");
    out.manifest.files.push_back(std::move(file));
  }
  out.manifest.arguments = spec.arguments;
  out.manifest.environment = spec.environment;
  std::ranges::sort(out.manifest.environment);
  out.files.assign(resolver.paths.begin(), resolver.paths.end());
  return out;
}

Status check_mapped(pid_t pid, const std::vector<fs::path>& files) {
  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
  if (!maps) return Error(Code::not_found, "process " + std::to_string(pid));
  // address perms offset dev inode path (proc(5))
  std::string line;
  std::size_t count = 0;
  while (std::getline(maps, line)) {
    const std::size_t permissions = line.find(' ');
    if (permissions == std::string::npos || line.size() < permissions + 5) continue;
    if (line[permissions + 3] != 'x') continue;
    const std::size_t slash = line.find('/');
    if (slash == std::string::npos) {
      // Anonymous memory and the kernel's own pages ([vdso], [vsyscall]) have no file to compare.
      continue;
    }
    ++count;
    const std::string path = line.substr(slash);
    if (std::ranges::find(files, fs::path(path)) == files.end()) {
      return Error(Code::measurement, "process " + std::to_string(pid) + " maps " + path + ", which was not measured");
    }
  }
  if (count == 0) return Error(Code::not_found, "process " + std::to_string(pid) + " maps no file");
  return {};
}

}  // namespace redoubt::launch
