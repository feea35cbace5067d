#include "host/program.hpp"

#include "wire/utf8.hpp"

namespace chinwag {

namespace {

// A program's text goes to clients: what is not UTF-8 would close their connections.
verdict checked(verdict given) {
  if (is_utf8(given.text)) return given;
  return {verdict::kind::refuse, "the server's answer is not UTF-8", refusal::unavailable};
}

}  // namespace

void program::opened(connection_handle who, std::string_view user) {
  if (!called_.open) return;
  called_this_turn_ = true;
  called_.open(who, user);
}

void program::closed(connection_handle who, std::string_view user, std::uint16_t code) {
  if (!called_.close) return;
  called_this_turn_ = true;
  called_.close(who, user, code);
}

program::asked program::ask_join(connection_handle who, std::string_view user,
                                 std::string_view room) {
  called_this_turn_ = true;
  const std::uint64_t number = ++numbers_;
  return {checked(called_.join({{who, number}, user, room})), number};
}

program::asked program::ask_message(connection_handle who, std::string_view user,
                                    std::string_view room, std::string_view content) {
  called_this_turn_ = true;
  const std::uint64_t number = ++numbers_;
  return {checked(called_.message({{who, number}, user, room, content})), number};
}

void program::end_turn() {
  if (!called_this_turn_) return;
  called_this_turn_ = false;
  if (called_.turn_end) called_.turn_end();
}

}  // namespace chinwag
