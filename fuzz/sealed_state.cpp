// State files from the host's disk: heads and records have one form, and the records of a room too. Input: one byte that says which, then the bytes.
#include <cstdlib>

#include "enclave/seal/record.h"
#include "enclave/workloads/cleanroom/room_record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const ByteView input = std::as_bytes(std::span(data, size));
  if (input.empty()) return 0;
  const ByteView bytes = input.subspan(1);
  switch (data[0] % 3) {
    case 0: {
      const auto head = seal::FileHead::read(bytes);
      if (head.ok() && !equal(head->encode(), bytes.first(head->size()))) std::abort();
      break;
    }
    case 1: {
      const auto head = seal::RecordHead::read(bytes);
      if (head.ok() && !equal(head->encode(), bytes)) std::abort();
      break;
    }
    default: {
      const auto record = cleanroom::RoomRecord::decode(bytes);
      if (!record.ok()) break;
      const auto again = record->encode();  // what can be read can be written
      if (!again.ok() || !equal(again->reveal(), bytes)) std::abort();
    }
  }
  return 0;
}
