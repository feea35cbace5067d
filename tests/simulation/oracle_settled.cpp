#include <algorithm>

#include "oracle.hpp"
#include "oracle_hash.hpp"

// What must be true once everything was read and the server came to rest.
namespace simulation {

void oracle::settled() {
  if (uncertain_) return;
  for (auto& [number, of] : clients_) {
    evaluate(*of);
    settle_client(*of);
  }
  settle_rooms();
  forget();
}

void oracle::settle_client(client& of) {
  if (of.finished) return settle_finished(of);
  if (of.over || of.client_over) return;
  if (of.close_received) {
    return violate(of, "F8: then the TCP connection ends", "it did not");
  }
  if (of.fault) {
    std::string codes;
    for (const std::uint16_t code : of.codes) codes += " " + std::to_string(code);
    return violate(of, "it must be closed", "with one of" + codes);
  }
  if (!of.hears.empty()) {
    return violate(of, "framing: nothing is unfinished at rest", "bytes of no whole answer came");
  }
  if (of.http_over) return violate(of, "HTTP: Connection: close, then the end", "it did not end");
  if (!of.upgraded && !of.http.empty()) {
    return violate(of, "HTTP: one answer for each request",
                   std::to_string(of.http.size()) + " unanswered");
  }
  if (!of.upgraded || of.suspect) return;
  check_answered(of);
  if (!of.must_directs.empty()) {
    return violate(of, "D1: the user has connections: each gets it",
                   std::to_string(of.must_directs.size()) + " did not come");
  }
  check_own(of);
}

// Who shut its side was sent what was due before the end came.
void oracle::settle_finished(client& of) {
  const bool cut_off = of.fault || of.suspect || of.send_failed || of.idle_possible ||
                       of.slow_possible || of.handshake_possible || of.close_received;
  if (!of.heard_to_end || cut_off || of.http_over || of.decided_late || draining_ || stopping_) {
    return;
  }
  if (!of.upgraded) {
    const bool ends = std::any_of(of.http.begin(), of.http.end(),
                                  [](const client_item& one) { return one.may_end; });
    if (ends || of.http.empty()) return;
    return violate(of, "HTTP: one answer for each request",
                   std::to_string(of.http.size()) + " unanswered");
  }
  check_answered(of);
  check_own(of);
}

void oracle::check_answered(client& of) {
  if (!of.welcomed) return violate(of, "H1: then welcome", "none came");
  if (of.evaluated < of.items.size()) {
    return violate(of, "liveness: requests are served", "one was never decided");
  }
  if (!of.questions.empty()) {
    return violate(of, "handlers: only what can be served is asked about",
                   "about '" + of.questions.front().room + "' it was");
  }
  if (!of.pongs.empty()) return violate(of, "F1: pong", std::to_string(of.pongs.size()) + " due");
  if (!of.echoes.empty()) return violate(of, "echo: every message", "not all came");
  std::erase_if(of.answers, [](const answer& one) { return one.optional; });
  if (!of.answers.empty()) {
    const answer& due = of.answers.front();
    return violate(of, "liveness: every request is answered",
                   "due is " + (due.heartbeat ? std::string("a heartbeat") : due.code));
  }
}

void oracle::check_own(client& of) {
  for (const auto& [name, view] : of.rooms) {
    if (view.unclear || view.skipped) continue;
    for (const own_event& one : view.own) {
      const bool left = one.epoch < view.epoch || !view.member;
      if (one.optional || (left && !due_before_leave(view, one))) continue;
      return violate(of, one.join ? "liveness: user_joined to the joiner" : "R11: its own message",
                     "nothing came in '" + name + "'");
    }
  }
}

void oracle::settle_rooms() {
  std::set<std::string> names;
  for (const auto& [number, of] : clients_) {
    for (const auto& [name, view] : of->rooms) names.insert(name);
  }
  for (const std::string& name : names) settle_room(name);
}

void oracle::settle_room(const std::string& name) {
  std::vector<member_of> members;  // who are in it and know all of it
  std::map<std::uint32_t, int> counts;
  for (const auto& [number, of] : clients_) {
    const auto found = of->rooms.find(name);
    if (found == of->rooms.end() || !found->second.member || !is_alive(*of)) continue;
    ++counts[user_id(of->user)];
    if (!found->second.unclear && !found->second.skipped)
      members.push_back({of.get(), &found->second});
  }
  member_of longest;
  for (const member_of& one : members) {
    check_counts(one, name, counts);
    check_once(one, name);
    if (longest.who == nullptr || one.view->seen.size() > longest.view->seen.size()) longest = one;
  }
  for (const member_of& one : members) check_ends(one, longest, name);
  check_served(members, name);
  // Who is not there any more saw a part of what the others saw.
  for (const auto& [number, of] : clients_) {
    const auto found = of->rooms.find(name);
    if (found == of->rooms.end() || found->second.unclear || found->second.skipped) continue;
    const member_of one{of.get(), &found->second};
    for (const auto& part : one.view->before) check_aligned(one, part, longest, name);
    if (!found->second.member || !is_alive(*of)) check_aligned(one, one.view->seen, longest, name);
  }
}

// R1, R7: how many of each user are in the room follows from how many there were, came and went.
void oracle::check_counts(const member_of& one, const std::string& room,
                          const std::map<std::uint32_t, int>& counts) {
  if (!one.view->counts) return;
  std::map<std::uint32_t, balance> users = one.view->users;
  for (const auto& [user, count] : counts) users[user];
  for (const auto& [user, seen] : users) {
    const auto there = counts.find(user);
    const int now = there == counts.end() ? 0 : there->second;
    const int before = now - seen.now;
    const std::string& name = user_names_[user];
    const auto ever = connections_of_.find(name);
    const int most = ever == connections_of_.end() ? 0 : static_cast<int>(ever->second);
    const std::string which = "'" + room + "', user '" + name + "'";
    if (before < 0 || before + seen.least < 0) {
      violate(*one.who, "R7: one user_left for each who went", which);
    } else if (before + seen.most > most) {
      violate(*one.who, "R1, R7: user_left for who went, one user_joined for who came", which);
    } else if (seen.least_speaking != INT_MAX && before + seen.least_speaking < 1) {
      violate(*one.who, "R8: only members are heard", which);
    }
  }
}

void oracle::check_once(const member_of& one, const std::string& room) {
  std::unordered_set<std::uint64_t> met;
  for (const token& seen : one.view->seen) {
    if (seen.unique && !met.insert(seen.hash).second) {
      violate(*one.who, "R11: exactly once", "a message of '" + room + "' came twice");
    }
  }
}

// Both know all of the room up to now: from the end, they saw the same.
void oracle::check_ends(const member_of& a, const member_of& b, const std::string& room) {
  if (a.who == b.who) return;
  const auto& of_a = a.view->seen;
  const auto& of_b = b.view->seen;
  const std::size_t size = std::min(of_a.size(), of_b.size());
  for (std::size_t i = 1; i <= size; ++i) {
    if (of_a[of_a.size() - i] == of_b[of_b.size() - i]) continue;
    violate(*a.who, "R10, R11: all members see the same of a room",
            "'" + room + "': client " + std::to_string(b.who->number) + " saw another " +
                std::to_string(i) + ". from the end");
    return;
  }
  if (of_a.size() < of_b.size() && a.view->before.empty() && a.view->begun == 0) {
    violate(*a.who, "R11: all members see the same of a room",
            "'" + room + "': client " + std::to_string(b.who->number) + " saw more");
  }
}

// Where both saw one message, what lies around it is the same for both.
void oracle::check_aligned(const member_of& one, const std::vector<token>& seen,
                           const member_of& with, const std::string& room) {
  if (with.who == nullptr || with.who == one.who) return;
  const auto& other = with.view->seen;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (!seen[i].unique) continue;
    const auto at = std::find(other.begin(), other.end(), seen[i]);
    if (at == other.end()) continue;
    const auto place = static_cast<std::size_t>(at - other.begin());
    const std::size_t first = i - std::min(i, place);
    for (std::size_t k = first; k < seen.size() && place + k - i < other.size(); ++k) {
      if (seen[k] == other[place + k - i]) continue;
      violate(*one.who, "R6, R10, R11: all members see the same of a room",
              "'" + room + "': client " + std::to_string(with.who->number) + " saw another");
      return;
    }
    return;
  }
}

