#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

// Memory in whole pages, and how the same pages go to many connections: further system calls of the
// kernel's (host/kernel.hpp), which a simulation answers instead. Failures are negative errno
// values.
namespace chinwag::kernel {

// nullptr if there is no memory.
char* map_pages(std::size_t bytes);
void unmap_pages(char* begin, std::size_t bytes);
// Gives the memory back and keeps the place: what is there is lost, and other pages come once it is
// written again. False where that fails: the same pages are there.
bool renew_pages(char* begin, std::size_t bytes);

// Gives the same bytes to many connections without a copy for each: the kernel is lent the pages
// that they lie in, and each connection refers to these. The bytes must not change before
// renew_pages() or unmap_pages(); connections keep the old pages as long as they need them.
struct page_lender {
  std::array<int, 2> lent = {-1, -1};   // a pipe of the pages that are lent
  std::array<int, 2> given = {-1, -1};  // a pipe of those that one connection is about to get
  int sink = -1;                        // takes what is left in either
  std::size_t bytes = 0;                // lent now

  // SIGPIPE is held back since send_lent(), until pause_loan().
  bool holds_signal = false;
  bool was_held = false;    // it was before, too
  bool had_signal = false;  // one waited
  bool pipe_broke = false;  // one may have been raised since
};

// From where on lending costs less than copying.
struct lending_threshold {
  std::size_t bytes = 0;
  std::uint32_t connections = 0;
};
lending_threshold worth_lending();

// Where that fails, nothing can be lent.
void open_lender(page_lender& of);
void close_lender(page_lender& of);  // ends a loan, too
// Lends the beginning of the pieces: how many bytes, 0 if none.
std::size_t lend(page_lender& of, std::span<const iovec> pieces);
// As send(), of so many bytes from the beginning of the loan. To a connection that is gone it
// raises SIGPIPE, which splice(2) can't be told not to do: the thread does not get it. For that it
// is held back until pause_loan(), before the thread does anything else.
ssize_t send_lent(page_lender& of, int descriptor, std::size_t bytes);
void pause_loan(page_lender& of);
void end_loan(page_lender& of);

}  // namespace chinwag::kernel
