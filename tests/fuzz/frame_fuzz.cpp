// A client's bytes, cut into two different rows of pieces: the reader must find the same messages.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "frame.hpp"
#include "message_reader.hpp"
#include "utf8.hpp"

namespace {

using chinwag::inbound;

std::string describe(const inbound& got) {
  return std::to_string(static_cast<int>(got.what)) + ":" + std::to_string(got.code) + ":" +
         std::string(got.payload);
}

std::string bad_text() {
  return describe({.what = inbound::kind::fault, .code = chinwag::close_code::bad_text});
}

std::vector<std::string> read_all(const std::string& bytes, std::size_t piece) {
  chinwag::message_reader reader;
  std::vector<std::string> all;
  std::string left;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    std::string chunk = left + bytes.substr(at, piece);
    std::span<char> input(chunk);
    while (true) {
      const inbound got = reader.next(input, 4'096);
      if (got.what == inbound::kind::nothing) break;
      if (got.what == inbound::kind::text && !chinwag::is_utf8(got.payload)) std::abort();
      if (got.payload.size() > 4'096) std::abort();
      all.push_back(describe(got));
      if (got.what == inbound::kind::fault) return all;
    }
    if (input.size() > 131) std::abort();
    left.assign(input.data(), input.size());
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0] % 16;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::vector<std::string> whole = read_all(bytes, bytes.size() + 1);
  std::vector<std::string> pieces = read_all(bytes, piece);
  // Bad text in a message that does not end is seen early only when it arrives in pieces.
  std::vector<std::string>& longer = whole.size() > pieces.size() ? whole : pieces;
  if (whole.size() != pieces.size() && longer.back() == bad_text()) longer.pop_back();
  if (whole != pieces) std::abort();
  return 0;
}
