// What a hub sends as events is read within bounds, the same however it is cut, and gives cursors that may go back in a header.
// Form of an input: how large the pieces are (one byte), then the stream.
#include <cstdlib>

#include "client/sdk/event_stream.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  if (size == 0) return 0;
  const ByteView all = std::as_bytes(std::span(data + 1, size - 1));
  const auto read_in = [&](std::size_t piece) {
    std::string told;
    sdk::EventStream stream("", [&](const sdk::HubEvent& event) -> Status {
      if (!sdk::valid_cursor(event.cursor) || event.kind.size() > 32 || event.id.size() > 128 || event.state.size() > 128) std::abort();
      told += event.cursor + '\n' + event.kind + '\n' + event.id + '\n' + event.state + '\n';
      return {};
    });
    Status status;
    for (std::size_t at = 0; at < all.size() && status.ok(); at += piece) status = stream.put(all.subspan(at, std::min(piece, all.size() - at)));
    if (!stream.cursor().empty() && !sdk::valid_cursor(stream.cursor())) std::abort();
    return told + stream.cursor() + (status.ok() ? "" : "!");
  };
  if (read_in(std::size_t{data[0]} + 1) != read_in(size)) std::abort();
  return 0;
}
