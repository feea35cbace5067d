#include <algorithm>
#include <nlohmann/json.hpp>

#include "oracle.hpp"
#include "oracle_hash.hpp"
#include "wire.hpp"

// What clients received, against what they asked for and what others did.
namespace simulation {

namespace {

using json = nlohmann::json;

constexpr std::uint16_t going_away = 1001;
constexpr std::uint16_t restart = 1012;
constexpr std::uint16_t try_later = 1013;

std::string brief(std::string_view text) {
  return std::string(text.substr(0, 160));
}

}  // namespace

void oracle::received(connection_number number, std::string_view bytes, std::uint64_t now_us,
                      const control& respond) {
  client* of = find(number);
  if (of == nullptr || of->client_over) return;
  now_us_ = now_us;
  of->hears.feed(bytes);
  server_response response;
  while (!of->upgraded &&
         of->hears.next_response(!of->http.empty() && of->http.front().head, response)) {
    take_response(*of, response);
  }
  server_frame frame;
  while (of->upgraded && of->hears.next_frame(frame)) take_frame(*of, frame, now_us, respond);
  if (!of->hears.fault().empty()) violate(*of, "RFC 6455: framing", of->hears.fault());
}

void oracle::take_response(client& of, const server_response& got) {
  trace_.add("response", of.number, got.status);
  if (of.http.empty() || of.http_over) {
    violate(of, "HTTP: one answer for each request",
            "an answer too many: " + std::to_string(got.status));
    return;
  }
  const client_item asked = std::move(of.http.front());
  of.http.pop_front();
  const bool refused = got.status >= 400 && got.status <= 599;
  const bool no_memory = settings_.little_memory && got.status == 503 && asked.socket;
  const bool fits =
      no_memory || (asked.statuses.empty() ? refused : asked.statuses.contains(got.status));
  if (!fits) violate(of, "HTTP: status", "got " + std::to_string(got.status));
  of.http_over |= got.closes;
  if (got.status == 200 && !asked.head && got.type.starts_with("application/json")) {
    const json health = json::parse(got.body, nullptr, false);
    const bool good = health.is_object() && health.value("status", "") == "ok" &&
                      health.contains("implementation") && health.contains("pid");
    if (!good) violate(of, "HTTP: health", brief(got.body));
  }
  if (got.status != 101) return;
  of.upgraded = true;
  if (!asked.echo) of.user = asked.user;
  if (got.accept != sample_accept) violate(of, "H1: Sec-WebSocket-Accept", got.accept);
  if (asked.echo) of.welcomed = true;
}

void oracle::take_frame(client& of, const server_frame& got, std::uint64_t now_us,
                        const control& respond) {
  trace_.add("frame", of.number, got.opcode * 0x1000000U + got.payload.size(), got.payload);
  if (of.close_received) {
    violate(of, "RFC 6455: a frame behind a close", "opcode " + std::to_string(got.opcode));
    return;
  }
  switch (got.opcode) {
    case 8:
      take_close(of, got.payload, now_us);
      respond(got);
      return;
    case 9:
      ++of.pinged;
      respond(got);
      return;
    case 10:
      if (of.pongs.empty() || of.pongs.front() != got.payload) {
        // Behind what ends the connection and waits for a verdict itself, pings may be served.
        if (!of.suspect) violate(of, "F1: pong", "not what is due: '" + brief(got.payload) + "'");
      } else {
        of.pongs.pop_front();
      }
      return;
    default:
      break;
  }
  if (of.echo) {
    const bool due = !of.echoes.empty() && of.echoes.front().first == got.opcode &&
                     of.echoes.front().second == got.payload;
    if (!due) return violate(of, "echo: every message, in order", brief(got.payload));
    of.echoes.pop_front();
    return;
  }
  if (got.opcode != 1) return violate(of, "chat/1: text", "a binary message");
  take_text(of, got.payload);
}

void oracle::take_text(client& of, std::string_view text) {
  if (!text.starts_with("{\"type\":")) violate(of, "chat/1: type is the first key", brief(text));
  const json got = json::parse(text, nullptr, false);
  if (!got.is_object()) return violate(of, "chat/1: JSON text messages", brief(text));
  const std::string type = got.value("type", "");
  const auto field = [&](const char* name) {
    const auto found = got.find(name);
    return found != got.end() && found->is_string() ? found->get<std::string>() : std::string{};
  };
  if (type != "welcome" && !of.welcomed) violate(of, "H1: welcome first", brief(text));
  if (type != "welcome" && type != "error" && type != "skipped") {
    const auto found = got.find("timestamp");
    const bool present = found != got.end();
    const bool integer = present && found->is_number_integer();
    check_time(of, present, integer, integer ? found->get<std::uint64_t>() : 0);
    learn_of(field("user"), type == "direct" ? "" : field("room"), field("content"));
  }
  if (type == "welcome") {
    if (of.welcomed) violate(of, "H1: one welcome", brief(text));
    of.welcomed = true;
    const std::string user = field("user");
    const bool random = of.wanted.empty();
    const bool fits =
        random ? is_uuid4(user) && (of.user.empty() || of.user == user) : of.wanted == user;
    if (!fits) violate(of, random ? "H5: a random UUIDv4" : "H4: user", user);
    if (random && of.user.empty()) ++connections_of_[user];
    of.user = user;
    evaluate(of);
  } else if (type == "heartbeat") {
    take_answer(of, true, {});
  } else if (type == "error") {
    take_answer(of, false, field("code"));
  } else if (type == "direct") {
    take_direct(of, field("user"), field("content"));
  } else if (type == "user_joined") {
    take_room_event(of, event_kind::joined, field("room"), field("user"), {});
  } else if (type == "user_left") {
    take_room_event(of, event_kind::left, field("room"), field("user"), {});
  } else if (type == "message") {
    take_room_event(of, event_kind::message, field("room"), field("user"), field("content"));
  } else if (type == "skipped") {
    take_skipped(of, field("room"));
  } else {
    violate(of, "chat/1: server messages", "unknown type: " + brief(text));
  }
}

// Who was given a name (H5) and reset before it was sent is first heard of by others.
void oracle::learn_of(const std::string& user, const std::string& room,
                      const std::string& content) {
  if (!is_uuid4(user) || connections_of_.contains(user)) return;
  const auto has_said = [&](const client_item& item) {
    const asked_message& asked = item.message;
    return room.empty() ? asked.what == asked_message::kind::direct && asked.content == content
                        : asked.what == asked_message::kind::join && asked.name == room;
  };
  std::vector<connection_number> candidates;
  for (const auto& [number, of] : clients_) {
    if (!(of->client_over || of->finished) || !nameless(number)) continue;
    const bool said = std::any_of(of->items.begin(), of->items.end(), has_said);
    if (said) candidates.push_back(number);
  }
  if (candidates.size() == 1) named(candidates.front(), user);
  uncertain_ |= candidates.size() > 1;
}

void oracle::check_time(const client& of, bool present, bool integer, std::uint64_t value) {
  if (!present || !integer) violate(of, "chat/1: timestamp", "missing or not an integer");
  if (integer && (value < unix_least_ || value > unix_most_)) {
    violate(of, "chat/1: timestamp", std::to_string(value) + " was no time of this run");
  }
}

void oracle::take_close(client& of, std::string_view payload, std::uint64_t) {
  of.close_received = true;
  std::uint16_t code = no_code;
  if (payload.size() == 1) violate(of, "RFC 6455: close", "a payload of one byte");
  if (payload.size() >= 2) {
    code = static_cast<std::uint16_t>(static_cast<unsigned char>(payload[0]) << 8 |
                                      static_cast<unsigned char>(payload[1]));
    if (kind_of_close(code) == code_kind::invalid || !valid_utf8(payload.substr(2))) {
      violate(of, "RFC 6455: close", "code " + std::to_string(code));
    }
  }
  of.closed_with = code;
  trace_.add("close", of.number, code);
  const bool reason = of.codes.contains(code) || (code == restart && draining_) ||
                      (code == going_away && of.idle_possible) ||
                      (code == try_later && of.slow_possible && !of.echo) ||
                      (code == try_later && of.slow_possible);
  if (!reason) violate(of, "closed without a reason", "code " + std::to_string(code));
}

void oracle::take_answer(client& of, bool heartbeat, std::string_view code) {
  const auto fits = [&](const answer& due) {
    return due.heartbeat == heartbeat && (heartbeat || due.code == code);
  };
  // Those that may come or not stand in front of one that must come, if any.
  auto end = of.answers.begin();
  while (end != of.answers.end() && end->optional) ++end;
  auto found = end;
  for (auto at = of.answers.begin(); at != end; ++at) {
    if (!fits(*at) || certainly_there(of, *at)) continue;
    if (found == end || never_there(*at)) found = at;
    if (never_there(*at)) break;
  }
  if (found != end) {
    of.answers.erase(found);
    return;
  }
  for (auto at = of.answers.begin(); at != end; ++at) {
    if (!never_there(*at)) continue;
    return violate(of, "D2: no_such_user", "no error for '" + at->direct_to + "', who never was");
  }
  of.answers.erase(of.answers.begin(), end);
  if (of.answers.empty() || !fits(of.answers.front())) {
    const std::string due = of.answers.empty()             ? "nothing"
                            : of.answers.front().heartbeat ? "a heartbeat"
                                                           : of.answers.front().code;
    return violate(of, "answers, in the order of what was asked",
                   "got " + (heartbeat ? "a heartbeat" : std::string(code)) + ", due is " + due);
  }
  const std::uint64_t index = of.answers.front().index;
  of.answers.pop_front();
  if (heartbeat) fence(of, index);
}

// Whether somebody had the recipient's name all the time.
bool oracle::certainly_there(const client& asker, const answer& due) const {
  if (due.direct_to.empty()) return false;
  if (due.direct_to == asker.user) return true;
  const client* other = find(due.there);
  return other != nullptr && is_alive(*other) && !other->suspect && !other->idle_possible &&
         !other->slow_possible && !other->send_failed;
}

bool oracle::never_there(const answer& due) const {
  return !due.direct_to.empty() && !connections_of_.contains(due.direct_to);
}

// R6: what was left before this heartbeat was asked for sends nothing any more.
void oracle::fence(client& of, std::uint64_t index) {
  for (auto& [name, view] : of.rooms) {
    if (view.left_at == 0 || view.left_at > index) continue;
    for (const own_event& one : view.own) {
      if (one.index >= view.left_at || !due_before_leave(view, one)) continue;
      violate(of, "R6: what was published before a leave comes", "not all did in '" + name + "'");
    }
    // Clang before 16 captures no structured binding.
    std::erase_if(view.own,
                  [left = view.left_at](const own_event& one) { return one.index < left; });
    const bool rejoined = view.member && view.joined_at > view.left_at;
    const bool came = rejoined && view.epoch_seen == view.epoch;
    // Where it can't be told which user_joined it was, one of a later join may have come already.
    if (!view.unclear && !came && !(rejoined && view.joined_at < index)) view.open = false;
  }
}

// Whether a message of its own that it sent as a member must come although it left then.
bool oracle::due_before_leave(const room_view& view, const own_event& one) const {
  if (!settings_.leaves_deliver || view.unclear || view.skipped) return false;
  if (one.join || one.optional) return false;
  const auto known = publications_.find(one.hash);
  return known != publications_.end() && known->second.count == 1;
}

void oracle::take_direct(client& of, const std::string& user, const std::string& content) {
  trace_.add("direct", of.number, content.size());
  const std::uint64_t key = event_hash("direct", {}, user, content);
  const auto found = directs_.find(key);
  direct* match = nullptr;
  if (found != directs_.end()) {
    for (direct& one : found->second) {
      const bool mine = one.to.empty() ? one.to_one == of.number : one.to == of.user;
      if (mine && !one.got.contains(of.number)) {
        match = &one;
        break;
      }
    }
  }
  if (match == nullptr) {
    return violate(of, "D1: each gets it once", "unexpected: '" + brief(content) + "' of " + user);
  }
  match->got.insert(of.number);
  of.must_directs.erase(key);
  std::uint64_t& last = of.direct_order[match->sender];
  if (match->order < last) violate(of, "D4: order", "'" + brief(content) + "' of " + user);
  last = match->order;
}

void oracle::take_skipped(client& of, const std::string& room) {
  const auto found = of.rooms.find(room);
  if (!settings_.skips || !of.slow_possible || found == of.rooms.end()) {
    return violate(of, "skipped without a reason", room);
  }
  room_view& view = found->second;
  view.skipped = true;
  view.open = true;
  view.counts = false;
  view.users.clear();
  view.seen.clear();
  // Answers to a repeated join (R3) are no part of the log that was skipped over.
  for (own_event& one : view.own) one.optional |= !one.again;
}

void oracle::take_room_event(client& of, event_kind what, const std::string& room,
                             const std::string& user, const std::string& content) {
  const auto found = of.rooms.find(room);
  if (found == of.rooms.end()) {
    return violate(of, "R8: nothing of a room that it never joined", room);
  }
  room_view& view = found->second;
  if (what == event_kind::joined && user == of.user) return take_joined(of, view, room, user);
  if (!view.open) {
    return violate(of, "R2, R6: its own user_joined is the first of a room",
                   "'" + room + "': of '" + user + "' " + brief(content));
  }
  token seen{event_hash(what == event_kind::message ? "message"
                        : what == event_kind::left  ? "user_left"
                                                    : "user_joined",
                        room, user, content),
             user_id(user), what, false};
  balance& of_user = view.users[seen.user];
  if (what == event_kind::joined) {
    of_user.most = std::max(of_user.most, ++of_user.now);
  } else if (what == event_kind::left) {
    of_user.least = std::min(of_user.least, --of_user.now);
    if (user == of.user && unique_user(of)) {
      violate(of, "R6: nothing to the leaver", "its own user_left of '" + room + "'");
    }
    if (draining_) {
      for (const auto& [number, other] : clients_) {
        const auto there = other->rooms.find(room);
        // Of one that it left and joined again before.
        const bool member =
            there != other->rooms.end() && there->second.member && there->second.left_at == 0;
        if (other->user == user && member && unique_user(*other)) {
          lefts_in_drain_.emplace_back(number, room);
        }
      }
    }
  } else {
    take_message(of, view, room, user, content, seen);
  }
  view.seen.push_back(seen);
}

void oracle::take_joined(client& of, room_view& view, const std::string& room,
                         const std::string& user) {
  const bool alone = unique_user(of);
  if (!alone && (view.rejoined || view.epoch > 1)) view.unclear = true;
  // What was skipped over may never come: what must come counts first.
  const auto join_that = [&view](bool optional) {
    return std::find_if(view.own.begin(), view.own.end(), [optional](const own_event& one) {
      return one.join && one.optional == optional;
    });
  };
  auto due = join_that(false);
  const auto may = join_that(true);
  if (due == view.own.end()) {
    due = may;
  } else if (may != view.own.end()) {
    view.unclear = true;  // it may be the answer to either
  }
  const token seen{event_hash("user_joined", room, user, {}), user_id(user), event_kind::joined};
  if (due == view.own.end()) {
    if (alone && !view.unclear && !view.skipped) {
      return violate(of, "R1, R3: user_joined once for each join", "'" + room + "': one too many");
    }
    if (!view.open) return violate(of, "R2, R6: no member of the room", room);
    balance& own = view.users[seen.user];
    own.most = std::max(own.most, ++own.now);
    view.seen.push_back(seen);
    return;
  }
  const own_event taken = *due;
  if (!alone && view.open && !taken.again && taken.epoch == view.epoch_seen) view.unclear = true;
  // It may be the answer to a later join, too, where a leave between them dropped the first.
  if (std::any_of(due + 1, view.own.end(), [](const own_event& one) { return one.join; })) {
    view.unclear |= !taken.again && taken.epoch < view.epoch;
  }
  view.own.erase(due);
  view.open = true;
  if (taken.again) return;  // R3: for this connection alone
  if (!view.unclear) {
    std::erase_if(view.own, [&](const own_event& one) { return one.epoch < taken.epoch; });
  }
  if (!view.seen.empty()) view.before.push_back(std::move(view.seen));
  view.seen.clear();
  view.seen.push_back(seen);
  view.users.clear();
  view.counts = true;
  view.skipped = false;
  view.epoch_seen = taken.epoch;
  view.begun = clock_;
}

void oracle::take_message(client& of, room_view& view, const std::string& room,
                          const std::string& user, const std::string& content, token& seen) {
  const auto known = publications_.find(seen.hash);
  if (known == publications_.end()) {
    return violate(of, "R8, R11: only what was published, once",
                   "'" + room + "': '" + user + "': " + brief(content));
  }
  seen.unique = known->second.count == 1;
  if (known->second.sender != the_program) {
    balance& of_user = view.users[seen.user];
    of_user.least_speaking = std::min(of_user.least_speaking, of_user.now);
  }
  if (!seen.unique || known->second.sender != of.number) return;
  const auto due = std::find_if(view.own.begin(), view.own.end(), [&](const own_event& one) {
    return !one.join && one.hash == seen.hash;
  });
  if (due == view.own.end()) {
    return violate(of, "R6, R10, R11: its own messages, once, in order",
                   "'" + room + "': " + brief(content));
  }
  const std::uint32_t epoch = due->epoch;
  for (auto at = view.own.begin(); at != due; ++at) {
    const bool left = at->epoch < view.epoch || !view.member;
    if (!at->join && !at->optional && !(left && at->epoch < epoch)) {
      violate(of, "R10: order",
              "'" + room + "': a message before it is missing: " + brief(content));
    }
  }
  std::deque<own_event> kept;
  for (auto at = view.own.begin(); at != due; ++at) {
    if (at->join) kept.push_back(*at);
  }
  kept.insert(kept.end(), due + 1, view.own.end());
  view.own.swap(kept);
}

void oracle::server_ended(connection_number number, bool reset, bool lost) {
  client* of = find(number);
  if (of == nullptr || of->over) return;
  // A refusal that ended the connection may be among what a slow reader lost.
  const bool refused = lost && std::any_of(of->http.begin(), of->http.end(),
                                           [](const client_item& one) { return one.may_end; });
  if (!may_end(*of) && !refused) {
    violate(*of, "closed without a reason", reset ? "a reset" : "the end of the stream");
  }
  const bool cut_off = of->client_over || of->send_failed || of->handshake_possible ||
                       of->slow_possible || stopping_ || draining_;
  if (!reset && !cut_off && !of->hears.empty()) {
    violate(*of, "RFC 6455: framing", "the stream ends within a frame");
  }
  of->over = true;
  of->heard_to_end = of->finished && !of->client_over && !reset;
  of->lost = lost;
}

}  // namespace simulation
