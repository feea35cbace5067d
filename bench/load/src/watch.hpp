#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "content_locator.hpp"
#include "crowd.hpp"
#include "profile.hpp"
#include "schedule.hpp"
#include "traffic.hpp"
#include "watch_log.hpp"

namespace chinwag::load {

// How a server is asked for a fault: as a message of that type, or as a room message with that
// content, where a program sees contents only.
enum class fault_form : std::uint8_t { type, content };

struct watch_plan {
  double messages_per_s;
  double seconds_max;
  double fault_s;            // after the begin
  std::uint32_t victim = 0;  // asks for the fault
  std::string fault;         // empty: somebody else sees to it
  fault_form form = fault_form::type;
  std::uint32_t fault_ms = 0;  // how long it takes, where it takes time
  std::uint32_t fault_times = 1;
  double fault_every_s = 0;  // from one to the next; what follows is counted from the last one
  double retry_s;            // from a connection's end to the next attempt, after the first one
  double settle_s;           // watched on after the last one hears again
  double drain_s = 0;        // and then, without sending, for what is still on its way, at most
  // Of an upgrade: every connection asks so often, by this message, which build it is served by.
  std::string question{};  // empty: nobody asks
  double question_s = 0;
  std::string build{};  // the watch goes on until all are served by this one; empty: by any
  // Tells whether the driver has said that what it does is over: called when it may have. With it
  // the fault begins then, and not by the clock.
  std::function<bool()> is_told{};
  std::uint16_t number;  // of the stamps: parts of a run differ
  std::uint64_t seed;
  std::function<void(std::int64_t begin_ns)> on_begin = [](std::int64_t) {};
};

// A steady load to rooms while a server meets with a fault. Whoever is cut off comes back: at once,
// then again and again, under the same rule for every server. All that happens is written down, and
// judged by whoever reads that.
class watch : public activity {
 public:
  watch(load::crowd& crowd, const profile& profile, watch_plan plan);

  bool done() const override { return over_; }
  const watch_log& log() const { return log_; }
  // Of the builds that answered, in the order in which they were met.
  const std::vector<std::string>& builds() const { return builds_; }

  void on_due(std::int64_t now_ns) override;
  void on_text(std::uint32_t connection, std::string_view payload, std::size_t wire_bytes,
               std::int64_t now_ns) override;
  void on_end(std::uint32_t connection, const ending& why) override;
  void on_input() override;

 private:
  struct attempt {
    std::uint32_t connection;
    std::int64_t due_ns;
  };

  void send_due(std::int64_t now_ns);
  void send_message(std::uint32_t sender, std::int64_t planned_ns);
  void ask_for_fault(std::int64_t now_ns);
  void ask_for_builds(std::int64_t now_ns);
  void ask(std::uint32_t connection, std::string_view what, std::uint32_t ms);
  void on_build(std::uint32_t connection, std::string_view name, std::int64_t now_ns);
  std::int64_t next_question_ns() const;
  void come_back(std::int64_t now_ns);
  void end_or_drain(std::int64_t now_ns);
  bool all_hear() const;
  bool all_are_on_build() const;
  void plan_wake();

  watch_plan plan_;
  profile profile_;
  std::vector<std::uint32_t> members_;
  std::int64_t begin_ns_;
  std::int64_t fault_ns_;
  std::int64_t end_ns_;  // moves forward once all hear again, and back to drain
  std::int64_t received_ns_ = 0;
  schedule schedule_;
  traffic traffic_;
  content_locator locator_;
  watch_log log_;
  std::uint64_t next_ = 0;
  std::uint32_t asks_left_;
  bool told_;            // what is to happen has begun, or is over where the driver sees to it
  bool drains_ = false;  // nothing is sent any more
  bool over_ = false;
  bool settling_ = false;
  std::uint64_t questions_ = 0;
  std::vector<std::string> builds_;
  std::vector<std::uint32_t> build_of_;   // by connection: its place in `builds_`, from 1 on
  std::vector<std::uint32_t> sequences_;  // by connection
  // By connection: when the newest message was sent that came from another node, if there are any.
  std::vector<std::int64_t> heard_ns_;
  std::vector<bool> away_;               // by connection: was a member, and is not yet again
  std::vector<std::uint32_t> attempts_;  // by connection, since it was last a member
  std::deque<attempt> waiting_;
};

}  // namespace chinwag::load
