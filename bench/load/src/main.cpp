#include <unistd.h>

#include <csignal>
#include <exception>
#include <functional>
#include <initializer_list>
#include <iostream>
#include <string_view>

#include "control.hpp"
#include "failure.hpp"
#include "generator.hpp"
#include "json_text.hpp"
#include "limits.hpp"
#include "options.hpp"
#include "output_place.hpp"
#include "profile.hpp"
#include "summary.hpp"

namespace chinwag::load {
namespace {

// Only that nobody waits for a result: then the signal does what it does by default.
extern "C" void say_interrupted(int signal) {
  constexpr std::string_view text = "chinwag-load: interrupted: there is no result\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
  raise(signal);
}

void watch_for_interruption() {
  struct sigaction before {};
  sigaction(SIGINT, nullptr, &before);
  if (before.sa_handler == SIG_IGN) {
    return;  // started in a shell's background
  }
  struct sigaction action {};
  action.sa_handler = say_interrupted;
  action.sa_flags = SA_RESETHAND | SA_NODEFER;
  sigaction(SIGINT, &action, nullptr);
}

// A result is minutes of work: what can't take it is told before.
void check_outputs(const options& options) {
  if (!options.output.empty()) {
    check_writable(options.output, "the result");
  }
  if (!options.hold.hdr_path.empty()) {
    check_writable(options.hold.hdr_path, "the histogram log");
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

// Each place gets the result, whatever became of the others; then the first fault is thrown.
void in_any_case(std::initializer_list<std::function<void()>> steps) {
  std::exception_ptr fault;
  for (const auto& step : steps) {
    try {
      step();
    } catch (...) {
      fault = fault ? fault : std::current_exception();
    }
  }
  if (fault) {
    std::rethrow_exception(fault);
  }
}

void give_result(const options& options, const std::string& summary, const std::string& json,
                 const std::function<void()>& write_log) {
  const auto write_output = [&] {
    if (!options.output.empty()) {
      write_file(options.output, json);
    }
  };
  in_any_case({[&] { print(options.json ? json : summary); }, write_output, write_log});
}

exit_code run_storm(generator& generator, const options& options, const profile& profile) {
  const connect_result connected = generator.connect(profile.connections);
  generator.join();
  const storm_result result = generator.storm(profile.storm_timeout_s);
  give_result(options, summary_of(result), json_text(to_json(result), 2) + "\n", [] {});
  print_refusals(connected);
  print_notes(generator.crowd());
  return result.refused == 0 && connected.refused == 0 ? exit_code::ok : exit_code::shortfall;
}

exit_code run_once(generator& generator, const options& options, const profile& profile) {
  hold_request request = options.hold;
  if (request.messages_per_s == 0) {
    request.messages_per_s = profile.messages_per_s_per_connection * profile.connections;
    check_rate(request.messages_per_s, profile.name + ": messages of all connections a second");
  }
  const connect_result connected = generator.connect(profile.connections);
  generator.join();
  const hold_result result = generator.hold(request, {});
  give_result(options, summary_of(result), json_text(to_json(result), 2) + "\n",
              [&] { generator.log(request, result); });
  print_refusals(connected);
  print_notes(generator.crowd());
  if (result.sent == 0) {
    std::cerr << "chinwag-load: nothing was sent in the window: raise --rate or --seconds\n";
    return exit_code::shortfall;
  }
  return result.is_sound() && connected.refused == 0 ? exit_code::ok : exit_code::shortfall;
}

exit_code run(const options& options) {
  profile profile = read_profile(options.profile);
  profile.connections = options.connections.value_or(profile.connections);
  check_outputs(options);
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
    try {
      tell_error(code, text);
    } catch (const failure&) {  // Nobody listens any more, which may be the fault itself.
      std::cerr << "chinwag-load: nobody hears its events\n";
    }
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
  occupy_standard_streams();
  options options;
  if (const auto code = read_options(argc, argv, options)) {
    return *code;
  }
  watch_for_interruption();
  return static_cast<int>(guarded_run(options));
}
