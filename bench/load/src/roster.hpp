#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace chinwag::load {

// How connections sit in rooms.
struct room_plan {
  std::uint32_t room_size = 1;
  std::uint32_t rooms_per_connection = 1;
  std::uint32_t hot_room = 0;  // so many of the first connections share one room; 0: none
};

// Who is who. Connection i is user i. With one room each, neighbours share a room. With several, a
// connection has one room in each of as many slots: rooms of a slot share nobody, rooms of
// different slots some members, and a district of five rooms a slot shares no room with another
// one, so that districts can be spread over processes. Names are of one width, so that a server's
// messages have one layout.
class roster {
 public:
  roster(std::string prefix, const room_plan& plan);

  std::uint32_t slots() const { return plan_.rooms_per_connection; }
  // Places in the room that a connection has in a slot: never fewer than its members.
  std::uint32_t places_of(std::uint32_t connection) const {
    return connection < plan_.hot_room ? plan_.hot_room : plan_.room_size;
  }
  std::uint32_t room_of(std::uint32_t connection, std::uint32_t slot) const;
  std::uint32_t place_of(std::uint32_t connection, std::uint32_t slot) const;
  // Of a room beside: members of other rooms begin so many connections further on.
  std::uint32_t stride() const { return plan_.room_size; }

  std::string user(std::uint32_t connection) const { return name("-u", connection); }
  std::string room(std::uint32_t connection, std::uint32_t slot) const {
    return name("-r", room_of(connection, slot));
  }

 private:
  std::uint32_t seat_of(std::uint32_t connection, std::uint32_t slot) const;
  std::string name(const char* mark, std::uint32_t number) const;

  std::string prefix_;
  room_plan plan_;
  std::uint32_t district_ = 0;  // connections
  std::vector<std::uint32_t>
      multipliers_;  // by slot: seat = connection x multiplier, of a district
};

}  // namespace chinwag::load
