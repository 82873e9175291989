// InstanceHost: keeps an enclave program running for each environment, and brings it what participants left at the hub.
//
// One thread an environment launches the program, watches it, archives its log, delivers manifests and ciphertext once everyone has
// joined, and launches it again, after a growing pause, when it is gone. A program that goes on from its sealed state is the same instance: it gets its
// ciphertext again, and its queries go on by themselves. A new instance has new keys and is handed the
// old logs: queries that were approved or running wait until participants have signed those and owners released their keys,
// with a reason that names them; proposals and ballots are offered again; what the new instance refuses for good fails with a
// reason for people. Nothing that was acknowledged is removed. Calls may come from any thread; they
// use connections of their own. The program's answers are passed on, never believed (clients verify signatures and proofs).
#pragma once

#include <condition_variable>
#include <map>
#include <thread>

#include "common/jobs/cleanroom/contract.h"
#include "untrusted/hub/instances/host_door.h"
#include "untrusted/hub/instances/launcher.h"
#include "untrusted/hub/store/environments.h"
#include "untrusted/hub/store/object_store.h"
#include "untrusted/hub/store/queries.h"

namespace redoubt::hub {

using Clock = std::function<Instant()>;

inline constexpr std::string_view kApproveAgain = "approve again: new instance";
inline constexpr std::string_view kVoteAgain = "; an approval lapsed before the run: who gave it may approve again";
// lapses: the program says that a ballot, which it names, has expired.
bool lapses(const Error& error);

// run_job_id: of the job that runs a query. Job ids are shorter than "run-" and a digest; 60 digits tell queries apart as well.
inline std::string run_job_id(std::string_view query) { return "run-" + std::string(query.substr(0, 60)); }

struct InstanceView {
  std::string state = "starting";  // "starting", "running", "failed"
  std::string address;             // participants' door; empty unless running
  std::string instance;            // hexadecimal; empty unless running
  std::string reason;              // why it is not running, for people
};

class InstanceHost {
 public:
  struct Options {
    std::chrono::milliseconds poll{500};          // of a running program
    std::chrono::milliseconds first_pause{500};   // before a restart; doubles up to last_pause
    std::chrono::milliseconds last_pause{30'000};
  };

  // All of them outlive this object. `wake` is called when jobs may have become runnable.
  InstanceHost(Store& store, ObjectStore& objects, Launcher& launcher, Clock now, Options options, std::function<void()> wake);
  // Stops all programs.
  ~InstanceHost();
  void stop();

  // ensure starts keeping an environment; a second call does nothing.
  void ensure(const std::string& environment);
  // await gives the view once the environment is not "starting" any more, or when `timeout` has passed.
  InstanceView await(const std::string& environment, std::chrono::milliseconds timeout);
  InstanceView view(const std::string& environment);
  // poke makes the environment's thread look now.
  void poke(const std::string& environment);

  // door: a new connection to the running program, or `unavailable` with the reason.
  Result<HostDoor> door(const std::string& environment);

  // deliver brings the running program the manifests that it lacks and the ciphertext of the stored datasets that it waits for.
  // `unavailable` until everyone has joined. What the program refuses for good (an older version) is left out.
  Status deliver(const std::string& environment);
  // redeliver offers a query's proposal and ballots again; `binding` when they are for another instance.
  Status redeliver(const std::string& environment, const Query& query);
  // archive stores the log entries and the checkpoint that are new, and tells the program so.
  Status archive(const std::string& environment);
  // run asks for the run of a query, and stores what `store` does together with the log that speaks of it: both, or neither.
  // `unavailable` or `internal` when it may be tried again.
  using StoreRun = std::function<Status(Transaction&, const RoomRun&)>;
  Status run(const std::string& environment, const std::string& query, const StoreRun& store);

  // dataset_states: what the running program last said of its datasets, by manifest digest; empty when there is none.
  std::map<std::string, std::string> dataset_states(const std::string& environment);
  // ready: whether the running program is open and holds all of these datasets decrypted.
  Result<bool> ready(const std::string& environment, const std::vector<std::string>& manifests);

 private:
  // How often an instance was sent a dataset's ciphertext, and how many looks to leave out before the next time.
  struct Delivery {
    int count = 0;
    int skip = 0;
  };
  struct Kept {
    std::mutex mutex;
    std::condition_variable changed;
    InstanceView view;
    std::string door;
    std::map<std::string, std::string> datasets;
    std::map<std::string, std::string> told;  // of the keeping thread alone: the states of datasets that events told of
    bool stopping = false;
    bool poked = false;
    std::mutex log_mutex;       // one archive at a time
    std::mutex deliver_mutex;   // one delivery at a time; holds `deliveries`
    std::map<std::pair<InstanceId, std::string>, Delivery> deliveries;
    std::thread thread;
  };

  std::shared_ptr<Kept> find(const std::string& environment);
  void keep(const std::string& environment, Kept& kept);
  // run_once launches a program and watches it until it ends; why it ended, and whether it had been running.
  std::pair<std::string, bool> run_once(const std::string& environment, Kept& kept);
  Status archive_with(const std::string& environment, HostDoor& connection, std::string_view name, const std::function<Status(Transaction&)>& also);
  // register_instance: true when it is one that is known, in another boot.
  Result<bool> register_instance(const std::string& environment, const RoomState& state);
  void tend(const std::string& environment, Kept& kept);
  // tell_datasets adds an event for each dataset whose state in the program is another than was told.
  Status tell_datasets(const std::string& environment, Kept& kept, const std::map<std::string, std::string>& states);
  Status recall(const std::string& environment, const RoomState& state);
  Status tend_queries(const std::string& environment, const RoomState& state);
  Status tend_query(const std::string& environment, const RoomState& state, const jobs::Contract& contract,
                    const std::map<std::string, std::string>& owners, const Query& query);
  Status note_waiting(const Query& query, const std::string& reason);
  Status fail_query(const Query& query, std::string_view reason);
  bool pause(Kept& kept, std::chrono::milliseconds time);

  Store& store_;
  ObjectStore& objects_;
  Launcher& launcher_;
  const Clock now_;
  const Options options_;
  const std::function<void()> wake_;
  std::mutex mutex_;
  bool stopped_ = false;
  std::map<std::string, std::shared_ptr<Kept>> kept_;
};

}  // namespace redoubt::hub
