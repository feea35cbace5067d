#include "watch_log.hpp"

#include "output_place.hpp"

namespace chinwag::load {

void watch_log::write(const std::string& path) const {
  write_file(
      path, std::string(reinterpret_cast<const char*>(all_.data()), all_.size() * sizeof(watched)));
}

}  // namespace chinwag::load
