#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "chat/http_service.hpp"
#include "chat/protocol.hpp"
#include "chat/requests.hpp"
#include "chinwag/backplane.hpp"
#include "connection/poller.hpp"
#include "host/program.hpp"
#include "state/context.hpp"
#include "state/other_nodes.hpp"
#include "state/rooms.hpp"
#include "state/users.hpp"

namespace chinwag {

// One node's part in a cluster. It subscribes to the channels of rooms that have members here and
// of users that have connections here; what is published here goes out once a turn, all of a room
// in one publication: finished frames, which other nodes append to their room's log as they are.
class cluster final : public other_nodes, private backplane::node {
 public:
  // A node is told from others by `own`.
  using node_name = std::array<char, 8>;

  cluster(std::unique_ptr<backplane> line, const node_name& own, context& shared, rooms& rooms,
          users& users, poller& poller, program::warning warn, protocol& protocol,
          requests& requests, http_service& http);
  ~cluster();
  cluster(const cluster&) = delete;
  cluster& operator=(const cluster&) = delete;

  // Once the poller is open.
  void begin();

  // Whether the event was for the backplane, which has it then.
  bool handle(std::uint64_t key);
  // Sends what was published in this turn, and tells those whose messages could not leave.
  void end_turn();
  bool work_left() const { return !batches_.empty() || !unneeded_.empty() || !untold_.empty(); }
  std::uint32_t wait_ms() const { return line_->wait_ms(); }
  // Joins and connections wait until others are heard: a successor would not know of them.
  bool anyone_waits() const { return waiting_ > 0; }

  bool wait_for_room(std::string_view room, connection_handle who, std::uint64_t number) override;
  bool wait_for_user(std::string_view user, connection_handle who) override;
  void forget_room(std::string_view room) override;
  void forget_user(std::string_view user) override;
  void to_room(std::string_view room, const message_parts& message, connection_id sender) override;
  void to_user(std::string_view user, const message_parts& message, connection_id sender,
               bool is_here) override;
  backplane_counts read() const override { return counts_; }

 private:
  struct waiting {
    connection_handle who{};
    std::uint64_t number = 0;  // of a join; 0: a connection that is about to enter
  };
  struct subscription {
    bool stands = false;
    std::vector<waiting> those{};
  };
  // What leaves together.
  struct batch {
    std::string channel{};
    std::string bytes{};
    std::vector<connection_handle> senders{};  // a message each
  };
  // A publication on its way.
  struct publication {
    std::vector<connection_handle> senders{};
    bool asks = false;  // whether anybody is there
  };

  bool watch(int descriptor, bool for_writing) override;
  void unwatch(int descriptor) override;
  void went_up() override;
  void went_down(std::string_view why) override;
  void subscribed(std::string_view channel) override;
  void arrived(std::string_view channel, std::string_view bytes) override;
  void left(std::uint64_t number, bool anybody) override;
  void lost(std::uint64_t number) override;

  bool wait_for(std::string channel, waiting one);
  void want(std::string channel);
  void go_on(std::vector<waiting> those);
  bool is_needed(const std::string& channel) const;
  void drop_unneeded();
  batch& batch_of(std::string channel);
  void send(batch one, bool asks);
  void send_batches();
  void could_not_leave(connection_id sender);
  void tell_later(const std::vector<connection_handle>& senders);
  void tell_all();
  connection_id chatting(connection_handle who) const;
  void say(std::string_view text) const;
  void to_local_user(std::string_view user, std::string_view frames);

  std::unique_ptr<backplane> line_;
  const node_name own_;
  context& shared_;
  rooms& rooms_;
  users& users_;
  poller& poller_;
  const program::warning warn_;
  protocol& protocol_;
  requests& requests_;
  http_service& http_;

  backplane_counts counts_;
  std::unordered_map<std::string, subscription> subscriptions_;  // by channel, while it is up
  std::size_t waiting_ = 0;                                      // of all subscriptions
  std::vector<std::string> unneeded_;                            // channels to look at
  std::vector<batch> batches_;                                   // of this turn
  std::unordered_map<std::string, std::size_t> batch_places_;
  std::unordered_map<std::uint64_t, publication> under_way_;
  std::vector<connection_handle> untold_;  // senders whose message did not leave
  std::array<int, 4> watched_{-1, -1, -1, -1};
};

}  // namespace chinwag
