// reference: what the command line says of itself, for docs/cli.md and for the man page. Both come from the parser that reads the
// arguments, so neither can lag behind it. Pure formatting; writes to the stream it is given.
#pragma once

#include <CLI/CLI.hpp>
#include <iosfwd>
#include <string>
#include <string_view>

namespace redoubt::cli {

extern const std::string_view kExitCodes;

// command_path: "redoubt dataset put".
std::string command_path(const CLI::App* command);
// help_of: the help of exactly this command, whichever one was called.
std::string help_of(const CLI::App* command);

// write_reference: Markdown, docs/cli.md.
void write_reference(const CLI::App& app, std::ostream& out);
// write_man_page: man(7), section 1.
void write_man_page(const CLI::App& app, std::string_view version, std::ostream& out);

}  // namespace redoubt::cli
