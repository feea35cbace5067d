#pragma once

#include <string>

namespace chinwag::load {

// Gives each standard stream that the caller closed a descriptor that can't be written, so that no
// socket takes its number and gets what is meant for people.
void occupy_standard_streams();

// Whether a result can be written there later; nothing is left or changed. Throws `failure`
// otherwise. Of what is no regular file, such as a pipe, only the permission is asked for.
void check_writable(const std::string& path, const std::string& what);

// Writes the whole file. Throws `failure`.
void write_file(const std::string& path, const std::string& text);

// Writes to standard output at once. Throws `failure` when it is full or closed.
void print(const std::string& text);

}  // namespace chinwag::load
