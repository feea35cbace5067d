#include "wire/message_reader.hpp"

#include <algorithm>

namespace chinwag {

namespace {

inbound fault(std::uint16_t code) {
  return {inbound::kind::fault, code};
}

std::string_view view(std::span<char> bytes) {
  return {bytes.data(), bytes.size()};
}

inbound message(opcode type, std::string_view payload) {
  const auto what = type == opcode::text ? inbound::kind::text : inbound::kind::binary;
  return {what, 0, payload};
}

inbound close_frame(std::string_view payload) {
  if (payload.empty()) return {inbound::kind::close, close_code::no_status};
  if (payload.size() == 1) return fault(close_code::protocol_error);
  const auto high = static_cast<unsigned char>(payload[0]);
  const auto low = static_cast<unsigned char>(payload[1]);
  const auto code = static_cast<std::uint16_t>(high << 8 | low);
  if (!is_sendable_close_code(code)) return fault(close_code::protocol_error);
  const std::string_view reason = payload.substr(2);
  if (!is_utf8(reason)) return fault(close_code::bad_text);
  return {inbound::kind::close, code, reason};
}

}  // namespace

inbound message_reader::next(std::span<char>& input, std::size_t message_bytes_max) {
  if (handed_out_) forget_message();
  while (true) {
    if (in_frame_) {
      const inbound found = take_payload(input);
      if (found.what != inbound::kind::nothing || in_frame_) return found;
      continue;
    }
    frame_header header;
    const header_status status = parse_client_header(view(input), header);
    if (status == header_status::incomplete) return {};
    if (status == header_status::fault) return fault(close_code::protocol_error);
    if (is_control(header.code)) return control(input, header);
    const inbound found = data(input, header, message_bytes_max);
    if (found.what != inbound::kind::nothing) return found;
  }
}

inbound message_reader::control(std::span<char>& input, const frame_header& header) {
  const std::size_t size = header.size + header.length;
  if (input.size() < size) return {};
  const std::span<char> payload = input.subspan(header.size, header.length);
  unmask(payload, header.key);
  input = input.subspan(size);
  ++frames_;
  if (header.code == opcode::close) return close_frame(view(payload));
  const auto what = header.code == opcode::ping ? inbound::kind::ping : inbound::kind::pong;
  return {what, 0, view(payload)};
}

inbound message_reader::data(std::span<char>& input, const frame_header& header,
                             std::size_t message_bytes_max) {
  const bool continues = header.code == opcode::continuation;
  if (continues != in_message_) return fault(close_code::protocol_error);
  // An upgrade may have lowered the limit below what had come.
  const std::size_t room = message_bytes_max - std::min(message_bytes_max, message_.size());
  if (header.length > room) return fault(close_code::too_big);
  if (!continues) type_ = header.code;
  const bool all_here = input.size() - header.size >= header.length;
  if (header.final && !in_message_ && all_here) return whole_message(input, header);
  in_message_ = true;
  in_frame_ = true;
  taken_ = 0;
  frame_ = header;
  input = input.subspan(header.size);
  return {};
}

// The common case: one frame, all of it present. It is served from where it lies.
inbound message_reader::whole_message(std::span<char>& input, const frame_header& header) {
  const std::span<char> payload = input.subspan(header.size, header.length);
  unmask(payload, header.key);
  input = input.subspan(header.size + header.length);
  ++frames_;
  if (type_ == opcode::text && !is_utf8(view(payload))) return fault(close_code::bad_text);
  return message(type_, view(payload));
}

inbound message_reader::take_payload(std::span<char>& input) {
  const std::size_t count = std::min<std::uint64_t>(frame_.length - taken_, input.size());
  const std::span<char> piece = input.first(count);
  unmask(piece, frame_.key, taken_ % frame_.key.size());
  input = input.subspan(count);
  taken_ += count;
  if (type_ == opcode::text && !text_.feed(view(piece))) return fault(close_code::bad_text);
  message_.append(piece.data(), piece.size());
  return taken_ == frame_.length ? finish_frame() : inbound{};
}

inbound message_reader::finish_frame() {
  in_frame_ = false;
  ++frames_;
  if (!frame_.final) return {inbound::kind::fragment};
  in_message_ = false;
  handed_out_ = true;
  if (type_ == opcode::text && !text_.complete()) return fault(close_code::bad_text);
  return message(type_, message_);
}

void message_reader::write(image_writer& to) const {
  to.number(!idle());
  if (idle()) return;
  to.text(message_);
  to.number(taken_);
  to.number(frame_.length);
  for (const unsigned char byte : frame_.key) to.number(byte);
  to.number(frame_.code);
  to.number(frame_.final);
  text_.write(to);
  to.number(type_);
  to.number(in_frame_);
  to.number(in_message_);
}

void message_reader::read(image_reader& from) {
  if (!from.number<bool>()) return;
  message_ = from.text();
  taken_ = from.number<std::uint64_t>();
  frame_.length = from.number<std::uint64_t>();
  for (unsigned char& byte : frame_.key) byte = from.number<unsigned char>();
  frame_.code = from.number<opcode>();
  frame_.final = from.number<bool>();
  text_.read(from);
  type_ = from.number<opcode>();
  in_frame_ = from.number<bool>();
  in_message_ = from.number<bool>();
  if (taken_ > frame_.length) from.fail();
}

void message_reader::forget_message() {
  handed_out_ = false;
  message_.clear();
  text_.reset();
}

}  // namespace chinwag
