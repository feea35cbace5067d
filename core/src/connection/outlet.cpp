#include "connection/outlet.hpp"

#include "host/kernel.hpp"

namespace chinwag {

ssize_t kernel_outlet::send(int descriptor, std::span<const iovec> pieces) {
  return kernel::send(descriptor, pieces);
}

}  // namespace chinwag
