#include "state/addresses.hpp"

#include <algorithm>
#include <functional>
#include <string_view>

namespace chinwag {

namespace {

// An IPv4 address is written as ::ffff:a.b.c.d.
bool is_ipv4(const kernel::peer_address& address) {
  return std::all_of(address.begin(), address.begin() + 10, [](auto byte) { return byte == 0; }) &&
         address[10] == 0xFF && address[11] == 0xFF;
}

kernel::peer_address network_of(kernel::peer_address address) {
  if (!is_ipv4(address)) std::fill(address.begin() + 8, address.end(), 0);
  return address;
}

}  // namespace

std::size_t address_counts::hasher::operator()(const kernel::peer_address& address) const {
  return std::hash<std::string_view>{}(
      {reinterpret_cast<const char*>(address.data()), address.size()});
}

std::uint32_t address_counts::count(const kernel::peer_address& peer) const {
  const auto found = counts_.find(network_of(peer));
  return found == counts_.end() ? 0 : found->second;
}

void address_counts::add(connection_id id, const kernel::peer_address& peer) {
  const kernel::peer_address network = network_of(peer);
  peers_[id] = network;
  ++counts_[network];
}

void address_counts::remove(connection_id id) {
  const auto known = peers_.find(id);
  if (known == peers_.end()) return;
  const auto counted = counts_.find(known->second);
  if (--counted->second == 0) counts_.erase(counted);
  peers_.erase(known);
}

}  // namespace chinwag
