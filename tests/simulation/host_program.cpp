#include "host_program.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "oracle_hash.hpp"
#include "wire.hpp"

namespace simulation {

namespace {

using chinwag::verdict;

std::uint64_t mixed(std::uint64_t a, std::uint64_t b) {
  return choices(a * 0x9E3779B97F4A7C15 + b).next();
}

}  // namespace

chinwag::handlers host_program::make_handlers() {
  chinwag::handlers made;
  if (habits_.present == 0) return made;
  made.open = [this](chinwag::connection_handle who, std::string_view user) { opened(who, user); };
  made.close = [this](chinwag::connection_handle who, std::string_view user, std::uint16_t) {
    closed(who, user);
  };
  if (habits_.asks_joins != 0) {
    made.join = [this](const chinwag::join_request& asked) {
      const connection_number from = number_of(asked.ticket.from);
      const request about{asked.ticket, from, event_hash("join", asked.room, {}, {}), true};
      trace_.add("asked", from, asked.ticket.number);
      const verdict given = choose(about, true, 0);
      oracle_.join_asked(from, asked.ticket.number, asked.room, told(given));
      publish_now_and_then(about, asked.room);
      return given;
    };
  }
  if (habits_.asks_messages != 0) {
    made.message = [this](const chinwag::message_request& asked) {
      const connection_number from = number_of(asked.ticket.from);
      const request about{asked.ticket, from, event_hash("ask", asked.room, {}, asked.content),
                          false};
      trace_.add("asked", from, asked.ticket.number);
      const verdict given = choose(about, true, 0);
      oracle_.message_asked(from, asked.ticket.number, asked.room, asked.content, told(given));
      publish_now_and_then(about, asked.room);
      return given;
    };
  }
  return made;
}

void host_program::opened(chinwag::connection_handle who, std::string_view user) {
  trace_.add("open", 0, user.size());
  if (ever_.contains(who))
    trace_.violate("handlers: a handle names one connection", "it came twice");
  connection_number number = kernel_.last_receiver();
  if (!oracle_.may_open(number, user)) {
    number = the_program;
    // It was read from before, and waited for its share of a turn.
    const std::vector<connection_number> candidates = oracle_.who_may_open(user);
    if (!candidates.empty()) number = candidates.front();
  }
  if (number == the_program) {
    trace_.violate("handlers: open for who asked for it",
                   "nobody asked to be '" + std::string(user) + "'");
    return;
  }
  open_[who] = ever_[who] = number;
  handles_[number] = who;
  oracle_.opened(number, user);
}

void host_program::closed(chinwag::connection_handle who, std::string_view) {
  trace_.add("closed");
  if (open_.erase(who) == 0) {
    trace_.violate("handlers: close once for every open",
                   ever_.contains(who) ? "twice" : "no open");
  }
}

connection_number host_program::number_of(chinwag::connection_handle who) const {
  const auto found = open_.find(who);
  if (found != open_.end()) return found->second;
  trace_.violate("handlers: asked for a connection that is open", "it is not");
  return the_program;
}

// `how` 0: as the request itself has it.
verdict host_program::choose(const request& about, bool may_wait, std::uint64_t how) {
  const std::uint64_t drawn = mixed(habits_.seed ^ about.hash, how);
  std::uint64_t at = drawn % (habits_.accept + habits_.later + habits_.change + habits_.refuse +
                              habits_.answer + 1);
  const auto falls = [&at](std::uint64_t weight) {
    if (at < weight) return true;
    at -= weight;
    return false;
  };
  if (falls(habits_.accept)) return {};
  if (falls(habits_.later)) {
    if (!may_wait) return {};
    waiting_.push_back(about);
    return {.what = verdict::kind::later};
  }
  if (falls(habits_.change)) {
    if (about.join) return {.what = verdict::kind::change, .text = "of no meaning"};
    return {.what = verdict::kind::change, .text = text_for(about, drawn)};
  }
  if (falls(habits_.refuse)) {
    static constexpr chinwag::refusal codes[] = {chinwag::refusal::forbidden,
                                                 chinwag::refusal::rate_limited};
    return {.what = verdict::kind::refuse, .text = "no\"\\\n", .code = codes[drawn / 7 % 2]};
  }
  if (falls(habits_.answer)) {
    return {.what = verdict::kind::answer, .text = "answer " + std::to_string(about.ticket.number)};
  }
  return {};
}

std::string host_program::text_for(const request& about, std::uint64_t how) const {
  std::string text = "changed " + std::to_string(about.ticket.number);
  if (how / 1000 % 1000 < habits_.growing) {
    static constexpr std::size_t sizes[] = {100, 2'000, 11'000, 21'000, 32'700};
    text.append(sizes[how / 1'000'000 % 5], '\n');
  }
  return text;
}

answer_given host_program::told(const verdict& given) const {
  answer_given told{.text = given.text};
  switch (given.what) {
    case verdict::kind::accept:
      break;
    case verdict::kind::change:
      told.what = answer_given::kind::change;
      break;
    case verdict::kind::refuse:
      told.what = answer_given::kind::refuse;
      told.code = chinwag::refusal_name(given.code);
      break;
    case verdict::kind::answer:
      told.what = answer_given::kind::answer;
      break;
    case verdict::kind::later:
      told.what = answer_given::kind::later;
      break;
  }
  return told;
}

void host_program::publish_now_and_then(const request& about, std::string_view room) {
  if (mixed(habits_.seed, about.hash + 1) % 1000 >= habits_.publishes) return;
  publish(std::string(room), "server", "handler " + std::to_string(about.ticket.number));
}

bool host_program::post(std::function<void(chinwag::program_calls&)> task) {
  // A task that has to wait for its room is run again, before those behind it.
  const std::uint64_t number = posted_ + 1;
  const chinwag::status taken = shard_->post(
      [this, number, task = std::move(task)](chinwag::program_calls& calls) {
        task(calls);
        ran_ = std::max(ran_, number);
      },
      chinwag::task_queue::free);
  if (taken) posted_ = number;
  return static_cast<bool>(taken);
}

void host_program::decide(std::uint64_t which, std::uint64_t how) {
  // Every fifth is about what was decided before: it must change nothing.
  const bool again = how % 5 == 0 && !decided_.empty();
  std::vector<request>& from = again ? decided_ : waiting_;
  if (from.empty()) return;
  // What was decided last may still wait for what was asked before it.
  const std::size_t size = again ? std::min<std::size_t>(from.size(), 4) : from.size();
  const auto place = static_cast<std::ptrdiff_t>(from.size() - 1 - which % size);
  const request about = from[static_cast<std::size_t>(place)];
  const verdict given = choose(about, false, how + 1);
  if (!again) {
    waiting_.erase(waiting_.begin() + place);
    if (decided_.size() > 100) decided_.clear();
    decided_.push_back(about);
    oracle_.decided(about.from, about.ticket.number, told(given));
  }
  trace_.add("decide", about.from, about.ticket.number);
  std::vector<chinwag::decision> one;
  one.push_back({about.ticket, given});
  post([one = std::move(one)](chinwag::program_calls& calls) mutable { calls.decide(one); });
}

void host_program::decide_all() {
  while (!waiting_.empty()) decide(0, waiting_.size() * 5 + 1);
}

void host_program::publish(const std::string& room, const std::string& user,
                           const std::string& content) {
  trace_.add("publish", room.size(), content.size());
  const bool taken = post([=, text = escape_json(content)](chinwag::program_calls& calls) {
    calls.publish(room, text, user);
  });
  if (taken) oracle_.published(room, content, user);
}

void host_program::send_to(const std::string& to, const std::string& user,
                           const std::string& content) {
  trace_.add("send_to", to.size(), content.size());
  const bool taken = post([=, text = escape_json(content)](chinwag::program_calls& calls) {
    calls.send_to(to, text, user);
  });
  if (taken) oracle_.sent_to(to, content, user);
}

void host_program::send(connection_number to, const std::string& content) {
  const auto found = handles_.find(to);
  if (found == handles_.end() || !open_.contains(found->second)) return;
  trace_.add("send", to, content.size());
  const bool taken =
      post([who = found->second, text = escape_json(content)](chinwag::program_calls& calls) {
        calls.send(who, text, chinwag::program_name);
      });
  if (taken) oracle_.sent_one(to, content, chinwag::program_name);
}

void host_program::kick(connection_number who, std::uint16_t code) {
  const auto found = handles_.find(who);
  if (found == handles_.end() || !open_.contains(found->second)) return;
  trace_.add("kick", who, code);
  const bool taken = post(
      [handle = found->second, code](chinwag::program_calls& calls) { calls.close(handle, code); });
  if (taken) oracle_.kicked(who, code);
}

void host_program::check_all_closed() {
  if (open_.empty()) return;
  trace_.violate("handlers: close once for every open",
                 std::to_string(open_.size()) + " were never closed");
}

}  // namespace simulation
