// Progress: one line on a terminal that shows how far an upload or a wait has come; nothing at all where there is no terminal.
// Colour only where it is wanted. One at a time; the line is wiped when the object goes.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

namespace redoubt::cli {

class Progress {
 public:
  Progress(std::ostream& err, bool terminal, bool color, std::string label)
      : err_(err), terminal_(terminal), color_(color), label_(std::move(label)) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();

  // bar: `done` of `total` bytes, or whatever `unit` says. spin: still waiting; `state` says for what. wipe: nothing, until the next call.
  void bar(std::uint64_t done, std::uint64_t total, const std::string& unit = "bytes");
  void spin(const std::string& state);
  void wipe();

 private:
  void draw(const std::string& text);

  std::ostream& err_;
  bool terminal_;
  bool color_;
  std::string label_;
  unsigned turn_ = 0;
  bool drawn_ = false;
};

}  // namespace redoubt::cli
