#include <benchmark/benchmark.h>

#include <string>

#include "wire/json.hpp"

namespace chinwag {
namespace {

void scan(benchmark::State& state, const std::string& content) {
  const std::string text =
      R"({"type":"message","room":"room-17","content":")" + content + R"(","id":12})";
  for (auto _ : state) {
    json_request request;
    benchmark::DoNotOptimize(scan_json(text, request));
    benchmark::DoNotOptimize(request.content.raw.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}

void json_scan_short(benchmark::State& state) {
  scan(state, "hello");
}
BENCHMARK(json_scan_short);

void json_scan_plain_1k(benchmark::State& state) {
  scan(state, std::string(1'024, 'x'));
}
BENCHMARK(json_scan_plain_1k);

void json_scan_escapes_1k(benchmark::State& state) {
  std::string content;
  while (content.size() < 1'024) content += R"(a \"b\" \u00e9 )";
  scan(state, content);
}
BENCHMARK(json_scan_escapes_1k);

}  // namespace
}  // namespace chinwag
