// AttributesText: the names of the bits that are set, as attributes_text (structures.h) gives them, as a part of a text (concat). Private
// to this room.
#pragma once

#include "common/base/concat.h"

namespace redoubt::tpm {

using redoubt::append_text;
using redoubt::text_room;

struct AttributesText {
  std::uint32_t attributes;
};
void append_text(std::string& out, AttributesText text);
std::size_t text_room(AttributesText text);

}  // namespace redoubt::tpm
