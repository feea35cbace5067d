#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

#include "chinwag/handlers.hpp"
#include "ids.hpp"

namespace chinwag {

// A request of a connection that can't be served yet.
struct held_request {
  enum class state : std::uint8_t {
    unasked,  // waits for its turn; the program may have to be asked then
    asked,    // the program owes a verdict
    decided,  // its verdict is there; those before it are not served yet
  };

  state now = state::unasked;
  // Whether those behind it depend on it: as long as it is not served, nobody knows of which rooms
  // the connection is a member.
  bool changes_rooms = false;
  std::uint16_t close_code = 0;  // not 0: it is the client's close
  std::uint64_t number = 0;      // of an asked one
  verdict outcome{};             // of a decided one
  std::string text{};            // as it came
};

// The requests of one connection that wait for verdicts, in the order in which they came.
class held_requests {
 public:
  void add(held_request request);
  // False if no request with this number waits.
  bool decide(std::uint64_t number, verdict outcome);

  bool empty() const { return waiting_.empty(); }
  const held_request& front() const { return waiting_.front(); }
  // The program was asked about the front only now.
  void front_asked(std::uint64_t number, bool changes_rooms);
  void pop();

  // The room that has to catch up before more is published, or no_id.
  room_id waits_for = no_id;

  // Whether the program can be asked about a message that comes now.
  bool rooms_are_known() const { return changing_ == 0; }
  std::size_t bytes() const { return bytes_; }

 private:
  std::deque<held_request> waiting_;
  std::size_t changing_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace chinwag
