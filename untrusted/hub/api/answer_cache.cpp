#include "untrusted/hub/api/answer_cache.h"

namespace redoubt::hub {

void AnswerCache::forget_others(std::int64_t version) {
  if (version_ == version) return;
  answers_.clear();
  bytes_ = 0;
  version_ = version;
}

std::optional<net::HttpResponse> AnswerCache::find(std::int64_t version, const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (version_ != version) return std::nullopt;
  const auto found = answers_.find(name);
  return found == answers_.end() ? std::nullopt : std::optional(found->second);
}

void AnswerCache::keep(std::int64_t version, const std::string& name, const net::HttpResponse& answer) {
  const Bytes* const body = std::get_if<Bytes>(&answer.body);
  if (answer.status != 200 || body == nullptr) return;
  const std::size_t size = name.size() + body->size();
  const std::lock_guard lock(mutex_);
  forget_others(version);
  if (answers_.size() >= kMaxAnswers || size > kMaxBytes - bytes_) return;
  if (answers_.emplace(name, answer).second) bytes_ += size;
}

}  // namespace redoubt::hub
