#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace chinwag::load {

// One kind of load, from a file in profiles/.
struct profile {
  std::string name;
  std::string description;
  std::uint32_t connections;
  std::uint32_t room_size;
  double direct_share;  // of the messages; the others go to rooms
  std::uint32_t content_bytes;
  double messages_per_s_per_connection;
  std::uint32_t burst;
  double heartbeat_s;      // 0: none
  double storm_timeout_s;  // 0: no storm
};

// Throws `failure` naming file, key and what is allowed.
profile read_profile(const std::filesystem::path& path);

}  // namespace chinwag::load
