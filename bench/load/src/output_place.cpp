#include "output_place.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>

#include "failure.hpp"

namespace chinwag::load {

void occupy_standard_streams() {
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; ++stream) {
    if (fcntl(stream, F_GETFD) < 0 && errno == EBADF) {
      open("/dev/null", O_RDONLY);  // takes the lowest number, which is this one
    }
  }
}

void check_writable(const std::string& path, const std::string& what) {
  struct stat found {};
  const bool is_there = stat(path.c_str(), &found) == 0;
  bool is_writable = false;
  if (is_there && !S_ISREG(found.st_mode)) {
    is_writable = !S_ISDIR(found.st_mode) && access(path.c_str(), W_OK) == 0;
    errno = S_ISDIR(found.st_mode) ? EISDIR : errno;
  } else {
    const int fd = open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    is_writable = fd >= 0;
    if (is_writable) {
      close(fd);
    }
    if (is_writable && !is_there) {
      unlink(path.c_str());
    }
  }
  if (!is_writable) {
    throw failure(exit_code::unwritable, path + ": " + what + " can't be written: " +
                                             std::strerror(errno) + ": check folder and rights");
  }
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  if (!file) {
    throw failure(exit_code::unwritable,
                  path + ": the result can't be written: check folder and space");
  }
}

void print(const std::string& text) {
  errno = 0;
  std::cout << text << std::flush;
  if (!std::cout) {
    const std::string why = errno == 0 ? std::string() : std::string(": ") + std::strerror(errno);
    std::cout.clear();
    throw failure(exit_code::unwritable,
                  "standard output can't be written" + why + ": is it closed, or its disk full?");
  }
}

}  // namespace chinwag::load
