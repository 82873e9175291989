#include "common/net/body_source.h"

#include <fstream>

namespace redoubt::net {

namespace {
constexpr std::uint64_t kPiece = 256 * 1024;
}

struct BodySource::File {
  std::ifstream stream;
};

BodySource::BodySource(Body body) : body_(std::move(body)), size_(body_size(body_)) {}
BodySource::BodySource(BodySource&&) noexcept = default;
BodySource& BodySource::operator=(BodySource&&) noexcept = default;
BodySource::~BodySource() = default;

bool BodySource::in_memory() const { return std::holds_alternative<Bytes>(body_); }

std::shared_ptr<BodyStream> BodySource::stream() const {
  const auto* const body = std::get_if<StreamBody>(&body_);
  return body == nullptr ? nullptr : body->stream;
}

Result<Bytes> BodySource::next() {
  Bytes piece;
  if (const auto* bytes = std::get_if<Bytes>(&body_)) {
    const auto count = std::min<std::uint64_t>(kPiece, bytes->size() - given_);
    piece = to_bytes(ByteView(*bytes).subspan(given_, count));
  } else if (std::holds_alternative<FileBody>(body_)) {
    REDOUBT_TRY(piece, next_of_file());
  } else if (std::holds_alternative<StreamBody>(body_)) {
    return Error(Code::internal, "body: a stream is an answer's");
  } else {
    try {
      REDOUBT_TRY(piece, std::get<PullBody>(body_).next());
    } catch (...) {
      return Error(Code::internal, "body: its source threw");
    }
  }
  given_ += piece.size();
  if (size_ && (given_ > *size_ || (piece.empty() && given_ != *size_))) {
    return Error(Code::malformed, "body: expected " + std::to_string(*size_) + " bytes, found " + std::to_string(given_));
  }
  return piece;
}

Result<Bytes> BodySource::next_of_file() {
  const auto& body = std::get<FileBody>(body_);
  if (!file_) {
    file_ = std::make_unique<File>();
    file_->stream.open(body.path, std::ios::binary);
    file_->stream.seekg(static_cast<std::streamoff>(body.offset));
    if (!file_->stream) return Error(Code::unavailable, "body: its file cannot be read");
  }
  Bytes piece(std::min(kPiece, body.size - given_));
  if (piece.empty()) return piece;
  file_->stream.read(reinterpret_cast<char*>(piece.data()), static_cast<std::streamsize>(piece.size()));
  piece.resize(static_cast<std::size_t>(file_->stream.gcount()));
  return piece;
}

}  // namespace redoubt::net
