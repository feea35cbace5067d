#include "hdr_log.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "failure.hpp"

namespace chinwag::load {
namespace {

std::string text_of(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// What the encoding means is checked by another implementation: see test_delay.py.
TEST(hdr_log, encodes_the_compressed_v2_form) {
  histogram delays;
  delays.record(5'000'000);
  EXPECT_EQ(encode_hdr(delays).substr(0, 8), "HISTFAAA");
  EXPECT_EQ(encode_hdr(delays).size() % 4, 0u);
}

TEST(hdr_log, begins_once_and_grows_by_a_line) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("hdr_log_test." + std::to_string(getpid()) + ".hlog");
  histogram delays;
  delays.record(5'000'000);
  append_hdr_log(path, {"one", 100.5, 4}, delays);
  append_hdr_log(path, {"two", 105.5, 4}, delays);
  const std::string text = text_of(path);
  std::filesystem::remove(path);
  EXPECT_EQ(text.find("#[Histogram log format version 1.3]\n#[StartTime: 100.500 "), 0u);
  EXPECT_EQ(text.find("#[StartTime"), text.rfind("#[StartTime"));
  EXPECT_NE(text.find("\nTag=one,100.500,4.000,5.000,HISTFAAA"), std::string::npos);
  EXPECT_NE(text.find("\nTag=two,105.500,4.000,5.000,HISTFAAA"), std::string::npos);
}

TEST(hdr_log, says_when_it_cannot_be_written) {
  try {
    append_hdr_log("/proc/no/such/folder.hlog", {"x", 0, 1}, histogram());
    FAIL() << "nothing was thrown";
  } catch (const failure& error) {
    EXPECT_EQ(error.code(), exit_code::unwritable);
    EXPECT_NE(std::string(error.what()).find("/proc/no/such/folder.hlog"), std::string::npos);
  }
}

}  // namespace
}  // namespace chinwag::load
