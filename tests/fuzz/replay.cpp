// Feeds a fuzz target every file of a folder, and every beginning of each file: a program for
// compilers without libFuzzer. A promise that does not hold aborts; exits with 2 without any file.

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t beginnings_max = 4'096;

std::vector<char> content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void feed(const std::vector<char>& content, std::size_t size) {
  // A copy of its own length: a sanitizer sees who reads behind it.
  const std::vector<char> bytes(content.begin(),
                                content.begin() + static_cast<std::ptrdiff_t>(size));
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

}  // namespace

int main(int count, char** arguments) {
  std::size_t files = 0;
  for (int i = 1; i < count; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(arguments[i])) {
      if (!entry.is_regular_file()) continue;
      std::fprintf(stderr, "%s\n", entry.path().c_str());
      const std::vector<char> content = content_of(entry.path());
      for (std::size_t size = 0; size < content.size() && size < beginnings_max; ++size) {
        feed(content, size);
      }
      feed(content, content.size());
      ++files;
    }
  }
  if (files > 0) return 0;
  std::fprintf(stderr, "usage: %s FOLDER...: no file was found\n", arguments[0]);
  return 2;
}
