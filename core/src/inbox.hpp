#pragma once

#include <functional>
#include <mutex>
#include <vector>

namespace chinwag {

// What other threads want done on the shard's. Tasks run in the order in which they were put in.
class inbox {
 public:
  using task = std::function<void()>;

  // False if the shard does not run, or not any more. `first` tells that it must be woken.
  bool put(task wanted, bool& first);

  // From now on tasks are taken.
  void open();
  // Runs everything that waits.
  void run();
  // Runs what still waits and takes nothing more: whoever waits for an answer gets one.
  void close();

 private:
  std::vector<task> take(bool last);

  std::mutex guard_;
  std::vector<task> tasks_;
  bool open_ = false;
};

}  // namespace chinwag
