#include "cluster/cluster.hpp"

#include <algorithm>
#include <cstring>
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

// So long after this node has come back, others that have not may yet.
constexpr tick_ms return_ms = 5'000;

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
  const std::size_t size = whole_frame_size(bytes);
  if (size == 0) return std::nullopt;
  const std::size_t header = size < 2 + 126 ? 2 : size <= 4 + 0xFFFF ? 4 : 10;
  std::array<char, server_header_max> written{};
  const std::size_t due = write_server_header(written.data(), opcode::text, size - header);
  if (due != header || !bytes.starts_with(std::string_view{written.data(), due})) {
    return std::nullopt;
  }
  return bytes.substr(header, size - header);
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

// What is before the frames of a publication: whose it is, and which of that node's.
constexpr std::size_t head_size = std::tuple_size_v<cluster::node_name> + sizeof(std::uint64_t);

std::uint64_t sequence_of(std::string_view bytes) {
  std::uint64_t sequence = 0;
  std::memcpy(&sequence, bytes.data() + std::tuple_size_v<cluster::node_name>, sizeof sequence);
  return sequence;
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
  came_up_at_ = shared_.clock.now();
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
  users_left_ = 0;
  last_of_room_.clear();
  waiting_bytes_ = 0;
  for (auto& [channel, nodes] : std::exchange(shared_by_, {})) {
    shared_before_.insert_or_assign(channel, nodes);
  }
  for (auto& [number, one] : std::exchange(under_way_, {})) did_not_leave(std::move(one));
  for (publication& one : std::exchange(waiting_, {})) did_not_leave(std::move(one));
  for (const auto& [channel, one] : std::exchange(subscriptions_, {})) go_on(one.those);
}

cluster::subscription& cluster::want(const std::string& channel) {
  const auto [found, is_new] = subscriptions_.try_emplace(channel);
  if (is_new) line_->subscribe(channel);
  // Behind the answer to an unsubscription: answers could be taken for each other.
  if (found->second.now == subscription::state::left) found->second.wanted_again = true;
  return found->second;
}

void cluster::subscribed(std::string_view channel) {
  const auto found = subscriptions_.find(std::string(channel));
  if (found == subscriptions_.end()) return;
  found->second.now = subscription::state::stands;
  go_on(std::exchange(found->second.those, {}));
  // Those who waited may be gone.
  unneeded_.emplace_back(channel);
}

void cluster::unsubscribed(std::string_view channel) {
  const auto found = subscriptions_.find(std::string(channel));
  if (found == subscriptions_.end()) return;
  if (channel.front() == user_mark) --users_left_;
  if (!found->second.wanted_again) {
    subscriptions_.erase(found);
    return;
  }
  found->second.now = subscription::state::asked;
  found->second.wanted_again = false;
  line_->subscribe(channel);
}

void cluster::go_on(const std::vector<waiting>& those) {
  for (const waiting& one : those) {
    if (one.number != 0) {
      decide(one, {});
      continue;
    }
    --held_up_;
    http_.enter(one.who);
  }
}

void cluster::decide(const waiting& one, verdict outcome) {
  --held_up_;
  const connection_id id = shared_.find(one.who);
  if (id != no_id) requests_.decide(id, one.number, std::move(outcome));
}

bool cluster::wait_to_enter(std::string_view user, connection_id id) {
  if (!counts_.up) return false;
  subscription& of_user = want(channel_of(user_mark, user));
  if (of_user.now == subscription::state::stands) return false;
  of_user.those.push_back({shared_.handle_of(id), 0});
  ++held_up_;
  return true;
}

bool cluster::wait_to_join(connection_id id, std::string_view room, std::uint64_t number) {
  if (!can_take()) return false;
  const waiting one{shared_.handle_of(id), number};
  ++held_up_;
  subscription& of_room = want(channel_of(room_mark, room));
  if (of_room.now != subscription::state::stands) {
    of_room.those.push_back(one);
    return true;
  }
  const std::string user(shared_.truth.names.view(shared_.truth.connections[id].user));
  publication& out = room_publication(channel_of(room_mark, room));
  append(out, joined_message(quoted_name(room), quoted_name(user), shared_.clock.timestamp()));
  out.joins.push_back({one, user, std::string(room)});
  ++of_room.joining;
  return true;
}

