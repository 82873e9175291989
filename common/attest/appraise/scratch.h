// Scratch: room on the stack for short lists that go before it does: an appraisal need not ask for memory for them. A list that
// outgrows the room goes on in the heap, so that the size is no limit. Lists hold public values only. Private to this room.
#pragma once

#include <array>
#include <cstddef>
#include <memory_resource>
#include <vector>

namespace redoubt::appraise {

template <std::size_t kSize>
class Scratch {
 public:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  // memory: for std::pmr containers; valid as long as this stands.
  std::pmr::memory_resource* memory() { return &resource_; }

 private:
  alignas(std::max_align_t) std::array<std::byte, kSize> room_;
  std::pmr::monotonic_buffer_resource resource_{room_.data(), room_.size()};
};

}  // namespace redoubt::appraise
