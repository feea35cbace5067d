#include "settings.hpp"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>
#include <map>

#include "settings_file.hpp"

namespace chinwagd {

namespace {

constexpr const char* examples = R"(
Examples:
  chinwagd                                   serve on 127.0.0.1:4000
  chinwagd --port 8080 --host 0.0.0.0        serve the network
  CHAT_PORT=8080 chinwagd                    the same port by environment
  chinwagd --config chinwagd.toml            settings from a file
  chinwagd --slow-consumer skip              slow members skip to the newest message
  chinwagd --print-config > chinwagd.toml    a file to start from
  chinwagd upgrade --pid 4711                replace the program, keep the connections

A flag outranks the environment, which outranks the file. SIGTERM drains: every connection is
closed with 1012. Ctrl-C meanwhile ends at once. SIGUSR2 hands all connections to a new process of
the program as it lies on the disk now. Exit codes: 0 drained, 1 no upgrade or standard output is
full, 2 usage, 3 can't serve.)";

std::string flag_of(std::string name) {
  for (char& c : name) c = c == '_' ? '-' : c;
  return "--" + name;
}

// Values that were given, by option name, and where each came from.
using given_values = std::map<std::string, std::string>;

void read_environment(given_values& values) {
  for (const chinwag::option_info& info : chinwag::option_list()) {
    if (const char* value = std::getenv(info.variable)) values[info.name] = value;
  }
}

chinwag::status apply(settings& all, const given_values& values, const std::string& origin) {
  for (const auto& [name, value] : values) {
    const chinwag::status outcome = chinwag::set_option(all.server, name, value);
    if (!outcome) return {outcome.code, origin + ": " + outcome.text};
  }
  return {};
}

// An environment variable is named in messages as its owner knows it.
chinwag::status apply_environment(settings& all) {
  given_values values;
  read_environment(values);
  for (const chinwag::option_info& info : chinwag::option_list()) {
    if (!values.contains(info.name)) continue;
    chinwag::status outcome =
        apply(all, {{info.name, values[info.name]}}, std::string("environment ") + info.variable);
    if (!outcome) return outcome;
  }
  return {};
}

chinwag::status gather(settings& all, const std::string& file, const given_values& flags) {
  if (!file.empty()) {
    const file_values read = read_settings_file(file);
    if (!read.outcome) return read.outcome;
    chinwag::status outcome = apply(all, read.values, "file " + file);
    if (!outcome) return outcome;
  }
  chinwag::status outcome = apply_environment(all);
  if (outcome) outcome = apply(all, flags, "command line");
  if (outcome) outcome = chinwag::validate(all.server);
  return outcome;
}

void add_option_flags(CLI::App& cli, given_values& flags) {
  for (const chinwag::option_info& info : chinwag::option_list()) {
    const std::string help = std::string(info.help) + " (" + info.variable + ", default " +
                             chinwag::get_option({}, info.name) + ")";
    const std::string name = info.name;
    if (name == "echo") {
      cli.add_flag_callback("--echo", [&flags] { flags["echo"] = "true"; }, help);
      continue;
    }
    cli.add_option_function<std::string>(
           flag_of(name), [&flags, name](const std::string& value) { flags[name] = value; }, help)
        ->type_name("");
  }
}

}  // namespace

settings_or_exit read_settings(int count, char** arguments) {
  CLI::App cli{"chinwagd: a chat/1 server", "chinwagd"};
  settings all;
  given_values flags;
  std::string file;
  const char* file_variable = std::getenv("CHINWAGD_CONFIG");
  if (file_variable != nullptr) file = file_variable;
  cli.add_option("--config", file, "TOML file with settings (CHINWAGD_CONFIG)")->type_name("");
  add_option_flags(cli, flags);
  cli.add_option("--backplane", all.backplane,
                 "redis://[[user:]password@]host[:port]: be a node of a cluster whose nodes share "
                 "rooms and users (CHAT_BACKPLANE)")
      ->envname("CHAT_BACKPLANE")
      ->type_name("");
  cli.add_option("--drain-timeout-ms", all.drain_timeout_ms, "time that a drain may take")
      ->capture_default_str()
      ->check(CLI::Range(1, 3'600'000))
      ->type_name("");
  cli.add_option("--log-level", all.log_level, "info, warning or off")
      ->capture_default_str()
      ->check(CLI::IsMember({"info", "warning", "off"}))
      ->type_name("");
  cli.add_flag("--print-config", all.print_config, "print the settings as TOML and exit");
  CLI::App* const upgrade =
      cli.add_subcommand("upgrade", "have a running server hand its connections to a new process");
  upgrade->add_option("--pid", all.upgrade_of, "the server's process, as /health tells it")
      ->required()
      ->check(CLI::PositiveNumber)
      ->type_name("");
  cli.set_version_flag("--version", std::string("chinwagd ") + CHINWAG_VERSION);
  cli.footer(examples);
  try {
    cli.parse(count, arguments);
  } catch (const CLI::ParseError& problem) {
    return {std::nullopt, cli.exit(problem) == 0 ? 0 : 2};
  }
  const chinwag::status outcome = gather(all, file, flags);
  if (outcome) return {all, 0};
  std::cerr << "chinwagd: " << outcome.text << "\n";
  return {std::nullopt, 2};
}

}  // namespace chinwagd
