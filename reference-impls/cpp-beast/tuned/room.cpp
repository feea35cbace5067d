#include "room.hpp"

#include <algorithm>

#include "connection.hpp"

void room::insert(connection* who) {
  members_.push_back(who);
  who->layer().writer().follow(log_);
}

void room::erase(connection* who) {
  auto const found = std::ranges::find(members_, who);
  *found = members_.back();
  members_.pop_back();
  auto& writer = who->layer().writer();
  writer.unfollow(log_);
  // As a member it would be judged when the room is written.
  if (writer.holds_too_much()) who->write();
}

void room::append(std::string_view text) {
  log_.append_text(text);
  if (log_.end() - written_ >= write_bytes) return write_news();
  members_.front()->layer().writer().of_loop().add(*this);
}

void room::write_news() {
  written_ = log_.end();
  if (is_linked()) unlink();  // what comes later waits behind the others
  for (auto* const each : members_) each->write();
}

void deliver(room& all, shared_text const& text) {
  all.append(*text);
}
