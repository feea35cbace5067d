#include <charconv>

#include "simulation.hpp"

namespace simulation {

namespace {

struct habit {
  const char* name;
  std::uint32_t kernel_habits::*of_kernel = nullptr;
  std::uint32_t program_habits::*of_program = nullptr;
};

constexpr habit habits[] = {
    {.name = "kernel.short_receive", .of_kernel = &kernel_habits::short_receive},
    {.name = "kernel.short_send", .of_kernel = &kernel_habits::short_send},
    {.name = "kernel.tiny", .of_kernel = &kernel_habits::tiny},
    {.name = "kernel.interrupted", .of_kernel = &kernel_habits::interrupted},
    {.name = "kernel.no_buffers", .of_kernel = &kernel_habits::no_buffers},
    {.name = "kernel.accept_fails", .of_kernel = &kernel_habits::accept_fails},
    {.name = "kernel.spurious", .of_kernel = &kernel_habits::spurious},
    {.name = "kernel.few_events", .of_kernel = &kernel_habits::few_events},
    {.name = "kernel.reuse_after", .of_kernel = &kernel_habits::reuse_after},
    {.name = "kernel.call_us", .of_kernel = &kernel_habits::call_us},
    {.name = "kernel.kib_us", .of_kernel = &kernel_habits::kib_us},
    {.name = "kernel.lends_from", .of_kernel = &kernel_habits::lends_from},
    {.name = "kernel.lends_little", .of_kernel = &kernel_habits::lends_little},
    {.name = "program.present", .of_program = &program_habits::present},
    {.name = "program.asks_joins", .of_program = &program_habits::asks_joins},
    {.name = "program.asks_messages", .of_program = &program_habits::asks_messages},
    {.name = "program.accept", .of_program = &program_habits::accept},
    {.name = "program.later", .of_program = &program_habits::later},
    {.name = "program.change", .of_program = &program_habits::change},
    {.name = "program.refuse", .of_program = &program_habits::refuse},
    {.name = "program.answer", .of_program = &program_habits::answer},
    {.name = "program.growing", .of_program = &program_habits::growing},
    {.name = "program.publishes", .of_program = &program_habits::publishes},
};

bool set_habit(const std::string& name, std::uint64_t value, setup& made) {
  for (const habit& one : habits) {
    if (name != one.name) continue;
    if (one.of_kernel != nullptr) made.kernel.*one.of_kernel = static_cast<std::uint32_t>(value);
    if (one.of_program != nullptr) made.program.*one.of_program = static_cast<std::uint32_t>(value);
    return true;
  }
  return false;
}

}  // namespace

bool read_setup(const std::map<std::string, std::string>& settings, setup& made,
                std::string& problem) {
  for (const auto& [name, value] : settings) {
    std::uint64_t number = 0;
    std::from_chars(value.data(), value.data() + value.size(), number);
    if (name == "seed") {
      made.seed = made.program.seed = number;
      continue;
    }
    if (set_habit(name, number, made)) continue;
    const chinwag::status outcome = chinwag::set_option(made.limits, name, value);
    if (outcome) continue;
    problem = outcome.text;
    return false;
  }
  return true;
}

}  // namespace simulation
