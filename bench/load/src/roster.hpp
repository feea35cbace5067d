#pragma once

#include <cstdint>
#include <string>

namespace chinwag::load {

// Who is who: connection i is user i and sits in room i / room_size. Names are of one width, so
// that a server's messages have one layout.
class roster {
 public:
  roster(std::string prefix, std::uint32_t room_size)
      : prefix_(std::move(prefix)), room_size_(room_size) {}

  std::uint32_t room_size() const { return room_size_; }
  std::uint32_t room_of(std::uint32_t connection) const { return connection / room_size_; }
  std::uint32_t place_of(std::uint32_t connection) const { return connection % room_size_; }

  std::string user(std::uint32_t connection) const { return name("-u", connection); }
  std::string room(std::uint32_t connection) const { return name("-r", room_of(connection)); }

 private:
  static constexpr std::size_t digits = 7;

  std::string name(const char* mark, std::uint32_t number) const {
    const std::string text = std::to_string(number);
    return prefix_ + mark + std::string(digits - text.size(), '0') + text;
  }

  std::string prefix_;
  std::uint32_t room_size_;
};

}  // namespace chinwag::load
