#pragma once

#include <cstdint>

namespace chinwag::load {

// The open loop's plan: when every message of a hold is due, whatever the server does meanwhile.
// Times come from the message's index alone, so that no rounding adds up and a late message never
// moves the ones behind it.
class schedule {
 public:
  struct plan {
    std::int64_t start_ns;
    std::int64_t end_ns;  // no message is planned at or after it
    double messages_per_s;
    std::uint32_t burst;  // so many messages share one planned time
  };

  explicit schedule(const plan& of);

  std::uint64_t count() const { return count_; }
  std::int64_t planned_ns(std::uint64_t index) const;

 private:
  plan plan_;
  std::uint64_t count_;
};

}  // namespace chinwag::load
