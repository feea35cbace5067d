#pragma once

#include <cstdint>
#include <string>

#include "chinwag/error.hpp"

namespace chinwagd {

struct redis_address {
  std::string host;
  std::uint16_t port = 6379;
  std::string user;
  std::string password;
};

// Reads redis://[[user:]password@]host[:port], with an IPv6 address in brackets and %XX for other
// bytes in user and password. bad_option_value says what is wrong, without the password.
chinwag::status read_redis_url(const std::string& url, redis_address& found);

}  // namespace chinwagd
