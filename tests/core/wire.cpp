#include "wire.hpp"

#include <cstring>

namespace chinwag::test {

std::string client_frame(opcode code, std::string_view payload, bool final, std::uint32_t key) {
  std::string bytes(server_header_max, '\0');
  bytes.resize(write_server_header(bytes.data(), code, payload.size()));
  if (!final) bytes[0] = static_cast<char>(bytes[0] & 0x7F);
  bytes[1] = static_cast<char>(bytes[1] | 0x80);
  mask_key mask{};
  std::memcpy(mask.data(), &key, sizeof key);
  bytes.append(reinterpret_cast<const char*>(mask.data()), mask.size());
  for (std::size_t i = 0; i < payload.size(); ++i) {
    bytes.push_back(static_cast<char>(payload[i] ^ static_cast<char>(mask[i % mask.size()])));
  }
  return bytes;
}

std::vector<wire_frame> take_server_frames(std::string& bytes) {
  std::vector<wire_frame> frames;
  std::size_t at = 0;
  while (bytes.size() - at >= 2) {
    const auto short_length = static_cast<unsigned char>(bytes[at + 1]);
    const std::size_t header = short_length < 126 ? 2 : short_length == 126 ? 4 : 10;
    if (bytes.size() - at < header) break;
    const std::size_t size = server_frame_size(bytes.data() + at);
    if (bytes.size() - at < size) break;
    frames.push_back(
        {static_cast<opcode>(bytes[at] & 0x0F), bytes.substr(at + header, size - header)});
    at += size;
  }
  bytes.erase(0, at);
  return frames;
}

}  // namespace chinwag::test
