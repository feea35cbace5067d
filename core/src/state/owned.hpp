#pragma once

namespace chinwag {

struct test_access;  // tests put records into states that would take a whole shard to reach

// A field that everyone may read and one class writes.
template <typename T, typename Owner>
class owned {
 public:
  owned() = default;

  operator T() const { return value_; }  // NOLINT(google-explicit-constructor): it stands for T

 private:
  friend Owner;
  friend test_access;

  explicit owned(T value) : value_(value) {}
  owned& operator=(T value) {
    value_ = value;
    return *this;
  }

  T value_{};
};

}  // namespace chinwag
