#include "options.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <iostream>
#include <map>

#include "failure.hpp"
#include "limits.hpp"

namespace chinwag::load {
namespace {

constexpr const char* description =
    "Loads a chat/1 server at a planned rate and measures every delivery.";

constexpr const char* footer = R"(
Examples:
  chinwag-load --port 4000 --profile bench/load/profiles/article.json --rate 100 --seconds 10
  chinwag-load --profile bench/load/profiles/idle.json --connections 10000 --output idle.json
  chinwag-load --profile bench/load/profiles/article.json --control

The commands of --control are in bench/load/README.md.

Exit codes: 0 delivered in full; 1 deliveries lost, late, twice, out of order or corrupted, or a
connection ended; 2 wrong option, command or profile; 3 server, port or limits; 4 an inner fault;
5 a result that can't be written.)";

constexpr std::size_t name_bytes_max = 40;

const std::map<std::string, protocol> protocol_names{{"websocket", protocol::websocket},
                                                     {"engine.io", protocol::engine_io},
                                                     {"wse", protocol::wse},
                                                     {"centrifugo", protocol::centrifugo},
                                                     {"echo", protocol::echo}};

std::string check_name(const std::string& name) {
  constexpr const char* allowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  if (name.empty() || name.size() > name_bytes_max ||
      name.find_first_not_of(allowed) != std::string::npos) {
    return "must be 1 to 40 of A-Z a-z 0-9 - _";
  }
  return {};
}

std::optional<std::pair<std::string, std::uint16_t>> read_node(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) {
    return std::nullopt;
  }
  std::uint16_t port = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data() + colon + 1, last, port);
  if (error != std::errc() || end != last || port == 0) {
    return std::nullopt;
  }
  return std::pair(text.substr(0, colon), port);
}

std::string check_node(const std::string& text) {
  return read_node(text) ? std::string() : "must be a host and a port: 127.0.0.1:4001";
}

// Not CLI::Range, which takes "nan" for a number within any limits.
CLI::Validator between(double lowest, double highest) {
  const std::string allowed = plain_number(lowest) + " to " + plain_number(highest);
  const auto check = [lowest, highest, allowed](const std::string& text) -> std::string {
    double value = 0;
    const bool is_number = CLI::detail::lexical_cast(text, value);
    return is_number && value >= lowest && value <= highest
               ? std::string()
               : text.substr(0, name_bytes_max) + " is no number from " + allowed;
  };
  return CLI::Validator(check, allowed);
}

// CLI11 takes "-1" for the highest number that there is.
std::string check_seed(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size()
             ? std::string()
             : "must be a whole number from 0 to 18446744073709551615";
}

void add_load_options(CLI::App& app, options& out) {
  app.add_option("--profile", out.profile, "What to send: a file of bench/load/profiles/")
      ->required();
  app.add_option("--connections", out.connections, "Connections, instead of the profile's")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--rate", out.hold.messages_per_s,
                 "Messages a second of all connections, instead of the profile's")
      ->check(between(messages_per_s_min, messages_per_s_max));
  app.add_option("--seconds", out.hold.hold_s, "Measured time")->check(between(0.001, 86'400));
  app.add_option("--warmup", out.hold.warmup_s, "Seconds of load before it")
      ->check(between(0, 86'400));
  app.add_option("--drain", out.hold.drain_s, "Seconds to wait for what is under way after it")
      ->check(between(0, 86'400));
  app.add_option("--check-every", out.generator.check_every,
                 "Compare every n-th delivery whole, not only its head")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--parse-every", out.hold.parse_every,
                 "Parse one in n connections, count the others' bytes; 0: 1 up to 100,000\n"
                 "deliveries a second, then 8")
      ->check(CLI::Range(0, 1'000));
  app.add_option("--seed", out.generator.seed, "Orders the senders")
      ->check(CLI::Validator(check_seed, "UINT64"));
}

void add_server_options(CLI::App& app, options& out) {
  app.add_option("--host", out.generator.host, "Server's IPv4 address or name");
  app.add_option("--port", out.generator.port, "Server's port")->check(CLI::Range(1, 65'535));
  app.add_option_function<std::vector<std::string>>(
         "--also",
         [&out](const std::vector<std::string>& nodes) {
           for (const std::string& node : nodes) {
             out.generator.also.push_back(*read_node(node));
           }
         },
         "HOST:PORT of a further node: connections take turns with all")
      ->check(CLI::Validator(check_node, "HOST:PORT"));
  app.add_option_function<std::string>(
         "--protocol",
         [&out](const std::string& name) { out.generator.protocol = protocol_names.at(name); },
         "How messages travel: as WebSocket text, as Socket.IO events, or back from /echo")
      ->check(CLI::IsMember(protocol_names))
      ->default_str("websocket");
  app.add_option("--sources", out.generator.sources,
                 "Connect from 127.0.0.1 to 127.0.0.N; 0: as many as needed")
      ->check(CLI::Range(0, 250));
  app.add_option("--name", out.generator.name,
                 "Start of user and room names; processes must differ")
      ->check(CLI::Validator(check_name, "NAME"));
  app.add_option("--answer-timeout", out.generator.answer_timeout_s,
                 "Seconds that a connection or a join may go unanswered")
      ->check(between(0.001, 3'600));
}

void add_output_options(CLI::App& app, options& out) {
  auto* control = app.add_flag("--control", out.control, "Obey commands on standard input");
  app.add_flag("--json", out.json, "Print the result as JSON")->excludes(control);
  app.add_option("--output", out.output, "Write the JSON result to this file")->excludes(control);
  app.add_option("--hdr", out.hold.hdr_path, "Append the delays to this HdrHistogram log")
      ->excludes(control);
  app.add_option("--label", out.hold.label, "Tag in that log")
      ->check(CLI::Validator(label_fault, "LABEL"))
      ->excludes(control);
}

}  // namespace

std::optional<int> read_options(int argc, char** argv, options& out) {
  CLI::App app{description, "chinwag-load"};
  app.footer(footer);
  app.option_defaults()->always_capture_default();
  out.generator.name = "load-" + std::to_string(getpid());
  add_server_options(app, out);
  add_load_options(app, out);
  add_output_options(app, out);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool help = app.exit(error) == 0;
    const exit_code shown = std::cout.flush() ? exit_code::ok : exit_code::environment;
    return static_cast<int>(help ? shown : exit_code::usage);
  }
  return std::nullopt;
}

}  // namespace chinwag::load
