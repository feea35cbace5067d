#include "crowd.hpp"

#include "server_text.hpp"

namespace chinwag::load {

std::vector<std::uint32_t> crowd::members() const {
  std::vector<std::uint32_t> all;
  for (std::uint32_t id = 0; id < connections.size(); ++id) {
    if (is_member(id)) {
      all.push_back(id);
    }
  }
  return all;
}

void activity::on_text(std::uint32_t connection, std::string_view payload, std::size_t wire_bytes,
                       std::int64_t /*now_ns*/) {
  switch (type_of(payload)) {
    case text_type::message:
    case text_type::direct:
      ++crowd_.late_deliveries;
      break;
    case text_type::heartbeat: {
      std::uint32_t& due = crowd_.connections.heartbeats_due(connection);
      due -= due > 0 ? 1 : 0;
      crowd_.lengths.learn_heartbeat(wire_bytes);
      break;
    }
    case text_type::error:
      ++crowd_.errors[std::string(string_field(payload, "code"))];
      break;
    default:
      break;
  }
}

void activity::on_end(std::uint32_t /*connection*/, const ending& why) {
  if (why.key != "refused") {
    ++crowd_.lost;
  }
}

void activity::run() {
  while (!done()) {
    crowd_.connections.turn(*this);
  }
}

void activity::join(std::uint32_t connection, std::uint32_t slot) {
  const dialect& dialect = crowd_.connections.dialect();
  crowd_.connections.send(
      connection, {dialect.join_head, crowd_.names.room(connection, slot), dialect.join_tail},
      *this);
}

bool activity::is_own_join(std::uint32_t connection, std::string_view payload) const {
  const bool first = crowd_.connections.dialect().own_join_comes_first;
  return (first && crowd_.names.slots() == 1) ||
         string_field(payload, "user") == crowd_.names.user(connection);
}

}  // namespace chinwag::load
