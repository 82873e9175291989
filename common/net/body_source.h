// BodySource: any Body as a series of pieces. Used by the server for answers and by the client for uploads; next() may read
// a file or call the owner's code, so it runs where waiting is allowed. One thread at a time.
#pragma once

#include <memory>

#include "common/net/http_message.h"

namespace redoubt::net {

class BodySource {
 public:
  explicit BodySource(Body body);
  BodySource(BodySource&&) noexcept;
  BodySource& operator=(BodySource&&) noexcept;
  ~BodySource();

  // in_memory: next() neither waits nor fails.
  bool in_memory() const;
  // stream: of a StreamBody, which has no next(); null for the others.
  std::shared_ptr<BodyStream> stream() const;
  std::optional<std::uint64_t> size() const { return size_; }

  // next gives the next piece, at most 256 KiB but for a PullBody's own, and no bytes at the end. `malformed`: the pieces do
  // not add up to size(). `unavailable`: a file cannot be read. A PullBody's own Error; `internal` when it throws.
  Result<Bytes> next();

 private:
  struct File;
  Result<Bytes> next_of_file();

  Body body_;
  std::optional<std::uint64_t> size_;
  std::uint64_t given_ = 0;
  std::unique_ptr<File> file_;
};

}  // namespace redoubt::net
