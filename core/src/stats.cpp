#include "chinwag/stats.hpp"

#include <utility>

#include "kinds.hpp"

namespace chinwag {

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
