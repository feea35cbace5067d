#include "cluster/cluster.hpp"

#include <algorithm>
#include <optional>

#include "host/kernel.hpp"

namespace chinwag {

namespace {

// Keys of the backplane's descriptors, below those of the listener and the wake-up: no connection
// has these places.
constexpr std::uint64_t first_key = UINT64_MAX - 16;

// What begins a channel's name.
constexpr char room_mark = 'r';
constexpr char user_mark = 'u';

constexpr std::uint32_t units_per_arrival = 2;

std::string channel_of(char mark, std::string_view name) {
  std::string channel(1, mark);
  return channel.append(name);
}

std::size_t place_of(std::uint64_t key) {
  return static_cast<std::size_t>(key - first_key);
}

// The payload of the text frame that begins there, as write_frame() writes one; nothing for what is
// none.
std::optional<std::string_view> text_at(std::string_view bytes) {
  constexpr char final_text = static_cast<char>(0x81);
  const std::size_t size = whole_frame_size(bytes);
  if (size == 0 || bytes.front() != final_text) return std::nullopt;
  for (const std::size_t header : {std::size_t{2}, std::size_t{4}, std::size_t{10}}) {
    if (size < header || server_header_size(size - header) != header) continue;
    std::array<char, server_header_max> written{};
    write_server_header(written.data(), opcode::text, size - header);
    if (!bytes.starts_with(std::string_view{written.data(), header})) continue;
    return bytes.substr(header, size - header);
  }
  return std::nullopt;
}

// How many text frames these bytes are; 0 if they are anything else. Behind bytes that are no frame
// a connection would be out of step for good.
std::size_t count_frames(std::string_view bytes) {
  std::size_t count = 0;
  while (!bytes.empty()) {
    if (!text_at(bytes)) return 0;
    bytes.remove_prefix(whole_frame_size(bytes));
    ++count;
  }
  return count;
}

void append_frame(std::string& to, const message_parts& message) {
  const std::size_t before = to.size();
  to.resize(before + message.frame_size());
  message.write_frame(to.data() + before);
}

}  // namespace

cluster::cluster(std::unique_ptr<backplane> line, const node_name& own, context& shared,
                 rooms& rooms, users& users, poller& poller, program::warning warn,
                 protocol& protocol, requests& requests, http_service& http)
    : line_(std::move(line)),
      own_(own),
      shared_(shared),
      rooms_(rooms),
      users_(users),
      poller_(poller),
      warn_(std::move(warn)),
      protocol_(protocol),
      requests_(requests),
      http_(http) {
  shared_.others = this;
}

cluster::~cluster() {
  shared_.others = nullptr;
}

void cluster::begin() {
  line_->begin(*this);
}

bool cluster::handle(std::uint64_t key) {
  if (key < first_key || place_of(key) >= watched_.size()) return false;
  const int descriptor = watched_[place_of(key)];
  if (descriptor >= 0) line_->ready(descriptor);
  return true;
}

bool cluster::watch(int descriptor, bool for_writing) {
  auto* place = std::find(watched_.begin(), watched_.end(), descriptor);
  const bool known = place != watched_.end();
  if (!known) place = std::find(watched_.begin(), watched_.end(), -1);
  if (place == watched_.end()) return false;
  *place = descriptor;
  const auto key = first_key + static_cast<std::uint64_t>(place - watched_.begin());
  const bool done = poller_.watch(descriptor, key, for_writing, known);
  if (!done) *place = -1;
  return done;
}

void cluster::unwatch(int descriptor) {
  auto* const place = std::find(watched_.begin(), watched_.end(), descriptor);
  if (place == watched_.end()) return;
  *place = -1;
  poller_.unwatch(descriptor);
}

void cluster::went_up() {
  counts_.up = true;
  say("the other nodes can be reached");
  for (room_id id = 0; id < shared_.truth.rooms.size(); ++id) {
    const std::string_view name = shared_.truth.names.view(shared_.truth.rooms[id].name);
    if (rooms_.is_live(id) && !rooms_.is_direct(id)) want(channel_of(room_mark, name));
  }
  for (connection_id id = 0; id < shared_.truth.connections.size(); ++id) {
    const std::string_view user = shared_.truth.names.view(shared_.truth.connections[id].user);
    if (!user.empty() && users_.first(user) == id) want(channel_of(user_mark, user));
  }
}

// Whoever waits for the others goes on without them.
void cluster::went_down(std::string_view why) {
  counts_.up = false;
  say("the other nodes can't be reached, rooms go on here alone: " + std::string(why));
  for (const auto& [number, one] : under_way_) tell_later(one.senders);
  under_way_.clear();
  for (auto& [channel, one] : std::exchange(subscriptions_, {})) go_on(std::move(one.those));
}

void cluster::subscribed(std::string_view channel) {
  const auto found = subscriptions_.find(std::string(channel));
  if (found == subscriptions_.end()) return;
  found->second.stands = true;
  go_on(std::exchange(found->second.those, {}));
  // Those who waited may be gone.
  unneeded_.emplace_back(channel);
}

void cluster::go_on(std::vector<waiting> those) {
  waiting_ -= those.size();
  for (const waiting& one : those) {
    const connection_id id = shared_.find(one.who);
    if (one.number == 0) {
      http_.enter(one.who);
    } else if (id != no_id) {
      requests_.decide(id, one.number, {});
    }
  }
}

bool cluster::wait_for_room(std::string_view room, connection_handle who, std::uint64_t number) {
  return wait_for(channel_of(room_mark, room), {who, number});
}

bool cluster::wait_for_user(std::string_view user, connection_handle who) {
  return wait_for(channel_of(user_mark, user), {who, 0});
}

bool cluster::wait_for(std::string channel, waiting one) {
  if (!counts_.up) return false;
  const auto found = subscriptions_.find(channel);
  if (found != subscriptions_.end() && found->second.stands) return false;
  if (found == subscriptions_.end()) want(channel);
  subscriptions_[std::move(channel)].those.push_back(one);
  ++waiting_;
  return true;
}

void cluster::want(std::string channel) {
  line_->subscribe(channel);
  subscriptions_.try_emplace(std::move(channel));
}

void cluster::forget_room(std::string_view room) {
  if (counts_.up) unneeded_.push_back(channel_of(room_mark, room));
}

void cluster::forget_user(std::string_view user) {
  if (counts_.up) unneeded_.push_back(channel_of(user_mark, user));
}

// One that does not stand yet is looked at again when it does: nothing is taken back before its
// answer, which could be taken for that of the next time.
void cluster::drop_unneeded() {
  for (const std::string& channel : std::exchange(unneeded_, {})) {
    const auto found = subscriptions_.find(channel);
    if (found == subscriptions_.end() || !found->second.stands || is_needed(channel)) continue;
    line_->unsubscribe(channel);
    subscriptions_.erase(found);
  }
}

bool cluster::is_needed(const std::string& channel) const {
  const std::string_view name = std::string_view(channel).substr(1);
  if (channel.front() == user_mark) return users_.first(name) != no_id;
  const room_id place = rooms_.find(name);
  return place != no_id && rooms_.is_live(place);
}

void cluster::to_room(std::string_view room, const message_parts& message, connection_id sender) {
  if (!counts_.up) return could_not_leave(sender);
  batch& one = batch_of(channel_of(room_mark, room));
  append_frame(one.bytes, message);
  if (sender != no_id) one.senders.push_back(shared_.handle_of(sender));
}

// What was published before goes out before: a user's messages arrive in their order.
void cluster::to_user(std::string_view user, const message_parts& message, connection_id sender,
                      bool is_here) {
  if (!counts_.up) return could_not_leave(sender);
  send_batches();
  batch one{.channel = channel_of(user_mark, user), .bytes{own_.data(), own_.size()}};
  append_frame(one.bytes, message);
  if (sender != no_id) one.senders.push_back(shared_.handle_of(sender));
  send(std::move(one), !is_here);
}

void cluster::could_not_leave(connection_id sender) {
  ++counts_.lost;
  if (sender != no_id) untold_.push_back(shared_.handle_of(sender));
}

cluster::batch& cluster::batch_of(std::string channel) {
  const auto [found, is_new] = batch_places_.try_emplace(std::move(channel), batches_.size());
  if (is_new) {
    batches_.push_back({.channel = found->first, .bytes{own_.data(), own_.size()}});
  }
  return batches_[found->second];
}

void cluster::send_batches() {
  batch_places_.clear();
  for (batch& one : std::exchange(batches_, {})) send(std::move(one), false);
}

void cluster::send(batch one, bool asks) {
  const std::uint64_t number = counts_.up ? line_->publish(one.channel, one.bytes) : 0;
  if (number == 0) return tell_later(one.senders);
  ++counts_.published;
  under_way_.try_emplace(number, publication{std::move(one.senders), asks});
}

void cluster::left(std::uint64_t number, bool anybody) {
  const auto gone = under_way_.extract(number);
  if (gone.empty() || anybody || !gone.mapped().asks) return;
  for (const connection_handle sender : gone.mapped().senders) {
    if (const connection_id id = chatting(sender); id != no_id) {
      protocol_.refuse(id, refusal::no_such_user, "nobody by that name");
    }
  }
}

void cluster::lost(std::uint64_t number) {
  const auto gone = under_way_.extract(number);
  if (!gone.empty()) tell_later(gone.mapped().senders);
}

void cluster::tell_later(const std::vector<connection_handle>& senders) {
  counts_.lost += senders.size();
  untold_.insert(untold_.end(), senders.begin(), senders.end());
}

void cluster::tell_all() {
  for (const connection_handle sender : std::exchange(untold_, {})) {
    const connection_id id = chatting(sender);
    if (id == no_id) continue;
    protocol_.refuse(id, refusal::unavailable,
                     "other nodes could not be reached: it was served on this one alone");
  }
}

connection_id cluster::chatting(connection_handle who) const {
  const connection_id id = shared_.find(who);
  const bool chats = id != no_id && shared_.truth.connections[id].phase == connection_phase::chat;
  return chats ? id : no_id;
}

void cluster::arrived(std::string_view channel, std::string_view bytes) {
  if (bytes.starts_with(std::string_view{own_.data(), own_.size()})) return;
  const std::string_view frames = bytes.substr(std::min(bytes.size(), own_.size()));
  const std::size_t count = count_frames(frames);
  if (count == 0 || channel.empty() || shared_.memory_full()) {
    ++counts_.dropped;
    return;
  }
  counts_.arrived += count;
  shared_.reading.spend(static_cast<std::uint32_t>(count) * units_per_arrival);
  const std::string_view name = channel.substr(1);
  if (channel.front() == user_mark) return to_local_user(name, frames);
  const room_id place = rooms_.find(name);
  if (place != no_id && rooms_.is_live(place)) rooms_.publish_frames(place, frames);
}

void cluster::to_local_user(std::string_view user, std::string_view frames) {
  while (!frames.empty()) {
    protocol_.direct(user, message_parts{*text_at(frames)});
    frames.remove_prefix(whole_frame_size(frames));
  }
}

void cluster::end_turn() {
  send_batches();
  drop_unneeded();
  line_->tick();
  tell_all();
}

void cluster::say(std::string_view text) const {
  if (warn_) warn_(text);
}

}  // namespace chinwag
