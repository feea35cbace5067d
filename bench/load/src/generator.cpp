#include "generator.hpp"

#include <utility>

#include "failure.hpp"
#include "hdr_log.hpp"
#include "hold.hpp"
#include "joining.hpp"
#include "open_files.hpp"
#include "output_place.hpp"
#include "storm.hpp"

namespace chinwag::load {
namespace {

// Serves connections for a while and sends nothing but heartbeats.
class resting : public activity {
 public:
  resting(load::crowd& crowd, std::int64_t until_ns) : activity(crowd) { wake_ns = until_ns; }

  bool done() const override { return monotonic_ns() >= wake_ns; }
};

std::vector<endpoint> nodes_of(const generator_options& options, std::uint32_t connections) {
  std::vector<endpoint> nodes{resolve(options.host, options.port, options.sources, connections)};
  for (const auto& [host, port] : options.also) {
    nodes.push_back(resolve(host, port, options.sources, connections));
  }
  return nodes;
}

void check_echo(const generator_options& options, const profile& profile) {
  if (options.protocol == protocol::echo &&
      (profile.rooms.room_size != 1 || profile.direct_share > 0)) {
    throw failure(exit_code::usage, "profile " + profile.name +
                                        ": an echo goes back to its sender alone: it needs "
                                        "\"room_size\" 1 and no direct messages");
  }
}

void check_watch(const crowd& crowd, const profile& profile, const watch_plan& plan) {
  if (profile.rooms.rooms_per_connection != 1) {
    throw failure(exit_code::usage, "profile " + profile.name +
                                        ": who is watched is in one room: "
                                        "\"rooms_per_connection\" must be 1");
  }
  if (plan.victim >= crowd.connections.size()) {
    throw failure(exit_code::usage, "\"victim\" is " + std::to_string(plan.victim) +
                                        "; connections are numbered from 0 to " +
                                        std::to_string(crowd.connections.size() - 1));
  }
  const bool asks = !plan.fault.empty() || !plan.question.empty();
  if (asks && plan.form == fault_form::type && crowd.connections.dialect().fault_head.empty()) {
    throw failure(exit_code::usage, "by this protocol neither fault nor build can be asked for");
  }
}

void check_members(const crowd& crowd) {
  if (crowd.members().empty()) {
    throw failure(exit_code::usage,
                  "nobody has joined: a hold needs open connections that joined their rooms");
  }
}

}  // namespace

std::string label_fault(const std::string& label) {
  return label.empty() || label.find_first_of(", \t\r\n") != std::string::npos
             ? "label \"" + label + "\": must be non-empty, without commas or white space"
             : std::string();
}

generator::generator(const generator_options& options, const profile& profile)
    : options_(options),
      profile_(profile),
      crowd_{fleet(nodes_of(options, profile.connections), options.protocol, options.seed,
                   profile.heartbeat_s),
             roster(options.name, profile.rooms)} {
  check_echo(options_, profile_);
}

connect_result generator::connect(std::uint32_t total) {
  reserve_open_files(total);
  const std::uint32_t open = crowd_.connections.open_count();
  connecting part(crowd_, total > open ? total - open : 0, options_.answer_timeout_s);
  part.run();
  const connect_result& result = part.result();
  if (result.refused > 0 && result.opened == 0) {
    throw failure(exit_code::environment, options_.host + ":" + std::to_string(options_.port) +
                                              ": no connection could be opened (" + result.reason +
                                              "): is a chat/1 server running there?");
  }
  return result;
}

std::uint32_t generator::join() {
  joining part(crowd_, options_.answer_timeout_s);
  part.run();
  if (part.joined() < part.wanted() && crowd_.lost == 0) {
    throw failure(exit_code::environment,
                  "the server answered " + std::to_string(part.joined()) + " of " +
                      std::to_string(part.wanted()) +
                      " joins and then no more: it may be overloaded, or not speak chat/1");
  }
  return part.joined();
}

hold_result generator::hold(const hold_request& request, const hold_events& events) {
  if (const std::string fault = label_fault(request.label); !fault.empty()) {
    throw failure(exit_code::usage, fault);
  }
  if (!request.hdr_path.empty()) {
    check_writable(request.hdr_path, "the histogram log");
  }
  check_members(crowd_);
  hold_plan plan{seconds_to_ns(request.start_s),
                 request.messages_per_s,
                 request.warmup_s,
                 request.hold_s,
                 request.drain_s,
                 ++holds_,
                 options_.seed + holds_,
                 options_.check_every,
                 request.parse_every,
                 events.on_begin,
                 events.on_end};
  began_s_ = ns_to_seconds(realtime_ns()) + request.warmup_s;
  load::hold part(crowd_, profile_, std::move(plan));
  part.run();
  return part.result();
}

void generator::log(const hold_request& request, const hold_result& result) const {
  if (!request.hdr_path.empty()) {
    append_hdr_log(request.hdr_path, {request.label, began_s_, request.hold_s}, result.latency);
  }
}

storm_result generator::storm(double timeout_s) {
  check_members(crowd_);
  load::storm part(crowd_, timeout_s);
  part.run();
  return part.result();
}

watch_report generator::watch(watch_plan plan, const std::string& log_path) {
  check_members(crowd_);
  check_watch(crowd_, profile_, plan);
  check_writable(log_path, "the log of the watch");
  plan.number = ++holds_;
  plan.seed = options_.seed + holds_;
  load::watch part(crowd_, profile_, std::move(plan));
  part.run();
  part.log().write(log_path);
  return {part.log().size(), part.builds()};
}

std::uint32_t generator::disconnect(std::uint32_t total) {
  fleet& connections = crowd_.connections;
  for (std::uint32_t id = connections.size(); id > 0 && connections.open_count() > total; --id) {
    crowd_.joined[id - 1] = false;
    connections.cut(id - 1);
  }
  return connections.open_count();
}

void generator::rest(double seconds) {
  resting(crowd_, monotonic_ns() + seconds_to_ns(seconds)).run();
}

}  // namespace chinwag::load
