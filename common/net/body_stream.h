// BodyStream: the body of an answer that comes bit by bit, whenever its owner has something to say and as long as the peer stays.
//
// The answer holds the stream and its owner a weak_ptr, which ends with the connection. Nothing waits and no thread belongs to it: push
// puts bytes into a bounded buffer, and the connection is told. What does not fit breaks the connection off, so that a peer that does not read
// costs that much memory for one time limit (server_session.h) at most. Thread-safe.
#pragma once

#include <functional>
#include <mutex>

#include "common/base/bytes.h"

namespace redoubt::net {

class BodyStream {
 public:
  // `max_buffered`: bytes that may wait for the connection.
  explicit BodyStream(std::size_t max_buffered) : max_buffered_(max_buffered) {}
  BodyStream(const BodyStream&) = delete;
  BodyStream& operator=(const BodyStream&) = delete;

  // push adds bytes to the body. False when it has ended, or ends now because they do not fit: none of them is sent, and the peer sees a
  // truncation.
  bool push(ByteView bytes);
  // finish ends the body, once what was pushed is sent.
  void finish();
  // buffered: bytes that the connection has not taken yet. cut: the body ended because they were too many.
  std::size_t buffered() const;
  bool cut() const;

  // For the connection. take gives what was pushed; `end` when no more will come after it, `cut` when the body is broken off.
  struct Taken {
    Bytes bytes;
    bool end = false;
    bool cut = false;
  };
  Taken take();
  // attach: `wake` is called once when there is something to take, and once more after each take when there is again. It runs on the thread of
  // whoever pushes, and must not call this object. After detach it is not running and will not run.
  void attach(std::function<void()> wake);
  void detach();

 private:
  void tell();

  const std::size_t max_buffered_;
  mutable std::mutex mutex_;
  Bytes bytes_;
  bool end_ = false;
  bool cut_ = false;
  bool told_ = false;
  std::function<void()> wake_;
};

}  // namespace redoubt::net
