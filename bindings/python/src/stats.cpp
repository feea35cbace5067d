#include "stats.hpp"

#include <array>

namespace chinwag::python {

namespace py = pybind11;

namespace {

constexpr std::array<const char*, request_kinds> request_names = {
    "join", "leave", "message", "direct", "heartbeat", "unknown", "refused"};

py::dict by_request(const std::array<std::uint64_t, request_kinds>& counts) {
  py::dict named;
  for (std::size_t kind = 0; kind < counts.size(); ++kind)
    named[request_names[kind]] = counts[kind];
  return named;
}

}  // namespace

py::dict to_dict(const stats& counted) {
  using namespace py::literals;
  return py::dict(
      "connections"_a = counted.connections, "rooms"_a = counted.rooms,
      "members"_a = counted.members, "accepted"_a = counted.accepted,
      "upgrades"_a = counted.upgrades, "messages_in"_a = by_request(counted.messages_in),
      "publishes"_a = counted.publishes, "deliveries"_a = counted.deliveries,
      "direct_deliveries"_a = counted.direct_deliveries, "bytes_in"_a = counted.bytes_in,
      "bytes_out"_a = counted.bytes_out, "send_calls"_a = counted.send_calls,
      "turns"_a = counted.turns, "slow_consumers"_a = counted.slow_consumers);
}

}  // namespace chinwag::python
