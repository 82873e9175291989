// EventStream: server-sent events of a hub (WHATWG HTML, section 9.2.6), as their bytes come in pieces.
//
// The hub is the operator's: it may send anything, for ever. Lines and events are bounded, an event's data must be what the API says it is, and a
// cursor is of the letters that cursors have, since it goes back in a header. What an event says is the hub's word: it tells when to look, and what
// is then found is verified by others. Pure; one thread at a time.
#pragma once

#include <functional>
#include <string>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace redoubt::sdk {

struct HubEvent {
  std::string cursor;  // the place behind it
  std::string kind;    // "environment", "instance", "dataset", "query", "ballot"; "gap": events that are not kept any more were left out
  std::string id;      // of what changed; empty for a gap
  std::string state;   // from now on
};

// valid_cursor: 1 to 256 letters of base64url.
bool valid_cursor(std::string_view text);

class EventStream {
 public:
  static constexpr std::size_t kMaxLine = 4096;  // bytes
  using Take = std::function<Status(HubEvent)>;

  // `cursor`: where to begin; empty: now. `take` gets each event once it is whole; its Error ends put().
  EventStream(std::string cursor, Take take) : cursor_(std::move(cursor)), take_(std::move(take)) {}

  // put: `malformed` for a line or an event that is too long, is not text, or is not an event of this API; nothing more may be put then until begin().
  Status put(ByteView bytes);
  // begin forgets what is not whole: another connection follows, from cursor() on.
  void begin();
  // cursor: of the last whole event, or of the place where the stream began; empty: nothing has come.
  const std::string& cursor() const { return cursor_; }
  void forget_cursor() { cursor_.clear(); }
  // received: how many bytes have come, with all connections.
  std::uint64_t received() const { return received_; }

 private:
  Status line(std::string_view text);
  Status dispatch();

  std::string cursor_;
  Take take_;
  std::uint64_t received_ = 0;
  std::string line_;
  bool after_cr_ = false;
  std::string id_, kind_, data_;
};

}  // namespace redoubt::sdk
