#pragma once

#include <string>
#include <unordered_map>
#include <unordered_set>

#include "json.hpp"
#include "transport.hpp"

/// Who is connected, who is in which room, and what they ask of each other. One thread.
class rooms {
 public:
  void enter(connection& who);
  void exit(connection& who);
  void serve(connection& who, request const& request);
  void close_all();

 private:
  void join(connection& who, std::string const& room);
  void leave(connection& who, std::string const& room);

  bool stopping_ = false;
  std::unordered_map<std::string, std::unordered_set<connection*>> users_;
  std::unordered_map<std::string, room> rooms_;
};
