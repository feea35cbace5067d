#include "host/metrics.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "chinwag/stats.hpp"

namespace chinwag {

namespace {

template <typename Counters, typename Numbers>
void read_all(const Counters& from, Numbers& to) {
  std::transform(from.begin(), from.end(), to.begin(), [](const counter& c) { return c.read(); });
}

// Writes metric families in the exposition format.
class exposition {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    text_.append("# HELP chinwag_").append(name).append(" ").append(help).append("\n");
    text_.append("# TYPE chinwag_").append(name).append(" ").append(type).append("\n");
  }

  void sample(std::uint64_t value, std::string_view labels = {}, std::string_view suffix = {}) {
    text_.append("chinwag_").append(name_).append(suffix).append(labels).append(" ");
    text_.append(std::to_string(value)).append("\n");
  }

  void single(std::string_view name, std::string_view type, std::string_view help,
              std::uint64_t value) {
    family(name, type, help);
    sample(value);
  }

  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::string_view name_;
};

std::string label(std::string_view name, std::string_view value) {
  std::string text = "{";
  return text.append(name).append("=\"").append(value).append("\"}");
}

std::string seconds(std::uint64_t microseconds) {
  std::string digits = std::to_string(microseconds % 1'000'000);
  digits.insert(0, 6 - digits.size(), '0');
  return std::to_string(microseconds / 1'000'000) + "." + digits;
}

void add_gauges(exposition& out, const stats& numbers) {
  out.single("connections", "gauge", "Open connections, HTTP ones included.", numbers.connections);
  out.single("rooms", "gauge", "Rooms with members.", numbers.rooms);
  out.single("members", "gauge", "Memberships of connections in rooms.", numbers.members);
  out.single("log_chunks", "gauge", "Chunks held by room logs.", numbers.log_chunks);
  out.single("memory_bytes", "gauge", "Bytes held by room logs and connections' buffers.",
             numbers.memory_bytes);
}

void add_totals(exposition& out, const stats& numbers) {
  out.single("accepted_total", "counter", "TCP connections accepted.", numbers.accepted);
  out.single("accept_failures_total", "counter", "Failed accepts, such as no free descriptor.",
             numbers.accept_failures);
  out.single("upgrades_total", "counter", "Completed WebSocket handshakes.", numbers.upgrades);
  out.single("http_requests_total", "counter", "HTTP requests, upgrades included.",
             numbers.http_requests);
  out.single("publishes_total", "counter", "Messages appended to room logs.", numbers.publishes);
  out.single("deliveries_total", "counter", "Frames of a room written to one member.",
             numbers.deliveries);
  out.single("direct_deliveries_total", "counter", "Direct messages queued for one connection.",
             numbers.direct_deliveries);
  out.single("received_bytes_total", "counter", "Bytes read.", numbers.bytes_in);
  out.single("sent_bytes_total", "counter", "Bytes written.", numbers.bytes_out);
  out.single("send_calls_total", "counter", "System calls that wrote.", numbers.send_calls);
  out.single("slow_consumers_total", "counter", "Connections found too slow.",
             numbers.slow_consumers);
  out.single("skipped_bytes_total", "counter", "Log bytes that slow members were moved past.",
             numbers.skipped_bytes);
}

void add_labelled(exposition& out, const stats& numbers) {
  out.family("messages_total", "counter", "Messages received, by type.");
  for (std::size_t i = 0; i < request_kinds; ++i) {
    out.sample(numbers.messages_in[i], label("type", request_names[i]));
  }
  out.family("errors_total", "counter", "Error answers, by code.");
  for (std::size_t i = 0; i < refusal_kinds; ++i) {
    out.sample(numbers.errors[i], label("code", refusal_names[i]));
  }
  out.family("closes_total", "counter", "Closes begun by either side, by code.");
  for (std::size_t i = 0; i < close_kinds; ++i) {
    out.sample(numbers.closes[i], label("code", close_names[i]));
  }
}

void add_turns(exposition& out, const stats& numbers) {
  out.family("turn_duration_seconds", "histogram", "Duration of a loop turn, waiting excluded.");
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < turn_bounds_us.size(); ++i) {
    sum += numbers.turn_buckets[i];
    out.sample(sum, label("le", seconds(turn_bounds_us[i])), "_bucket");
  }
  sum += numbers.turn_buckets.back();
  out.sample(sum, label("le", "+Inf"), "_bucket");
  out.sample(sum, {}, "_count");
}

}  // namespace

void metrics::count_close(std::uint16_t code) {
  const std::size_t place =
      code >= 1000 && code < 1000 + close_kinds - 1 ? code - 1000U : close_kinds - 1;
  closes[place].add();
}

void metrics::count_turn(std::uint64_t duration_us) {
  turns.add();
  turn_us.add(duration_us);
  const auto* bound = std::lower_bound(turn_bounds_us.begin(), turn_bounds_us.end(), duration_us);
  turn_buckets[static_cast<std::size_t>(bound - turn_bounds_us.begin())].add();
}

