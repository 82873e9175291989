// ProgramManifest: what runs when a program is started, as one document with one digest.
//
// The manifest lists every file that is mapped executable: the program, its ELF interpreter, the shared libraries that the
// loader finds (and theirs), and files that the caller names because they are opened later (an engine process, modules for
// dlopen), with fixed arguments and environment. Paths are base names, so that two clones, or a build tree and an installed
// one, give equal digests. Both sides use it: the launcher before it starts a program, and a participant over a build of its
// own, whose digest is a Reference Value that nobody else had a hand in. Distrusts every file. No I/O: files come through
// ProgramFiles. Form and reasons: docs/specs/launch.md. Loader rules: ld.so(8), of which whatever depends on the machine
// (LD_* variables, /etc/ld.so.preload, RPATH, hardware capability folders) is refused.
#pragma once

#include <string>
#include <vector>

#include "common/attest/appraise/policy.h"
#include "common/base/json.h"

namespace redoubt::measure {

// ProgramFiles: the files of the machine where the program would run, as an interface. Answers may change between calls;
// whoever implements it reads each file once and whole. Paths are absolute.
class ProgramFiles {
 public:
  static constexpr std::size_t kMaxFileSize = std::size_t{1} << 30;

  virtual ~ProgramFiles() = default;
  // exists: something is there, links followed.
  virtual bool exists(const std::string& path) const = 0;
  // canonical: the path with links followed; `not_found` when there is nothing.
  virtual Result<std::string> canonical(const std::string& path) const = 0;
  // read: all of a regular file of at most kMaxFileSize bytes; `not_found`, `malformed` or `refused` otherwise.
  virtual Result<Bytes> read(const std::string& path) const = 0;
};

struct ProgramSpec {
  std::string program;          // absolute
  std::vector<std::string> arguments;     // the fixed ones; others are not measured, and the program must distrust them
  std::vector<std::string> environment;   // NAME=VALUE, all of it
  std::vector<std::string> extra;  // absolute; ELF files bring their own libraries
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
  // reference is for people and for `environment create`: JSON {"files", "manifest": the digest, "name"}.
  json::Value reference(std::string_view name) const;
};

// MeasuredProgram: a manifest, and the files on this machine that it speaks of (canonical paths, sorted).
struct MeasuredProgram {
  ProgramManifest manifest;
  std::vector<std::string> files;
};

// measure_program reads the files. `not_found`: a file or library is not there; `malformed`: not an ELF file that it can
// read, or text that is not UTF-8; `refused`: the loader could choose another file than the one measured, two different files
// have one name, or there are more than 1024 files; otherwise the errors of `files`.
Result<MeasuredProgram> measure_program(const ProgramSpec& spec, const ProgramFiles& files);

}  // namespace redoubt::measure
