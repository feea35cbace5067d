#include "open_files.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <string>

#include "failure.hpp"

namespace chinwag::load {
namespace {

constexpr rlim_t own_files = 16;  // standard streams, epoll, logs

}  // namespace

void reserve_open_files(std::uint32_t connections) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t needed = connections + own_files;
  if (limit.rlim_cur >= needed) {
    return;
  }
  if (limit.rlim_max < needed) {
    throw failure(exit_code::environment,
                  std::to_string(connections) + " connections need " + std::to_string(needed) +
                      " open files, this process may have " + std::to_string(limit.rlim_max) +
                      ": raise the hard limit (`ulimit -Hn " + std::to_string(needed) +
                      "`), or use fewer --connections or more processes");
  }
  limit.rlim_cur = std::max(limit.rlim_cur, needed);
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace chinwag::load
