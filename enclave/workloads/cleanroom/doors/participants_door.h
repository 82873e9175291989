// The participants' door: routes that an authenticated participant may call, over the attested session only.
#pragma once

#include "common/net/router.h"
#include "enclave/workloads/cleanroom/room.h"

namespace redoubt::cleanroom {

// add_participants_routes: `room` outlives the router. `rule_set` and `program` are what the room enforces and is.
void add_participants_routes(net::Router& router, Room& room, std::string rule_set, appraise::ProgramDigest program);

}  // namespace redoubt::cleanroom
