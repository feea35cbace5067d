#include <exception>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "control.hpp"
#include "failure.hpp"
#include "generator.hpp"
#include "options.hpp"
#include "profile.hpp"
#include "summary.hpp"

namespace chinwag::load {
namespace {

void write_output(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  if (!file) {
    throw failure(exit_code::environment,
                  path + ": the result can't be written: check folder and space");
  }
}

void print_notes(const crowd& crowd) {
  if (crowd.late_deliveries > 0) {
    std::cerr << "chinwag-load: " << crowd.late_deliveries
              << " deliveries came outside of their hold\n";
  }
  for (const auto& [code, count] : crowd.errors) {
    std::cerr << "chinwag-load: the server answered " << count << " times with error " << code
              << '\n';
  }
  if (crowd.connections.open_count() == 0) {
    std::cerr << "chinwag-load: lost: every connection ended; the server is gone\n";
  }
}

void print_refusals(const connect_result& connected) {
  if (connected.refused > 0) {
    std::cerr << "chinwag-load: " << connected.refused << " connections were refused ("
              << connected.reason << ")\n";
  }
}

void print_result(const options& options, const std::string& summary, const std::string& json) {
  std::cout << (options.json ? json : summary) << std::flush;
  if (!options.output.empty()) {
    write_output(options.output, json);
  }
}

exit_code run_storm(generator& generator, const options& options, const profile& profile) {
  const connect_result connected = generator.connect(profile.connections);
  generator.join();
  const storm_result result = generator.storm(profile.storm_timeout_s);
  print_result(options, summary_of(result), to_json(result).dump(2) + "\n");
  print_refusals(connected);
  print_notes(generator.crowd());
  return result.refused == 0 && connected.refused == 0 ? exit_code::ok : exit_code::shortfall;
}

exit_code run_once(generator& generator, const options& options, const profile& profile) {
  hold_request request = options.hold;
  if (request.messages_per_s == 0) {
    request.messages_per_s = profile.messages_per_s_per_connection * profile.connections;
  }
  const connect_result connected = generator.connect(profile.connections);
  generator.join();
  const hold_result result = generator.hold(request, {});
  print_result(options, summary_of(result), to_json(result).dump(2) + "\n");
  print_refusals(connected);
  print_notes(generator.crowd());
  return result.is_sound() && connected.refused == 0 ? exit_code::ok : exit_code::shortfall;
}

exit_code run(const options& options) {
  profile profile = read_profile(options.profile);
  profile.connections = options.connections.value_or(profile.connections);
  generator generator(options.generator, profile);
  if (options.control) {
    hold_request defaults;
    defaults.parse_every = options.hold.parse_every;
    obey(generator, profile.connections, defaults);
    return exit_code::ok;
  }
  return profile.storm_timeout_s > 0 ? run_storm(generator, options, profile)
                                     : run_once(generator, options, profile);
}

exit_code complain(const options& options, exit_code code, const std::string& text) {
  if (options.control) {
    tell_error(text);
  }
  std::cerr << "chinwag-load: " << text << '\n';
  return code;
}

exit_code guarded_run(const options& options) {
  try {
    return run(options);
  } catch (const failure& error) {
    return complain(options, error.code(), error.what());
  } catch (const std::exception& error) {
    return complain(options, exit_code::internal, error.what());
  }
}

}  // namespace
}  // namespace chinwag::load

int main(int argc, char** argv) {
  using namespace chinwag::load;
  options options;
  if (const auto code = read_options(argc, argv, options)) {
    return *code;
  }
  return static_cast<int>(guarded_run(options));
}
