#include "hold.hpp"

#include <algorithm>
#include <cmath>

#include "cpu_time.hpp"
#include "server_text.hpp"

namespace chinwag::load {
namespace {

// So many late messages are sent before sockets are read again.
constexpr int sends_per_turn = 64;
// Messages that fall due within so long of each other leave together: to set a timer and to sleep
// for each costs more than to send it.
constexpr std::int64_t gather_ns = 100'000;
constexpr std::int64_t lead_ns = 5 * ns_per_ms;
// A drain ends early when nothing is outstanding and nothing came for so long: a duplicate would
// have.
constexpr std::int64_t quiet_ns = 100 * ns_per_ms;

// Below so many deliveries a second everything is parsed: there is time for it.
constexpr double counted_deliveries_per_s_min = 100'000;
constexpr std::uint32_t parse_every_default = 8;

// Socket.IO's pings are texts that have to be answered in time, so its connections are parsed.
std::uint32_t parse_every_of(const crowd& crowd, const profile& profile, const hold_plan& plan) {
  if (!crowd.connections.dialect().may_be_counted || crowd.lengths.vary()) {
    return 1;
  }
  if (plan.parse_every > 0) {
    return plan.parse_every;
  }
  const double deliveries_per_s = plan.messages_per_s * deliveries_per_message(profile);
  return deliveries_per_s < counted_deliveries_per_s_min ? 1 : parse_every_default;
}

bool is_new(arrival kind) {
  return kind == arrival::first || kind == arrival::reordered;
}

window window_of(const hold_plan& plan) {
  const std::int64_t start_ns = plan.start_ns > 0 ? plan.start_ns : monotonic_ns() + lead_ns;
  const std::int64_t begin_ns = start_ns + seconds_to_ns(plan.warmup_s);
  return {begin_ns, begin_ns + seconds_to_ns(plan.hold_s)};
}

}  // namespace

hold::hold(load::crowd& crowd, const profile& profile, hold_plan plan)
    : activity(crowd),
      plan_(std::move(plan)),
      profile_(profile),
      window_(window_of(plan_)),
      drained_ns_(window_.end_ns + seconds_to_ns(plan_.drain_s)),
      parse_every_(parse_every_of(crowd, profile_, plan_)),
      seating_(crowd.members(), crowd.connections.size(), crowd.names, parse_every_),
      ledger_(seating_),
      schedule_({window_.begin_ns - seconds_to_ns(plan_.warmup_s), window_.end_ns,
                 plan_.messages_per_s, profile_.burst, profile_.law, window_.begin_ns, plan_.seed}),
      traffic_(seating_.senders(), profile_.direct_share, plan_.seed),
      outside_(crowd, seating_, ledger_, {profile_.direct_share < 1, profile_.direct_share > 0}),
      locator_(profile_.content_bytes),
      tally_(window_),
      sampler_(window_.begin_ns, window_.end_ns, plan_.seed) {
  if (parse_every_ > 1 && crowd.connections.has_heartbeats() && crowd.lengths.heartbeat() == 0) {
    ask_for_heartbeat();
  }
  plan_wake();
}

// How long an answer is has to be known before one may come among what is only counted.
void hold::ask_for_heartbeat() {
  const auto& members = seating_.senders();
  const auto first = std::find_if(members.begin(), members.end(),
                                  [this](std::uint32_t id) { return seating_.in_panel(id); });
  ++crowd().connections.heartbeats_due(*first);
  crowd().connections.send(*first, {crowd().connections.dialect().heartbeat}, *this);
}

void hold::on_due(std::int64_t now_ns) {
  sample_due(now_ns);
  send_due(now_ns);
  outside_.start_some();
  advance(now_ns);
  plan_wake();
}

// A sample that is late still counts what was planned until its own moment, sent or not, and comes
// before what is read later: else a generator that wakes up late would see another moment.
void hold::sample_due(std::int64_t now_ns) {
  while (sampler_.next_ns() <= now_ns) {
    count_unsent(sampler_.next_ns());
    sampler_.sample(tally_.outstanding() + unsent_);
  }
}

// Goes on from where the last sample ended: looking at the whole backlog for each sample would slow
// down a generator that is late already.
void hold::count_unsent(std::int64_t until_ns) {
  counted_ = std::max(counted_, next_);
  for (; counted_ < schedule_.count() && schedule_.planned_ns(counted_) <= until_ns; ++counted_) {
    unsent_ += audience_of(counted_).panel;
  }
}

std::uint32_t hold::room_of(std::uint64_t index) const {
  const roster& names = crowd().names;
  return names.room_of(traffic_.sender_of(index), traffic_.slot_of(index, names.slots()));
}

tally::audience hold::audience_of(std::uint64_t index) const {
  if (traffic_.kind_of(index) == message_kind::room) {
    const std::uint32_t room = room_of(index);
    return {seating_.members(room), seating_.panel_members(room)};
  }
  const std::uint32_t partner = seating_.partner_of(traffic_.sender_of(index));
  return {1, seating_.in_panel(partner) ? 1U : 0U};
}

// Late messages are sent, too, as planned; a sender that is gone leaves its turn empty.
void hold::send_due(std::int64_t until_ns) {
  for (int sends = 0; sends < sends_per_turn && next_ < schedule_.count() &&
                      schedule_.planned_ns(next_) <= until_ns;
       ++sends) {
    const std::uint64_t index = next_++;
    if (index < counted_) {
      unsent_ -= audience_of(index).panel;
    }
    if (crowd().connections.is_open(traffic_.sender_of(index))) {
      send_message(index);
    }
    last_send_ns_ = until_ns;
  }
}

void hold::send_message(std::uint64_t index) {
  const std::uint32_t sender = traffic_.sender_of(index);
  const message_kind kind = traffic_.kind_of(index);
  const bool to_room = kind == message_kind::room;
  const std::uint32_t slot = to_room ? traffic_.slot_of(index, crowd().names.slots()) : 0;
  const std::int64_t planned_ns = schedule_.planned_ns(index);
  const std::int64_t lag_us = (monotonic_ns() - planned_ns) / 1'000;
  const stamp stamp{kind,
                    plan_.number,
                    sender,
                    ledger_.next_sequence(kind, sender, slot),
                    planned_ns,
                    static_cast<std::uint8_t>(slot),
                    static_cast<std::uint32_t>(std::min<std::int64_t>(lag_us, lag_us_max))};
  char head[stamp_bytes];
  write_stamp(stamp, head);
  const std::string_view padding = padding_of(stamp, profile_.content_bytes - stamp_bytes);
  const std::string to =
      to_room ? crowd().names.room(sender, slot) : crowd().names.user(seating_.partner_of(sender));
  const dialect& dialect = crowd().connections.dialect();
  crowd().connections.send(sender,
                           {to_room ? dialect.message_head : dialect.direct_head,
                            to,
                            dialect.content_head,
                            {head, stamp_bytes},
                            padding,
                            dialect.tail},
                           *this);
  tally_.add_sent(stamp.planned_ns, audience_of(index), monotonic_ns());
}

void hold::advance(std::int64_t now_ns) {
  if (stage_ == stage::warming && (now_ns >= window_.begin_ns || deserted_)) {
    begin_window();
  }
  if (stage_ == stage::measuring && (now_ns >= window_.end_ns || deserted_)) {
    end_window();
  }
  if (stage_ == stage::draining) {
    crowd().connections.sweep(*this);
    if (now_ns >= drained_ns_ || deserted_ || is_settled(now_ns)) {
      outside_.finish(!closes_.empty());
      crowd().connections.spare_counted(false);
      stage_ = stage::over;
    }
  }
}

bool hold::is_settled(std::int64_t now_ns) const {
  const std::int64_t last_ns = std::max(last_arrival_ns_, crowd().connections.last_counted_ns());
  return next_ == schedule_.count() && tally_.outstanding() == 0 && now_ns - last_ns >= quiet_ns &&
         outside_.is_settled();
}

void hold::begin_window() {
  stage_ = stage::measuring;
  crowd().connections.sweep(*this);
  counted_bytes_ = crowd().connections.counted_bytes();
  crowd().connections.lag().clear();
  cpu_s_ = process_cpu_s();
  window_began_ns_ = monotonic_ns();
  plan_.on_begin();
}

void hold::end_window() {
  stage_ = stage::draining;
  crowd().connections.spare_counted(true);
  crowd().connections.sweep(*this);
  counted_bytes_ = crowd().connections.counted_bytes() - counted_bytes_;
  receive_lag_ = crowd().connections.lag().lags();
  const std::int64_t now_ns = monotonic_ns();
  generator_cpu_ = (process_cpu_s() - cpu_s_) / ns_to_seconds(now_ns - window_began_ns_);
  plan_.on_end();
}

void hold::plan_wake() {
  constexpr std::int64_t look_ns = quiet_ns / 4;
  std::int64_t stage_ns = window_.begin_ns;
  if (stage_ == stage::measuring) {
    stage_ns = window_.end_ns;
  } else if (stage_ != stage::warming) {
    stage_ns = std::min(drained_ns_, monotonic_ns() + look_ns);
  }
  // A sample needs no turn of its own: until the next one nothing changes but what is planned.
  wake_ns = std::min(stage_ns, next_send_ns());
}

// What is late already doesn't wait any longer.
std::int64_t hold::next_send_ns() const {
  if (next_ == schedule_.count()) {
    return never_ns;
  }
  const std::int64_t planned_ns = schedule_.planned_ns(next_);
  return planned_ns <= last_send_ns_ ? planned_ns : std::max(planned_ns, last_send_ns_ + gather_ns);
}

void hold::on_text(std::uint32_t connection, std::string_view payload, std::size_t wire_bytes,
                   std::int64_t now_ns) {
  sample_due(now_ns);
  located_content found{};
  const content_status status = locator_.find(payload, found);
  if (status == content_status::corrupted) {
    tally_.add_corrupted();
  } else if (status == content_status::other || found.stamp.hold != plan_.number) {
    if (status == content_status::other && type_of(payload) != text_type::heartbeat) {
      on_control(connection, wire_bytes);
    }
    activity::on_text(connection, payload, wire_bytes, now_ns);
  } else {
    if (++unchecked_ >= plan_.check_every) {
      unchecked_ = 0;
      if (!is_intact(connection, payload, found)) {
        tally_.add_corrupted();
      }
    }
    take_delivery(connection, found.stamp, wire_bytes, now_ns);
  }
}

void hold::take_delivery(std::uint32_t connection, const stamp& stamp, std::size_t wire_bytes,
                         std::int64_t now_ns) {
  const arrival kind = ledger_.arrive(connection, stamp);
  last_arrival_ns_ = now_ns;
  if (!seating_.in_panel(connection)) {
    tally_.add_outside(kind, now_ns);
    if (is_new(kind)) {
      outside_.arrived(connection, stamp.kind);
    }
    return;
  }
  tally_.add_arrival(kind, stamp.planned_ns, wire_bytes, now_ns);
  if (parse_every_ > 1) {
    crowd().lengths.learn(stamp.kind, wire_bytes);
  }
  if (crowd().connections.received_ns() != 0 && stamp.lag_us < lag_us_max && is_new(kind)) {
    const std::int64_t sent_ns = stamp.planned_ns + stamp.lag_us * std::int64_t{1'000};
    tally_.add_service(stamp.planned_ns, crowd().connections.received_ns() - sent_ns);
  }
}

// What may lie between deliveries on connections that are read by length.
void hold::on_control(std::uint32_t connection, std::size_t wire_bytes) {
  if (seating_.in_panel(connection)) {
    crowd().lengths.learn_other(wire_bytes);
  }
}

bool hold::is_intact(std::uint32_t receiver, std::string_view payload,
                     const located_content& found) const {
  const bool named = !crowd().connections.dialect().echoes;  // an echo knows no names
  const bool right_room =
      !named || found.stamp.kind == message_kind::direct ||
      string_field(payload, "room") == crowd().names.room(receiver, found.stamp.slot);
  const bool right_user =
      !named || string_field(payload, "user") == crowd().names.user(found.stamp.sender);
  return right_room && right_user &&
         found.content.substr(stamp_bytes) ==
             padding_of(found.stamp, profile_.content_bytes - stamp_bytes);
}

void hold::on_end(std::uint32_t connection, const ending& why) {
  activity::on_end(connection, why);
  ++closes_[why.key];
  if (crowd().connections.open_count() == 0) {  // nobody is left to send or to wait for
    deserted_ = true;
    wake_ns = 0;
  }
}

double hold::arrived_within() const {
  const double counted =
      outside_.mean_bytes() > 0 ? static_cast<double>(counted_bytes_) / outside_.mean_bytes() : 0;
  return static_cast<double>(tally_.arrived_within()) + std::round(counted);
}

hold_result hold::result() const {
  hold_result result;
  result.offered_messages_per_s = plan_.messages_per_s;
  result.hold_s = plan_.hold_s;
  result.sent = tally_.sent();
  result.expected = tally_.expected();
  // What was lost outside of the panel counts as of the window: by length, times aren't known.
  const std::uint64_t lost = tally_.expected_of_panel() - tally_.delivered() + outside_.lost();
  result.delivered = tally_.expected() - std::min(lost, tally_.expected());
  result.duplicated = tally_.duplicated() + outside_.duplicated();
  result.reordered = tally_.reordered();
  result.corrupted = tally_.corrupted() + outside_.corrupted();
  // Arrivals within the window are what the server did in that time; a backlog of the warm-up adds
  // none.
  result.deliveries_per_s =
      std::min(arrived_within(), static_cast<double>(tally_.expected())) / plan_.hold_s;
  for (const double mean_ns : tally_.quarter_mean_ns()) {
    result.quarter_mean_ms.push_back(ns_to_ms(mean_ns));
  }
  result.quarter_deliveries = tally_.quarter_deliveries();
  result.outstanding_after_drain =
      tally_.outstanding() + static_cast<std::int64_t>(outside_.lost());
  result.generator_cpu = generator_cpu_;
  result.carried_s = ns_to_seconds(tally_.carried_in_ns()) - ns_to_seconds(tally_.carried_out_ns());
  result.outstanding_mean = sampler_.mean();
  result.outstanding_standard_error = sampler_.standard_error();
  result.outstanding_samples = sampler_.samples();
  result.closes = closes_;
  result.wire_bytes = tally_.wire_bytes();
  result.received = tally_.received();
  result.bin_s = tally_.bin_s();
  result.bins = tally_.bins();
  result.parsed = tally_.delivered();
  result.service = tally_.service();
  result.latency = tally_.latency();
  result.send_lag = tally_.send_lag();
  result.receive_lag = receive_lag_;
  return result;
}

}  // namespace chinwag::load
