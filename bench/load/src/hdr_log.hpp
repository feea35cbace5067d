#pragma once

#include <filesystem>
#include <string>

#include "histogram.hpp"

namespace chinwag::load {

// One line of an interval log: what was recorded between two times.
struct hdr_interval {
  std::string tag;  // no comma, no white space
  double start_s;   // seconds since the epoch
  double length_s;
};

// HdrHistogram's V2 compressed form, in base64.
std::string encode_hdr(const histogram& histogram);

// Adds one interval to the log at `path`; a new log gets its head first. Any HdrHistogram reader
// opens it.
void append_hdr_log(const std::filesystem::path& path, const hdr_interval& interval,
                    const histogram& histogram);

}  // namespace chinwag::load
