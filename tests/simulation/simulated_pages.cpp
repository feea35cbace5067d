// The pages of the simulated kernel: memory that connections refer to.

#include <algorithm>
#include <cstdlib>

#include "simulated_kernel.hpp"

namespace simulation {

chinwag::kernel::lending_threshold simulated_kernel::worth_lending() const {
  return {.bytes = habits_.lends_from, .connections = 2};
}

std::size_t simulated_kernel::lend(const chinwag::kernel::page_lender& of,
                                   std::span<const iovec> pieces) {
  std::vector<iovec>& loan = loans_[&of];
  if (!loan.empty()) trace_.violate("kernel: lent twice", "the loan before was not ended");
  std::size_t offered = 0;
  for (const iovec& piece : pieces) offered += piece.iov_len;
  count("lend", offered, pieces.size());
  if (!calm_ && choices_.chance(habits_.lends_little / 4)) return 0;
  std::size_t left = shortened(offered, habits_.lends_little);
  const std::size_t taken = left;
  for (const iovec& piece : pieces) {
    const std::size_t part = std::min(left, piece.iov_len);
    if (part == 0) break;
    const auto* const at = static_cast<const char*>(piece.iov_base);
    loan.push_back({piece.iov_base, part});
    referred_to_.push_back({at, std::string(at, part)});
    left -= part;
  }
  return taken;
}

ssize_t simulated_kernel::send_lent(const chinwag::kernel::page_lender& of, int descriptor,
                                    std::size_t bytes) {
  std::vector<iovec> first;
  for (const iovec& piece : loans_[&of]) {
    if (bytes == 0) break;
    first.push_back({piece.iov_base, std::min(bytes, piece.iov_len)});
    bytes -= first.back().iov_len;
  }
  if (bytes > 0)
    trace_.violate("kernel: more sent than is lent", std::to_string(bytes) + " bytes more");
  return send(descriptor, first);
}

void simulated_kernel::end_loan(const chinwag::kernel::page_lender& of) {
  loans_.erase(&of);
}

void simulated_kernel::check_lent(const lent_bytes& one) const {
  if (std::equal(one.as_lent.begin(), one.as_lent.end(), one.at)) return;
  trace_.violate("kernel: lent bytes changed", "connections refer to them");
}

// Whoever writes there next writes to other pages. What a program would find there is lost.
void simulated_kernel::renew_pages(const char* begin, std::size_t bytes) {
  std::erase_if(referred_to_, [&](const lent_bytes& one) {
    const bool inside = one.at >= begin && one.at < begin + bytes;
    if (inside) check_lent(one);
    return inside;
  });
}

void simulated_kernel::unmap_pages(const char* begin, std::size_t bytes) {
  renew_pages(begin, bytes);
}

}  // namespace simulation

// What the shard calls: these take the place of core/src/host/pages.cpp.
namespace chinwag::kernel {

namespace {

constexpr std::size_t page = 4096;

simulation::simulated_kernel& now() {
  return simulation::simulated_kernel::current();
}

}  // namespace

char* map_pages(std::size_t bytes) {
  return static_cast<char*>(std::aligned_alloc(page, (bytes + page - 1) / page * page));
}
void unmap_pages(char* begin, std::size_t bytes) {
  now().unmap_pages(begin, bytes);
  std::free(begin);
}
bool renew_pages(char* begin, std::size_t bytes) {
  now().renew_pages(begin, bytes);
  std::fill_n(begin, bytes, '\xEE');
  return true;
}
lending_threshold worth_lending() {
  return now().worth_lending();
}
void open_lender(page_lender&) {}
void close_lender(page_lender& of) {
  now().end_loan(of);
}
std::size_t lend(page_lender& of, std::span<const iovec> pieces) {
  return now().lend(of, pieces);
}
ssize_t send_lent(page_lender& of, int descriptor, std::size_t bytes) {
  return now().send_lent(of, descriptor, bytes);
}
void pause_loan(page_lender&) {}
void end_loan(page_lender& of) {
  now().end_loan(of);
}
}  // namespace chinwag::kernel
