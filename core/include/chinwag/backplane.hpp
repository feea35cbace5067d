#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace chinwag {

// Carries messages between the nodes of a cluster: servers that share their rooms and users, each
// with connections of its own. chinwagd has one for Redis (core/app/redis_backplane.cpp); a program
// may bring another.
//
// A server that is given one makes all calls on the thread that serves, and none of them may block
// or throw. What was published reaches every other node at most once, and in the order in which one
// node published it.
class backplane {
 public:
  // The server's side, to be called from within ready(), tick() and begin() only.
  class node {
   public:
    // From now on ready() is called when the descriptor can be read from, and, if asked for, when
    // it can be written to. Again for one that is watched: what is asked for has changed. At most
    // four descriptors; false if the system watches no more.
    virtual bool watch(int descriptor, bool for_writing) = 0;
    // Before the descriptor is closed.
    virtual void unwatch(int descriptor) = 0;

    // Messages can be carried from now on, and nothing is subscribed to.
    virtual void went_up() = 0;
    // They can't, until went_up() is called again; `why` is for people. What was published and has
    // neither left() nor lost() is lost.
    virtual void went_down(std::string_view why) = 0;

    // A subscription stands: what anybody publishes from now on arrives.
    virtual void subscribed(std::string_view channel) = 0;
    // Nothing more arrives of it, and nobody who publishes there is told of this node.
    virtual void unsubscribed(std::string_view channel) = 0;
    // What was published, by this node, too, in channels that it has subscribed to.
    virtual void arrived(std::string_view channel, std::string_view bytes) = 0;
    // The publication of that number has left, to so many nodes that subscribe to its channel, this
    // one counted, too.
    virtual void left(std::uint64_t number, std::size_t nodes) = 0;
    // It has not, or nobody knows.
    virtual void lost(std::uint64_t number) = 0;

   protected:
    ~node() = default;
  };

  virtual ~backplane() = default;

  // Once, before all others. `of` is there until the backplane ends.
  virtual void begin(node& of) = 0;

  // A watched descriptor is ready.
  virtual void ready(int descriptor) = 0;
  // At the end of every turn: writes out what waits, connects again, looks at the time.
  virtual void tick() = 0;
  // In how many milliseconds tick() has something to do at the latest.
  virtual std::uint32_t wait_ms() const = 0;

  // Only between went_up() and went_down(). Channels are any bytes.
  virtual void subscribe(std::string_view channel) = 0;
  virtual void unsubscribe(std::string_view channel) = 0;
  // The number under which its fate is told, from 1 up; 0: it can't leave.
  virtual std::uint64_t publish(std::string_view channel, std::string_view bytes) = 0;
};

}  // namespace chinwag
