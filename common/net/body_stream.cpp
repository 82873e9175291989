#include "common/net/body_stream.h"

#include <utility>

namespace redoubt::net {

void BodyStream::tell() {
  if (!wake_ || told_) return;
  told_ = true;
  wake_();
}

bool BodyStream::push(ByteView bytes) {
  const std::lock_guard lock(mutex_);
  if (end_ || cut_) return false;
  if (bytes.size() > max_buffered_ - bytes_.size()) {
    cut_ = true;
    bytes_ = Bytes();
  } else {
    append(bytes_, bytes);
  }
  tell();
  return !cut_;
}

void BodyStream::finish() {
  const std::lock_guard lock(mutex_);
  if (end_ || cut_) return;
  end_ = true;
  tell();
}

std::size_t BodyStream::buffered() const {
  const std::lock_guard lock(mutex_);
  return bytes_.size();
}

bool BodyStream::cut() const {
  const std::lock_guard lock(mutex_);
  return cut_;
}

BodyStream::Taken BodyStream::take() {
  const std::lock_guard lock(mutex_);
  told_ = false;
  return {std::exchange(bytes_, Bytes()), end_, cut_};
}

void BodyStream::attach(std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
  if (!bytes_.empty() || end_ || cut_) tell();
}

void BodyStream::detach() {
  const std::lock_guard lock(mutex_);
  wake_ = nullptr;
}

}  // namespace redoubt::net
