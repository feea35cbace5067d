#include <benchmark/benchmark.h>

#include <cstring>
#include <string>

#include "wire/frame.hpp"
#include "wire/message_reader.hpp"

namespace chinwag {
namespace {

// A client's text frames in a row, masked with a key of zeros so that they can be read again: the
// work of unmasking is the same.
std::string masked_frames(std::size_t payload_size, std::size_t count) {
  std::string frame(server_header_max, '\0');
  frame.resize(write_server_header(frame.data(), opcode::text, payload_size));
  frame[1] = static_cast<char>(frame[1] | 0x80);
  frame.append(4, '\0').append(payload_size, 'x');
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += frame;
  return all;
}

void frame_decode(benchmark::State& state) {
  constexpr std::size_t frames = 64;
  std::string bytes = masked_frames(static_cast<std::size_t>(state.range(0)), frames);
  message_reader reader;
  for (auto _ : state) {
    std::span<char> input(bytes);
    while (!input.empty()) benchmark::DoNotOptimize(reader.next(input, 65'536));
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(frames));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}
BENCHMARK(frame_decode)->Arg(32)->Arg(125)->Arg(1'100)->Arg(60'000);

void frame_header(benchmark::State& state) {
  const std::string bytes = masked_frames(1'100, 1);
  chinwag::frame_header header;
  for (auto _ : state) benchmark::DoNotOptimize(parse_client_header(bytes, header));
}
BENCHMARK(frame_header);

}  // namespace
}  // namespace chinwag
