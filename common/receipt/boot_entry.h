// boot_entry: what an instance logs when it starts, so that a log tells of each start which claims it had and where it went on (docs/specs/log.md).
#pragma once

#include <optional>

#include "common/receipt/log.h"

namespace redoubt::receipt {

// `claims`: of the boot, as its Evidence binds them. `before`: at a later boot of the same instance the head of its own log just before the entry; at the first one the last
// head of the instance that it takes over from, if any.
inline LogEntry boot_entry(const ClaimsDigest& claims, const std::optional<TreeHead>& before) {
  const std::string text = before ? before->text() : std::string();
  return {std::string(kBootEntry), crypto::sha256(Fields("redoubt/boot/1").field(claims.view()).text(text).view())};
}

}  // namespace redoubt::receipt
