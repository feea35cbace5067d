#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "content_locator.hpp"
#include "counted_part.hpp"
#include "crowd.hpp"
#include "hold_result.hpp"
#include "ledger.hpp"
#include "outstanding.hpp"
#include "profile.hpp"
#include "schedule.hpp"
#include "seating.hpp"
#include "tally.hpp"
#include "traffic.hpp"

namespace chinwag::load {

struct hold_plan {
  std::int64_t start_ns;  // of the warm-up, on CLOCK_MONOTONIC; 0: soon
  double messages_per_s;
  double warmup_s;
  double hold_s;
  double drain_s;
  std::uint16_t number;  // holds of one process differ
  std::uint64_t seed;
  std::uint32_t check_every;  // of so many deliveries one is compared whole
  std::uint32_t parse_every;  // of so many connections one is parsed; 0: by what the load needs
  std::function<void()> on_begin = [] {};  // of the window
  std::function<void()> on_end = [] {};
};

// One steady load: warm-up, the measured window, and a drain for what is still under way.
class hold : public activity {
 public:
  hold(load::crowd& crowd, const profile& profile, hold_plan plan);

  bool done() const override { return stage_ == stage::over; }
  hold_result result() const;

  void on_due(std::int64_t now_ns) override;
  void on_text(std::uint32_t connection, std::string_view payload, std::size_t wire_bytes,
               std::int64_t now_ns) override;
  void on_end(std::uint32_t connection, const ending& why) override;
  void on_control(std::uint32_t connection, std::size_t wire_bytes) override;

 private:
  enum class stage { warming, measuring, draining, over };

  void sample_due(std::int64_t now_ns);
  void send_due(std::int64_t until_ns);
  void send_message(std::uint64_t index);
  void count_unsent(std::int64_t until_ns);
  std::uint32_t room_of(std::uint64_t index) const;
  tally::audience audience_of(std::uint64_t index) const;
  void ask_for_heartbeat();
  bool is_settled(std::int64_t now_ns) const;
  double arrived_within() const;
  void advance(std::int64_t now_ns);
  void begin_window();
  void end_window();
  void plan_wake();
  std::int64_t next_send_ns() const;
  void take_delivery(std::uint32_t connection, const stamp& stamp, std::size_t wire_bytes,
                     std::int64_t now_ns);
  bool is_intact(std::uint32_t receiver, std::string_view payload,
                 const located_content& found) const;

  hold_plan plan_;
  profile profile_;
  window window_;
  std::int64_t drained_ns_;
  std::uint32_t parse_every_;
  seating seating_;
  ledger ledger_;
  schedule schedule_;
  traffic traffic_;
  counted_part outside_;  // of the panel
  content_locator locator_;
  tally tally_;
  outstanding_sampler sampler_;
  stage stage_ = stage::warming;
  std::uint64_t next_ = 0;           // message to be sent
  std::int64_t last_send_ns_ = 0;    // that moment's messages had all fallen due
  std::uint64_t counted_ = 0;        // messages up to here that wait to be sent are in unsent_
  std::int64_t unsent_ = 0;          // their deliveries to the panel
  std::uint64_t counted_bytes_ = 0;  // until the window, then within it
  std::uint64_t unchecked_ = 0;
  std::int64_t last_arrival_ns_ = 0;
  bool deserted_ = false;  // every connection ended
  double cpu_s_ = 0;
  std::int64_t window_began_ns_ = 0;
  double generator_cpu_ = 0;
  histogram receive_lag_;
  std::map<std::string, std::uint32_t> closes_;
};

}  // namespace chinwag::load
