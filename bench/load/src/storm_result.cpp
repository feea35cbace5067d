#include "storm_result.hpp"

#include <nlohmann/json.hpp>

#include "clock.hpp"

namespace chinwag::load {
namespace {

double ms_at(const histogram& histogram, double percent) {
  return ns_to_ms(static_cast<double>(histogram.value_at(percent)));
}

// Nobody who is back has no delay, and 0 would be the best one.
nlohmann::ordered_json rejoin_json(const histogram& rejoin) {
  if (rejoin.count() == 0) {
    return {{"mean", nullptr}, {"p50", nullptr}, {"p99", nullptr}, {"max", nullptr}};
  }
  return {{"mean", ns_to_ms(rejoin.mean())},
          {"p50", ms_at(rejoin, 50)},
          {"p99", ms_at(rejoin, 99)},
          {"max", ns_to_ms(static_cast<double>(rejoin.max()))}};
}

}  // namespace

nlohmann::ordered_json to_json(const storm_result& result) {
  const histogram& rejoin = result.rejoin;
  return {{"connections", result.connections},
          {"joined", rejoin.count()},
          {"refused", result.refused},
          {"reason", result.reason},
          {"total_s", result.total_s},
          {"rejoin_ms", rejoin_json(rejoin)},
          {"generator_cpu", result.generator_cpu}};
}

}  // namespace chinwag::load
