#include "client/sdk/event_stream.h"

#include <algorithm>
#include <utility>

#include "client/sdk/members.h"
#include "common/base/utf8.h"

namespace redoubt::sdk {
namespace {

constexpr std::size_t kMaxCursor = 256;
constexpr std::size_t kMaxKind = 32;
constexpr std::size_t kMaxWord = 128;

Error odd_event(std::string_view why) { return {Code::malformed, "event stream: " + std::string(why)}; }

bool lower_case(std::string_view text) {
  return !text.empty() && text.size() <= kMaxKind && std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

}  // namespace

bool valid_cursor(std::string_view text) {
  return !text.empty() && text.size() <= kMaxCursor && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

void EventStream::begin() {
  for (std::string* const part : {&line_, &id_, &kind_, &data_}) part->clear();
  after_cr_ = false;
}

Status EventStream::put(ByteView bytes) {
  received_ += bytes.size();
  for (const char c : as_text(bytes)) {
    const bool second_half = after_cr_ && c == '\n';  // CR LF is one end of a line
    after_cr_ = c == '\r';
    if (second_half) continue;
    if (c == '\r' || c == '\n') {
      REDOUBT_CHECK(line(line_));
      line_.clear();
    } else if (line_.size() == kMaxLine) {
      return odd_event("a line of more than " + std::to_string(kMaxLine) + " bytes");
    } else {
      line_ += c;
    }
  }
  return {};
}

Status EventStream::line(std::string_view text) {
  if (text.empty()) return dispatch();
  if (text.front() == ':') return {};  // a comment: the hub is there
  if (!valid_utf8(text)) return odd_event("not utf-8");
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string_view field = text.substr(0, colon);
  std::string_view value = text.substr(std::min(colon + 1, text.size()));
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "id") {
    if (!valid_cursor(value)) return odd_event("an id that is no cursor");
    id_ = value;
  } else if (field == "event") {
    if (!lower_case(value)) return odd_event("a kind that is none");
    kind_ = value;
  } else if (field == "data") {
    if (!data_.empty()) return odd_event("an event of several lines");
    data_ = value;
  }
  return {};  // other fields are to be ignored
}

Status EventStream::dispatch() {
  HubEvent event{.cursor = std::exchange(id_, {}), .kind = std::exchange(kind_, {}), .id = {}, .state = {}};
  const std::string data = std::exchange(data_, {});
  if (!data.empty()) {
    if (event.kind.empty() || event.cursor.empty()) return odd_event("an event without kind or id");
    REDOUBT_TRY(const json::Value value, json::parse(data, {.max_bytes = kMaxLine, .max_depth = 4}).context("event stream"));
    if (value.object() == nullptr) return odd_event("expected an object");
    if (event.kind != "gap") {
      const json::Value known = members_of(value, {"id", "state"});
      json::ObjectReader reader(known, "event");
      event.id = reader.nonempty("id", kMaxWord);
      event.state = reader.nonempty("state", kMaxWord);
      REDOUBT_CHECK(reader.finish());
    }
  }
  if (!event.cursor.empty()) cursor_ = event.cursor;
  return data.empty() ? Status() : take_(std::move(event));
}

}  // namespace redoubt::sdk
