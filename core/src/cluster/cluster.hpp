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
//
// What a client has been told is true on all nodes:
// - A welcome is sent once the user's channel is heard.
// - A join is announced to other nodes first, and served when the announcement has come back:
// whoever
//   joins elsewhere later does not hear of it, and what is said behind it is heard here.
// - Behind the end of a user's last connection nothing leaves before its channel is left: whoever
//   hears that it is gone finds nobody there.
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
  bool work_left() const {
    return (!waiting_.empty() && users_left_ == 0) || !unneeded_.empty() || !told_next_.empty();
  }
  std::uint32_t wait_ms() const { return line_->wait_ms(); }
  // Requests and connections wait for other nodes: a successor would not know of them.
  bool anyone_waits() const { return held_up_ > 0 || !waiting_.empty(); }

  bool wait_to_join(connection_id id, std::string_view room, std::uint64_t number) override;
  bool is_announced(connection_id id) override;
  bool wait_to_enter(std::string_view user, connection_id id) override;
  void forget_room(std::string_view room) override;
  void forget_user(std::string_view user) override;
  void to_room(std::string_view room, const message_parts& message, connection_id sender) override;
  bool to_user(std::string_view user, const message_parts& message, connection_id sender,
               std::uint64_t number) override;
  backplane_counts read() const override { return counts_; }

 private:
  // A connection that is told by a verdict under its number; 0: it is about to enter the chat.
  struct waiting {
    connection_handle who{};
    std::uint64_t number = 0;
  };
  // A join that other nodes are told of before it is served.
  struct announcement {
    waiting one{};
    std::string user{};
    std::string room{};
  };
  struct subscription {
    enum class state : std::uint8_t { asked, stands, left };
    state now = state::asked;
    bool wanted_again = false;  // since it was left
    std::uint32_t joining = 0;  // joins that are announced and not yet served
    std::vector<waiting> those{};
  };
  // What leaves together.
  struct publication {
    std::string channel{};
    std::string bytes{};
    std::uint64_t sequence = 0;
    std::vector<connection_handle> senders{};  // a message each
    std::vector<announcement> joins{};
    waiting asker{};  // is told whether anybody is there; with number 0 nobody is
  };

  bool watch(int descriptor, bool for_writing) override;
  void unwatch(int descriptor) override;
  void went_up() override;
  void went_down(std::string_view why) override;
  void subscribed(std::string_view channel) override;
  void unsubscribed(std::string_view channel) override;
  void arrived(std::string_view channel, std::string_view bytes) override;
  void left(std::uint64_t number, std::size_t nodes) override;
  void lost(std::uint64_t number) override;

  subscription& want(const std::string& channel);
  void go_on(const std::vector<waiting>& those);
  void decide(const waiting& one, verdict outcome);
  bool is_needed(const std::string& channel) const;
  void drop_unneeded();
  bool can_take() const;
  publication& begin(std::string channel);
  publication& room_publication(std::string channel);
  void append(publication& to, const message_parts& message);
  void send_all();
  void send(publication one);
  bool reached_all(const std::string& channel, std::size_t nodes);
  void could_not_leave(connection_id sender);
  void did_not_leave(publication one);
  void came_back(std::uint64_t sequence);
  void serve(announcement join);
  void take_back_joins();
  void end_joining(const std::string& room);
  void tell_all();
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
  // Rooms with members on several nodes -> on how many; and what that was before it last went down,
  // for as long as others may take to come back.
  std::unordered_map<std::string, std::size_t> shared_by_;
  std::unordered_map<std::string, std::size_t> shared_before_;
  tick_ms came_up_at_ = 0;
  std::size_t users_left_ = 0;         // subscriptions of users on their way out
  std::vector<std::string> unneeded_;  // channels to look at
  std::vector<publication> waiting_;   // to leave, in this order
  std::size_t waiting_bytes_ = 0;
  std::unordered_map<std::string, std::size_t> last_of_room_;   // places in it to add to
  std::unordered_map<std::uint64_t, publication> under_way_;    // by the backplane's number
  std::uint64_t sequences_ = 0;                                 // of own publications
  std::unordered_map<std::uint64_t, std::uint64_t> announced_;  // sequence of joins -> number
  std::unordered_map<connection_handle, announcement> heard_;   // came back: to be served
  std::size_t held_up_ = 0;                                     // joins and entrants that wait
  std::vector<connection_handle> untold_;     // senders whose message did not leave
  std::vector<connection_handle> told_next_;  // those of the turn before
  std::array<int, 4> watched_{-1, -1, -1, -1};
};

}  // namespace chinwag
