#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "wire/frame.hpp"
#include "wire/image.hpp"
#include "wire/utf8.hpp"

namespace chinwag {

// What a connection's bytes turned out to be.
struct inbound {
  enum class kind { nothing, fragment, text, binary, ping, pong, close, fault };

  kind what = kind::nothing;
  std::uint16_t code = 0;      // close: the client's code or no_status; fault: the code to send
  std::string_view payload{};  // good until the next call; close: the reason
};

// Turns a client's bytes into messages: checks framing strictly (RFC 6455), puts fragments together
// up to a limit, validates text. Each byte is touched once, however small the pieces are.
class message_reader {
 public:
  // Takes a frame, or what there is of one, from the front of `input`, which it changes in place
  // (unmasking). `fragment` is one that ends no message. What it leaves there after `nothing` is an
  // unfinished header or control frame (at most 131 bytes): the caller keeps it and puts it before
  // what arrives next.
  inbound next(std::span<char>& input, std::size_t message_bytes_max);

  // True between messages: nothing to remember.
  bool idle() const { return !in_frame_ && !in_message_; }

  // What of an unfinished message a successor needs.
  void write(image_writer& to) const;
  void read(image_reader& from);

  // Bytes that an unfinished message holds.
  std::size_t memory() const { return message_.capacity(); }

  // Frames finished so far, fragments included: a sign of life.
  std::uint32_t frames() const { return frames_; }

 private:
  inbound control(std::span<char>& input, const frame_header& header);
  inbound data(std::span<char>& input, const frame_header& header, std::size_t message_bytes_max);
  inbound whole_message(std::span<char>& input, const frame_header& header);
  inbound take_payload(std::span<char>& input);
  inbound finish_frame();
  void forget_message();

  std::string message_;      // of fragments and of frames that arrive in pieces
  std::uint64_t taken_ = 0;  // of the current frame's payload
  frame_header frame_{};
  utf8_validator text_{};
  std::uint32_t frames_ = 0;
  opcode type_ = opcode::text;
  bool in_frame_ = false;
  bool in_message_ = false;  // a fragmented message has begun
  bool handed_out_ = false;  // message_ was returned by the last call
};

}  // namespace chinwag
