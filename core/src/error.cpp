#include "chinwag/error.hpp"

namespace chinwag {

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
    case error::system_failure:
      return "system_failure";
  }
  return "unknown";
}

}  // namespace chinwag
