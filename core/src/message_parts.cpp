#include "message_parts.hpp"

#include <cstring>

namespace chinwag {

void message_parts::write_frame(char* to) const {
  to += write_server_header(to, opcode::text, payload_size_);
  for (std::size_t i = 0; i < count_; ++i) {
    std::memcpy(to, pieces_[i].data(), pieces_[i].size());
    to += pieces_[i].size();
  }
}

}  // namespace chinwag
