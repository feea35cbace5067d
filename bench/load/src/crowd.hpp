#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fleet.hpp"
#include "frame_lengths.hpp"
#include "roster.hpp"

namespace chinwag::load {

// The connections with their names and what is known of them between the parts of a run.
struct crowd {
  fleet connections;
  roster names;
  std::vector<bool> joined{};  // by connection: in its rooms
  std::vector<bool> owed{};    // by connection: deliveries of a hold that is over may still come
  frame_lengths lengths{};     // of this server
  std::uint32_t lost = 0;      // open connections that ended and were not told of yet
  std::uint64_t late_deliveries = 0;              // of a hold that is over
  std::map<std::string, std::uint64_t> errors{};  // what the server refused, by code

  bool is_member(std::uint32_t connection) const {
    return joined[connection] && connections.is_open(connection);
  }
  std::vector<std::uint32_t> members() const;
};

// One part of a run: it turns the connections until it is done. What it does not look at itself is
// counted here.
class activity : public fleet_observer {
 public:
  explicit activity(load::crowd& crowd) : crowd_(crowd) {}

  void on_text(std::uint32_t connection, std::string_view payload, std::size_t wire_bytes,
               std::int64_t now_ns) override;
  void on_end(std::uint32_t connection, const ending& why) override;

  virtual bool done() const = 0;
  void run();

 protected:
  load::crowd& crowd() const { return crowd_; }

  // Asks to be let into the room of that slot.
  void join(std::uint32_t connection, std::uint32_t slot);
  // Whether a user_joined tells the connection of itself. Of one room, the first that a member gets
  // is its own with most servers; else names tell.
  bool is_own_join(std::uint32_t connection, std::string_view payload) const;

 private:
  load::crowd& crowd_;
};

}  // namespace chinwag::load
