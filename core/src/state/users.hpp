#pragma once

#include <string_view>

#include "state/context.hpp"

namespace chinwag {

// Which connections a user has: the index finds one, the others follow from it in a list.
class users {
 public:
  explicit users(context& shared) : shared_(shared) {}

  void add(connection_id id, std::string_view name);
  void remove(connection_id id);

  // The first connection of the user, or no_id; the rest by next().
  connection_id first(std::string_view name) const { return shared_.links.users.find(name); }
  // How many the user has.
  std::uint32_t count(std::string_view name) const;
  connection_id next(connection_id id) const { return shared_.links.connections[id].next_of_user; }

 private:
  void uncount(connection_id leaver);

  context& shared_;
};

}  // namespace chinwag
