#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>
#include <vector>

#include "host/invariant.hpp"

namespace chinwag {

// Sets a record to a fresh one. Unlike an assignment it gives back what the record's strings hold:
// who comes next begins with nothing.
template <typename T>
void renew(T& record) noexcept {
  static_assert(std::is_nothrow_default_constructible_v<T>);
  std::destroy_at(&record);
  std::construct_at(&record);
}

// Pages of records addressed by a 32-bit place. Records never move, so a reference stays good while
// others are added, and growing costs one page instead of a copy of everything.
template <typename T>
class paged {
 public:
  // The vector checks that the page exists, and then it has all of its records.
  T& operator[](std::uint32_t id) { return pages_[id / page_records].get()[id % page_records]; }
  const T& operator[](std::uint32_t id) const {
    return pages_[id / page_records].get()[id % page_records];
  }

  // Makes the place exist and sets it to a fresh record.
  void reset(std::uint32_t id) {
    while (id / page_records >= pages_.size()) {
      pages_.push_back(std::make_unique<T[]>(page_records));
    }
    renew((*this)[id]);
  }

 private:
  static constexpr std::uint32_t page_records = 1024;
  std::vector<std::unique_ptr<T[]>> pages_;
};

// A paged array that hands out places and takes them back. The list of free places can be derived
// from the records; it is not part of what a successor must see.
template <typename T>
class table {
 public:
  std::uint32_t add() {
    std::uint32_t id = size_;
    if (free_.empty()) {
      ++size_;
    } else {
      id = free_.back();
      free_.pop_back();
    }
    records_.reset(id);
    if (id >= used_.size()) used_.resize(id + 1);
    used_[id] = true;
    ++live_;
    return id;
  }

  // A place that is given back twice would be handed out twice.
  void remove(std::uint32_t id) {
    invariant(id < used_.size() && used_[id]);
    used_[id] = false;
    renew(records_[id]);
    free_.push_back(id);
    --live_;
  }

  T& operator[](std::uint32_t id) { return records_[id]; }
  const T& operator[](std::uint32_t id) const { return records_[id]; }

  std::uint32_t live() const { return live_; }
  // One past the highest place ever used: the bound of a scan.
  std::uint32_t size() const { return size_; }

 private:
  paged<T> records_;
  std::vector<std::uint32_t> free_;
  std::vector<bool> used_;
  std::uint32_t size_ = 0;
  std::uint32_t live_ = 0;
};

}  // namespace chinwag
