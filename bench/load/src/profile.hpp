#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "roster.hpp"
#include "schedule.hpp"

namespace chinwag::load {

// One kind of load, from a file in profiles/.
struct profile {
  std::string name;
  std::string description;
  std::uint32_t connections;
  room_plan rooms;
  double direct_share;  // of the messages; the others go to rooms
  std::uint32_t content_bytes;
  double messages_per_s_per_connection;
  std::uint32_t burst;
  arrivals law;
  double heartbeat_s;      // 0: none
  double storm_timeout_s;  // 0: no storm
};

// Mean number of arrivals that a message causes where all connections are there.
double deliveries_per_message(const profile& of);

// Throws `failure` naming file, key and what is allowed.
profile read_profile(const std::filesystem::path& path);

}  // namespace chinwag::load
