#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "host/kernel.hpp"
#include "host/pages.hpp"

namespace chinwag {

// Where bytes leave to connections, named by their descriptors. Nothing here waits.
class outlet {
 public:
  virtual ~outlet() = default;

  // Bytes taken, or a negative errno.
  virtual ssize_t send(int descriptor, std::span<const iovec> pieces) = 0;

  // From how many bytes to how many connections a loan pays.
  virtual kernel::lending_threshold worth_lending() const = 0;
  // Takes the beginning of the pieces for all send_lent() until end_loan(): how many bytes, 0 if
  // it can't. They must not change before their memory is renewed. Before the thread does anything
  // but send, the loan is paused.
  virtual std::size_t lend(std::span<const iovec> pieces) = 0;
  // As send(), of so many of the bytes that are lent.
  virtual ssize_t send_lent(int descriptor, std::size_t bytes) = 0;
  virtual void pause_loan() = 0;
  virtual void end_loan() = 0;
};

// Sockets.
class kernel_outlet final : public outlet {
 public:
  kernel_outlet() { kernel::open_lender(lender_); }
  ~kernel_outlet() override { kernel::close_lender(lender_); }
  kernel_outlet(const kernel_outlet&) = delete;
  kernel_outlet& operator=(const kernel_outlet&) = delete;

  ssize_t send(int descriptor, std::span<const iovec> pieces) override {
    return kernel::send(descriptor, pieces);
  }
  kernel::lending_threshold worth_lending() const override { return kernel::worth_lending(); }
  std::size_t lend(std::span<const iovec> pieces) override { return kernel::lend(lender_, pieces); }
  ssize_t send_lent(int descriptor, std::size_t bytes) override {
    return kernel::send_lent(lender_, descriptor, bytes);
  }
  void pause_loan() override { kernel::pause_loan(lender_); }
  void end_loan() override { kernel::end_loan(lender_); }

 private:
  kernel::page_lender lender_;
};

}  // namespace chinwag
