#include "hdr_log.hpp"

#include <zlib.h>

#include <bit>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string_view>

#include "clock.hpp"
#include "failure.hpp"

namespace chinwag::load {
namespace {

// From HdrHistogram's EncodableHistogram: version 2 in the low byte's lower half, word size 1
// (variable length).
constexpr std::uint32_t cookie_v2 = 0x1c849303 | 0x10;
constexpr std::uint32_t cookie_v2_compressed = 0x1c849304 | 0x10;

template <typename integer>
void append_big_endian(std::string& out, integer value) {
  for (int shift = (static_cast<int>(sizeof(value)) - 1) * 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(value >> shift & 0xff));
  }
}

// ZigZag, then seven bits a byte; a ninth byte carries eight, so that 64 bits fit (LEB128-64b9B).
void append_count(std::string& out, std::int64_t count) {
  std::uint64_t rest =
      static_cast<std::uint64_t>(count) << 1 ^ static_cast<std::uint64_t>(count >> 63);
  for (int byte = 0; byte < 8 && rest > 0x7f; ++byte) {
    out.push_back(static_cast<char>((rest & 0x7f) | 0x80));
    rest >>= 7;
  }
  out.push_back(static_cast<char>(rest));
}

// Counts in a row; a run of zeros is one negative number.
std::string encode_counts(const histogram& histogram) {
  std::string out;
  std::int64_t zeros = 0;
  for (const std::int64_t count : histogram.counts()) {
    if (count == 0) {
      ++zeros;
      continue;
    }
    if (zeros > 0) {
      append_count(out, zeros == 1 ? 0 : -zeros);
      zeros = 0;
    }
    append_count(out, count);
  }
  return out;  // zeros at the end are left out
}

std::string encode_plain(const histogram& histogram) {
  const std::string counts = encode_counts(histogram);
  std::string out;
  append_big_endian(out, cookie_v2);
  append_big_endian(out, static_cast<std::uint32_t>(counts.size()));
  append_big_endian(out, std::uint32_t{0});  // normalising index offset
  append_big_endian(out, static_cast<std::uint32_t>(histogram::significant_digits));
  append_big_endian(out, static_cast<std::uint64_t>(histogram::lowest_ns));
  append_big_endian(out, static_cast<std::uint64_t>(histogram::highest_ns));
  append_big_endian(out, std::bit_cast<std::uint64_t>(1.0));  // integer to double ratio
  return out + counts;
}

std::string deflate_bytes(const std::string& plain) {
  uLongf size = compressBound(static_cast<uLong>(plain.size()));
  std::string out(size, '\0');
  const int status =
      compress(reinterpret_cast<Bytef*>(out.data()), &size,
               reinterpret_cast<const Bytef*>(plain.data()), static_cast<uLong>(plain.size()));
  if (status != Z_OK) {
    throw failure(exit_code::internal, "zlib could not deflate a histogram");
  }
  out.resize(size);
  return out;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = group << 8 | (at + i < bytes.size() ? static_cast<std::uint8_t>(bytes[at + i]) : 0u);
    }
    for (int shift = 18; shift >= 0; shift -= 6) {
      out.push_back(alphabet[group >> shift & 0x3f]);
    }
  }
  for (std::size_t missing = (3 - bytes.size() % 3) % 3; missing > 0; --missing) {
    out[out.size() - missing] = '=';
  }
  return out;
}

std::string seconds_text(double seconds) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.3f", seconds);
  return text;
}

void write_head(std::ostream& log, double start_s) {
  log << "#[Histogram log format version 1.3]\n"
      << "#[StartTime: " << seconds_text(start_s) << " (seconds since epoch)]\n"
      << "#[BaseTime: 0.000 (seconds since epoch)]\n"
      << "#[Values: nanoseconds; Interval_Max: milliseconds]\n"
      << "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
         "\"Interval_Compressed_Histogram\"\n";
}

}  // namespace

std::string encode_hdr(const histogram& histogram) {
  const std::string deflated = deflate_bytes(encode_plain(histogram));
  std::string out;
  append_big_endian(out, cookie_v2_compressed);
  append_big_endian(out, static_cast<std::uint32_t>(deflated.size()));
  return base64(out + deflated);
}

void append_hdr_log(const std::filesystem::path& path, const hdr_interval& interval,
                    const histogram& histogram) {
  std::ofstream log(path, std::ios::app);
  if (log.tellp() == 0) {
    write_head(log, interval.start_s);
  }
  log << "Tag=" << interval.tag << ',' << seconds_text(interval.start_s) << ','
      << seconds_text(interval.length_s) << ','
      << seconds_text(ns_to_ms(static_cast<double>(histogram.max()))) << ','
      << encode_hdr(histogram) << '\n';
  log.flush();
  if (!log) {
    throw failure(exit_code::unwritable,
                  path.string() + ": the histogram log can't be written: check folder and space");
  }
}

}  // namespace chinwag::load
