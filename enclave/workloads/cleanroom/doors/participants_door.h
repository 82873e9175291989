// The participants' door: routes that an authenticated participant may call, over the attested session only.
#pragma once

#include "common/net/router.h"
#include "enclave/workloads/cleanroom/room.h"

namespace redoubt::cleanroom {

// RoomStatement: what the program tells participants of itself through the session.
struct RoomStatement {
  std::string rule_set;             // that it enforces
  appraise::ProgramDigest program;  // that it is
  std::string engine_sandbox;       // what holds each of its query engines; a kernel without Landlock shows here
  std::string state = "";           // whether what it keeps is sealed, and how it began
};

// add_participants_routes: `room` outlives the router.
void add_participants_routes(net::Router& router, Room& room, const RoomStatement& statement);

}  // namespace redoubt::cleanroom