bool oracle::served_for_sure(const publication& one) const {
  if (one.sender == the_program) return true;
  const client* from = find(one.sender);
  if (from == nullptr) return false;
  return (from->client_over || from->finished) && from->welcomed && !from->http_over &&
         !from->decided_late && from->all_readable && from->accepted && !from->send_failed &&
         !from->fault && !from->suspect && !from->idle_possible && !from->slow_possible &&
         !from->handshake_possible && !from->close_received;
}

// What was sent before a client went away is served, and what the program publishes: whoever was a
// member before and still is has it.
void oracle::check_served(const std::vector<member_of>& members, const std::string& room) {
  for (const auto& [hash, one] : publications_) {
    if (one.room != room || one.count != 1 || !served_for_sure(one)) continue;
    for (const member_of& to : members) {
      if (to.view->begun >= one.at) continue;
      const bool came = std::any_of(to.view->seen.begin(), to.view->seen.end(),
                                    [h = hash](const token& seen) { return seen.hash == h; });
      if (came) continue;
      violate(
          *to.who, "liveness: what was sent before the end is served",
          "'" + room + "': a message of " +
              (one.sender == the_program ? "the program" : "client " + std::to_string(one.sender)));
      return;
    }
  }
}

// What was delivered to all can't be due again.
void oracle::forget() {
  publications_.clear();
  directs_.clear();
  for (auto at = clients_.begin(); at != clients_.end();) {
    client& of = *at->second;
    if (of.over || of.client_over || of.finished) {
      at = clients_.erase(at);
      continue;
    }
    of.direct_order.clear();
    of.decided_late = false;
    for (auto room = of.rooms.begin(); room != of.rooms.end();) {
      room_view& view = room->second;
      if (!view.member) {
        room = of.rooms.erase(room);
        continue;
      }
      view.own.clear();
      view.seen.clear();
      view.before.clear();
      view.begun = 0;
      view.left_at = 0;
      view.rejoined = false;
      view.skipped = false;
      if (view.unclear) view.counts = false;
      view.unclear = false;
      view.epoch = view.epoch_seen = 1;
      ++room;
    }
    ++at;
  }
}

void oracle::drained() {
  if (uncertain_) return;
  for (const auto& [number, of] : clients_) {
    if (!of->alive_at_drain || of->client_over || of->close_received) continue;
    if (of->send_failed || of->slow_possible || of->idle_possible || of->suspect) continue;
    if (of->lost || of->finished) continue;
    violate(*of, "L5: close 1012 to everyone", "it got none");
  }
  for (const auto& [number, room] : lefts_in_drain_) {
    const client* of = find(number);
    if (of != nullptr && of->alive_at_drain && of->closed_with == 1012) {
      violate(*of, "L5: none of those who are drained leaves", "user_left in '" + room + "'");
    }
  }
}

std::vector<counted_room> oracle::rooms_now() const {
  std::map<std::string, std::map<std::string, int>> rooms;
  for (const auto& [number, of] : clients_) {
    if (!is_alive(*of)) continue;
    for (const auto& [name, view] : of->rooms) {
      if (view.member) ++rooms[name][of->user];
    }
  }
  std::vector<counted_room> found;
  for (auto& [name, users] : rooms) found.push_back({name, std::move(users)});
  return found;
}

}  // namespace simulation
