// WaitMeter: how long a process and its children were ready to run and had no processor, which on a machine that others use is most of what the
// clock shows beyond the work. For work in which one of the processes runs at a time: where two wait at once, both waits are counted.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <map>
#include <thread>

namespace redoubt::bench {

class WaitMeter {
 public:
  // Counts from here on. A child is looked at every 10 ms; what it waits after the last look is not seen.
  explicit WaitMeter(pid_t process);
  WaitMeter(const WaitMeter&) = delete;
  WaitMeter& operator=(const WaitMeter&) = delete;
  ~WaitMeter() { stop_ms(); }
  // stop_ms gives what was waited, and this thread's own waiting if it is the main thread.
  double stop_ms();

 private:
  struct Waited {
    double first = 0;
    double last = 0;
  };
  void look(bool at_start);

  const pid_t process_;
  std::map<pid_t, Waited> waited_;
  std::atomic<bool> over_{false};
  std::thread thread_;
};

}  // namespace redoubt::bench