bool cluster::is_announced(connection_id id) {
  if (heard_.empty()) return false;
  const auto found = heard_.extract(shared_.handle_of(id));
  if (found.empty()) return false;
  end_joining(found.mapped().room);
  return true;
}

void cluster::forget_room(std::string_view room) {
  if (counts_.up) unneeded_.push_back(channel_of(room_mark, room));
}

void cluster::forget_user(std::string_view user) {
  if (counts_.up) unneeded_.push_back(channel_of(user_mark, user));
}

// One that does not stand yet is looked at again when it does.
void cluster::drop_unneeded() {
  for (const std::string& channel : std::exchange(unneeded_, {})) {
    const auto found = subscriptions_.find(channel);
    if (found == subscriptions_.end() || found->second.now != subscription::state::stands ||
        is_needed(channel)) {
      continue;
    }
    found->second.now = subscription::state::left;
    shared_by_.erase(channel);
    shared_before_.erase(channel);
    if (channel.front() == user_mark) ++users_left_;
    line_->unsubscribe(channel);
  }
}

bool cluster::is_needed(const std::string& channel) const {
  const std::string_view name = std::string_view(channel).substr(1);
  if (channel.front() == user_mark) return users_.first(name) != no_id;
  const room_id place = rooms_.find(name);
  return (place != no_id && rooms_.is_live(place)) || subscriptions_.at(channel).joining > 0;
}

void cluster::to_room(std::string_view room, const message_parts& message, connection_id sender) {
  if (!can_take()) return could_not_leave(sender);
  publication& out = room_publication(channel_of(room_mark, room));
  append(out, message);
  if (sender != no_id) out.senders.push_back(shared_.handle_of(sender));
}

bool cluster::to_user(std::string_view user, const message_parts& message, connection_id sender,
                      std::uint64_t number) {
  if (!can_take()) {
    could_not_leave(sender);
    return false;
  }
  publication& out = begin(channel_of(user_mark, user));
  append(out, message);
  if (number != 0) {
    ++held_up_;
    out.asker = {shared_.handle_of(sender), number};
  } else if (sender != no_id) {
    out.senders.push_back(shared_.handle_of(sender));
  }
  // What a room is told from now on comes behind it.
  last_of_room_.clear();
  return number != 0;
}

bool cluster::can_take() const {
  constexpr std::size_t waiting_bytes_max = 16 * 1024 * 1024;
  return counts_.up && waiting_bytes_ < waiting_bytes_max;
}

cluster::publication& cluster::begin(std::string channel) {
  ++sequences_;
  std::string head(own_.data(), own_.size());
  head.append(reinterpret_cast<const char*>(&sequences_), sizeof sequences_);
  waiting_.push_back({.channel = std::move(channel), .bytes = std::move(head)});
  waiting_.back().sequence = sequences_;
  return waiting_.back();
}

void cluster::append(publication& to, const message_parts& message) {
  const std::size_t before = to.bytes.size();
  to.bytes.resize(before + message.frame_size());
  message.write_frame(to.bytes.data() + before);
  waiting_bytes_ += message.frame_size();
}

cluster::publication& cluster::room_publication(std::string channel) {
  const auto [found, is_new] = last_of_room_.try_emplace(std::move(channel), waiting_.size());
  return is_new ? begin(found->first) : waiting_[found->second];
}

void cluster::send_all() {
  if (users_left_ > 0) return;
  last_of_room_.clear();
  waiting_bytes_ = 0;
  for (publication& one : std::exchange(waiting_, {})) send(std::move(one));
}

void cluster::send(publication one) {
  const std::uint64_t number = counts_.up ? line_->publish(one.channel, one.bytes) : 0;
  if (number == 0) return did_not_leave(std::move(one));
  ++counts_.published;
  if (!one.joins.empty()) announced_.emplace(one.sequence, number);
  one.bytes = {};
  under_way_.emplace(number, std::move(one));
}

