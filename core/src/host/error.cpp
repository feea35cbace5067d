#include "chinwag/error.hpp"

#include <array>
#include <cstddef>

namespace chinwag {

std::span<const error> error_list() {
  static constexpr auto all = [] {
    std::array<error, static_cast<std::size_t>(error::system_failure)> codes{};
    for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<error>(i + 1);
    return codes;
  }();
  return all;
}

const char* error_name(error code) {
  switch (code) {
    case error::none:
      return "none";
    case error::unknown_option:
      return "unknown_option";
    case error::bad_option_value:
      return "bad_option_value";
    case error::address_unusable:
      return "address_unusable";
    case error::port_in_use:
      return "port_in_use";
    case error::permission_denied:
      return "permission_denied";
    case error::no_descriptors:
      return "no_descriptors";
    case error::out_of_memory:
      return "out_of_memory";
    case error::already_listening:
      return "already_listening";
    case error::not_listening:
      return "not_listening";
    case error::already_running:
      return "already_running";
    case error::not_running:
      return "not_running";
    case error::bad_name:
      return "bad_name";
    case error::bad_content:
      return "bad_content";
    case error::bad_close_code:
      return "bad_close_code";
    case error::connection_closed:
      return "connection_closed";
    case error::too_many_calls:
      return "too_many_calls";
    case error::system_failure:
      return "system_failure";
  }
  return "unknown";
}

}  // namespace chinwag