namespace {

// Every counter that only grows.
template <typename Metrics, typename Visit>
void visit_counted(Metrics& all, Visit visit) {
  for (auto* one :
       {&all.accepted, &all.accept_failures, &all.upgrades, &all.http_requests, &all.publishes,
        &all.deliveries, &all.direct_deliveries, &all.bytes_in, &all.bytes_out, &all.send_calls,
        &all.turns, &all.turn_us, &all.slow_consumers, &all.skipped_bytes}) {
    visit(*one);
  }
  for (auto& one : all.messages_in) visit(one);
  for (auto& one : all.turn_buckets) visit(one);
  for (auto& one : all.closes) visit(one);
  for (auto& one : all.errors) visit(one);
}

}  // namespace

void metrics::write(image_writer& to) const {
  visit_counted(*this, [&to](const counter& one) { to.number(one.read()); });
}

void metrics::read_counted(image_reader& from) {
  visit_counted(*this, [&from](counter& one) { one.set(from.number<std::uint64_t>()); });
}

stats metrics::read() const {
  stats now;
  now.connections = connections.read();
  now.rooms = rooms.read();
  now.members = members.read();
  now.log_chunks = log_chunks.read();
  now.memory_bytes = memory_bytes.read();
  now.accepted = accepted.read();
  now.accept_failures = accept_failures.read();
  now.upgrades = upgrades.read();
  now.http_requests = http_requests.read();
  now.publishes = publishes.read();
  now.deliveries = deliveries.read();
  now.direct_deliveries = direct_deliveries.read();
  now.bytes_in = bytes_in.read();
  now.bytes_out = bytes_out.read();
  now.send_calls = send_calls.read();
  now.turns = turns.read();
  now.turn_us = turn_us.read();
  now.slow_consumers = slow_consumers.read();
  now.skipped_bytes = skipped_bytes.read();
  read_all(messages_in, now.messages_in);
  read_all(turn_buckets, now.turn_buckets);
  read_all(closes, now.closes);
  read_all(errors, now.errors);
  return now;
}

std::string prometheus_text(const stats& numbers) {
  exposition out;
  add_gauges(out, numbers);
  add_totals(out, numbers);
  add_labelled(out, numbers);
  add_turns(out, numbers);
  return out.take() + "chinwag_turn_duration_seconds_sum " + seconds(numbers.turn_us) + "\n";
}

std::string prometheus_text(const backplane_counts& numbers) {
  exposition out;
  out.single("backplane_up", "gauge", "1 while other nodes can be reached.", numbers.up ? 1 : 0);
  out.single("backplane_published_total", "counter", "Publications to other nodes.",
             numbers.published);
  out.single("backplane_lost_total", "counter", "Messages that did not leave for other nodes.",
             numbers.lost);
  out.single("backplane_arrived_total", "counter", "Messages of other nodes.", numbers.arrived);
  out.single("backplane_dropped_total", "counter",
             "Publications of other nodes that were no messages, or for which no memory was left.",
             numbers.dropped);
  return out.take();
}

namespace {

using field = std::pair<const char*, std::uint64_t stats::*>;

constexpr auto singles = std::to_array<field>({
    {"connections", &stats::connections},
    {"rooms", &stats::rooms},
    {"members", &stats::members},
    {"accepted", &stats::accepted},
    {"accept_failures", &stats::accept_failures},
    {"upgrades", &stats::upgrades},
    {"http_requests", &stats::http_requests},
    {"publishes", &stats::publishes},
    {"deliveries", &stats::deliveries},
    {"direct_deliveries", &stats::direct_deliveries},
    {"bytes_in", &stats::bytes_in},
    {"bytes_out", &stats::bytes_out},
    {"send_calls", &stats::send_calls},
    {"turns", &stats::turns},
    {"turn_us", &stats::turn_us},
    {"slow_consumers", &stats::slow_consumers},
    {"skipped_bytes", &stats::skipped_bytes},
    {"log_chunks", &stats::log_chunks},
    {"memory_bytes", &stats::memory_bytes},
});

template <std::size_t Size>
void add(std::vector<named_count>& to, const char* name, const std::array<const char*, Size>& kinds,
         const std::array<std::uint64_t, Size>& values) {
  for (std::size_t i = 0; i < Size; ++i) to.push_back({name, kinds[i], values[i]});
}

}  // namespace

const char* refusal_name(refusal kind) {
  return refusal_names[static_cast<std::size_t>(kind)];
}

bool find_refusal(std::string_view name, refusal& found) {
  for (std::size_t i = 0; i < refusal_kinds; ++i) {
    if (name != refusal_names[i]) continue;
    found = static_cast<refusal>(i);
    return true;
  }
  return false;
}

std::vector<named_count> name_counts(const stats& counted) {
  std::vector<named_count> all;
  all.reserve(singles.size() + request_kinds + refusal_kinds + close_kinds +
              turn_bound_names.size());
  for (const auto& [name, value] : singles) all.push_back({name, nullptr, counted.*value});
  add(all, "messages_in", request_names, counted.messages_in);
  add(all, "errors", refusal_names, counted.errors);
  add(all, "closes", close_names, counted.closes);
  add(all, "turn_buckets", turn_bound_names, counted.turn_buckets);
  return all;
}

}  // namespace chinwag
