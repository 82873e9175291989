// TableMaker: certificate tables as hosts write them, whole or wrong in one place.
#pragma once

#include "common/base/bytes.h"

namespace redoubt::collect {

inline constexpr std::string_view kVcekGuid = "63da758de6644564adc5f4b93be8accd";
inline constexpr std::string_view kVlekGuid = "a8074bc2a25a483eaae639c045a0b8a1";
inline constexpr std::string_view kAskGuid = "4ab7b379bbac4fe4a02f05aef327c782";
inline constexpr std::string_view kArkGuid = "c0b406a4a803495297433fb6014cd0ae";
inline constexpr std::string_view kCrlGuid = "92f81bc358114d3d97ffd19f88dc67ea";

struct TableMaker {
  struct Item {
    std::string guid;  // hexadecimal, in the order of its digits
    Bytes content;
  };
  std::vector<Item> items;
  bool turned = false;  // the first three groups the other way round

  Bytes guid_bytes(std::string_view text) const {
    Bytes guid = hex_decode(text).value();
    if (turned) {
      std::reverse(guid.begin(), guid.begin() + 4);
      std::reverse(guid.begin() + 4, guid.begin() + 6);
      std::reverse(guid.begin() + 6, guid.begin() + 8);
    }
    return guid;
  }
  static Bytes little32(std::size_t value) {
    Bytes out;
    for (unsigned shift = 0; shift < 32; shift += 8) out.push_back(static_cast<std::byte>(value >> shift));
    return out;
  }
  Bytes make() const {
    Bytes out;
    std::size_t offset = (items.size() + 1) * 24;
    for (const Item& item : items) {
      append(out, guid_bytes(item.guid));
      append(out, little32(offset));
      append(out, little32(item.content.size()));
      offset += item.content.size();
    }
    out.resize(out.size() + 24);
    for (const Item& item : items) append(out, item.content);
    return out;
  }
};

}  // namespace redoubt::collect
