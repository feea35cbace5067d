#include "state/buffers.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "state/planted_fault.hpp"

namespace chinwag {

namespace {
constexpr std::size_t compact_from = 64 * 1024;
}

char* outbox::grow(std::size_t count) {
  // Sent bytes are dropped once they are half of the whole: each byte moves once at most.
  if (sent_ >= compact_from && sent_ * 2 >= bytes_.size()) {
    bytes_.erase(0, sent_);
    sent_ = 0;
  }
  const std::size_t size = bytes_.size();
  bytes_.resize(size + count);
  return bytes_.data() + size;
}

void outbox::add(const message_parts& message) {
  if (planted(fault::welcome_overtaken) && raw_ > 0 && waiting().size() > raw_) {
    bytes_.insert(sent_ + raw_, message.frame_size(), '\0');
    message.write_frame(bytes_.data() + sent_ + raw_);
    return;
  }
  message.write_frame(grow(message.frame_size()));
}

void outbox::add(opcode code, std::string_view payload) {
  char* to = grow(server_header_size(payload.size()) + payload.size());
  to += write_server_header(to, code, payload.size());
  if (!payload.empty()) std::memcpy(to, payload.data(), payload.size());
}

void outbox::add_raw(std::string_view bytes) {
  if (bytes.empty()) return;
  std::memcpy(grow(bytes.size()), bytes.data(), bytes.size());
  raw_ += bytes.size();
}

void outbox::add_frames(std::string_view bytes) {
  std::memcpy(grow(bytes.size()), bytes.data(), bytes.size());
}

std::uint32_t outbox::sent(std::size_t count, std::uint32_t open) {
  std::size_t unit = raw_ > 0 ? raw_ : open;
  std::size_t left = count;
  const char* at = bytes_.data() + sent_;
  while (left > unit) {
    left -= unit;
    at += unit;
    unit = server_frame_size(at);
  }
  raw_ -= raw_ > count ? count : raw_;
  sent_ += count;
  if (sent_ == bytes_.size()) {
    bytes_.clear();
    sent_ = 0;
  }
  return static_cast<std::uint32_t>(unit - left);
}

void outbox::write(image_writer& to) const {
  to.text(waiting());
  to.number(raw_);
}

void outbox::read(image_reader& from) {
  bytes_ = from.text();
  sent_ = 0;
  raw_ = from.number<std::size_t>();
  if (raw_ > bytes_.size()) from.fail();
}

void outbox::keep_only(std::uint32_t open) {
  std::string kept(bytes_, sent_, std::max<std::size_t>(raw_, open));
  bytes_.swap(kept);  // and the memory of the rest is free
  sent_ = 0;
}

namespace {

// A request costs its record even if it has no text.
std::size_t cost(const held_request& request) {
  return sizeof request + request.text.size();
}

}  // namespace

void request_queue::add(held_request request) {
  bytes_ += cost(request);
  if (request.changes_rooms) ++changing_;
  if (request.to_be_asked) ++to_ask_;
  waiting_.push_back(std::move(request));
}

bool request_queue::decide(std::uint64_t number, verdict outcome) {
  const auto found = std::find_if(waiting_.begin(), waiting_.end(), [&](const held_request& one) {
    const bool asked = one.now == held_request::state::asked || planted(fault::decided_again);
    return asked && one.number == number;
  });
  if (found == waiting_.end()) return false;
  found->now = held_request::state::decided;
  found->outcome = std::move(outcome);
  return true;
}

void request_queue::front_asked(std::uint64_t number, bool changes_rooms) {
  held_request& front = waiting_.front();
  if (front.changes_rooms && !changes_rooms) --changing_;
  front.changes_rooms = changes_rooms;
  if (front.to_be_asked) --to_ask_;
  front.to_be_asked = false;
  front.number = number;
  front.now = held_request::state::asked;
}

void request_queue::pop() {
  const held_request& served = waiting_.front();
  bytes_ -= cost(served);
  if (served.changes_rooms) --changing_;
  if (served.to_be_asked) --to_ask_;
  waiting_.pop_front();
}

}  // namespace chinwag
