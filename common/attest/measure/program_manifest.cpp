#include "common/attest/measure/program_manifest.h"

#include <deque>
#include <map>
#include <set>

#include "common/attest/measure/elf.h"
#include "common/base/utf8.h"

namespace redoubt::measure {
namespace {

constexpr std::size_t kMaxFiles = 1024;
constexpr std::string_view kPreload = "/etc/ld.so.preload";
constexpr std::string_view kType = "redoubt/program/1";
const std::vector<std::string> kDefaultFolders{"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib", "/usr/lib"};

bool absolute(const std::string& path) { return path.starts_with('/'); }
// Both of an absolute path that names a file.
std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }
std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

// run_path_folders: DT_RUNPATH with $ORIGIN replaced by the folder of the object that has it.
Result<std::vector<std::string>> run_path_folders(const std::string& runpath, const std::string& object) {
  std::vector<std::string> folders;
  for (std::size_t begin = 0; begin <= runpath.size();) {
    const std::size_t end = std::min(runpath.find(':', begin), runpath.size());
    std::string folder = runpath.substr(begin, end - begin);
    begin = end + 1;
    for (const std::string_view token : {"${ORIGIN}", "$ORIGIN"}) {
      if (folder.starts_with(token)) folder = folder_of(object) + folder.substr(token.size());
    }
    if (!folder.starts_with('/') || folder.find('$') != std::string::npos) {
      return Error(Code::refused, object + ": run path `" + folder + "` depends on more than $ORIGIN");
    }
    folders.push_back(std::move(folder));
  }
  return folders;
}

// Resolver: walks the files as the loader does, breadth first, one program (with its namespace of names) at a time.
class Resolver {
 public:
  explicit Resolver(const ProgramFiles& source) : source_(source) {}

  // add measures `path` under `name`; an ELF file brings its interpreter and libraries.
  Status add_root(const std::string& path) {
    names_.clear();  // another process, or another order of loading
    REDOUBT_CHECK(add(path, name_of(path)));
    while (!open_.empty()) {
      const Object object = std::move(open_.front());
      open_.pop_front();
      if (!object.elf.interpreter.empty()) {
        const std::string& interpreter = object.elf.interpreter;
        if (!absolute(interpreter)) return Error(Code::refused, object.path + ": relative interpreter");
        REDOUBT_CHECK(add(interpreter, name_of(interpreter)));
      }
      for (const std::string& name : object.elf.needed) {
        if (names_.contains(name)) continue;
        REDOUBT_TRY(const std::string found, find(name, object));
        REDOUBT_CHECK(add(found, name));
      }
    }
    return {};
  }

  std::map<std::string, ManifestFile> files;
  std::set<std::string> paths;

 private:
  struct Object {
    std::string path;  // as found: $ORIGIN is its folder
    ElfFile elf;
  };

  Status add(const std::string& path, const std::string& name) {
    names_.insert(name);
    if (paths.size() >= kMaxFiles) return Error(Code::refused, "a program of more than " + std::to_string(kMaxFiles) + " files");
    REDOUBT_TRY(const Bytes bytes, source_.read(path));
    if (bytes.empty()) return Error(Code::malformed, path + ": an empty file");
    const ManifestFile file{name, crypto::sha256(bytes), bytes.size()};
    const auto [at, is_new] = files.emplace(name, file);
    if (!is_new && at->second != file) {
      return Error(Code::refused, "two different files are named " + name + ", one of them " + path);
    }
    REDOUBT_TRY(std::string real, source_.canonical(path));
    paths.insert(std::move(real));
    if (!looks_like_elf(bytes)) return {};
    auto elf = parse_elf(bytes).context(path);
    if (!elf.ok()) return elf.error();
    if (elf->has_rpath) return Error(Code::refused, path + ": has DT_RPATH; link with --enable-new-dtags");
    if (elf->has_filters) return Error(Code::refused, path + ": loads filters or auditors");
    if (machine_ != 0 && elf->machine != machine_) return Error(Code::refused, path + ": of another machine");
    machine_ = elf->machine;
    if (!elf->soname.empty()) names_.insert(elf->soname);
    open_.push_back({path, std::move(elf).value()});
    return {};
  }

  Result<std::string> find(const std::string& name, const Object& object) const {
    if (name.find('/') != std::string::npos) {
      return Error(Code::refused, object.path + ": needs the path " + name + ", expected a name");
    }
    std::vector<std::string> folders;
    if (!object.elf.runpath.empty()) {
      REDOUBT_TRY(folders, run_path_folders(object.elf.runpath, object.path));
    }
    folders.insert(folders.end(), kDefaultFolders.begin(), kDefaultFolders.end());
    for (const std::string& folder : folders) {
      for (const char* level : {"x86-64-v2", "x86-64-v3", "x86-64-v4"}) {
        if (source_.exists(folder + "/glibc-hwcaps/" + level + "/" + name)) {
          return Error(Code::refused, name + ": the loader would choose among variants in " + folder + "/glibc-hwcaps");
        }
      }
      if (std::string path = folder + "/" + name; source_.exists(path)) return path;
    }
    return Error(Code::not_found, "library " + name + ", which " + object.path + " needs");
  }

  const ProgramFiles& source_;
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

json::Array list_of(const std::vector<ManifestFile>& files) {
  json::Array list;
  for (const ManifestFile& file : files) {
    list.emplace_back(json::Object{
        {"path", file.path}, {"sha256", file.sha256.hex()}, {"size", static_cast<std::int64_t>(file.size)}});
  }
  return list;
}

}  // namespace

std::string ProgramManifest::canonical() const {
  return json::canonical(json::Object{
      {"args", strings(arguments)}, {"env", strings(environment)}, {"files", list_of(files)}, {"type", kType}});
}

json::Value ProgramManifest::reference(std::string_view name) const {
  return json::Object{{"files", list_of(files)}, {"manifest", digest().hex()}, {"name", name}};
}

appraise::ProgramDigest ProgramManifest::digest() const {
  return crypto::digest_of<appraise::ProgramDigest>(kType, as_bytes(canonical()));
}

Result<MeasuredProgram> measure_program(const ProgramSpec& spec, const ProgramFiles& files) {
  REDOUBT_CHECK(check_text(spec.arguments, "arguments"));
  REDOUBT_CHECK(check_environment(spec.environment));
  if (files.exists(std::string(kPreload))) {
    const auto preload = files.read(std::string(kPreload));
    if (!preload.ok() || !preload->empty()) {
      return Error(Code::refused, std::string(kPreload) + " would add libraries to every program");
    }
  }
  Resolver resolver(files);
  for (const auto& list : {std::vector<std::string>{spec.program}, spec.extra}) {
    for (const std::string& path : list) {
      if (!absolute(path)) return Error(Code::usage, path + ": expected an absolute path");
      // The kernel gives the loader the program's own path with links followed; $ORIGIN is that folder.
      REDOUBT_TRY(const std::string real, files.canonical(path));
      REDOUBT_CHECK(resolver.add_root(real).context("measuring " + name_of(path)));
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

}  // namespace redoubt::measure
