#include "client/cli/reference.h"

#include <ostream>

namespace redoubt::cli {
namespace {

constexpr std::string_view kFailures =
    "A failure prints `error: ...` and `next: ...` on standard error. Environment: `XDG_CONFIG_HOME` (keys and contexts), `XDG_STATE_HOME`\n"
    "(collateral), `NO_COLOR`.\n"
    "Options of `redoubt` itself may stand anywhere.";

// every: calls `use` with each command that is not hidden: verbs, and nouns that have none.
template <class Use>
void every(const CLI::App& app, Use&& use) {
  const auto all = [](const CLI::App*) { return true; };
  for (const CLI::App* noun : app.get_subcommands(all)) {
    const auto verbs = noun->get_subcommands(all);
    if (verbs.empty() && !noun->get_group().empty()) use(noun);
    for (const CLI::App* verb : verbs) {
      if (!verb->get_group().empty()) use(verb);
    }
  }
}

// roff: text as man(7) wants it: no line is taken for a request, no hyphen for a dash.
std::string roff(std::string_view text) {
  std::string out;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else {
      out += c == '-' ? "\\-" : std::string(1, c);
    }
    line_begins = c == '\n';
  }
  return out;
}

void preformatted(std::ostream& out, const std::string& text) {
  out << ".nf\n" << roff(text) << (text.ends_with('\n') ? "" : "\n") << ".fi\n";
}

}  // namespace

const std::string_view kExitCodes =
    "Exit codes: 0 ok, 1 internal, 2 usage, 3 not found, 4 auth, 5 refused by rule, 6 unavailable, 10 malformed, 11 chain, 12 TCB,\n"
    "13 measurement, 14 freshness, 15 binding, 16 policy, 17 log proof, 20 partial, 69 missing dependency.";

std::string command_path(const CLI::App* command) {
  return command->get_parent() == nullptr ? command->get_name() : command_path(command->get_parent()) + " " + command->get_name();
}

std::string help_of(const CLI::App* command) {
  // App::help() would answer for the subcommand that was called, if there is one.
  return command->get_formatter()->make_help(command, command_path(command), CLI::AppFormatMode::Normal);
}

void write_reference(const CLI::App& app, std::ostream& out) {
  out << "# The command line\n\nWritten by `redoubt reference`; a test compares this page with the program.\n\n" << kExitCodes << "\n\n";
  out << kFailures << "\n\n## redoubt\n\n```\n" << help_of(&app) << "```\n";
  every(app, [&](const CLI::App* command) {
    out << "\n## " << command_path(command) << "\n\n```\n" << help_of(command) << "```\n";
  });
}

void write_man_page(const CLI::App& app, std::string_view version, std::ostream& out) {
  out << ".TH REDOUBT 1 \"\" \"redoubt " << roff(version) << "\" \"User Commands\"\n";
  out << ".SH NAME\nredoubt \\- compute together on data that nobody hands over\n";
  out << ".SH SYNOPSIS\n.B redoubt\n.I NOUN VERB\n[\\fIOPTIONS\\fR]\n.SH DESCRIPTION\n";
  preformatted(out, help_of(&app));
  out << ".SH COMMANDS\n";
  every(app, [&](const CLI::App* command) {
    out << ".SS " << roff(command_path(command)) << '\n';
    preformatted(out, help_of(command));
  });
  out << ".SH DIAGNOSTICS\n";
  preformatted(out, std::string(kFailures));
  out << ".SH EXIT STATUS\n";
  preformatted(out, std::string(kExitCodes));
  out << ".SH SEE ALSO\n.BR redoubt\\-hub (1),\n.BR redoubt\\-cleanroom (1)\n";
}

}  // namespace redoubt::cli
