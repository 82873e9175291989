// Journal: the records of one instance, durable and sealed, in the order in which they were accepted.
//
// The disk is the host's: it may lose, cut, copy, change and bring back any of it. What resume() gives is exactly what was acknowledged last, or it gives nothing
// and says why. A record counts when it is on disk and the platform's anchor names it; what lies beyond that record was acknowledged to nobody
// and is cut off. When disk or platform fail append() goes on failing: how much of the record stands is then for the next start to see. Of two programs that go on from
// one state at most one can append. One thread at a time. docs/design/sealed-state.md, docs/specs/sealed-state.md.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "common/crypto/random.h"
#include "enclave/seal/record.h"
#include "enclave/seal/state_folder.h"

namespace redoubt::seal {

class Journal {
 public:
  static constexpr std::uint64_t kMaxFile = 1U << 30;  // bytes
  static constexpr const char* kFile = "journal";
  static constexpr const char* kRefusedFile = "journal.refused";

  // What a state belongs to, and who seals it. The sealer outlives the journal.
  struct Options {
    std::filesystem::path folder;
    ContractDigest contract;
    StateProgram program;
    // fault is called at each named step of an append ("seal.written", "seal.anchored", "seal.counted"); for tests, which end the process there.
    std::function<void(std::string_view)> fault = nullptr;
  };

  struct Resumed {
    InstanceId instance;
    std::vector<SecretBytes> records;
    std::uint64_t dropped = 0;  // bytes beyond the last acknowledged record
    std::unique_ptr<Journal> journal;
  };

  // resume reads the state; the next append begins a new epoch. `not_found` when there is none, `unavailable` when disk or platform do not answer: try again. Anything
  // else means that there is no going on from this state:
  //   `binding`      of another contract or machine, or a record that was changed, reordered or repeated
  //   `measurement`  of another program, or other PCRs
  //   `freshness`    rolled back, or a copy that another program went on from; with the epoch that was found and the one that was expected
  //   `malformed`    not a state file
  static Result<Resumed> resume(Options options, Sealer& sealer, crypto::Random& random);

  // create begins the state of a new instance with its first record. A state that was there is set aside as kRefusedFile.
  static Result<std::unique_ptr<Journal>> create(Options options, const InstanceId& instance, Sealer& sealer, crypto::Random& random, ByteView record);

  // append: durable and anchored when ok. `refused` for a record that is too large, also for what is left of the file: nothing happened. `freshness` when another
  // program has gone on from this state, `unavailable` when disk or platform failed: then broken(), and the same error ever after.
  Status append(ByteView record);
  bool broken() const { return broken_.has_value(); }

  std::uint64_t epoch() const { return epoch_; }

 private:
  Journal(Options options, Sealer& sealer, StateFolder folder, const BootId& boot)
      : options_(std::move(options)), sealer_(sealer), folder_(std::move(folder)), boot_(boot) {}
  // read goes through the records up to the anchored one.
  Result<std::vector<SecretBytes>> read(const Anchor& anchor, std::uint64_t size);
  Status try_append(ByteView record);
  // check_present: the platform still holds what this journal left there.
  Status check_present() const;
  Status settle(const Anchor& next);
  void at(std::string_view point) const {
    if (options_.fault) options_.fault(point);
  }

  const Options options_;
  Sealer& sealer_;
  StateFolder folder_;
  const BootId boot_;
  Fd file_;
  std::optional<RecordKeys> keys_;
  std::optional<Anchor> anchor_;  // as the platform must hold it; of a new state none before the first record
  Chain chain_;
  std::uint64_t offset_ = 0;
  std::uint64_t sequence_ = 0;
  std::uint64_t epoch_ = 0;
  bool counted_ = false;  // the counter stands at epoch_, not at the one before
  std::optional<Error> broken_;
};

}  // namespace redoubt::seal
