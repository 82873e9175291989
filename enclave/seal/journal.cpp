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

// check_none: there is no file, and there never was one here.
Status check_none(const StateFolder& folder, const std::filesystem::path& path, Sealer& sealer) {
  REDOUBT_TRY(const bool set_aside, folder.has(Journal::kRefusedFile));
  REDOUBT_TRY(const auto anchor, sealer.anchor().context("sealed state: reading the anchor"));
  if (!set_aside && !anchor) return {};
  return Error(Code::not_found, "sealed state: there is no file \"" + std::string(Journal::kFile) + "\" in " + path.string() + ", and " +
                                    (anchor ? "the platform's anchor says that there was one" : "one was set aside there") +
                                    ": mount or restore it; or make a file \"" + Journal::kAnewFile +
                                    "\" there, and a new instance begins, which everyone must join");
}

Error another_program(const std::string& found) { return Error(Code::freshness, "sealed state: another program goes on from it: " + found); }

}  // namespace

Result<std::optional<Journal::Resumed>> Journal::resume(Options options, Sealer& sealer, crypto::Random& random) {
  REDOUBT_TRY(StateFolder folder, StateFolder::open(options.folder));
  REDOUBT_TRY(const bool there, folder.has(kFile));
  if (!there) {
    REDOUBT_CHECK(check_none(folder, options.folder, sealer));
    return std::optional<Resumed>();
  }
  REDOUBT_TRY(Fd file, folder.open_file(kFile));
  REDOUBT_TRY(const std::uint64_t size, file_size(file));
  REDOUBT_TRY(const FileHead head, read_head(file, size));
  REDOUBT_CHECK(check_head(head, options.contract, options.program));
  REDOUBT_TRY(const SecretBytes root, sealer.unseal(head.root).context("sealed state: unsealing the root key"));
  if (root.size() != kRootSize) return Error(Code::malformed, "sealed state: a root key of " + number(root.size()) + " bytes");
  REDOUBT_TRY(const std::optional<Anchor> anchor, sealer.anchor().context("sealed state: reading the anchor"));
  if (!anchor) return Error(Code::freshness, "sealed state: the platform holds no anchor for this contract: it was removed, or never set");
  REDOUBT_TRY(const std::uint64_t counter, sealer.counter().context("sealed state: reading the counter"));

  std::unique_ptr<Journal> journal(new Journal(std::move(options), sealer, std::move(folder), random.fixed<BootId>()));
  journal->file_ = std::move(file);
  journal->keys_.emplace(head, root);
  journal->chain_ = head.chain();
  journal->anchor_ = head.base;
  journal->offset_ = head.size();
  REDOUBT_TRY(auto records, journal->read(*anchor, counter, size));
  Resumed out{head.instance, std::move(records), size - journal->offset_, nullptr};
  if (out.dropped > 0) REDOUBT_CHECK(cut(journal->file_, journal->offset_));
  // A program that ended between anchor and counter used this number already; nobody counted it, so it is this one's.
  journal->epoch_ = counter + 1;
  out.journal = std::move(journal);
  return std::optional<Resumed>(std::move(out));
}

Result<std::vector<SecretBytes>> Journal::read(const Anchor& target, std::uint64_t counter, std::uint64_t size) {
  std::vector<SecretBytes> records;
  std::uint64_t epoch = 0;
  if (anchor_ == target) {
    return Error(Code::freshness, "sealed state: begun and never anchored: its program ended before anybody was told of it");
  }
  while (anchor_ != target) {
    const std::string name = "sealed state: record " + number(sequence_);
    const std::uint64_t left = size - offset_;
    std::array<std::byte, RecordHead::kSize> start{};
    RecordHead head;
    if (left >= RecordHead::kSize) {
      REDOUBT_CHECK(read_at(file_, offset_, start));
      REDOUBT_TRY(head, RecordHead::read(start).context(name));
    }
    if (left < RecordHead::kSize || left - RecordHead::kSize < head.sealed_size) {
      return Error(Code::freshness, "sealed state: rolled back: expected epoch " + number(counter) + " with the record that the anchor names, found " +
                                        number(sequence_) + " records up to epoch " + number(epoch) + ", and not that one");
    }
    if (head.sequence != sequence_ || head.epoch < epoch) {
      return Error(Code::binding, name + ": found number " + number(head.sequence) + " of epoch " + number(head.epoch) + " after epoch " + number(epoch));
    }
    Bytes record(RecordHead::kSize + head.sealed_size);
    REDOUBT_CHECK(read_at(file_, offset_, record));
    REDOUBT_TRY(auto payload, keys_->open(head, chain_, ByteView(record).subspan(RecordHead::kSize)).context(name + ": changed, or not from here"));
    records.push_back(std::move(payload));
    chain_ = chain_after(chain_, record);
    anchor_ = anchor_after(anchor_, chain_);
    offset_ += record.size();
    epoch = head.epoch;
    ++sequence_;
  }
  // The last counted epoch, or the one that was being counted.
  if (epoch == counter || epoch == counter + 1) return records;
  return Error(Code::freshness, "sealed state: rolled back: expected epoch " + number(counter) + " as the counter says, found epoch " + number(epoch) +
                                    " in the record that the anchor names");
}

