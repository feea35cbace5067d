#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace chat {

/// Text that is ready to be sent; all who receive it share it.
using shared_text = std::shared_ptr<std::string const>;

/// The text is not JSON.
struct malformed : std::runtime_error {
  malformed() : runtime_error("Malformed message") {}
};

/// The text is JSON that can't be served.
struct bad_request : std::runtime_error {
  using runtime_error::runtime_error;
};

struct request {
  enum class kind { join, leave, message, direct, heartbeat };
  kind what;
  std::string name{};  // of the room, or of the user a direct message goes to
  std::string content{};
};

/// Throws malformed or bad_request. Nothing, if the type is not known.
std::optional<request> parse(std::string_view text);

shared_text welcome(std::string const& user);
shared_text user_joined(std::string const& room, std::string const& user);
shared_text user_left(std::string const& room, std::string const& user);
shared_text message(std::string const& room, std::string const& user, std::string const& content);
shared_text direct(std::string const& user, std::string const& content);
shared_text heartbeat();
shared_text error(std::string_view code, std::string_view text);

}  // namespace chat
