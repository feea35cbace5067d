#include "faults.hpp"

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

namespace chinwagd {

namespace {

constexpr std::string_view crash = "__crash ";
constexpr std::string_view spin = "__spin ";
constexpr std::string_view build = "__build ";

chinwag::verdict commit(const chinwag::message_request& asked) {
  using clock = std::chrono::steady_clock;
  if (asked.content.starts_with(build)) {
    return {.what = chinwag::verdict::kind::answer, .text = std::string(build) + CHINWAGD_BUILD};
  }
  if (asked.content.starts_with(crash)) throw std::runtime_error("__crash was asked for");
  if (asked.content.starts_with(spin)) {
    int ms = 0;
    const char* const end = asked.content.data() + asked.content.size();
    std::from_chars(asked.content.data() + spin.size(), end, ms);
    const clock::time_point until = clock::now() + std::chrono::milliseconds(ms);
    while (clock::now() < until) continue;
  }
  return {};
}

}  // namespace

chinwag::handlers faulty_handlers() {
  const char* const asked = std::getenv("CHAT_FAULTS");
  if (asked == nullptr || std::string_view(asked) != "1") return {};
  return {.message = commit};
}

}  // namespace chinwagd
