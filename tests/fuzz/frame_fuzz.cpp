// A client's bytes, cut into two different rows of pieces: the reader must find the same messages,
// all of them.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "wire/message_reader.hpp"
#include "wire/utf8.hpp"

namespace {

using chinwag::inbound;

// What a text that can't become UTF-8 any more is answered with.
constexpr const char* bad_text = "fault 1007";

std::string describe(const inbound& got) {
  if (got.what == inbound::kind::fault) return "fault " + std::to_string(got.code);
  return std::to_string(static_cast<int>(got.what)) + ":" + std::to_string(got.code) + ":" +
         std::string(got.payload);
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
      if (got.what == inbound::kind::fragment) continue;
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

bool ends_a_message(const std::string& found) {
  for (const inbound::kind kind : {inbound::kind::text, inbound::kind::binary}) {
    if (found.starts_with(std::to_string(static_cast<int>(kind)) + ":")) return true;
  }
  return false;
}

// Bad text in a message that has not ended is seen at once only where it comes in pieces. Then, and
// only then, one row ends sooner than the other, which goes on with control frames and perhaps a
// fault, but never with a message.
bool agree(const std::vector<std::string>& sooner, const std::vector<std::string>& later) {
  if (sooner == later) return true;
  if (sooner.empty() || sooner.back() != bad_text || later.size() + 1 < sooner.size()) return false;
  const auto same = static_cast<std::ptrdiff_t>(sooner.size() - 1);
  return std::equal(sooner.begin(), sooner.begin() + same, later.begin()) &&
         std::none_of(later.begin() + same, later.end(), ends_a_message);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0] % 16;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::vector<std::string> whole = read_all(bytes, bytes.size() + 1);
  const std::vector<std::string> pieces = read_all(bytes, piece);
  if (!agree(pieces, whole)) std::abort();
  return 0;
}
