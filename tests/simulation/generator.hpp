#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "choices.hpp"
#include "script.hpp"

namespace simulation {

// Draws the settings of a run and its actions one by one. It remembers what it made clients say,
// so that most of it makes sense; it never looks at the server.
class generator {
 public:
  explicit generator(choices source) : choices_(source) {}

  std::map<std::string, std::string> draw_settings(std::uint64_t seed);
  // Appends one action, or a few that belong together.
  void draw(std::vector<action>& actions);
  action draw_end();
  bool input_ended() const { return choices_.input_ended(); }

 private:
  struct client {
    std::uint32_t number = 0;
    std::string user{};
    bool upgraded = false;
    bool echo = false;
    bool broken = false;  // it said what ends its connection
    std::set<std::string> rooms{};
  };

  void draw_server(std::map<std::string, std::string>& settings);
  void draw_program(std::map<std::string, std::string>& settings);
  void draw_crowd(std::map<std::string, std::string>& settings);
  void draw_little_memory(std::map<std::string, std::string>& settings);
  void act_in_crowd(std::vector<action>& actions);

  void connect(std::vector<action>& actions);
  void upgrade(client& of, std::vector<action>& actions);
  void ask_http(client& of, std::vector<action>& actions);
  void misspeak(client& of, std::vector<action>& actions);
  void say(client& of, std::vector<action>& actions);
  void say_many(client& of, std::vector<action>& actions);
  void burst(client& of, std::vector<action>& actions);
  void flood(client& of, bool beats, std::vector<action>& actions);
  void fill_memory(client& of, std::vector<action>& actions);
  void keep_logs(client& of, std::vector<action>& actions);
  void send_text(client& of, const std::string& text, std::vector<action>& actions);
  void send_frame(client& of, unsigned first, const std::string& payload,
                  std::vector<action>& actions);
  void change_client(client& of, std::vector<action>& actions);
  void program_acts(std::vector<action>& actions);
  void pause_process(std::vector<action>& actions);
  void turn(std::vector<action>& actions);

  std::string request(client& of);
  std::string wrong_request();
  std::string json_text(const std::string& plain);
  std::string content();
  std::string room();
  std::string known_room(const client& of);
  std::string new_user(const client& of);
  std::string any_user();

  choices choices_;
  std::vector<client> clients_;
  std::uint32_t connected_ = 0;
  std::uint64_t tags_ = 0;
  std::uint32_t clients_max_ = 8;
  bool unique_users_ = true;
  bool big_ = false;
  bool program_ = false;
  bool echo_ = false;
  bool crowd_ = false;  // all are in one room and read all; some flood it
  bool little_memory_ = false;
  bool nameless_ = true;  // some ask for a random name
  std::uint64_t idle_ms_ = 60'000;
};

}  // namespace simulation
