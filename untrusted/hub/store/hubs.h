// Hubs: which hubs have worked on this database, and whose an environment is.
//
// An environment's program, its TPM and its ciphertext are on one machine, so one hub keeps it: its home. Other hubs of the same
// database serve what the database holds. A hub is known by the id in its state folder, which one process has at a time.
#pragma once

#include "untrusted/hub/store/page.h"

namespace redoubt::hub {

// enter_hub notes that `hub` has started and makes it the home of every environment and job that has none; with `alone` (a database
// that no other hub can share) of every one. `malformed` for an id out of form.
Status enter_hub(Transaction& transaction, std::string_view hub, bool alone, Instant now);

}  // namespace redoubt::hub
