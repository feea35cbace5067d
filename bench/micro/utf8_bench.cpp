#include <benchmark/benchmark.h>

#include <string>

#include "wire/utf8.hpp"

namespace chinwag {
namespace {

void check(benchmark::State& state, const std::string& unit) {
  std::string text;
  while (text.size() < 1'100) text += unit;
  for (auto _ : state) benchmark::DoNotOptimize(is_utf8(text));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}

void utf8_ascii(benchmark::State& state) {
  check(state, "plain ascii ");
}
BENCHMARK(utf8_ascii);

void utf8_mostly_ascii(benchmark::State& state) {
  check(state, "d\xC3\xA9j\xC3\xA0 vu, some words ");
}
BENCHMARK(utf8_mostly_ascii);

void utf8_three_bytes(benchmark::State& state) {
  check(state, "\xE6\x97\xA5\xE6\x9C\xAC");
}
BENCHMARK(utf8_three_bytes);

}  // namespace
}  // namespace chinwag
