#include "hold_result.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "clock.hpp"
#include "hdr_log.hpp"

namespace chinwag::load {
namespace {

using nlohmann::ordered_json;

constexpr double cpu_limit = 0.9;
constexpr double lag_floor_ns = 2.0 * ns_per_ms;
constexpr double lag_share_of_p99 = 0.1;

double ms_at(const histogram& histogram, double percent) {
  return ns_to_ms(static_cast<double>(histogram.value_at(percent)));
}

double max_ms(const histogram& histogram) {
  return ns_to_ms(static_cast<double>(histogram.max()));
}

// Of nothing there is no delay, and 0 would be the best one.
ordered_json without_values(std::initializer_list<const char*> keys) {
  ordered_json empty = ordered_json::object();
  for (const char* key : keys) {
    empty[key] = nullptr;
  }
  return empty;
}

ordered_json latency_json(const histogram& latency) {
  if (latency.count() == 0) {
    return without_values({"mean", "p50", "p90", "p99", "p99_9", "max"});
  }
  return {{"mean", ns_to_ms(latency.mean())}, {"p50", ms_at(latency, 50)},
          {"p90", ms_at(latency, 90)},        {"p99", ms_at(latency, 99)},
          {"p99_9", ms_at(latency, 99.9)},    {"max", max_ms(latency)}};
}

ordered_json lag_json(const histogram& lag) {
  if (lag.count() == 0) {
    return without_values({"p50", "p99", "max"});
  }
  return {{"p50", ms_at(lag, 50)}, {"p99", ms_at(lag, 99)}, {"max", max_ms(lag)}};
}

ordered_json bins_json(const hold_result& result) {
  ordered_json deliveries = ordered_json::array();
  ordered_json means = ordered_json::array();
  for (const delay_bin& bin : result.bins) {
    deliveries.push_back(bin.deliveries);
    means.push_back(ns_to_ms(bin.mean_ns()));
  }
  return {{"bin_s", result.bin_s}, {"deliveries", deliveries}, {"mean_ms", means}};
}

// In a window the law holds exactly if time under way is counted where it was spent: a backlog
// that the warm-up leaves behind, or that the window does, is not of this window's messages alone.
ordered_json little_json(const hold_result& result) {
  const double delays_s =
      static_cast<double>(result.latency.count()) * result.latency.mean() / ns_per_s +
      result.carried_s;
  const double predicted = delays_s / result.hold_s;
  return {{"outstanding_mean", result.outstanding_mean},
          {"predicted", predicted},
          {"ratio", predicted > 0 ? result.outstanding_mean / predicted : 0.0},
          {"standard_error", result.outstanding_standard_error},
          {"samples", result.outstanding_samples}};
}

}  // namespace

std::vector<std::string> hold_result::generator_limits() const {
  const double lag_limit_ns =
      std::max(lag_floor_ns, lag_share_of_p99 * static_cast<double>(latency.value_at(99)));
  std::vector<std::string> limits;
  if (generator_cpu > cpu_limit) {
    limits.emplace_back("cpu");
  }
  if (static_cast<double>(send_lag.value_at(99)) > lag_limit_ns) {
    limits.emplace_back("send lag");
  }
  if (static_cast<double>(receive_lag.value_at(99)) > lag_limit_ns) {
    limits.emplace_back("receive lag");
  }
  return limits;
}

double hold_result::wire_bytes_per_delivery() const {
  return received == 0 ? 0 : static_cast<double>(wire_bytes) / static_cast<double>(received);
}

bool hold_result::is_sound() const {
  return lost() == 0 && duplicated == 0 && reordered == 0 && corrupted == 0 && closes.empty() &&
         outstanding_after_drain == 0;
}

ordered_json to_json(const hold_result& result) {
  const std::vector<std::string> limits = result.generator_limits();
  return {{"offered_messages_per_s", result.offered_messages_per_s},
          {"hold_s", result.hold_s},
          {"sent", result.sent},
          {"expected", result.expected},
          {"delivered", result.delivered},
          {"lost", result.lost()},
          {"duplicated", result.duplicated},
          {"reordered", result.reordered},
          {"corrupted", result.corrupted},
          {"messages_per_s", result.messages_per_s()},
          {"deliveries_per_s", result.deliveries_per_s},
          {"latency_ms", latency_json(result.latency)},
          {"quarter_mean_ms", result.quarter_mean_ms},
          {"outstanding_after_drain", result.outstanding_after_drain},
          {"send_lag_ms", lag_json(result.send_lag)},
          {"receive_lag_ms", lag_json(result.receive_lag)},
          {"generator_cpu", result.generator_cpu},
          {"generator_limited", !limits.empty()},
          {"generator_limits", limits},
          {"little", little_json(result)},
          {"closes", result.closes},
          {"wire_bytes_per_delivery", result.wire_bytes_per_delivery()},
          {"service_ms",
           result.service.count() > 0 ? latency_json(result.service) : ordered_json::object()},
          {"delay_bins", bins_json(result)},
          {"generator_processes", 1},
          {"parsed", result.parsed}};
}

ordered_json parts_json(const hold_result& result) {
  return {{"latency_hdr", encode_hdr(result.latency)},
          {"service_hdr", encode_hdr(result.service)},
          {"services", result.service.count()},
          {"quarter_deliveries", result.quarter_deliveries},
          {"received", result.received},
          {"wire_bytes", result.wire_bytes}};
}

}  // namespace chinwag::load
