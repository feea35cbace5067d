#include "frame_reader.hpp"

#include <cstdint>

namespace chinwag::load {
namespace {

constexpr std::uint8_t reserved_bits = 0x70;
constexpr std::uint8_t opcode_bits = 0x0f;
constexpr std::uint8_t control_bit = 0x08;
constexpr std::size_t control_payload_max = 125;

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) {
    value = value << 8 | static_cast<std::uint8_t>(byte);
  }
  return value;
}

bool is_control(opcode op) {
  return (static_cast<std::uint8_t>(op) & control_bit) != 0;
}

bool head_is_sound(std::uint8_t first, std::uint8_t second) {
  const std::uint8_t op = first & opcode_bits;
  if ((first & reserved_bits) != 0 || (second & mask_bit) != 0) {
    return false;
  }
  if ((op & control_bit) != 0) {
    return op <= static_cast<std::uint8_t>(opcode::pong) && (first & fin_bit) != 0 &&
           second <= control_payload_max;
  }
  return op <= static_cast<std::uint8_t>(opcode::binary);
}

std::size_t length_field_bytes(std::uint8_t second) {
  return second == length_64_bits ? 8 : second == length_16_bits ? 2 : 0;
}

}  // namespace

parse_status take_frame(std::string_view& bytes, frame& out) {
  if (bytes.size() < 2) {
    return parse_status::incomplete;
  }
  const std::uint8_t first = byte_at(bytes, 0);
  const std::uint8_t second = byte_at(bytes, 1);
  if (!head_is_sound(first, second)) {
    return parse_status::fault;
  }
  const std::size_t field_bytes = length_field_bytes(second);
  const std::size_t head_bytes = 2 + field_bytes;
  if (bytes.size() < head_bytes) {
    return parse_status::incomplete;
  }
  const std::uint64_t length = field_bytes == 0 ? second : big_endian(bytes.substr(2, field_bytes));
  if (length > payload_bytes_max) {
    return parse_status::fault;
  }
  if (bytes.size() - head_bytes < length) {
    return parse_status::incomplete;
  }
  out.op = static_cast<opcode>(first & opcode_bits);
  out.fin = (first & fin_bit) != 0;
  out.payload = bytes.substr(head_bytes, length);
  out.wire_bytes = head_bytes + length;
  bytes.remove_prefix(out.wire_bytes);
  return parse_status::whole;
}

std::size_t find_frame(std::string_view bytes, std::string_view head) {
  constexpr std::size_t header_bytes[] = {2, 4, 10};
  for (std::size_t at = bytes.find(head); at != std::string_view::npos;
       at = bytes.find(head, at + 1)) {
    for (const std::size_t before : header_bytes) {
      if (at < before) {
        continue;
      }
      const std::uint8_t first = byte_at(bytes, at - before);
      const std::uint8_t second = byte_at(bytes, at - before + 1);
      if (first == (fin_bit | static_cast<std::uint8_t>(opcode::text)) &&
          (second & mask_bit) == 0 && 2 + length_field_bytes(second) == before) {
        return at - before;
      }
    }
  }
  return std::string_view::npos;
}

message_assembler::status message_assembler::take(frame& frame) {
  if (is_control(frame.op)) {
    return status::control;
  }
  const bool continues = frame.op == opcode::continuation;
  const bool is_open = gathered_op_ != opcode::continuation;
  if (continues != is_open) {
    return status::fault;
  }
  return frame.fin && !continues ? status::message : gather(frame);
}

message_assembler::status message_assembler::gather(frame& frame) {
  if (frame.op != opcode::continuation) {
    gathered_.clear();
    gathered_wire_bytes_ = 0;
    gathered_op_ = frame.op;
  }
  if (gathered_.size() + frame.payload.size() > payload_bytes_max) {
    return status::fault;
  }
  gathered_.append(frame.payload);
  gathered_wire_bytes_ += frame.wire_bytes;
  if (!frame.fin) {
    return status::unfinished;
  }
  frame.op = gathered_op_;
  frame.payload = gathered_;
  frame.wire_bytes = gathered_wire_bytes_;
  gathered_op_ = opcode::continuation;
  return status::message;
}

}  // namespace chinwag::load
