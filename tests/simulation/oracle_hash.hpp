#pragma once

#include <cstdint>
#include <string_view>

namespace simulation {

// FNV-1a over the parts, each with its length, so that parts can't run together.
class part_hash {
 public:
  void add(std::string_view part) {
    add_number(part.size());
    for (const char c : part) step(static_cast<unsigned char>(c));
  }
  std::uint64_t value() const { return value_ ^ (value_ >> 31); }

 private:
  void add_number(std::uint64_t number) {
    for (unsigned i = 0; i < 4; ++i) step(static_cast<unsigned char>(number >> (8 * i)));
  }
  void step(unsigned char byte) { value_ = (value_ ^ byte) * 0x100000001B3; }

  std::uint64_t value_ = 0xCBF29CE484222325;
};

// Names what happened in a room, or a direct message, across all who hear of it.
inline std::uint64_t event_hash(std::string_view type, std::string_view room, std::string_view user,
                                std::string_view content) {
  part_hash hash;
  hash.add(type);
  hash.add(room);
  hash.add(user);
  hash.add(content);
  return hash.value();
}

}  // namespace simulation
