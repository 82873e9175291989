// check_channel: what both ends ask of the TLS connection before the first message.
#pragma once

#include "common/ratls/session.h"

namespace redoubt::ratls {

inline Status check_channel(const Channel& channel) {
  if (channel.resumed) return Error(Code::binding, "the connection resumes an earlier one");
  if (!channel.exporter) return Error(Code::binding, "the connection has no TLS exporter");
  return {};
}

}  // namespace redoubt::ratls
