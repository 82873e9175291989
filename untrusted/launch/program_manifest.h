// ProgramManifest: what runs when a program is started here, as one document with one digest.
//
// The operator's zone. The manifest lists every file that is mapped executable: the program, its ELF interpreter, the shared
// libraries that the loader finds (and theirs), and files that the caller names because they are opened later (an engine
// process, modules for dlopen), with fixed arguments and environment. Paths are base names, so that two clones, or a build
// tree and an installed one, give equal digests. Files are read once, before the program starts; check_mapped compares
// afterwards. Form and reasons: docs/specs/launch.md. Loader rules: ld.so(8), of which whatever depends on the machine
// (LD_* variables, /etc/ld.so.preload, RPATH, hardware capability folders) is refused.
#pragma once

#include <sys/types.h>

#include <filesystem>

#include "common/attest/appraise/policy.h"
#include "common/base/json.h"

namespace redoubt::launch {

struct ProgramSpec {
  std::filesystem::path program;          // absolute
  std::vector<std::string> arguments;     // the fixed ones; others are not measured, and the program must distrust them
  std::vector<std::string> environment;   // NAME=VALUE, all of it
  std::vector<std::filesystem::path> extra;  // absolute; ELF files bring their own libraries
};

struct ManifestFile {
  std::string path;  // base name, or the name under which the loader looked for it
  crypto::Sha256Digest sha256;
  std::uint64_t size = 0;  // bytes
  friend auto operator<=>(const ManifestFile&, const ManifestFile&) = default;
};

struct ProgramManifest {
  std::vector<ManifestFile> files;       // sorted by path, each path once
  std::vector<std::string> arguments;
  std::vector<std::string> environment;  // sorted

  // canonical: RFC 8785 JSON {"args", "env", "files": [{"path", "sha256", "size"}], "type": "redoubt/program/1"}.
  std::string canonical() const;
  appraise::ProgramDigest digest() const;
};

// MeasuredProgram: a manifest, and the files on this machine that it speaks of (canonical paths, sorted).
struct MeasuredProgram {
  ProgramManifest manifest;
  std::vector<std::filesystem::path> files;
};

// measure_program reads the files. `not_found`: a file or library is not there; `malformed`: not an ELF file that it can
// read, or text that is not UTF-8; `refused`: the loader could choose another file than the one measured, two different files
// have one name, or there are more than 1024 files or 1 GiB in one.
Result<MeasuredProgram> measure_program(const ProgramSpec& spec);

// check_mapped: every file that process `pid` maps executable now is one of `files`, or `measurement`, naming the file.
// `not_found` when there is no such process. It sees what is mapped at this moment, nothing later.
Status check_mapped(pid_t pid, const std::vector<std::filesystem::path>& files);

}  // namespace redoubt::launch