Result<std::unique_ptr<Journal>> Journal::create(Options options, const InstanceId& instance, Sealer& sealer, crypto::Random& random, ByteView record) {
  REDOUBT_TRY(StateFolder folder, StateFolder::open(options.folder));
  const SecretBytes root = random.secret(kRootSize);
  FileHead head{options.contract, options.program, instance, {}, {}};
  REDOUBT_TRY(head.root, sealer.seal(root).context("sealed state: sealing the root key"));
  if (head.root.size() > Sealer::kMaxBlob) return Error(Code::internal, "sealed state: a sealed root key of " + number(head.root.size()) + " bytes");
  REDOUBT_TRY(const auto anchor, sealer.anchor().context("sealed state: reading the anchor"));
  head.base = anchor.value_or(Anchor());
  REDOUBT_TRY(const std::uint64_t counter, sealer.counter().context("sealed state: reading the counter"));
  REDOUBT_CHECK(folder.keep_beside(kFile, kRefusedFile));

  std::unique_ptr<Journal> journal(new Journal(std::move(options), sealer, std::move(folder), random.fixed<BootId>()));
  journal->keys_.emplace(head, root);
  journal->chain_ = head.chain();
  journal->anchor_ = head.base;
  journal->epoch_ = counter + 1;
  // The first record is in the file before the file has its name: a folder that held a state holds one at every moment.
  REDOUBT_TRY(const Bytes first, journal->keys_->seal(journal->epoch_, 0, journal->boot_, journal->chain_, record));
  Bytes file = head.encode();
  redoubt::append(file, first);
  REDOUBT_TRY(journal->file_, journal->folder_.replace(kFile, file));
  journal->at("seal.written");
  REDOUBT_CHECK(journal->check_present());
  journal->at("seal.looked");
  journal->offset_ = file.size();
  journal->chain_ = chain_after(journal->chain_, first);
  journal->sequence_ = 1;
  REDOUBT_CHECK(journal->settle(journal->chain_));
  REDOUBT_CHECK(journal->folder_.remove(kAnewFile));
  return journal;
}

Status Journal::check_room(std::uint64_t payload) const {
  const std::uint64_t record = RecordHead::kSize + payload + crypto::kAeadTagSize;
  if (payload > RecordHead::kMaxPayload) return Error(Code::refused, "sealed state: no room for a record of " + number(payload) + " bytes");
  const bool may_use_reserve = !counted_ && record <= kMaxStart;
  const std::uint64_t end = may_use_reserve ? options_.max_file : options_.max_file - std::min(options_.max_file, options_.reserve);
  if (offset_ <= end && record <= end - offset_) return {};
  return Error(Code::refused, "sealed state: full: no room for a record of " + number(payload) + " bytes; what is done can be fetched, and a file \"" + kAnewFile +
                                  "\" in the state folder begins a new instance at the next start");
}

Status Journal::append(ByteView record) {
  if (broken_) return *broken_;
  REDOUBT_CHECK(check_room(record.size()));
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
  at("seal.looked");
  REDOUBT_CHECK(settle(next));
  chain_ = next;
  offset_ += sealed.size();
  ++sequence_;
  return {};
}

Status Journal::check_anchor() const {
  REDOUBT_TRY(const std::optional<Anchor> anchor, sealer_.anchor().context("sealed state: reading the anchor"));
  if (anchor.value_or(Anchor()) == anchor_) return {};
  return another_program("the anchor names a record that is not ours");
}

Status Journal::check_present() const {
  REDOUBT_CHECK(check_anchor());
  REDOUBT_TRY(const std::uint64_t counter, sealer_.counter().context("sealed state: reading the counter"));
  const std::uint64_t expected = counted_ ? epoch_ : epoch_ - 1;
  if (counter == expected) return {};
  return another_program("expected epoch " + number(expected) + ", found " + number(counter));
}

Status Journal::settle(const Chain& next) {
  REDOUBT_CHECK(sealer_.extend(next).context("sealed state: extending the anchor"));
  anchor_ = anchor_after(anchor_, next);
  at("seal.anchored");
  // And behind the anchor. If another program extended it in between, even by the last moment, its value is nobody's: what was written is acknowledged by neither of the two.
  if (counted_) return check_present();
  REDOUBT_CHECK(check_anchor());
  at("seal.confirmed");
  REDOUBT_TRY(const std::uint64_t counter, sealer_.increment().context("sealed state: counting"));
  if (counter != epoch_) return another_program("expected epoch " + number(epoch_) + ", found " + number(counter));
  counted_ = true;
  at("seal.counted");
  return {};
}

}  // namespace redoubt::seal
