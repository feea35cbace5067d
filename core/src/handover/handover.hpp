#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "chinwag/error.hpp"
#include "connection/lifecycle.hpp"
#include "state/context.hpp"
#include "state/outboxes.hpp"
#include "state/rooms.hpp"
#include "wire/image.hpp"

namespace chinwag {

// The layout of an image, and the meaning of what is in it. Every change of either is another
// version: a successor of another version can't go on where this one stops.
inline constexpr std::uint32_t image_version = 1;

// What a successor needs to go on with a shard's live connections, and the descriptors that it
// needs for it, in the order in which the image names them.
struct image {
  std::string bytes;
  std::vector<int> descriptors;
};

// Writes and reads images, between two turns of a shard. What can be found again by a scan stays
// behind: indices, queues, what epoll was told. So does what is known of the last second: request
// rates, publishers that were held back, the search for those who keep memory scarce.
class handover {
 public:
  handover(context& shared, outboxes& outboxes, rooms& rooms, lifecycle& lifecycle)
      : shared_(shared), outboxes_(outboxes), rooms_(rooms), lifecycle_(lifecycle) {}

  // Changes nothing that a client could notice: the shard may go on as if nothing had happened.
  status write(image_writer& to, std::vector<int>& descriptors);

  // Into a shard that has no connections yet.
  status read(image_reader& from, const std::vector<int>& descriptors);

 private:
  using new_ids = std::unordered_map<room_id, room_id>;

  void write_rooms(image_writer& to);
  void write_room(image_writer& to, room_id id);
  void write_connection(image_writer& to, connection_id id);
  void write_memberships(image_writer& to, connection_id id);
  void read_rooms(image_reader& from, new_ids& rooms);
  status read_connection(image_reader& from, int descriptor, const new_ids& rooms);
  void read_memberships(image_reader& from, connection_id id, const new_ids& rooms);
  std::uint32_t age(tick_ms since) const { return elapsed_ms(since, shared_.clock.now()); }

  context& shared_;
  outboxes& outboxes_;
  rooms& rooms_;
  lifecycle& lifecycle_;
};

}  // namespace chinwag
