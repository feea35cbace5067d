#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace chinwag {

// Everything that can go wrong across the API. The core throws nothing.
enum class error : std::uint8_t {
  none,               // no error
  unknown_option,     // no option has this name
  bad_option_value,   // the value is not of the option's type or out of its bounds
  address_unusable,   // the host is no IP address of this machine, nor a name of one
  port_in_use,        // another program listens on the port
  permission_denied,  // the system forbids it, such as a port below 1024
  no_descriptors,     // no free file descriptor
  out_of_memory,      // the system gave no memory
  already_listening,  // listen() was called before
  not_listening,      // run() needs a listen() that went well
  already_running,    // run() was called before
  not_running,        // the server does not run, or not any more
  bad_name,           // a room or user is not 1 to 64 bytes of UTF-8 without control characters
  bad_content,        // a content is not UTF-8 or longer than 65,536 bytes
  bad_close_code,     // not a code that a program may send: 1000, 1001, 1003, 1007 to 1014, 3000 up
  connection_closed,  // the connection is gone
  too_many_calls,     // options::calls_bytes_max of calls wait to be served: wait, or do less
  system_failure,     // a system call failed in a way that has no name here
};

// All of them but none, in their order.
std::span<const error> error_list();

// The error's name as written above.
const char* error_name(error code);

// An outcome with what a person needs to know. `text` is empty when all is well.
struct status {
  error code = error::none;
  std::string text{};

  explicit operator bool() const { return code == error::none; }
};

}  // namespace chinwag
