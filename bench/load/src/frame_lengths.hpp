#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "stamp.hpp"

namespace chinwag::load {

// How long a server's frames are, learnt from those that were parsed. Names and contents are of one
// width, so all deliveries of a kind are of one length, whatever the server's layout; who doesn't
// hold to that can't be read by length.
class frame_lengths {
 public:
  struct learnt {
    std::size_t bytes = 0;
    std::uint32_t seen = 0;
  };

  void learn(message_kind kind, std::size_t wire_bytes);
  void learn_heartbeat(std::size_t wire_bytes) { heartbeat_ = wire_bytes; }
  // Of what else comes: pings, announcements. Only the first few different ones are kept.
  void learn_other(std::size_t wire_bytes);
  // Counts the others anew, on so many parsed connections.
  void begin(std::uint32_t connections);

  // Seen often enough, and always the same.
  bool knows(message_kind kind) const { return of(kind).seen >= seen_min && !vary_; }
  std::size_t length(message_kind kind) const { return of(kind).bytes; }
  bool vary() const { return vary_; }
  std::size_t heartbeat() const { return heartbeat_; }  // 0: none has come
  const std::vector<learnt>& others() const { return others_; }
  // How many of these one connection may have had since `begin`, by what the parsed ones had.
  std::uint32_t least_of(const learnt& other) const;
  std::uint32_t most_of(const learnt& other) const;
  // Bytes of all others that one connection has had, by the mean of the parsed ones.
  std::size_t mean_of_others() const;

 private:
  static constexpr std::uint32_t seen_min = 32;
  static constexpr std::size_t others_max = 8;

  const learnt& of(message_kind kind) const { return kinds_[static_cast<std::size_t>(kind)]; }

  std::array<learnt, 2> kinds_;  // by message_kind
  std::size_t heartbeat_ = 0;
  std::vector<learnt> others_;
  std::uint32_t connections_ = 1;
  bool vary_ = false;
};

}  // namespace chinwag::load
