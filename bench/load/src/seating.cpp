#include "seating.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "panel.hpp"

namespace chinwag::load {

seating::seating(std::vector<std::uint32_t> senders, std::uint32_t connections, const roster& names,
                 std::uint32_t parse_every)
    : names_(names),
      senders_(std::move(senders)),
      panel_(connections),
      partners_(connections),
      writers_(connections) {
  choose_panel(parse_every);
  const std::size_t shift = senders_.size() > names_.stride() ? names_.stride() : 1;
  for (std::size_t i = 0; i < senders_.size(); ++i) {
    const std::uint32_t sender = senders_[i];
    const std::uint32_t partner = senders_[(i + shift) % senders_.size()];
    partners_[sender] = partner;
    writers_[partner] = sender;
    for (std::uint32_t slot = 0; slot < names_.slots(); ++slot) {
      const std::size_t room = names_.room_of(sender, slot);
      members_.resize(std::max(members_.size(), room + 1));
      panel_members_.resize(members_.size());
      ++members_[room];
      panel_members_[room] += panel_[sender] ? 1 : 0;
    }
  }
}

void seating::choose_panel(std::uint32_t parse_every) {
  for (const std::uint32_t sender : senders_) {
    panel_[sender] = load::in_panel(sender, parse_every);
    panel_size_ += panel_[sender] ? 1 : 0;
  }
  if (panel_size_ == 0) {
    panel_.assign(panel_.size(), true);
    panel_size_ = static_cast<std::uint32_t>(senders_.size());
  }
}

}  // namespace chinwag::load