void cluster::left(std::uint64_t number, std::size_t nodes) {
  const auto found = under_way_.find(number);
  if (found == under_way_.end()) return;
  publication& one = found->second;
  if (!reached_all(one.channel, nodes)) {
    counts_.lost += one.senders.size();
    untold_.insert(untold_.end(), one.senders.begin(), one.senders.end());
    one.senders.clear();
  }
  // Joins go on once they have come back.
  if (!one.joins.empty()) return;
  const waiting asker = one.asker;
  under_way_.erase(found);
  if (asker.number == 0) return;
  decide(asker, nodes > 0
                    ? verdict{}
                    : verdict{verdict::kind::refuse, "nobody by that name", refusal::no_such_user});
}

// Whether as many nodes heard of it as before the backplane was lost: one that comes back later
// misses what is said until then.
bool cluster::reached_all(const std::string& channel, std::size_t nodes) {
  if (channel.front() == room_mark && nodes > 1) shared_by_.insert_or_assign(channel, nodes);
  if (shared_before_.empty()) return true;
  if (shared_.clock.now() - came_up_at_ > return_ms) {
    shared_before_.clear();
    return true;
  }
  const auto before = shared_before_.find(channel);
  return before == shared_before_.end() || nodes >= before->second;
}

void cluster::lost(std::uint64_t number) {
  auto gone = under_way_.extract(number);
  if (!gone.empty()) did_not_leave(std::move(gone.mapped()));
}

void cluster::could_not_leave(connection_id sender) {
  ++counts_.lost;
  if (sender != no_id) untold_.push_back(shared_.handle_of(sender));
}

// Nobody else knows of it, or it is not known who does.
void cluster::did_not_leave(publication one) {
  announced_.erase(one.sequence);
  counts_.lost += one.senders.size() + one.joins.size();
  untold_.insert(untold_.end(), one.senders.begin(), one.senders.end());
  for (announcement& join : one.joins) {
    untold_.push_back(join.one.who);
    serve(std::move(join));
  }
  if (one.asker.number == 0) return;
  ++counts_.lost;
  decide(one.asker, {verdict::kind::refuse, "other nodes could not be asked for this user",
                     refusal::unavailable});
}

// Own publications come back in channels that this node has subscribed to.
void cluster::came_back(std::uint64_t sequence) {
  const auto found = announced_.extract(sequence);
  if (found.empty()) return;
  auto gone = under_way_.extract(found.mapped());
  if (gone.empty()) return;
  for (announcement& join : gone.mapped().joins) serve(std::move(join));
}

void cluster::serve(announcement join) {
  const waiting one = join.one;
  heard_.insert_or_assign(one.who, std::move(join));
  decide(one, {});
}

// Of those who went while their join was under way, others have to hear that they left.
void cluster::take_back_joins() {
  if (heard_.empty()) return;
  for (auto& [who, join] : std::exchange(heard_, {})) {
    if (shared_.find_chatting(who) != no_id) {
      heard_.emplace(who, std::move(join));
      continue;
    }
    end_joining(join.room);
    to_room(join.room,
            left_message(quoted_name(join.room), quoted_name(join.user), shared_.clock.timestamp()),
            no_id);
  }
}

void cluster::end_joining(const std::string& room) {
  const std::string channel = channel_of(room_mark, room);
  const auto found = subscriptions_.find(channel);
  if (found == subscriptions_.end()) return;
  --found->second.joining;
  unneeded_.push_back(channel);
}

// A turn later: behind what its room has given it of the message.
void cluster::tell_all() {
  for (const connection_handle sender : std::exchange(told_next_, std::exchange(untold_, {}))) {
    const connection_id id = shared_.find_chatting(sender);
    if (id == no_id) continue;
    protocol_.refuse(id, refusal::unavailable,
                     "other nodes could not be reached: it was served on this one alone");
  }
}

void cluster::arrived(std::string_view channel, std::string_view bytes) {
  if (bytes.size() >= head_size && bytes.starts_with(std::string_view{own_.data(), own_.size()})) {
    return came_back(sequence_of(bytes));
  }
  const std::string_view frames = bytes.substr(std::min(bytes.size(), head_size));
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
  take_back_joins();
  drop_unneeded();
  send_all();
  line_->tick();
  tell_all();
}

void cluster::say(std::string_view text) const {
  if (warn_) warn_(text);
}

}  // namespace chinwag
