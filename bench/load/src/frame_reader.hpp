#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "frame.hpp"

namespace chinwag::load {

enum class parse_status { whole, incomplete, fault };

// Takes one frame of a server (never masked) off the front of `bytes`, in place. Only `whole`
// changes `bytes`.
parse_status take_frame(std::string_view& bytes, frame& out);

// How many bytes lie before the first text frame whose payload begins with `head`; `npos` when
// there is none.
std::size_t find_frame(std::string_view bytes, std::string_view head);

// Turns frames into messages: control frames pass through, fragments are gathered until the last
// one.
class message_assembler {
 public:
  enum class status { message, control, unfinished, fault };

  // On `message`, `frame` becomes the whole message; its payload stays valid until the next call.
  status take(frame& frame);

  bool is_idle() const { return gathered_op_ == opcode::continuation; }

 private:
  status gather(frame& frame);

  std::string gathered_;
  std::size_t gathered_wire_bytes_ = 0;
  opcode gathered_op_ = opcode::continuation;  // `continuation`: no message is open
};

}  // namespace chinwag::load
