#include "client/cli/progress.h"

#include <ostream>
#include <string_view>

namespace redoubt::cli {

Progress::~Progress() { wipe(); }

void Progress::wipe() {
  if (drawn_) err_ << "\r\x1b[K" << std::flush;
  drawn_ = false;
}

void Progress::draw(const std::string& text) {
  if (!terminal_) return;
  drawn_ = true;
  err_ << "\r\x1b[K" << label_ << ' ';
  if (color_) err_ << "\x1b[36m";
  err_ << text;
  if (color_) err_ << "\x1b[0m";
  err_ << std::flush;
}

void Progress::bar(std::uint64_t done, std::uint64_t total, const std::string& unit) {
  constexpr std::uint64_t cells = 30;
  const std::uint64_t part = total == 0 ? 1 : total;
  const std::uint64_t filled = done >= part ? cells : done * cells / part;
  const std::uint64_t percent = done >= part ? 100 : done * 100 / part;
  draw("[" + std::string(filled, '#') + std::string(cells - filled, '.') + "] " + std::to_string(percent) + "% of " +
       std::to_string(total) + " " + unit);
}

void Progress::spin(const std::string& state) {
  constexpr std::string_view wheel = "|/-\\";
  draw(std::string(1, wheel[turn_++ % wheel.size()]) + " " + state);
}

}  // namespace redoubt::cli
