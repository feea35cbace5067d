#include "frame_log.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace {

/// Of each size so much is kept for the next chunks, thousands a second: the allocator takes
/// its time for these sizes, and what was given up last is in the processor's cache.
constexpr std::size_t spare_bytes_max = 1'048'576;

using memory = std::unique_ptr<char[]>;

/// One thread; capacities are few, powers of two.
std::vector<memory>& spare(std::size_t capacity) {
  static std::array<std::vector<memory>, 64> by_size;
  return by_size[static_cast<std::size_t>(std::countr_zero(capacity))];
}

memory memory_of(std::size_t capacity) {
  auto& kept = spare(capacity);
  if (kept.empty()) return std::make_unique_for_overwrite<char[]>(capacity);
  auto last = std::move(kept.back());
  kept.pop_back();
  return last;
}

}  // namespace

chunk::chunk(std::size_t capacity) : capacity(capacity), bytes(memory_of(capacity)) {}

chunk::~chunk() {
  auto& kept = spare(capacity);
  if (kept.size() * capacity < spare_bytes_max) kept.push_back(std::move(bytes));
}

/// One after the other: a long line of chunks would free itself by as deep a recursion.
frame_log::~frame_log() {
  while (first_) first_ = std::exchange(first_->next, nullptr);
}

void frame_log::append_text(std::string_view text) {
  std::array<char, 10> header;
  auto const length = text.size();
  auto const further = length < 126 ? 0 : length <= 0xFFFF ? 2 : 8;  // bytes of the length
  auto* to = header.data();
  *to++ = '\x81';  // the last fragment of a text, and the only one
  *to++ = static_cast<char>(further == 0 ? length : further == 2 ? 126 : 127);
  for (auto left = further; left-- > 0;) *to++ = static_cast<char>(length >> (8 * left) & 0xFF);
  append({header.data(), to});
  append(text);
}

void frame_log::append(std::string_view bytes) {
  end_ += bytes.size();
  while (!bytes.empty()) {
    if (last_->size == last_->capacity) {
      last_->next = new chunk(std::min(2 * last_->capacity, chunk_bytes_max));
      last_ = last_->next.get();
    }
    auto const here = std::min(bytes.size(), last_->capacity - last_->size);
    std::memcpy(last_->bytes.get() + last_->size, bytes.data(), here);
    last_->size += here;
    bytes.remove_prefix(here);
  }
  give_up_what_is_read();
}

void frame_log::give_up_what_is_read() {
  while (first_->readers == 0 && first_->next) first_ = std::exchange(first_->next, nullptr);
}

void log_reader::take(std::vector<piece>& to) {
  auto offset = offset_;
  for (auto* each = in_; each != nullptr; each = each->next.get()) {
    if (each->size > offset) to.push_back({each, offset, each->size - offset});
    offset = 0;
  }
  leave();
  in_ = log_->last_;
  ++in_->readers;
  offset_ = in_->size;
  at_ = log_->end_;
}

void log_reader::leave() {
  if (--in_->readers == 0) log_->give_up_what_is_read();
}
