#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "host/kernel.hpp"
#include "state/ids.hpp"

namespace chinwag {

// How many connections come from one address: an IPv4 address, or the /64 of an IPv6 address, which
// one host may have for itself alone. Empty while nothing is added, so that it costs only those who
// limit addresses.
class address_counts {
 public:
  std::uint32_t count(const kernel::peer_address& peer) const;
  void add(connection_id id, const kernel::peer_address& peer);
  void remove(connection_id id);

 private:
  struct hasher {
    std::size_t operator()(const kernel::peer_address& address) const;
  };

  std::unordered_map<kernel::peer_address, std::uint32_t, hasher> counts_;
  std::unordered_map<connection_id, kernel::peer_address> peers_;
};

}  // namespace chinwag
