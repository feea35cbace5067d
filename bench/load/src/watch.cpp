#include "watch.hpp"

#include <algorithm>
#include <utility>

#include "server_text.hpp"

namespace chinwag::load {
namespace {

constexpr std::int64_t lead_ns = 5 * ns_per_ms;
// Where nothing came for so long, nothing more is on its way.
constexpr std::int64_t drain_silence_ns = 250 * ns_per_ms;
// So many late messages are sent before sockets are read again.
constexpr int sends_per_turn = 64;
// Somebody else's fault comes a little later than planned: what was sent so soon proves nothing.
constexpr std::int64_t fault_lateness_ns = 100 * ns_per_ms;
// Where a program sees contents alone, its answer is one that begins so.
constexpr std::string_view build_content = "__build ";

// The build that an answer names; empty where it is no such answer.
std::string_view build_named(std::string_view payload, text_type type) {
  if (type == text_type::build) {
    return string_field(payload, "build");
  }
  if (type != text_type::message && type != text_type::direct) {
    return {};
  }
  const std::string_view content = string_field(payload, "content");
  return content.starts_with(build_content) ? content.substr(build_content.size())
                                            : std::string_view{};
}

}  // namespace

watch::watch(load::crowd& crowd, const profile& profile, watch_plan plan)
    : activity(crowd),
      plan_(std::move(plan)),
      profile_(profile),
      members_(crowd.members()),
      begin_ns_(monotonic_ns() + lead_ns),
      fault_ns_(begin_ns_ + seconds_to_ns(plan_.fault_s)),
      end_ns_(begin_ns_ + seconds_to_ns(plan_.seconds_max)),
      schedule_({begin_ns_, end_ns_, plan_.messages_per_s, 1}),
      traffic_(members_, 0, plan_.seed),
      locator_(profile_.content_bytes),
      asks_left_(plan_.fault.empty() ? 0 : plan_.fault_times),
      told_(!plan_.is_told),
      build_of_(crowd.connections.size()),
      sequences_(crowd.connections.size()),
      heard_ns_(crowd.connections.size()),
      away_(crowd.connections.size()),
      attempts_(crowd.connections.size()) {
  plan_.on_begin(begin_ns_);
  plan_wake();
}

void watch::on_due(std::int64_t now_ns) {
  send_due(now_ns);
  if (asks_left_ > 0 && now_ns >= fault_ns_) {
    ask_for_fault(now_ns);
  }
  if (!drains_) {
    ask_for_builds(now_ns);
  }
  come_back(now_ns);
  // A handler that is kept busy may keep nobody waiting, and is busy all the same.
  const bool is_busy = now_ns < fault_ns_ + plan_.fault_ms * ns_per_ms;
  if (!settling_ && told_ && asks_left_ == 0 && !is_busy && all_hear() && all_are_on_build()) {
    settling_ = true;
    end_ns_ = std::min(end_ns_, now_ns + seconds_to_ns(plan_.settle_s));
  }
  end_or_drain(now_ns);
  plan_wake();
}

// What is on its way at the end is not lost: it is waited for, as long as something comes.
void watch::end_or_drain(std::int64_t now_ns) {
  if (!drains_ && now_ns >= end_ns_) {
    drains_ = true;
    next_ = schedule_.count();
    received_ns_ = now_ns;
    end_ns_ = now_ns + seconds_to_ns(plan_.drain_s);
  }
  over_ = drains_ && (now_ns >= end_ns_ || now_ns >= received_ns_ + drain_silence_ns);
}

// Who is away leaves its turns empty.
void watch::send_due(std::int64_t now_ns) {
  for (int sends = 0;
       sends < sends_per_turn && next_ < schedule_.count() && schedule_.planned_ns(next_) <= now_ns;
       ++sends) {
    const std::uint64_t index = next_++;
    const std::uint32_t sender = traffic_.sender_of(index);
    if (crowd().is_member(sender)) {
      send_message(sender, schedule_.planned_ns(index));
    } else {
      log_.add({happening::unsent, sender, sender, 0, schedule_.planned_ns(index), now_ns});
    }
  }
}

void watch::send_message(std::uint32_t sender, std::int64_t planned_ns) {
  const std::int64_t now_ns = monotonic_ns();
  const std::int64_t lag_us = (now_ns - planned_ns) / 1'000;
  const stamp stamp{message_kind::room,
                    plan_.number,
                    sender,
                    sequences_[sender]++,
                    planned_ns,
                    0,
                    static_cast<std::uint32_t>(std::min<std::int64_t>(lag_us, lag_us_max))};
  char head[stamp_bytes];
  write_stamp(stamp, head);
  log_.add({happening::sent, sender, sender, stamp.sequence, now_ns, now_ns});
  const dialect& dialect = crowd().connections.dialect();
  crowd().connections.send(sender,
                           {dialect.message_head,
                            crowd().names.room(sender, 0),
                            dialect.content_head,
                            {head, stamp_bytes},
                            padding_of(stamp, profile_.content_bytes - stamp_bytes),
                            dialect.tail},
                           *this);
}

void watch::ask_for_fault(std::int64_t now_ns) {
  if (--asks_left_ > 0) {
    fault_ns_ = now_ns + seconds_to_ns(plan_.fault_every_s);
  }
  const std::uint32_t victim = plan_.victim;
  if (!crowd().is_member(victim)) {
    return;  // the log has no fault: whoever reads it sees that
  }
  log_.add({happening::fault, victim, victim, 0, now_ns, now_ns});
  ask(victim, plan_.fault, plan_.fault_ms);
}

// Connections take turns, so that questions are no burst.
void watch::ask_for_builds(std::int64_t now_ns) {
  for (int sends = 0; sends < sends_per_turn && next_question_ns() <= now_ns; ++sends) {
    const std::uint32_t connection = members_[questions_++ % members_.size()];
    if (crowd().is_member(connection)) {
      ask(connection, plan_.question, 0);
    }
  }
}

std::int64_t watch::next_question_ns() const {
  if (plan_.question.empty()) {
    return never_ns;
  }
  const double turn_s = plan_.question_s / static_cast<double>(members_.size());
  return begin_ns_ + seconds_to_ns(static_cast<double>(questions_) * turn_s);
}

void watch::ask(std::uint32_t connection, std::string_view what, std::uint32_t ms) {
  const dialect& dialect = crowd().connections.dialect();
  const std::string number = std::to_string(ms);
  if (plan_.form == fault_form::content) {
    crowd().connections.send(connection,
                             {dialect.message_head, crowd().names.room(connection, 0),
                              dialect.content_head, what, " ", number, dialect.tail},
                             *this);
  } else {
    crowd().connections.send(
        connection, {dialect.fault_head, what, dialect.fault_ms, number, dialect.fault_tail},
        *this);
  }
}

void watch::come_back(std::int64_t now_ns) {
  while (!waiting_.empty() && waiting_.front().due_ns <= now_ns) {
    const std::uint32_t id = waiting_.front().connection;
    waiting_.pop_front();
    ++attempts_[id];
    crowd().connections.restart(id, crowd().names.user(id), *this);
  }
}

void watch::on_text(std::uint32_t connection, std::string_view payload, std::size_t wire_bytes,
                    std::int64_t now_ns) {
  const text_type type = type_of(payload);
  located_content found{};
  if (type == text_type::message && locator_.find(payload, found) == content_status::delivery &&
      found.stamp.hold == plan_.number) {
    const stamp& stamp = found.stamp;
    const std::int64_t sent_ns = stamp.planned_ns + std::int64_t{stamp.lag_us} * 1'000;
    log_.add({happening::received, connection, stamp.sender, stamp.sequence, sent_ns, now_ns});
    received_ns_ = now_ns;
    if (crowd().connections.are_apart(stamp.sender, connection)) {
      heard_ns_[connection] = std::max(heard_ns_[connection], sent_ns);
    }
  } else if (const auto name = build_named(payload, type);
             !name.empty() && !plan_.question.empty()) {
    on_build(connection, name, now_ns);
  } else if (type == text_type::welcome && away_[connection]) {
    join(connection, 0);
  } else if (type == text_type::user_joined && away_[connection]) {
    if (is_own_join(connection, payload)) {
      away_[connection] = false;
      attempts_[connection] = 0;
      crowd().joined[connection] = true;
      log_.add({happening::back, connection, connection, 0, 0, now_ns});
    }
  } else {
    if (type == text_type::error && string_field(payload, "code") == "unavailable") {
      log_.add({happening::told, connection, connection, 0, 0, now_ns});
    }
    activity::on_text(connection, payload, wire_bytes, now_ns);
  }
}

// The first attempt is made at once. Where it fails, the next ones come at equal distances.
void watch::on_end(std::uint32_t connection, const ending& why) {
  activity::on_end(connection, why);
  const std::int64_t now_ns = monotonic_ns();
  if (!away_[connection]) {
    away_[connection] = true;
    crowd().joined[connection] = false;
    log_.add({happening::ended, connection, connection, 0, 0, now_ns});
  }
  const std::int64_t wait_ns = attempts_[connection] == 0 ? 0 : seconds_to_ns(plan_.retry_s);
  const attempt next{connection, now_ns + wait_ns};
  const auto later = std::upper_bound(
      waiting_.begin(), waiting_.end(), next,
      [](const attempt& left, const attempt& right) { return left.due_ns < right.due_ns; });
  waiting_.insert(later, next);
  wake_ns = std::min(wake_ns, next.due_ns);
}

void watch::on_build(std::uint32_t connection, std::string_view name, std::int64_t now_ns) {
  const auto found = std::find(builds_.begin(), builds_.end(), name);
  const auto place = static_cast<std::uint32_t>(found - builds_.begin());
  if (found == builds_.end()) {
    builds_.emplace_back(name);
  }
  if (build_of_[connection] != place + 1) {
    build_of_[connection] = place + 1;
    log_.add({happening::build, connection, connection, place, 0, now_ns});
  }
}

void watch::on_input() {
  if (!told_ && plan_.is_told()) {
    told_ = true;
    fault_ns_ = monotonic_ns();
    wake_ns = std::min(wake_ns, fault_ns_);
  }
}

// What was sent a moment after the fault has come to everybody.
bool watch::all_hear() const {
  const std::int64_t after_ns = fault_ns_ + fault_lateness_ns;
  return std::all_of(members_.begin(), members_.end(), [&](std::uint32_t id) {
    return crowd().is_member(id) && heard_ns_[id] > after_ns;
  });
}

bool watch::all_are_on_build() const {
  if (plan_.build.empty()) {
    return true;
  }
  return std::all_of(members_.begin(), members_.end(), [&](std::uint32_t id) {
    return build_of_[id] > 0 && builds_[build_of_[id] - 1] == plan_.build;
  });
}

void watch::plan_wake() {
  wake_ns = end_ns_;
  if (next_ < schedule_.count()) {
    wake_ns = std::min(wake_ns, schedule_.planned_ns(next_));
  }
  if (asks_left_ > 0) {
    wake_ns = std::min(wake_ns, fault_ns_);
  }
  if (drains_) {
    wake_ns = std::min(wake_ns, received_ns_ + drain_silence_ns);
  } else {
    wake_ns = std::min(wake_ns, next_question_ns());
  }
  if (!waiting_.empty()) {
    wake_ns = std::min(wake_ns, waiting_.front().due_ns);
  }
}

}  // namespace chinwag::load
