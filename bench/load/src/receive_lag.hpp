#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

#include "histogram.hpp"

namespace chinwag::load {

// Reads sockets and now and then asks the kernel when the bytes had arrived (SO_TIMESTAMPNS): how
// long they waited for this program. Time that a server's deliveries spend there is the
// generator's, not the server's.
class receive_lag {
 public:
  // Like `recv`.
  ssize_t read(int fd, char* into, std::size_t capacity);

  // Of the last read: how many of its bytes had come by which moment of CLOCK_MONOTONIC; no bytes
  // where the kernel was not asked. It answers for the newest segment of those: who wants to know
  // when a delivery came is told a moment that is right or too late, never too early.
  std::size_t stamped_bytes() const { return stamped_bytes_; }
  std::int64_t stamp_ns() const { return stamp_ns_; }

  void clear() { lags_.clear(); }
  const histogram& lags() const { return lags_; }

 private:
  ssize_t read_stamped(int fd, char* into, std::size_t capacity);

  histogram lags_;
  std::uint32_t reads_ = 0;
  std::size_t stamped_bytes_ = 0;
  std::int64_t stamp_ns_ = 0;
};

}  // namespace chinwag::load
