#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace chinwag::load {

enum class happening : std::uint32_t {
  sent,      // a message, by `connection`
  received,  // a message, by `connection`, once for each copy
  ended,     // the connection
  back,      // the connection, as a member of its room again
  fault,     // `connection` has asked for it
  build,     // `connection` is answered by another build; `sequence` is its place among the names
  unsent,    // a message that was due from who is away; planned for `sent_ns`
  told,      // `connection`, that a message of its own could not leave: error {unavailable}
};

// One thing that happened while a server was watched. The log is these, one after the other.
struct watched {
  happening what;
  std::uint32_t connection;
  std::uint32_t sender;    // of a message
  std::uint32_t sequence;  // of a message: each sender's count from 0
  std::int64_t sent_ns;    // when a message was really sent; on CLOCK_MONOTONIC, as the next
  std::int64_t at_ns;
};
static_assert(sizeof(watched) == 32);

class watch_log {
 public:
  void add(const watched& one) { all_.push_back(one); }
  std::size_t size() const { return all_.size(); }
  // Throws `failure`.
  void write(const std::string& path) const;

 private:
  std::vector<watched> all_;
};

}  // namespace chinwag::load
