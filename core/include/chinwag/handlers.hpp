#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "chinwag/stats.hpp"

namespace chinwag {

// The user name of what the program itself says.
inline constexpr std::string_view program_name = "server";

// Names one connection for good: a later connection never has the same.
enum class connection_handle : std::uint64_t {};

// Names one request for which a verdict is due.
struct request_ticket {
  connection_handle from{};
  std::uint64_t number = 0;
};

// What becomes of a request that a handler was asked about.
struct verdict {
  enum class kind : std::uint8_t {
    accept,  // serve it
    change,  // a message: publish `text` as its content instead; a join is served as it is
    refuse,  // do not serve it; the client gets `error {code, message: text}`
    answer,  // do not serve it; the client gets `direct {user: "server", content: text}`
    later,   // the verdict comes by server::decide(); what that client asks next waits behind it
  };

  kind what = kind::accept;
  std::string text{};  // at most 65,536 bytes of UTF-8; otherwise the request is `unavailable`
  refusal code = refusal::forbidden;
};

// A verdict that was given later.
struct decision {
  request_ticket about;
  verdict outcome;
};

// A client wants to become a member of `room`, of which it is none yet.
struct join_request {
  request_ticket ticket;
  std::string_view user;
  std::string_view room;
};

// A member wants to publish. `content` is plain text, its JSON escapes undone.
struct message_request {
  request_ticket ticket;
  std::string_view user;
  std::string_view room;
  std::string_view content;
};

// What a program wants to hear of, and decide. All are called on the thread that serves, so they
// must not block: everybody waits meanwhile. Texts are UTF-8 and good until the handler returns.
// Handlers may call every function of the server; what they publish is served in the next turn.
// What they throw is logged as a warning, and the join or message that they were asked about is
// refused with `unavailable`. Those that are left empty cost nothing.
struct handlers {
  // After the upgrade, before anything that the client sends is served.
  std::function<void(connection_handle who, std::string_view user)> open{};
  std::function<verdict(const join_request& asked)> join{};
  std::function<verdict(const message_request& asked)> message{};
  // Once for every open, with the code that it was closed with: 1006 if it broke off.
  std::function<void(connection_handle who, std::string_view user, std::uint16_t code)> close{};
  // At the end of a turn of the loop in which another handler was called.
  std::function<void()> turn_end{};
};

}  // namespace chinwag
