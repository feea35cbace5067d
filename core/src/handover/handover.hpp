#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
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
inline constexpr std::uint32_t image_version = 2;

// What a successor needs to go on with a shard's live connections, and the descriptors that it
// needs for it besides those that went ahead, in the order in which the image names them.
struct image {
  std::string bytes;
  std::vector<int> descriptors;
};

// Writes and reads images, between two turns of a shard. What can be found again by a scan stays
// behind: indices, queues, what epoll was told. So does what is known of the last second: request
// rates, publishers that were held back, the search for those who keep memory scarce.
//
// Descriptors may go ahead of the image, while the predecessor serves on: to watch a connection
// costs its successor more than all the rest of it, and nobody has to wait for that. The successor
// watches them under the names that the connections will have: it gives places out in order, so the
// first descriptor is the first connection's. The image leaves the place empty of one that has
// ended since.
class handover {
 public:
  handover(context& shared, outboxes& outboxes, rooms& rooms, lifecycle& lifecycle, poller& poller)
      : shared_(shared),
        outboxes_(outboxes),
        rooms_(rooms),
        lifecycle_(lifecycle),
        poller_(poller) {}
  ~handover() { forget_expected(); }
  handover(const handover&) = delete;
  handover& operator=(const handover&) = delete;

  // Takes some descriptors to a successor.
  using offer = std::function<status(std::span<const int>)>;
  // Offers the next of those that have not gone ahead; `more`: some are left. What was opened
  // meanwhile goes with the image.
  status present(const offer& give, bool& more);
  // To another successor: from the beginning.
  void present_anew();

  // Changes nothing that a client could notice: the shard may go on as if nothing had happened.
  status write(image_writer& to, std::vector<int>& descriptors);

  // One that went ahead. False if it can't be watched.
  bool expect(int descriptor);
  // Of those that were expected and have no connection, because nothing came of it.
  void forget_expected();
  // Into a shard that has no connections yet.
  status read(image_reader& from, const std::vector<int>& descriptors);

 private:
  using new_ids = std::unordered_map<room_id, room_id>;

  void write_presented(image_writer& to, std::vector<bool>& written);
  void write_rooms(image_writer& to);
  void write_room(image_writer& to, room_id id);
  void write_connection(image_writer& to, connection_id id);
  void write_memberships(image_writer& to, connection_id id);
  void read_rooms(image_reader& from, new_ids& rooms);
  status read_expected(image_reader& from, const new_ids& rooms, std::vector<connection_id>& empty);
  status read_connection(image_reader& from, inherited_connection was, const new_ids& rooms);
  bool has_its_open_frame(connection_id id) const;
  bool stands_between_frames(connection_id id);
  bool is_end_of_frame(room_id place, std::uint64_t position);
  void read_memberships(image_reader& from, connection_id id, const new_ids& rooms);
  std::uint32_t age(tick_ms since) const { return elapsed_ms(since, shared_.clock.now()); }

  context& shared_;
  outboxes& outboxes_;
  rooms& rooms_;
  lifecycle& lifecycle_;
  poller& poller_;

  std::vector<connection_handle> presented_;
  connection_id next_to_present_ = 0;
  std::vector<int> expected_;
  // Of rooms with members who are behind: where the frames end that they are to get.
  std::unordered_map<room_id, std::vector<std::uint64_t>> frame_ends_;
};

}  // namespace chinwag
