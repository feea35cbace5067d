#include "control.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "command_input.hpp"
#include "failure.hpp"
#include "hdr_log.hpp"
#include "json_text.hpp"
#include "limits.hpp"
#include "output_place.hpp"

namespace chinwag::load {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr double seconds_max = 86'400;
constexpr double seconds_since_boot_max = 1e9;
constexpr double connections_max = 1'000'000;
constexpr double parse_every_max = 1'000;

void tell(const ordered_json& event) {
  print(json_text(event) + '\n');
}

// A command's fields, with defaults; a field of the wrong type is the caller's mistake.
class command {
 public:
  explicit command(const std::string& line) : fields_(json::parse(line, nullptr, false)) {
    if (!fields_.is_object()) {
      throw failure(exit_code::usage, "a command must be a JSON object on one line, not: " + line);
    }
  }

  template <typename value>
  value get(const char* key) const {
    if (!fields_.contains(key)) {
      throw failure(exit_code::usage,
                    std::string("\"") + key + "\" is missing in the command " + json_text(fields_));
    }
    return read<value>(key);
  }

  template <typename value>
  value get(const char* key, value otherwise) const {
    return fields_.contains(key) && !fields_[key].is_null() ? read<value>(key) : otherwise;
  }

  // A number within limits; `otherwise` when it is not given.
  double number(const char* key, double lowest, double highest, double otherwise) const {
    const double value = get<double>(key, otherwise);
    if (!(value >= lowest && value <= highest)) {
      throw failure(exit_code::usage, '"' + std::string(key) + "\" is " + plain_number(value) +
                                          "; allowed: " + plain_number(lowest) + " to " +
                                          plain_number(highest));
    }
    return value;
  }

 private:
  template <typename value>
  value read(const char* key) const {
    try {
      return fields_[key].get<value>();
    } catch (const json::exception&) {
      throw failure(exit_code::usage, std::string("\"") + key + "\" has the wrong type in the " +
                                          "command " + json_text(fields_));
    }
  }

  json fields_;
};

class stopwatch {
 public:
  double seconds() const { return ns_to_seconds(monotonic_ns() - start_ns_); }

