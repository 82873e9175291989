// ReleaseTick: when a refusal leaves whose reason must not show (docs/protocol.md section 4).
//
// Some refusals have one text because which of them it is depends on data, or on what others asked. They would still be told apart by how long they took. So such a
// refusal leaves at a tick only: 250 ms after the question came, or 500 ms, or 1 s, and so on, each tick twice the one before. Up to the two minutes that one
// request may take there are ten of them, so that a refusal tells its order of magnitude and no more, and costs at most twice the time that it took. Answers
// are not held back. It hides nothing from a host that counts instructions. The clock is the machine's, which the host can stop or speed up: it then learns
// what it could count. Thread-safe where its functions are.
#pragma once

#include <chrono>
#include <functional>

namespace redoubt::runtime {

class ReleaseTick {
 public:
  using Milliseconds = std::chrono::milliseconds;
  static constexpr Milliseconds kFirst{250};

  using Elapsed = std::function<Milliseconds()>;  // since any fixed time; never falls
  using Sleep = std::function<void(Milliseconds)>;
  // The machine's clock.
  ReleaseTick();
  ReleaseTick(Elapsed elapsed, Sleep sleep);

  // after: when what took this long leaves, both counted from when the question came.
  static Milliseconds after(Milliseconds took);

  // begin: when a question came. hold: comes back at the tick of a question that came then.
  Milliseconds begin() const { return elapsed_(); }
  void hold(Milliseconds begun) const;

 private:
  Elapsed elapsed_;
  Sleep sleep_;
};

}  // namespace redoubt::runtime
