#include "host/program.hpp"

#include <exception>
#include <string>

#include "wire/utf8.hpp"

namespace chinwag {

namespace {

// Failures come as fast as requests do; the log does not.
constexpr std::chrono::seconds between_warnings{1};

// A program's text goes to clients: what is not UTF-8 would close their connections.
verdict checked(verdict given) {
  if (const char* problem = problem_of(given)) {
    return {verdict::kind::refuse, problem, refusal::unavailable};
  }
  return given;
}

verdict failure() {
  return {verdict::kind::refuse, "the server could not decide", refusal::unavailable};
}

}  // namespace

const char* problem_of(const verdict& given) {
  if (given.text.size() > content_bytes_max) return "the server's answer is too long";
  return is_utf8(given.text) ? nullptr : "the server's answer is not UTF-8";
}

template <typename Result, typename Handler>
Result program::guarded(const char* name, Result otherwise, Handler call) {
  called_this_turn_ = true;
  try {
    return call();
  } catch (const std::exception& problem) {
    failed(name, problem.what());
  } catch (...) {
    failed(name, "no std::exception");
  }
  return otherwise;
}

void program::failed(const char* name, const char* what) {
  ++failures_;
  const auto now = std::chrono::steady_clock::now();
  if (!warn_ || (warned_at_ != decltype(now){} && now - warned_at_ < between_warnings)) return;
  warned_at_ = now;
  const std::string others =
      failures_ > 1 ? " (and " + std::to_string(failures_ - 1) + " handlers before it)" : "";
  failures_ = 0;
  warn_("the handler '" + std::string(name) + "' threw: " + what + others);
}

void program::opened(connection_handle who, std::string_view user) {
  if (!called_.open) return;
  guarded("open", true, [&] { return called_.open(who, user), true; });
}

void program::closed(connection_handle who, std::string_view user, std::uint16_t code) {
  if (!called_.close) return;
  guarded("close", true, [&] { return called_.close(who, user, code), true; });
}

program::asked program::ask_join(connection_handle who, std::string_view user,
                                 std::string_view room) {
  const std::uint64_t number = ++numbers_;
  return {guarded("join", failure(),
                  [&] { return checked(called_.join({{who, number}, user, room})); }),
          number};
}

program::asked program::ask_message(connection_handle who, std::string_view user,
                                    std::string_view room, std::string_view content) {
  const std::uint64_t number = ++numbers_;
  return {guarded("message", failure(),
                  [&] { return checked(called_.message({{who, number}, user, room, content})); }),
          number};
}

void program::end_turn() {
  if (!called_this_turn_) return;
  if (called_.turn_end) guarded("turn_end", true, [&] { return called_.turn_end(), true; });
  called_this_turn_ = false;
}

}  // namespace chinwag
