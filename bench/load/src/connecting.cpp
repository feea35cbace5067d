#include "connecting.hpp"

#include <algorithm>

#include "server_text.hpp"

namespace chinwag::load {
namespace {

constexpr std::uint32_t in_flight_max = 256;  // fewer than any server's accept queue
constexpr std::uint32_t refusals_max = 100;   // then the rest would be refused, too

}  // namespace

connecting::connecting(load::crowd& crowd, std::uint32_t count, double timeout_s)
    : activity(crowd), wanted_(count), timeout_ns_(seconds_to_ns(timeout_s)) {
  wake_ns = 0;
}

void connecting::on_due(std::int64_t now_ns) {
  while (!opening_.empty() && opening_.front().deadline_ns <= now_ns) {
    const std::uint32_t late = opening_.front().connection;  // settling it takes it off
    crowd().connections.abandon(late, "no `welcome` within the timeout", *this);
  }
  start_more(now_ns);
  wake_ns = opening_.empty() ? never_ns : opening_.front().deadline_ns;
}

void connecting::start_more(std::int64_t now_ns) {
  while (wanted_ > 0 && in_flight_ < in_flight_max) {
    --wanted_;
    ++in_flight_;
    const std::uint32_t next = crowd().connections.size();
    opening_.push_back({next, now_ns + timeout_ns_, false});
    crowd().joined.push_back(false);
    crowd().connections.start(crowd().names.user(next), *this);
  }
}

// An echo says nothing by itself: who is connected is all that it will ever be.
void connecting::on_open(std::uint32_t connection) {
  if (crowd().connections.dialect().echoes && settle(connection)) {
    ++result_.opened;
    crowd().joined[connection] = true;
  }
}

// A connection counts once it was welcomed: that is the first thing a server says.
void connecting::on_text(std::uint32_t connection, std::string_view payload, std::size_t wire_bytes,
                         std::int64_t now_ns) {
  if (type_of(payload) == text_type::welcome && settle(connection)) {
    ++result_.opened;
  } else {
    activity::on_text(connection, payload, wire_bytes, now_ns);
  }
}

void connecting::on_end(std::uint32_t connection, const ending& why) {
  if (!settle(connection)) {
    activity::on_end(connection, why);
    return;
  }
  if (result_.refused++ == 0) {
    result_.reason = why.text;
  }
  if (result_.refused >= refusals_max) {
    wanted_ = 0;
  }
}

// Answers whether the connection was still opening.
bool connecting::settle(std::uint32_t connection) {
  const auto found = std::find_if(opening_.begin(), opening_.end(), [&](const attempt& opening) {
    return opening.connection == connection && !opening.settled;
  });
  if (found == opening_.end()) {
    return false;
  }
  found->settled = true;
  --in_flight_;
  while (!opening_.empty() && opening_.front().settled) {
    opening_.pop_front();
  }
  wake_ns = 0;  // there is room for another
  return true;
}

}  // namespace chinwag::load
