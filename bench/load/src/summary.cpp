#include "summary.hpp"

#include <cstdarg>
#include <cstdio>

#include "clock.hpp"

namespace chinwag::load {
namespace {

[[gnu::format(printf, 1, 2)]] std::string line(const char* format, ...) {
  char text[256];
  va_list values;
  va_start(values, format);
  std::vsnprintf(text, sizeof(text), format, values);
  va_end(values);
  return std::string(text) + '\n';
}

double ms_at(const histogram& histogram, double percent) {
  return ns_to_ms(static_cast<double>(histogram.value_at(percent)));
}

double max_ms(const histogram& histogram) {
  return ns_to_ms(static_cast<double>(histogram.max()));
}

unsigned long long number(std::uint64_t value) {
  return value;
}

std::string delays_of(const histogram& latency) {
  if (latency.count() == 0) {
    return "delay ms    unknown: nothing arrived\n";
  }
  return line("delay ms    mean %.3f  p50 %.3f  p90 %.3f  p99 %.3f  p99.9 %.3f  max %.3f",
              ns_to_ms(latency.mean()), ms_at(latency, 50), ms_at(latency, 90), ms_at(latency, 99),
              ms_at(latency, 99.9), max_ms(latency));
}

std::string faults_of(const hold_result& result) {
  if (result.is_sound() && result.sent == 0) {
    return "faults      unknown: nothing was sent in the window\n";
  }
  if (result.is_sound()) {
    return line("faults      none: every delivery came once, in order and intact");
  }
  std::string text = line("faults      lost %llu, duplicated %llu, reordered %llu, corrupted %llu",
                          number(result.lost()), number(result.duplicated),
                          number(result.reordered), number(result.corrupted));
  for (const auto& [key, count] : result.closes) {
    text += line("closed      %u connections: %s", count, key.c_str());
  }
  return text;
}

std::string limits_of(const hold_result& result) {
  std::string names;
  for (const std::string& limit : result.generator_limits()) {
    names += (names.empty() ? "" : ", ") + limit;
  }
  return names.empty() ? std::string()
                       : "limited     by this generator (" + names +
                             "): the server may be faster than this shows\n";
}

}  // namespace

std::string summary_of(const hold_result& result) {
  return line("messages    %.1f/s offered, %.1f/s sent (%llu in %.1f s)",
              result.offered_messages_per_s, result.messages_per_s(), number(result.sent),
              result.hold_s) +
         line("deliveries  %.1f/s (%llu of %llu, %.0f bytes each on the wire)",
              result.deliveries_per_s, number(result.delivered), number(result.expected),
              result.wire_bytes_per_delivery()) +
         delays_of(result.latency) + faults_of(result) +
         line("generator   CPU %.0f %%, p99 send lag %.3f ms, p99 receive lag %.3f ms",
              result.generator_cpu * 100, ms_at(result.send_lag, 99),
              ms_at(result.receive_lag, 99)) +
         limits_of(result);
}

std::string summary_of(const storm_result& result) {
  const histogram& rejoin = result.rejoin;
  const std::string text =
      line("connections %u ended at once, %lld back in their rooms, %u refused", result.connections,
           static_cast<long long>(rejoin.count()), result.refused) +
      line("back ms     p50 %.3f  p99 %.3f  max %.3f", ms_at(rejoin, 50), ms_at(rejoin, 99),
           max_ms(rejoin)) +
      line("in all      %.3f s, generator CPU %.0f %%", result.total_s, result.generator_cpu * 100);
  return result.refused == 0 ? text : text + "refused     " + result.reason + '\n';
}

}  // namespace chinwag::load
