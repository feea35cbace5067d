#include "storm.hpp"

#include <algorithm>

#include "cpu_time.hpp"
#include "server_text.hpp"

namespace chinwag::load {
namespace {

// So many are started before sockets are read again: who is back early must not wait to be seen.
constexpr int starts_per_turn = 64;

}  // namespace

storm::storm(load::crowd& crowd, double timeout_s)
    : activity(crowd),
      order_(crowd.members()),
      entered_(crowd.joined.size(), 0),
      cut_ns_(crowd.joined.size(), 0),
      begin_ns_(monotonic_ns()),
      give_up_ns_(begin_ns_ + seconds_to_ns(timeout_s)),
      cpu_s_(process_cpu_s()) {
  result_.connections = static_cast<std::uint32_t>(order_.size());
  disconnect_all();
  wake_ns = 0;
}

void storm::disconnect_all() {
  for (const std::uint32_t id : order_) {
    cut_ns_[id] = monotonic_ns();
    crowd().joined[id] = false;
    crowd().connections.cut(id);
  }
}

void storm::on_due(std::int64_t now_ns) {
  if (now_ns >= give_up_ns_) {
    give_up();
  } else {
    start_more();
  }
}

void storm::start_more() {
  for (int starts = 0; starts < starts_per_turn && next_ < order_.size(); ++starts) {
    const std::uint32_t id = order_[next_++];
    crowd().connections.restart(id, crowd().names.user(id), *this);
  }
  wake_ns = next_ < order_.size() ? 0 : give_up_ns_;
}

void storm::give_up() {
  const std::string why = "not back in its room in time";
  for (const std::uint32_t id : order_) {
    if (cut_ns_[id] != 0) {
      crowd().connections.abandon(id, why, *this);
    }
    if (cut_ns_[id] != 0) {  // it had not even been started
      on_end(id, {"refused", why});
    }
  }
}

// As for any client: `welcome` first, then the join, then its own `user_joined`.
void storm::on_text(std::uint32_t connection, std::string_view payload, std::size_t wire_bytes,
                    std::int64_t now_ns) {
  const bool on_its_way = cut_ns_[connection] != 0;
  const text_type type = type_of(payload);
  if (on_its_way && type == text_type::welcome) {
    join_all(connection);
  } else if (on_its_way && type == text_type::user_joined) {
    if (!is_own_join(connection, payload)) {
      return;
    }
    if (++entered_[connection] < crowd().names.slots()) {
      return;
    }
    crowd().joined[connection] = true;
    result_.rejoin.record(now_ns - cut_ns_[connection]);
    settle(connection, now_ns);
  } else {
    activity::on_text(connection, payload, wire_bytes, now_ns);
  }
}

void storm::join_all(std::uint32_t connection) {
  for (std::uint32_t slot = 0; slot < crowd().names.slots(); ++slot) {
    join(connection, slot);
  }
}

void storm::on_end(std::uint32_t connection, const ending& why) {
  if (cut_ns_[connection] == 0) {
    activity::on_end(connection, why);
    return;
  }
  if (result_.refused++ == 0) {
    result_.reason = why.text;
  }
  settle(connection, monotonic_ns());
}

void storm::settle(std::uint32_t connection, std::int64_t now_ns) {
  cut_ns_[connection] = 0;
  ++settled_;
  end_ns_ = std::max(end_ns_, now_ns);
}

storm_result storm::result() const {
  storm_result result = result_;
  result.begin_s = ns_to_seconds(begin_ns_);
  result.total_s = ns_to_seconds(end_ns_ - begin_ns_);
  const double elapsed_s = ns_to_seconds(monotonic_ns() - begin_ns_);
  result.generator_cpu = (process_cpu_s() - cpu_s_) / elapsed_s;
  return result;
}

}  // namespace chinwag::load
