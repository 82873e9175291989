// The host's door: what the operator's hub may call over a local socket. Everything that comes through it is untrusted: documents are
// signed by participants, ciphertext is checked against their manifests, and all decisions are the room's.
#pragma once

#include "common/net/router.h"
#include "enclave/workloads/cleanroom/room.h"

namespace redoubt::cleanroom {

// add_host_routes: `room` outlives the router; `address` is where participants reach this program.
void add_host_routes(net::Router& router, Room& room, std::string address);

}  // namespace redoubt::cleanroom
