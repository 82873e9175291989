#include "enclave/seal/journal.h"

#include "common/crypto/aead.h"

namespace redoubt::seal {
namespace {

constexpr std::size_t kRootSize = 32;

std::string number(std::uint64_t value) { return std::to_string(value); }

Status check_head(const FileHead& head, const ContractDigest& contract, const StateProgram& program) {
  if (head.contract != contract) {
    return Error(Code::binding, "sealed state: expected contract " + contract.hex() + ", found " + head.contract.hex());
  }
  if (head.program != program) {
    return Error(Code::measurement, "sealed state: expected program " + program.hex() + ", found " + head.program.hex());
  }
  return {};
}

Result<FileHead> read_head(const Fd& file, std::uint64_t size) {
  Bytes start(static_cast<std::size_t>(std::min<std::uint64_t>(size, FileHead::kMaxSize)));
  REDOUBT_CHECK(read_at(file, 0, start));
  return FileHead::read(start);
}

// check_counter: the anchor is of the last counted epoch, or of the one that was being counted.
Status check_counter(const Anchor& anchor, std::uint64_t counter) {
  if (anchor.epoch == counter || anchor.epoch == counter + 1) return {};
  return Error(Code::freshness, "sealed state: rolled back: expected epoch " + number(counter) + " as the counter says, found epoch " + number(anchor.epoch) +
                                    " in the anchor");
}

}  // namespace

Result<Journal::Resumed> Journal::resume(Options options, Sealer& sealer, crypto::Random& random) {
  REDOUBT_TRY(StateFolder folder, StateFolder::open(options.folder));
  REDOUBT_TRY(Fd file, folder.open_file(kFile));
  REDOUBT_TRY(const std::uint64_t size, file_size(file));
  if (size > kMaxFile) return Error(Code::malformed, "sealed state: a file of " + number(size) + " bytes");
  REDOUBT_TRY(const FileHead head, read_head(file, size));
  REDOUBT_CHECK(check_head(head, options.contract, options.program));
  REDOUBT_TRY(const SecretBytes root, sealer.unseal(head.root).context("sealed state: unsealing the root key"));
  if (root.size() != kRootSize) return Error(Code::malformed, "sealed state: a root key of " + number(root.size()) + " bytes");
  REDOUBT_TRY(const std::optional<Anchor> anchor, sealer.anchor().context("sealed state: reading the anchor"));
  if (!anchor) return Error(Code::freshness, "sealed state: the platform holds no anchor for this contract: it was removed, or never set");
  REDOUBT_TRY(const std::uint64_t counter, sealer.counter().context("sealed state: reading the counter"));
  REDOUBT_CHECK(check_counter(*anchor, counter));

  std::unique_ptr<Journal> journal(new Journal(std::move(options), sealer, std::move(folder), random.fixed<BootId>()));
  journal->file_ = std::move(file);
  journal->keys_.emplace(head, root);
  journal->chain_ = head.chain();
  journal->offset_ = head.size();
  REDOUBT_TRY(auto records, journal->read(*anchor, size));
  Resumed out{head.instance, std::move(records), size - journal->offset_, nullptr};
  if (out.dropped > 0) REDOUBT_CHECK(cut(journal->file_, journal->offset_));
  if (anchor->epoch != counter) {  // the program ended between anchor and counter
    REDOUBT_TRY(const std::uint64_t now, sealer.increment());
    REDOUBT_CHECK(check_counter(*anchor, now));
  }
  journal->anchor_ = anchor;
  journal->epoch_ = anchor->epoch + 1;
  out.journal = std::move(journal);
  return out;
}

Result<std::vector<SecretBytes>> Journal::read(const Anchor& anchor, std::uint64_t size) {
  std::vector<SecretBytes> records;
  std::uint64_t epoch = 0;
  while (records.empty() || chain_ != anchor.state) {
    const std::string name = "sealed state: record " + number(sequence_);
    const std::uint64_t left = size - offset_;
    std::array<std::byte, RecordHead::kSize> start{};
    RecordHead head;
    if (left >= RecordHead::kSize) {
      REDOUBT_CHECK(read_at(file_, offset_, start));
      REDOUBT_TRY(head, RecordHead::read(start).context(name));
    }
    if (left < RecordHead::kSize || left - RecordHead::kSize < head.sealed_size) {
      return Error(Code::freshness, "sealed state: rolled back: expected epoch " + number(anchor.epoch) + " with the record that the anchor names, found " +
                                        number(sequence_) + " records up to epoch " + number(epoch) + ", and not that one");
    }
    if (head.sequence != sequence_ || head.epoch < epoch) {
      return Error(Code::binding, name + ": found number " + number(head.sequence) + " of epoch " + number(head.epoch) + " after epoch " + number(epoch));
    }
    if (head.epoch > anchor.epoch) {
      return Error(Code::freshness, name + ": of another copy: expected epoch " + number(anchor.epoch) + ", found epoch " + number(head.epoch));
    }
    Bytes record(RecordHead::kSize + head.sealed_size);
    REDOUBT_CHECK(read_at(file_, offset_, record));
    REDOUBT_TRY(auto payload, keys_->open(head, chain_, ByteView(record).subspan(RecordHead::kSize)).context(name + ": changed, or not from here"));
    records.push_back(std::move(payload));
    chain_ = chain_after(chain_, record);
    offset_ += record.size();
    epoch = head.epoch;
    ++sequence_;
  }
  if (epoch != anchor.epoch) return Error(Code::binding, "sealed state: expected epoch " + number(anchor.epoch) + " in the last record, found " + number(epoch));
  return records;
}

Result<std::unique_ptr<Journal>> Journal::create(Options options, const InstanceId& instance, Sealer& sealer, crypto::Random& random, ByteView record) {
  REDOUBT_TRY(StateFolder folder, StateFolder::open(options.folder));
  const SecretBytes root = random.secret(kRootSize);
  FileHead head{options.contract, options.program, instance, {}};
  REDOUBT_TRY(head.root, sealer.seal(root).context("sealed state: sealing the root key"));
  if (head.root.size() > Sealer::kMaxBlob) return Error(Code::internal, "sealed state: a sealed root key of " + number(head.root.size()) + " bytes");
  REDOUBT_TRY(const std::uint64_t counter, sealer.counter().context("sealed state: reading the counter"));
  REDOUBT_CHECK(folder.move(kFile, kRefusedFile));

  std::unique_ptr<Journal> journal(new Journal(std::move(options), sealer, std::move(folder), random.fixed<BootId>()));
  journal->keys_.emplace(head, root);
  journal->chain_ = head.chain();
  journal->epoch_ = counter + 1;
  // The first record is in the file before the file has its name.
  REDOUBT_TRY(const Bytes first, journal->keys_->seal(journal->epoch_, 0, journal->boot_, journal->chain_, record));
  Bytes file = head.encode();
  redoubt::append(file, first);
  REDOUBT_TRY(journal->file_, journal->folder_.replace(kFile, file));
  journal->at("seal.written");
  journal->offset_ = file.size();
  journal->chain_ = chain_after(journal->chain_, first);
  journal->sequence_ = 1;
  REDOUBT_CHECK(journal->settle({journal->epoch_, journal->chain_}));
  return journal;
}

Status Journal::append(ByteView record) {
  if (broken_) return *broken_;
  if (record.size() > RecordHead::kMaxPayload || record.size() + RecordHead::kSize + crypto::kAeadTagSize > kMaxFile - offset_) {
    return Error(Code::refused, "sealed state: no room for a record of " + number(record.size()) + " bytes");
  }
  const Status done = try_append(record);
  if (!done.ok()) broken_ = done.error().context("the state could not be kept; the program must be started anew");
  return done.ok() ? Status() : Status(*broken_);
}

Status Journal::try_append(ByteView record) {
  REDOUBT_CHECK(check_present());
  REDOUBT_TRY(const Bytes sealed, keys_->seal(epoch_, sequence_, boot_, chain_, record));
  if (const Status written = write_at(file_, offset_, sealed); !written.ok()) {
    static_cast<void>(cut(file_, offset_).ok());  // if that fails too, the next start does it
    return written;
  }
  at("seal.written");
  const Chain next = chain_after(chain_, sealed);
  REDOUBT_CHECK(check_present());  // once more, behind the slow write: another program may have gone on from a copy meanwhile
  REDOUBT_CHECK(settle({epoch_, next}));
  chain_ = next;
  offset_ += sealed.size();
  ++sequence_;
  return {};
}

Status Journal::check_present() const {
  REDOUBT_TRY(const std::optional<Anchor> anchor, sealer_.anchor().context("sealed state: reading the anchor"));
  REDOUBT_TRY(const std::uint64_t counter, sealer_.counter().context("sealed state: reading the counter"));
  const std::uint64_t expected = counted_ ? epoch_ : epoch_ - 1;
  if (counter != expected) {
    return Error(Code::freshness, "sealed state: another program goes on from it: expected epoch " + number(expected) + ", found " + number(counter));
  }
  if (anchor != anchor_) return Error(Code::freshness, "sealed state: another program goes on from it: the anchor names a record that is not ours");
  return {};
}

// settle: from here on the record that is on disk is the state.
Status Journal::settle(const Anchor& next) {
  REDOUBT_CHECK(sealer_.set_anchor(next).context("sealed state: setting the anchor"));
  anchor_ = next;
  at("seal.anchored");
  // And behind the anchor: what is acknowledged is what the TPM names, in the epoch that it counts.
  if (counted_) return check_present();
  REDOUBT_TRY(const std::uint64_t counter, sealer_.increment().context("sealed state: counting"));
  if (counter != epoch_) {
    return Error(Code::freshness, "sealed state: another program goes on from it: expected epoch " + number(epoch_) + ", found " + number(counter));
  }
  counted_ = true;
  at("seal.counted");
  return {};
}

}  // namespace redoubt::seal
