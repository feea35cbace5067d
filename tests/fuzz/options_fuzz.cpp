// Options as text: what set_option takes must be valid and read back the same.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "chinwag/options.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t split = text.find('=');
  if (split == text.npos) return 0;
  const std::string_view name = text.substr(0, split);
  chinwag::options target;
  if (!chinwag::set_option(target, name, text.substr(split + 1))) return 0;
  if (!chinwag::validate(target)) std::abort();
  chinwag::options again;
  if (!chinwag::set_option(again, name, chinwag::get_option(target, name))) std::abort();
  if (chinwag::get_option(again, name) != chinwag::get_option(target, name)) std::abort();
  return 0;
}
