// Feeds a fuzz target each file that is given or lies in a folder that is given, and every
// beginning of each file: a program for compilers without libFuzzer. A promise that does not hold
// aborts; exits with 2 without any file.

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

void replay(const std::filesystem::path& file) {
  std::fprintf(stderr, "%s\n", file.c_str());
  const std::vector<char> content = content_of(file);
  for (std::size_t size = 0; size < content.size() && size < beginnings_max; ++size) {
    feed(content, size);
  }
  feed(content, content.size());
}

// How many files were fed: one, or those that lie in a folder. Throws std::filesystem's error for
// what can't be read.
std::size_t replay_all(const std::filesystem::path& given) {
  if (!std::filesystem::is_directory(given)) {
    // Throws for what does not exist.
    static_cast<void>(std::filesystem::file_size(given));
    replay(given);
    return 1;
  }
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(given)) {
    if (!entry.is_regular_file()) continue;
    replay(entry.path());
    ++files;
  }
  return files;
}

}  // namespace

int main(int count, char** arguments) {
  std::size_t files = 0;
  for (int i = 1; i < count; ++i) {
    std::size_t found = 0;
    try {
      found = replay_all(arguments[i]);
    } catch (const std::filesystem::filesystem_error& error) {
      std::fprintf(stderr, "can't read %s: %s\n", arguments[i], error.code().message().c_str());
      return 2;
    }
    if (found == 0) std::fprintf(stderr, "%s has no file\n", arguments[i]);
    files += found;
  }
  if (files > 0) return 0;
  std::fprintf(stderr, "usage: %s FILE|FOLDER...: no file was found\n", arguments[0]);
  return 2;
}
