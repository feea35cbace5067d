#include "simulation.hpp"

#include <algorithm>
#include <cstdio>

#include "wire.hpp"

namespace simulation {

namespace {

constexpr std::uint64_t ms = 1'000;
constexpr std::uint64_t sleep_us = 20 * ms;    // at most, of a calm turn
constexpr std::uint64_t settle_us = 700 * ms;  // longer than the server holds anyone back
constexpr std::uint64_t pause_us = 500 * ms;
constexpr std::uint64_t idle_turns_max = 300;
constexpr std::uint64_t little_memory_bytes = 256 * 1024 * 1024;  // a run asks for less
constexpr std::uint64_t turns_to_rest = 20'000;

oracle_settings settings_of(const setup& made) {
  oracle_settings settings;
  settings.limits.header_bytes_max = made.limits.header_bytes_max;
  settings.limits.echo = made.limits.echo;
  settings.limits.echo_bytes_max = made.limits.echo_bytes_max;
  settings.rooms_max = made.limits.rooms_per_connection_max;
  settings.ping_interval_ms = made.limits.ping_interval_ms;
  settings.idle_timeout_ms = made.limits.idle_timeout_ms;
  settings.handshake_timeout_ms = made.limits.handshake_timeout_ms;
  settings.stall_timeout_ms = made.limits.stall_timeout_ms;
  settings.pending_bytes_max = made.limits.pending_bytes_max;
  settings.little_memory = made.limits.memory_bytes_max < little_memory_bytes;
  settings.skips = made.limits.slow_consumer == chinwag::slow_consumer_policy::skip;
  settings.leaves_deliver = true;  // core/src/state/rooms.hpp, leave()
  settings.asks_joins = made.program.present != 0 && made.program.asks_joins != 0;
  settings.asks_messages = made.program.present != 0 && made.program.asks_messages != 0;
  return settings;
}

}  // namespace

run_of_shard::run_of_shard(const setup& made, trace& log)
    : setup_(made),
      trace_(log),
      kernel_(made.kernel, made.seed, log),
      oracle_(settings_of(made), log),
      bounds_(made.limits, log),
      program_(made.program, oracle_, kernel_, log) {
  const chinwag::hash_key key{made.seed, ~made.seed};
  shard_ = std::make_unique<chinwag::shard>(made.limits, key, program_.make_handlers());
  program_.serve_for(*shard_);
  kernel_.owed = [this]() -> std::string {
    if (program_.owed() > 0) return "the program a task";
    return drain_asked_ && kernel_.listens() ? "a drain or a stop" : "";
  };
  if (!shard_->listen()) trace_.violate("listen", "it failed");
  shard_->begin();
  unix_least_ = unix_most_ = kernel_.unix_now_ms();
}

run_of_shard::~run_of_shard() {
  successor_.reset();
  shard_.reset();
}

std::vector<connection_number> run_of_shard::clients() const {
  std::vector<connection_number> found;
  for (const auto& [number, one] : clients_) {
    if (!one.gone) found.push_back(number);
  }
  return found;
}

run_of_shard::client* run_of_shard::find(connection_number number) {
  const auto found = clients_.find(number);
  return found == clients_.end() || found->second.gone ? nullptr : &found->second;
}

void run_of_shard::apply(const action& one) {
  if (over()) return;
  trace_.add("action", static_cast<std::uint64_t>(one.kind), one.client);
  for (const std::string& text : one.texts) trace_.add_bytes(text);
  act(one);
  if (over_) conclude();
}

void run_of_shard::connect(const action& one) {
  if (clients_.contains(one.client)) return;
  link& made = kernel_.connect(one.client);
  made.room = std::max<std::size_t>(one.a, 1);
  oracle_.connected(one.client);
  clients_[one.client] = {.number = one.client};
}

void run_of_shard::act(const action& one) {
  client* of = find(one.client);
  const auto text = [&](std::size_t i) {
    return i < one.texts.size() ? one.texts[i] : std::string{};
  };
  switch (one.kind) {
    case action_kind::connect:
      return connect(one);
    case action_kind::raw:
      if (of != nullptr) write(*of, text(0));
      return;
    case action_kind::frame: {
      if (of == nullptr) return;
      const auto key = static_cast<std::uint32_t>(one.b);
      write(*of, client_frame(
                     static_cast<std::uint8_t>(one.a), text(0),
                     {static_cast<unsigned char>(key >> 24), static_cast<unsigned char>(key >> 16),
                      static_cast<unsigned char>(key >> 8), static_cast<unsigned char>(key)}));
      return;
    }
    case action_kind::fin:
    case action_kind::vanish:
    case action_kind::reset: {
      if (of == nullptr) return;
      link& at = *link_of(one.client);
      if (one.kind == action_kind::fin) kernel_.end_input(at);
      if (one.kind == action_kind::vanish) kernel_.vanish(at);
      if (one.kind == action_kind::reset) kernel_.reset_by_client(at, one.a != 0);
      if (one.kind == action_kind::fin) return oracle_.client_finished(one.client);
      oracle_.client_ended(one.client, one.kind != action_kind::reset || one.a == 0);
      of->gone = true;
      return;
    }
    case action_kind::reader:
      if (of != nullptr) of->rate = one.a;
      return;
    case action_kind::manners:
      if (of != nullptr) of->manners = one.a;
      return;
    case action_kind::turn:
      return turn(one.a, false, one.b);
    case action_kind::pass:
      return kernel_.pass(one.a);
    case action_kind::clock:
      kernel_.step_unix(static_cast<std::int64_t>(one.a) - 86'400'000);
      return;
    case action_kind::decide:
      return program_.decide(one.a, one.b);
    case action_kind::publish:
      return program_.publish(text(0), text(1), text(2));
    case action_kind::send_to:
      return program_.send_to(text(0), text(1), text(2));
    case action_kind::send:
      return program_.send(one.client, text(0));
    case action_kind::kick:
      return program_.kick(one.client, static_cast<std::uint16_t>(one.a));
    case action_kind::settle:
      return settle(one.a);
    case action_kind::drain:
      return ask_to_drain();
    case action_kind::stop:
      return ask_to_stop();
    case action_kind::hand_over:
      return hand_over();
    case action_kind::present:
      return present();
    case action_kind::end:
      return finish(one.a);
  }
}

// At any moment between two turns. What the program was told of connections would be of no use to
// it afterwards: only a shard without one is handed over.
void run_of_shard::hand_over() {
  if (setup_.program.present != 0 || drain_asked_) return;
  chinwag::image own;
  if (!shard_->write(own)) return;  // a call waits until its room can keep up
  if (successor_ == nullptr) begin_successor();
  for (int& descriptor : own.descriptors) descriptor = kernel_.hand_over(descriptor);
  kernel_.hand_over_presented();
  if (!successor_->inherit(own)) return trace_.violate("hand-over", "the state could not be read");
  shard_->let_go();
  shard_ = std::move(successor_);
  program_.serve_for(*shard_);
  shard_->begin();
}

void run_of_shard::begin_successor() {
  const chinwag::hash_key key{setup_.seed + 1, setup_.seed};
  successor_ = std::make_unique<chinwag::shard>(setup_.limits, key, chinwag::handlers{});
}

// Some descriptors go ahead, and the shard serves on. Who has begun with another successor begins
// anew.
void run_of_shard::present() {
  if (setup_.program.present != 0 || drain_asked_) return;
  bool more = false;
  const auto give = [this](std::span<const int> some) {
    std::vector<int> given;
    for (const int descriptor : some) given.push_back(kernel_.present(descriptor));
    return successor_->expect(given);
  };
  const bool first = successor_ == nullptr;
  if (first) begin_successor();
  if (!shard_->present(give, first, more)) trace_.violate("hand-over", "it can't be watched");
}

void run_of_shard::write(client& from, std::string_view bytes) {
  link& at = *link_of(from.number);
  if (at.client_fin || at.server_closed || at.refused || at.server_reset) return;
  at.to_server += bytes;
  oracle_.sent(from.number, bytes, kernel_.now_us());
}

void run_of_shard::turn(std::uint64_t seed, bool calm, std::uint64_t patience_us) {
  unix_least_ = std::min(unix_least_, kernel_.unix_now_ms());
  kernel_.begin_turn(seed, calm, patience_us);
  if (!shard_->step()) {
    over_ = true;
    if (!drain_asked_) trace_.violate("shard: it ends when it is told to", "it ended by itself");
  }
  unix_most_ = std::max(unix_most_, kernel_.unix_now_ms());
  oracle_.unix_range(unix_least_ - 1, unix_most_);
  check_turn();
  check_bounds();
  // A wait of one millisecond is a look at what can't go on yet, not a rest.
  report(kernel_.rested() && kernel_.last_timeout_ms() != 1);
  for (auto& [number, of] : clients_) {
    if (oracle_.nameless(number)) learn_name(number);
  }
  for (auto& [number, of] : clients_) {
    if (!of.gone) read(of);
  }
}

// A name that the server made up counts for others from when it was sent, read or not.
void run_of_shard::learn_name(connection_number number) {
  static constexpr std::string_view welcome = "{\"type\":\"welcome\",\"user\":\"";
  const std::string& sent = link_of(number)->first_sent;
  const std::size_t at = sent.find(welcome);
  const std::size_t end = at == sent.npos ? at : sent.find('"', at + welcome.size());
  if (end == sent.npos) return;
  oracle_.named(number,
                std::string_view(sent).substr(at + welcome.size(), end - at - welcome.size()));
}

// Nothing that one turn may do without a bound.
void run_of_shard::check_turn() {
  const turn_work& work = kernel_.work();
  if (work.accepts > setup_.limits.accepts_per_turn + 1) {
    trace_.violate("turn: accepts_per_turn", std::to_string(work.accepts));
  }
  const bool idle =
      kernel_.last_timeout_ms() == 0 && work.received == 0 && work.sent == 0 && work.accepts == 0;
  idle_turns_ = idle ? idle_turns_ + 1 : 0;
  if (idle_turns_ > idle_turns_max) {
    trace_.violate("liveness: it sleeps when there is nothing to do",
                   std::to_string(idle_turns_) + " turns without a wait did nothing");
  }
}

void run_of_shard::check_bounds() {
  turn_sample sample{.now = shard_->read(),
                     .largest_frame = oracle_.largest_frame(),
                     .directs = oracle_.any_direct(),
                     .now_us = kernel_.now_us()};
  for (auto& [number, of] : clients_) {
    const link& at = *link_of(number);
    // Behind a reset all that is left is read at once.
    if (!at.client_reset) bounds_.check_received(number, at.received - of.received);
    of.received = at.received;
    if (!at.accepted || at.server_closed) continue;
    ++sample.connections;
    sample.blocked |= at.was_blocked || at.blocked_us != 0;
  }
  bounds_.check(sample);
}

void run_of_shard::report(bool rested) {
  const bool paused = kernel_.turn_began_us() > turn_ended_us_ + pause_us;
  turn_ended_us_ = kernel_.now_us();
  std::vector<link_report> reports;
  for (auto& [number, of] : clients_) {
    link& at = *link_of(number);
    if (of.saw_end) continue;
    rested = rested && at.to_server.empty();  // of one who is not accepted yet, say
    const bool blocked = at.blocked_us != 0;
    const std::uint64_t since = std::max({at.blocked_us, at.progress_us, at.taken_us});
    check_stalled(of, at, blocked);
    reports.push_back({.number = number,
                       .blocked = blocked || at.was_blocked,
                       .stalled_us = blocked ? kernel_.now_us() - since : 0,
                       .accepted = at.accepted,
                       .accepted_us = at.accepted_us,
                       .send_failed = at.send_failed,
                       .unread_after_pause = paused && !at.to_server.empty()});
    at.was_blocked = false;
  }
  oracle_.after_turn(reports, kernel_.now_us(), rested);
}

// L3: who takes nothing is closed, or reset, in the time that the server has for both, and a half
// for its looks at what is taken. A pause of the process does not count.
void run_of_shard::check_stalled(client& of, const link& at, bool blocked) {
  const std::uint64_t turn_us = std::min(kernel_.now_us() - kernel_.turn_began_us(), pause_us);
  const std::uint64_t progress_us = std::max(at.progress_us, at.taken_us);
  of.stalled_us = blocked && progress_us == of.progress_us ? of.stalled_us + turn_us : 0;
  of.progress_us = progress_us;
  const std::uint64_t both_ms = setup_.limits.stall_timeout_ms + setup_.limits.close_timeout_ms;
  const std::uint64_t limit_us = (both_ms + both_ms / 2 + 500) * ms;
  if (of.stalled_us > limit_us && !at.server_closed && oracle_.alive(of.number)) {
    trace_.violate("L3: a member that does not read",
                   "client " + std::to_string(of.number) + " is neither closed nor reset");
  }
}

void run_of_shard::read(client& to) {
  link& at = *link_of(to.number);
  if (at.refused) {
    oracle_.client_ended(to.number, false);
    to.gone = true;
    return;
  }
  const std::size_t size = std::min<std::uint64_t>(to.rate, at.to_client.size());
  if (size > 0) {
    const std::string bytes = at.to_client.substr(0, size);
    at.to_client.erase(0, size);
    at.taken_us = kernel_.now_us();
    oracle_.received(to.number, bytes, kernel_.now_us(),
                     [&](const server_frame& frame) { respond(to, frame); });
  }
  const bool ended = at.server_fin || at.server_closed || at.server_reset;
  if (!ended || to.saw_end || (!at.to_client.empty() && !at.server_reset)) return;
  to.saw_end = true;
  at.lost |= !at.to_client.empty();
  oracle_.server_ended(to.number, at.server_reset, at.lost);
  if ((to.manners & 2) == 0 && !at.server_closed) return;
  kernel_.vanish(at);
  oracle_.client_ended(to.number, true);
  to.gone = true;
}

void run_of_shard::respond(client& to, const server_frame& frame) {
  if (frame.opcode == 9 && (to.manners & 1) != 0) {
    write(to, client_frame(0x8A, frame.payload, {1, 2, 3, 4}));
  }
  if (frame.opcode == 8 && (to.manners & 2) != 0 && !to.sent_close) {
    to.sent_close = true;
    write(to, client_frame(0x88, frame.payload.substr(0, 2), {5, 6, 7, 8}));
  }
}

// Calm turns until the server sleeps and `least_us` have passed; false if it never does.
bool run_of_shard::rest(std::uint64_t seed, std::uint64_t least_us) {
  const std::uint64_t until = kernel_.now_us() + least_us;
  std::uint64_t quiet_turns = 0;
  // What was sent already may take a turn for each read_bytes_per_turn of it.
  std::uint64_t turns_left = turns_to_rest;
  for (const auto& [number, of] : clients_) {
    turns_left += link_of(number)->to_server.size() / setup_.limits.read_bytes_per_turn;
  }
  for (std::uint64_t i = 0; i < turns_left; ++i) {
    program_.decide_all();
    turn(seed + i, true, sleep_us);
    if (over()) return false;
    const bool quiet = kernel_.rested() && kernel_.last_timeout_ms() != 1 &&
                       kernel_.work().received + kernel_.work().sent == 0;
    quiet_turns = quiet ? quiet_turns + 1 : 0;
    if (quiet_turns >= 4 && kernel_.now_us() >= until && program_.owed() == 0) return true;
  }
  trace_.violate("liveness: it comes to rest",
                 "it did not in " + std::to_string(turns_left) + " turns");
  return false;
}

void run_of_shard::settle(std::uint64_t seed) {
  for (auto& [number, of] : clients_) {
    of.rate = UINT64_MAX;
    of.manners = 3;
    link_of(number)->room = std::max<std::size_t>(link_of(number)->room, 64 * 1024);
  }
  if (!rest(seed, settle_us) || drain_asked_) return;
  oracle_.settled();
  bounds_.rested();
  check_gone();
  check_lists(seed);
  std::erase_if(clients_, [&](const auto& one) { return one.second.gone; });
}

// Whoever is gone is gone for the server, too.
void run_of_shard::check_gone() {
  std::uint64_t open = 0;
  for (const auto& [number, of] : clients_) {
    const link& at = *link_of(number);
    if (at.accepted && !at.server_closed) ++open;
    if (!at.refused && !at.accepted) {
      trace_.violate("liveness: connections are accepted", "client " + std::to_string(number));
    }
    if ((at.client_fin || at.client_reset) && at.accepted && !at.server_closed) {
      trace_.violate("R7, F8: a connection that ended is closed",
                     "client " + std::to_string(number) + " is still open");
    }
  }
  const std::uint64_t counted = shard_->read().connections;
  if (counted != open) {
    trace_.violate("stats: connections",
                   std::to_string(counted) + ", open are " + std::to_string(open));
  }
}

void run_of_shard::check_lists(std::uint64_t seed) {
  std::vector<chinwag::room_info> rooms;
  std::map<std::string, std::vector<chinwag::member_info>> members;
  const std::vector<counted_room> due = oracle_.rooms_now();
  program_.post([&](chinwag::program_calls& calls) {
    rooms = calls.list_rooms();
    for (const counted_room& room : due) members[room.name] = calls.list_members(room.name);
  });
  for (unsigned i = 0; i < 3 && program_.owed() > 0; ++i) turn(seed + 7 + i, true, sleep_us);
  std::map<std::string, std::size_t> listed;
  for (const chinwag::room_info& one : rooms) listed[one.name] = one.members;
  std::uint64_t all = 0;
  for (const counted_room& room : due) {
    std::map<std::string, int> users;
    for (const chinwag::member_info& one : members[room.name]) ++users[one.user];
    std::size_t size = 0;
    for (const auto& [user, count] : room.users) size += static_cast<std::size_t>(count);
    all += size;
    if (users != room.users || listed[room.name] != size) {
      trace_.violate("list_rooms, list_members", "'" + room.name + "': listed " +
                                                     std::to_string(listed[room.name]) + ", are " +
                                                     std::to_string(size));
    }
  }
  const chinwag::stats now = shard_->read();
  if (listed.size() != due.size() || now.rooms != due.size() || now.members != all) {
    trace_.violate("stats: rooms, members",
                   std::to_string(now.rooms) + " rooms of " + std::to_string(due.size()) + ", " +
                       std::to_string(now.members) + " members of " + std::to_string(all));
  }
}

void run_of_shard::finish(std::uint64_t kind) {
  if (over()) return;
  if (drain_asked_) return drain(43);
  settle(kind + 17);
  if (over()) return;
  if (kind == 3) silence(29);
  if (kind == 0) {
    for (auto& [number, of] : clients_) {
      kernel_.vanish(*link_of(number));
      oracle_.client_ended(number, true);
      of.gone = true;
    }
    settle(31);
    const chinwag::stats now = shard_->read();
    if (!over() && now.memory_bytes != 0) {
      trace_.violate("stats: memory is given back when all are gone",
                     std::to_string(now.memory_bytes) + " bytes are in use");
    }
    if (!over() && (now.connections != 0 || now.rooms != 0 || now.members != 0)) {
      trace_.violate("stats: nothing is left when all are gone",
                     std::to_string(now.connections) + " connections, " +
                         std::to_string(now.rooms) + " rooms");
    }
  }
  if (over()) return;
  if (kind == 2) {
    ask_to_stop();
    turn(37, true, sleep_us);
    if (!over_) trace_.violate("stop: ends at once", "it goes on");
  } else {
    drain(41);
  }
}

// What must be true once the shard has taken its last turn.
void run_of_shard::conclude() {
  if (concluded_ || trace_.violated()) return;
  concluded_ = true;
  const std::uint32_t left = shard_->end();
  if (!stopped_ && left != 0) {
    trace_.violate("L5: a drain ends with nobody connected", std::to_string(left) + " are");
  }
  for (auto& [number, of] : clients_) {
    of.rate = UINT64_MAX;
    if (!of.gone) read(of);
  }
  if (!stopped_) oracle_.drained();
  program_.check_all_closed();
  successor_.reset();
  shard_.reset();
  kernel_.check_all_closed();
}

void run_of_shard::ask_to_drain() {
  if (drain_asked_) return;
  oracle_.draining();
  drain_asked_ = true;
  shard_->drain(60'000);
}

void run_of_shard::ask_to_stop() {
  oracle_.stopping();
  drain_asked_ = stopped_ = true;
  shard_->stop();
}

// L1, L2: who says nothing hears pings, then is closed with 1001.
void run_of_shard::silence(std::uint64_t seed) {
  const std::uint64_t began = kernel_.now_us();
  // A connection that reads again after a pause is looked at by its next ping at the latest.
  const std::uint64_t wait_us =
      (setup_.limits.idle_timeout_ms + setup_.limits.ping_interval_ms + 500) * ms;
  std::vector<connection_number> watched;
  std::map<connection_number, std::uint64_t> pinged;
  for (auto& [number, of] : clients_) {
    of.manners = 2;
    if (!oracle_.alive(number)) continue;
    watched.push_back(number);
    pinged[number] = oracle_.pings(number);
  }
  std::map<connection_number, std::uint64_t> heard;
  for (std::uint64_t i = 0; kernel_.now_us() < began + wait_us; ++i) {
    turn(seed + i, true, sleep_us);
    if (over()) return;
    for (const connection_number number : watched) {
      heard[number] = std::max(heard[number], oracle_.pings(number));
    }
  }
  for (const connection_number number : watched) {
    const std::string who = "client " + std::to_string(number);
    if (oracle_.alive(number)) trace_.violate("L2: 1001 after silence", who + " is still there");
    const std::uint64_t due = setup_.limits.idle_timeout_ms / setup_.limits.ping_interval_ms;
    const std::uint64_t got = heard[number] - pinged[number];
    if (got + 2 < due) {
      trace_.violate("L1: pings",
                     who + " got " + std::to_string(got) + " of " + std::to_string(due));
    }
  }
  settle(seed);
}

void run_of_shard::drain(std::uint64_t seed) {
  kernel_.meanwhile = [this] { ask_to_drain(); };
  for (std::uint64_t i = 0; i < turns_to_rest && !over(); ++i) turn(seed + i, true, sleep_us);
  if (!over_) trace_.violate("L5: a drain ends", "it does not");
}

}  // namespace simulation
