// Journal: the records of one instance, durable and sealed, in the order in which they were accepted.
//
// The disk is the host's: it may lose, cut, copy, change and bring back any of it. What resume() gives is exactly what was acknowledged last, or it gives nothing
// and says why. A record counts when it is on disk and the platform's anchor was extended by it; what lies beyond that record was acknowledged to nobody
// and is cut off. When disk or platform fail append() goes on failing: how much of the record stands is then for the next start to see. Of two programs that go on from
// one state at most one acknowledges anything, and neither can take the place of what the other acknowledged. One thread at a time.
// docs/design/sealed-state.md has the table of all that can happen between two steps; docs/specs/sealed-state.md the bytes.
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
  // Bytes at the end of the file that only the first record of a start may use, if it has at most kMaxStart: a journal that takes nothing more still lets its program start.
  static constexpr std::uint64_t kReserve = 16U << 20;
  static constexpr std::uint64_t kMaxStart = 64U << 10;
  static constexpr const char* kFile = "journal";
  static constexpr const char* kRefusedFile = "journal.refused";  // the first state that was set aside
  static constexpr const char* kAnewFile = "begin-anew";          // the operator's word that a new instance is wanted

  // What a state belongs to, and who seals it. The sealer outlives the journal.
  struct Options {
    std::filesystem::path folder;
    ContractDigest contract;
    StateProgram program;
    // fault is called at each named step of an append ("seal.written", "seal.looked", "seal.anchored", "seal.confirmed", "seal.counted"); for tests, which end the process there, or let another
    // program go on.
    std::function<void(std::string_view)> fault = nullptr;
    std::uint64_t max_file = kMaxFile;
    std::uint64_t reserve = kReserve;
  };

  struct Resumed {
    InstanceId instance;
    std::vector<SecretBytes> records;
    std::uint64_t dropped = 0;  // bytes beyond the last acknowledged record
    std::unique_ptr<Journal> journal;
  };

  // resume reads the state; the next append begins a new epoch. Nothing when there never was one: the folder is empty and the platform has no anchor. Errors, of which the first
  // four mean that there is no going on from this state:
  //   `binding`      of another contract or machine, or a record that was changed, reordered or repeated
  //   `measurement`  of another program, or other PCRs
  //   `freshness`    rolled back, or spoiled by another program that went on from a copy; with the epoch that was found and the one that was expected
  //   `malformed`    not a state file
  //   `not_found`    there is no file, and there was one: somebody removed it, or its disk is not there
  // Any other says nothing about the state: disk or platform do not answer, or refuse.
  static Result<std::optional<Resumed>> resume(Options options, Sealer& sealer, crypto::Random& random);

  // create begins the state of a new instance with its first record. A state that was there is kept as kRefusedFile, unless one is kept already; kAnewFile is removed.
  static Result<std::unique_ptr<Journal>> create(Options options, const InstanceId& instance, Sealer& sealer, crypto::Random& random, ByteView record);

  // append: durable and anchored when ok. `refused` for a record that is too large, or when the file is full: nothing happened. `freshness` when another
  // program has gone on from this state, `unavailable` when disk or platform failed: then broken(), and the same error ever after.
  Status append(ByteView record);
  bool broken() const { return broken_.has_value(); }

  std::uint64_t epoch() const { return epoch_; }

 private:
  Journal(Options options, Sealer& sealer, StateFolder folder, const BootId& boot)
      : options_(std::move(options)), sealer_(sealer), folder_(std::move(folder)), boot_(boot) {}
  // read goes through the records up to the one by which the anchor became `target`.
  Result<std::vector<SecretBytes>> read(const Anchor& target, std::uint64_t counter, std::uint64_t size);
  // check_room: `refused` unless a record of this size fits.
  Status check_room(std::uint64_t payload) const;
  Status try_append(ByteView record);
  // check_anchor, check_present: the platform still holds what this journal left there.
  Status check_anchor() const;
  Status check_present() const;
  // settle: from here on the record that is on disk, and whose chain this is, is the state.
  Status settle(const Chain& next);
  void at(std::string_view point) const {
    if (options_.fault) options_.fault(point);
  }

  const Options options_;
  Sealer& sealer_;
  StateFolder folder_;
  const BootId boot_;
  Fd file_;
  std::optional<RecordKeys> keys_;
  Anchor anchor_;  // as the platform must hold it
  Chain chain_;
  std::uint64_t offset_ = 0;
  std::uint64_t sequence_ = 0;
  std::uint64_t epoch_ = 0;
  bool counted_ = false;  // the counter stands at epoch_, not at the one before
  std::optional<Error> broken_;
};

}  // namespace redoubt::seal
