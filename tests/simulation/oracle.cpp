#include "oracle.hpp"

#include <algorithm>

#include "oracle_hash.hpp"
#include "wire.hpp"

namespace simulation {

namespace {

constexpr std::uint64_t ms = 1'000;
constexpr std::uint64_t rounding_us = 2 * ms;  // of clocks that count milliseconds

}  // namespace

oracle::client* oracle::find(connection_number number) {
  const auto found = clients_.find(number);
  return found == clients_.end() ? nullptr : found->second.get();
}

const oracle::client* oracle::find(connection_number number) const {
  const auto found = clients_.find(number);
  return found == clients_.end() ? nullptr : found->second.get();
}

void oracle::violate(const client& of, const char* rule, const std::string& text) {
  if (uncertain_) return;
  trace_.violate(rule,
                 "client " + std::to_string(of.number) + " (user '" + of.user + "'): " + text);
}

std::uint32_t oracle::user_id(std::string_view user) {
  const auto [at, fresh] =
      user_ids_.emplace(std::string(user), static_cast<std::uint32_t>(user_names_.size()));
  if (fresh) user_names_.emplace_back(user);
  return at->second;
}

void oracle::expect_frame(std::size_t content_bytes) {
  constexpr std::size_t around = 1'024;  // header, type, room, user and timestamp
  largest_frame_ = std::max(largest_frame_, content_bytes + around);
}

void oracle::connected(connection_number number) {
  auto made = std::make_unique<client>(settings_.limits);
  made->number = number;
  clients_[number] = std::move(made);
}

void oracle::sent(connection_number number, std::string_view bytes, std::uint64_t now_us) {
  client* of = find(number);
  if (of == nullptr || of->client_over) return;
  now_us_ = now_us;
  if (of->says.upgraded() &&
      now_us - of->says.frame_us() + rounding_us >= settings_.idle_timeout_ms * ms) {
    of->idle_possible = true;
  }
  const std::size_t known = of->items.size();
  of->says.feed(bytes, now_us, of->items);
  possible_ += 7 * bytes.size();
  for (std::size_t i = known; i < of->items.size(); ++i) {
    client_item& item = of->items[i];
    expect_frame(item.payload.size());
    possible_ += 300;
    if (item.message.what == asked_message::kind::uncertain) uncertain_ = true;
    // These need not wait until what was asked for before them is decided.
    if (item.what == client_item::kind::ping) of->pongs.push_back(item.payload);
    if (item.what == client_item::kind::fault || item.what == client_item::kind::close) {
      of->codes.insert(item.codes.begin(), item.codes.end());
      of->suspect = true;
    }
    if (item.what == client_item::kind::http || item.what == client_item::kind::upgrade) {
      of->since_us = now_us;
    }
  }
  evaluate(*of);
}

void oracle::client_ended(connection_number number, bool all_readable) {
  client* of = find(number);
  if (of == nullptr || of->client_over) return;
  of->client_over = true;
  of->all_readable = all_readable;
  possible_ += 200 * (of->rooms.size() + 1);
}

void oracle::client_finished(connection_number number) {
  client* of = find(number);
  if (of == nullptr || of->client_over) return;
  of->finished = true;
  possible_ += 200 * (of->rooms.size() + 1);
}

void oracle::evaluate(client& of) {
  while (!of.said_all && of.evaluated < of.items.size() &&
         evaluate_item(of, of.items[of.evaluated])) {
    ++of.evaluated;
  }
  if (of.evaluated == of.items.size()) {
    of.items.clear();
    of.evaluated = 0;
  }
}

// False while the program has to say first what becomes of it.
bool oracle::evaluate_item(client& of, const client_item& item) {
  switch (item.what) {
    case client_item::kind::upgrade:
      of.asked_upgrade = true;
      of.echo = item.echo;
      if (!item.echo) of.wanted = item.user;
      if (!item.echo && !item.user.empty()) ++connections_of_[item.user];
      [[fallthrough]];
    case client_item::kind::http:
      of.http.push_back(item);
      return true;
    case client_item::kind::text:
      if (!of.echo) return evaluate_message(of, item);
      of.echoes.emplace_back(std::uint8_t{1}, item.payload);
      return true;
    case client_item::kind::binary:
      of.echoes.emplace_back(std::uint8_t{2}, item.payload);
      return true;
    case client_item::kind::ping:
      return true;
    case client_item::kind::close:
      of.fault = of.said_all = true;
      return true;
    case client_item::kind::fault:
      of.fault |= item.certain;
      of.said_all |= item.certain;
      return true;
  }
  return true;
}

bool oracle::evaluate_message(client& of, const client_item& item) {
  const asked_message& asked = item.message;
  if (of.user.empty()) {
    // Its name is known once it was welcomed, or at once if it gave one.
    if (of.wanted.empty()) return false;
    of.user = of.wanted;
  }
  ++of.index;
  switch (asked.what) {
    case asked_message::kind::bad:
      expect_error(of, "bad_request");
      return true;
    case asked_message::kind::heartbeat:
      of.answers.push_back({.heartbeat = true, .index = of.index});
      return true;
    case asked_message::kind::leave:
      evaluate_leave(of, asked);
      return true;
    case asked_message::kind::direct:
      evaluate_direct(of, asked);
      return true;
    case asked_message::kind::join:
      if (evaluate_join(of, asked)) return true;
      break;
    case asked_message::kind::message:
      if (evaluate_publish(of, asked)) return true;
      break;
    case asked_message::kind::nothing:
    case asked_message::kind::malformed:
    case asked_message::kind::uncertain:
      return true;
  }
  --of.index;
  return false;
}

void oracle::expect_error(client& of, const char* code, std::string direct_to) {
  const bool optional = !direct_to.empty();
  of.answers.push_back(
      {.code = code, .optional = optional, .direct_to = std::move(direct_to), .index = of.index});
}

bool oracle::evaluate_join(client& of, const asked_message& asked) {
  room_view& view = of.rooms[asked.name];
  const std::uint64_t hash = event_hash("user_joined", asked.name, of.user, {});
  if (view.member) {  // R3
    view.own.push_back({hash, true, true, false, view.epoch, of.index});
    view.rejoined = true;
    if (!unique_user(of)) view.unclear = true;
    return true;
  }
  if (of.memberships >= settings_.rooms_max) {  // R4
    expect_error(of, "too_many_rooms");
    return true;
  }
  if (settings_.asks_joins) {
    const question* answered = verdict_of(of, true, asked);
    if (answered == nullptr) return false;
    const answer_given given = answered->given;
    of.questions.pop_front();
    if (turned_down(of, given)) return true;
  }
  // Where the client can't tell which user_joined is which, neither can the oracle.
  if (view.epoch > 0 && (view.rejoined || !unique_user(of))) view.unclear = true;
  view.member = true;
  ++of.memberships;
  ++view.epoch;
  view.joined_at = of.index;
  view.own.push_back({hash, true, false, false, view.epoch, of.index});
  ++clock_;
  return true;
}

void oracle::evaluate_leave(client& of, const asked_message& asked) {
  const auto found = of.rooms.find(asked.name);
  if (found == of.rooms.end() || !found->second.member) {  // R5
    expect_error(of, "not_joined");
    return;
  }
  found->second.member = false;
  found->second.left_at = of.index;
  --of.memberships;
}

bool oracle::evaluate_publish(client& of, const asked_message& asked) {
  const auto found = of.rooms.find(asked.name);
  if (found == of.rooms.end() || !found->second.member) {  // R8
    expect_error(of, "not_joined");
    return true;
  }
  std::string content = asked.content;
  bool optional = false;
  if (settings_.asks_messages) {
    const question* answered = verdict_of(of, false, asked);
    if (answered == nullptr) return false;
    const answer_given given = answered->given;
    of.questions.pop_front();
    if (turned_down(of, given)) return true;
    if (given.what == answer_given::kind::change) {
      content = given.text;
      // What grows too long as JSON may be refused instead.
      optional = escape_json(content).size() > 65'536;
      if (optional)
        of.answers.push_back({.code = "unavailable", .optional = true, .index = of.index});
    }
  }
  room_view& view = found->second;
  const std::uint64_t hash = event_hash("message", asked.name, of.user, content);
  view.own.push_back({hash, false, false, optional, view.epoch, of.index});
  add_publication(asked.name, of.user, content, of.number);
  return true;
}

const oracle::question* oracle::verdict_of(client& of, bool join, const asked_message& asked) {
  const auto found =
      std::find_if(of.questions.begin(), of.questions.end(), [&](const question& one) {
        return one.join == join && one.room == asked.name && (join || one.content == asked.content);
      });
  if (found == of.questions.end()) return nullptr;
  if (found != of.questions.begin()) {
    violate(of, "handlers: asked in the order of the requests", "'" + asked.name + "'");
    return nullptr;
  }
  return found->given.what == answer_given::kind::later ? nullptr : &*found;
}

// Whether the request ends with what the program answered.
bool oracle::turned_down(client& of, const answer_given& given) {
  if (given.what == answer_given::kind::refuse) {
    expect_error(of, given.code.c_str());
    return true;
  }
  if (given.what != answer_given::kind::answer) return false;
  add_direct("server", given.text, {.sender = verdicts, .to_one = of.number});
  of.must_directs.insert(event_hash("direct", {}, "server", given.text));
  return true;
}

void oracle::evaluate_direct(client& of, const asked_message& asked) {
  expect_error(of, "no_such_user", asked.name);  // unless somebody by that name is connected
  for (const auto& [number, other] : clients_) {
    if (other->user == asked.name && is_alive(*other)) of.answers.back().there = number;
  }
  add_direct(of.user, asked.content, {.sender = of.number, .to = asked.name});
}

void oracle::add_direct(std::string_view from, std::string_view content, direct record) {
  any_direct_ = true;
  record.order = ++clock_;
  directs_[event_hash("direct", {}, from, content)].push_back(std::move(record));
}

void oracle::add_publication(std::string_view room, std::string_view user, std::string_view content,
                             connection_number sender) {
  publication& made = publications_[event_hash("message", room, user, content)];
  ++made.count;
  made.sender = sender;
  made.at = ++clock_;
  made.room = room;
}

void oracle::opened(connection_number number, std::string_view user) {
  client* of = find(number);
  if (of == nullptr) return;
  of->reported = true;
  named(number, user);
}

void oracle::named(connection_number number, std::string_view user) {
  client* of = find(number);
  if (of == nullptr) return;
  if (of->wanted.empty() && of->user.empty()) {
    of->user = user;
    ++connections_of_[of->user];
  }
  evaluate(*of);
}

bool oracle::nameless(connection_number number) const {
  const client* of = find(number);
  return of != nullptr && of->asked_upgrade && !of->echo && of->wanted.empty() && of->user.empty();
}

void oracle::join_asked(connection_number number, std::uint64_t ticket, std::string_view room,
                        answer_given given) {
  client* of = find(number);
  if (of == nullptr) return;
  of->questions.push_back({ticket, true, std::string(room), {}, std::move(given)});
  evaluate(*of);
}

void oracle::message_asked(connection_number number, std::uint64_t ticket, std::string_view room,
                           std::string_view content, answer_given given) {
  client* of = find(number);
  if (of == nullptr) return;
  possible_ += 6 * given.text.size() + 300;
  expect_frame(escape_json(given.text).size());
  of->questions.push_back(
      {ticket, false, std::string(room), std::string(content), std::move(given)});
  evaluate(*of);
}

void oracle::decided(connection_number number, std::uint64_t ticket, answer_given given) {
  client* of = find(number);
  if (of == nullptr) return;
  // What waited for the verdict is published now, and it was counted when it came.
  possible_ += 6 * given.text.size() + 7 * std::uint64_t{65'536};
  expect_frame(escape_json(given.text).size());
  of->decided_late = true;
  for (question& one : of->questions) {
    if (one.ticket == ticket && one.given.what == answer_given::kind::later) one.given = given;
  }
  evaluate(*of);
}

void oracle::published(std::string_view room, std::string_view content, std::string_view user) {
  possible_ += 6 * content.size() + 300;
  expect_frame(escape_json(content).size());
  add_publication(room, user, content, the_program);
}

void oracle::sent_to(std::string_view to, std::string_view content, std::string_view user) {
  possible_ += 6 * content.size() + 300;
  expect_frame(escape_json(content).size());
  add_direct(user, content, {.sender = the_program, .to = std::string(to)});
  const std::uint64_t key = event_hash("direct", {}, user, content);
  for (auto& [number, of] : clients_) {
    if (of->user == to && is_alive(*of)) of->must_directs.insert(key);
  }
}

void oracle::sent_one(connection_number to, std::string_view content, std::string_view user) {
  client* of = find(to);
  if (of == nullptr) return;
  possible_ += 6 * content.size() + 300;
  expect_frame(escape_json(content).size());
  add_direct(user, content, {.sender = verdicts - 1, .to_one = to});
  of->must_directs.insert(event_hash("direct", {}, user, content));
}

void oracle::kicked(connection_number number, std::uint16_t code) {
  client* of = find(number);
  if (of == nullptr) return;
  of->codes.insert(code);
  of->suspect = of->fault = true;
}

void oracle::draining() {
  for (auto& [number, of] : clients_) of->alive_at_drain = is_alive(*of);
  draining_ = true;
}

void oracle::after_turn(const std::vector<link_report>& links, std::uint64_t now_us, bool rested) {
  now_us_ = now_us;
  for (const link_report& one : links) {
    client* of = find(one.number);
    if (of == nullptr) continue;
    of->accepted |= one.accepted;
    of->send_failed |= one.send_failed;
    // Where memory is scarce, those who hold most give way.
    of->slow_possible |= settings_.little_memory && possible_ > of->mark_before;
    if (one.blocked) {
      // What was taken before the server's first look, a quarter in, it does not see.
      of->slow_possible |= one.stalled_us + rounding_us >= settings_.stall_timeout_ms * ms * 3 / 4;
      of->slow_possible |= possible_ - of->mark_before > settings_.pending_bytes_max;
    } else if (rested) {
      of->mark_before = of->mark;
      of->mark = possible_;
    }
    // After a pause of the process the server may need several turns to read what came meanwhile.
    // It judges nobody's silence before (L8).
    of->handshake_possible |= one.unread_after_pause;
    if (of->says.upgraded()) {
      of->idle_possible |=
          now_us - of->says.frame_us() + rounding_us >= settings_.idle_timeout_ms * ms;
    } else if (one.accepted) {
      const std::uint64_t since = std::max(of->since_us, one.accepted_us);
      of->handshake_possible |= now_us - since + rounding_us >= settings_.handshake_timeout_ms * ms;
    }
  }
}

bool oracle::unique_user(const client& of) const {
  const auto found = connections_of_.find(of.user);
  return found != connections_of_.end() && found->second == 1;
}

bool oracle::may_end(const client& of) const {
  if (of.client_over || of.finished || of.close_received || of.fault || of.suspect ||
      of.send_failed)
    return true;
  if (draining_ || stopping_ || of.idle_possible || of.slow_possible || of.http_over) return true;
  if (of.upgraded) return false;
  return of.handshake_possible || (!of.http.empty() && of.http.front().may_end);
}

bool oracle::is_alive(const client& of) const {
  return of.welcomed && !of.over && !of.close_received && !of.client_over && !of.finished &&
         !of.fault;
}

bool oracle::alive(connection_number number) const {
  const client* of = find(number);
  return of != nullptr && is_alive(*of);
}

bool oracle::ended(connection_number number) const {
  const client* of = find(number);
  return of == nullptr || of->over;
}

bool oracle::closing(connection_number number) const {
  const client* of = find(number);
  return of != nullptr && of->close_received;
}

std::uint64_t oracle::pings(connection_number number) const {
  const client* of = find(number);
  return of == nullptr ? 0 : of->pinged;
}

std::vector<connection_number> oracle::who_may_open(std::string_view user) const {
  std::vector<connection_number> found;
  for (const auto& [number, of] : clients_) {
    if (may_open(number, user)) found.push_back(number);
  }
  return found;
}

bool oracle::may_open(connection_number number, std::string_view user) const {
  const client* of = find(number);
  if (of == nullptr || of->reported || !of->asked_upgrade || of->echo) return false;
  if (!of->wanted.empty()) return of->wanted == user;
  return of->user.empty() ? is_uuid4(user) : of->user == user;
}

}  // namespace simulation