 private:
  std::int64_t start_ns_ = monotonic_ns();
};

// What happened beside a command's own result since the last one.
void tell_incidents(crowd& crowd) {
  if (crowd.lost > 0) {
    tell({{"event", "lost"},
          {"connections", std::exchange(crowd.lost, 0)},
          {"open", crowd.connections.open_count()}});
  }
  if (crowd.late_deliveries > 0) {
    tell({{"event", "late"}, {"deliveries", std::exchange(crowd.late_deliveries, 0)}});
  }
  if (!crowd.errors.empty()) {
    tell({{"event", "server_errors"}, {"codes", std::exchange(crowd.errors, {})}});
  }
}

void tell_joined(generator& generator) {
  const stopwatch watch;
  const std::uint32_t joined = generator.join();
  tell_incidents(generator.crowd());
  tell({{"event", "joined"}, {"connections", joined}, {"seconds", watch.seconds()}});
}

void obey_connect(generator& generator, const command& command, std::uint32_t connections) {
  const stopwatch watch;
  const auto total = command.number("connections", 1, connections_max, connections);
  const connect_result result = generator.connect(static_cast<std::uint32_t>(total));
  if (command.get<bool>("join", false)) {
    generator.join();
  }
  tell_incidents(generator.crowd());
  ordered_json event{{"event", "connected"},
                     {"connections", generator.crowd().connections.open_count()},
                     {"refused", result.refused},
                     {"seconds", watch.seconds()}};
  if (result.refused > 0) {
    event["reason"] = result.reason;
  }
  tell(event);
}

hold_request read_hold(const command& command, const hold_request& defaults) {
  hold_request request = defaults;
  request.messages_per_s = command.get<double>("rate");
  check_rate(request.messages_per_s, "\"rate\", messages a second,");
  request.warmup_s = command.number("warmup_s", 0, seconds_max, request.warmup_s);
  request.hold_s = command.number("hold_s", 0.001, seconds_max, request.hold_s);
  request.drain_s = command.number("drain_s", 0, seconds_max, request.drain_s);
  request.start_s = command.number("start_s", 0, seconds_since_boot_max, request.start_s);
  request.parse_every = static_cast<std::uint32_t>(
      command.number("parse_every", 0, parse_every_max, request.parse_every));
  request.hdr_path = command.get<std::string>("hdr", "");
  request.label = command.get<std::string>("label", request.label);
  return request;
}

void tell_moment(const char* name) {
  tell({{"event", name}, {"monotonic_s", ns_to_seconds(monotonic_ns())}});
}

void obey_hold(generator& generator, const command& command, const hold_request& defaults) {
  const hold_request request = read_hold(command, defaults);
  const hold_result result = generator.hold(
      request, {[] { tell_moment("hold_started"); }, [] { tell_moment("hold_ended"); }});
  tell_incidents(generator.crowd());
  ordered_json event{{"event", "hold"}, {"label", request.label}, {"hold", to_json(result)}};
  if (command.get<bool>("parts", false)) {
    event["parts"] = parts_json(result);
  }
  tell(event);
  generator.log(request, result);
}

void obey_rest(generator& generator, const command& command) {
  generator.rest(command.number("seconds", 0, seconds_max, 1));
  tell_incidents(generator.crowd());
  tell({{"event", "rested"}});
}

void obey_storm(generator& generator, const command& command) {
  constexpr double otherwise_s = 30;
  const double timeout_s = command.number("timeout_s", 0.001, seconds_max, otherwise_s);
  const storm_result result = generator.storm(timeout_s);
  tell_incidents(generator.crowd());
  ordered_json event{{"event", "storm"}, {"begin_s", result.begin_s}, {"storm", to_json(result)}};
  if (command.get<bool>("parts", false)) {
    event["parts"] = {{"rejoin_hdr", encode_hdr(result.rejoin)}};
  }
  tell(event);
}

fault_form form_of(const std::string& name) {
  if (name != "type" && name != "content") {
    throw failure(exit_code::usage, "\"form\" is \"" + name + "\"; allowed: type, content");
  }
  return name == "type" ? fault_form::type : fault_form::content;
}

// From "until_told" on, the next line is the driver's word that what it does is over.
void hear_of_the_end(command_input& input, watch_plan& plan) {
  if (input.begin_listening()) {
    plan.is_told = [&input] { return input.has_come(); };
  }
}

void expect_over(command_input& input) {
  const auto line = input.next();
  if (line && command(*line).get<std::string>("do") != "over") {
    throw failure(exit_code::usage,
                  "behind a watch with \"until_told\" the next command is \"over\", not: " + *line);
  }
}

watch_plan read_watch(const command& command) {
  constexpr double retry_otherwise_s = 0.01;
  constexpr double settle_otherwise_s = 0.5;
  constexpr double question_otherwise_s = 0.05;
  watch_plan plan{};
  plan.messages_per_s = command.get<double>("rate");
  check_rate(plan.messages_per_s, "\"rate\", messages a second,");
  plan.seconds_max = command.number("seconds", 0.001, seconds_max, 10);
  plan.fault_s = command.number("fault_s", 0, plan.seconds_max, 0);
  plan.victim = static_cast<std::uint32_t>(command.number("victim", 0, connections_max, 0));
  plan.fault = command.get<std::string>("fault", "");
  plan.fault_ms = static_cast<std::uint32_t>(command.number("fault_ms", 0, seconds_max * 1'000, 0));
  plan.fault_times = static_cast<std::uint32_t>(command.number("fault_times", 1, 1'000, 1));
  plan.fault_every_s = command.number("fault_every_s", 0, plan.seconds_max, 0);
  plan.form = form_of(command.get<std::string>("form", "type"));
  plan.retry_s = command.number("retry_s", 0.0001, seconds_max, retry_otherwise_s);
  plan.settle_s = command.number("settle_s", 0, seconds_max, settle_otherwise_s);
  plan.drain_s = command.number("drain_s", 0, seconds_max, 0);
  plan.question = command.get<std::string>("question", "");
  plan.question_s = command.number("question_s", 0.001, seconds_max, question_otherwise_s);
  plan.build = command.get<std::string>("build", "");
  plan.on_begin = [](std::int64_t begin_ns) {
    tell({{"event", "watch_started"}, {"begin_s", ns_to_seconds(begin_ns)}});
  };
  return plan;
}

void obey_watch(generator& generator, const command& command, command_input& input) {
  watch_plan plan = read_watch(command);
  const bool until_told = command.get<bool>("until_told", false);
  if (until_told) {
    hear_of_the_end(input, plan);
  }
  const watch_report report = generator.watch(std::move(plan), command.get<std::string>("log"));
  if (until_told) {
    expect_over(input);
  }
  tell_incidents(generator.crowd());
  ordered_json event{{"event", "watched"},
                     {"events", report.events},
                     {"open", generator.crowd().connections.open_count()}};
  if (!report.builds.empty()) {
    event["builds"] = report.builds;
  }
  tell(event);
}

void obey_disconnect(generator& generator, const command& command) {
  const double total = command.number("connections", 0, connections_max, 0);
  const std::uint32_t open = generator.disconnect(static_cast<std::uint32_t>(total));
  tell({{"event", "disconnected"}, {"connections", open}});
}

}  // namespace

void obey(generator& generator, std::uint32_t connections, const hold_request& defaults) {
  command_input input(generator.crowd());
  while (const auto line = input.next()) {
    const command command(*line);
    const auto what = command.get<std::string>("do");
    if (what == "connect") {
      obey_connect(generator, command, connections);
    } else if (what == "join") {
      tell_joined(generator);
    } else if (what == "hold") {
      obey_hold(generator, command, defaults);
    } else if (what == "rest") {
      obey_rest(generator, command);
    } else if (what == "storm") {
      obey_storm(generator, command);
    } else if (what == "disconnect") {
      obey_disconnect(generator, command);
    } else if (what == "watch") {
      obey_watch(generator, command, input);
    } else if (what == "quit") {
      return;
    } else {
      throw failure(exit_code::usage, "\"do\": \"" + what +
                                          "\" is not known; allowed: connect, disconnect, join, "
                                          "hold, rest, storm, watch, quit");
    }
  }
}

void tell_error(exit_code code, const std::string& message) {
  tell({{"event", "error"}, {"code", static_cast<int>(code)}, {"message", message}});
}

}  // namespace chinwag::load
