// AnswerCache: answers that follow from the database and the caller alone, for as long as the database stays as it is.
//
// Clients ask for the same query again and again until it is done. What is kept is what would be read again: everything is forgotten as soon as
// anything is committed (Store::version), by this hub or another process, so that nothing that was revoked or changed is ever given from here. The
// caller is a part of the name. Bounded; thread-safe.
#pragma once

#include <map>
#include <mutex>

#include "common/net/http_message.h"

namespace redoubt::hub {

class AnswerCache {
 public:
  static constexpr std::size_t kMaxBytes = 32U << 20;
  static constexpr std::size_t kMaxAnswers = 1'000;

  // find: the answer that was kept under this name at this version of the store.
  std::optional<net::HttpResponse> find(std::int64_t version, const std::string& name);
  // keep: `version` was asked for before the answer was read. Only whole answers of status 200 are kept.
  void keep(std::int64_t version, const std::string& name, const net::HttpResponse& answer);

 private:
  // forget_others empties it unless it is of this version.
  void forget_others(std::int64_t version);

  std::mutex mutex_;
  std::int64_t version_ = 0;
  std::size_t bytes_ = 0;
  std::map<std::string, net::HttpResponse> answers_;
};

}  // namespace redoubt::hub
