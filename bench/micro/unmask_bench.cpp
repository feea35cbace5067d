#include <benchmark/benchmark.h>

#include <string>

#include "wire/frame.hpp"

namespace chinwag {
namespace {

void unmask_payload(benchmark::State& state) {
  std::string payload(static_cast<std::size_t>(state.range(0)), 'x');
  const mask_key key{1, 2, 3, 4};
  for (auto _ : state) {
    unmask(payload, key);
    benchmark::DoNotOptimize(payload.data());
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(unmask_payload)->Arg(32)->Arg(1'100)->Arg(65'536);

}  // namespace
}  // namespace chinwag
