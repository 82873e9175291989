// Goal: a table is there when its last chunk and its root were right, and no byte of it before; whatever the host does to the stream. Method: a
// sealed table of several chunks, delivered in pieces of every kind, changed, cut, swapped, mixed with another, repeated and early.
#include "enclave/workloads/cleanroom/dataset.h"

#include <gtest/gtest.h>

#include "common/crypto/envelope.h"
#include "common/jobs/cleanroom/ciphertext_root.h"
#include "tests/support/expect.h"
#include "tests/support/fixed_random.h"

namespace redoubt::cleanroom {
namespace {

constexpr std::size_t kChunk = 4096;
constexpr std::size_t kSealedChunk = kChunk + crypto::kEnvelopeChunkOverhead;

struct Delivery {
  jobs::Manifest manifest;
  SecretBytes key;
  Bytes plaintext, envelope;

  Dataset dataset(bool with_key = true) const {
    Dataset made(manifest, jobs::SignedDocument());
    if (with_key) made.set_key(key.clone());
    return made;
  }
};

Delivery delivery(std::size_t size = 3 * kChunk + 100, std::uint64_t version = 1) {
  test::FixedRandom random(size + version);
  Delivery out{{"hospital", version, "hospital", ContractDigest(), {{"id", "BIGINT", jobs::ColumnRole::unit, "", ""}}, 1, 0, receipt::TreeHash()}, SecretBytes(), Bytes(size), {}};
  test::FixedRandom(7).fill(out.plaintext);
  test::FixedRandom same_key(9);
  out.key = same_key.secret(32);
  out.envelope = OrDie(crypto::seal_envelope(out.key, {jobs::envelope_object_id(out.manifest), version}, out.plaintext, random, kChunk));
  out.manifest.ciphertext_size = out.envelope.size();
  out.manifest.ciphertext_root = OrDie(jobs::ciphertext_root(out.envelope));
  return out;
}

// deliver puts all bytes in pieces and opens; the first error.
Status deliver(Dataset& dataset, ByteView bytes, std::size_t piece) {
  for (std::size_t at = 0; at < bytes.size(); at += piece) REDOUBT_CHECK(dataset.put(at, bytes.subspan(at, std::min(piece, bytes.size() - at))));
  return dataset.open();
}

bool nothing_there(const Dataset& dataset) { return dataset.state() != DatasetState::ready && dataset.view().rows.empty() && dataset.view().file < 0; }

TEST(Dataset, OpensWhateverThePieces) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kChunk - 1, kChunk, kChunk + 1, 3 * kChunk + 100}) {
    const Delivery given = delivery(size);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{79}, std::size_t{80}, std::size_t{81}, kSealedChunk - 1, kSealedChunk, kSealedChunk + 1, std::size_t{1} << 20}) {
      Dataset dataset = given.dataset();
      ASSERT_OK(deliver(dataset, given.envelope, piece)) << size << " in " << piece;
      EXPECT_TRUE(equal(dataset.view().rows, given.plaintext)) << size << " in " << piece;
      EXPECT_GE(dataset.view().file, 0);
      EXPECT_EQ(dataset.received(), given.envelope.size());
      EXPECT_OK(dataset.put(0, given.envelope)) << "again";
    }
  }
}

TEST(Dataset, NothingIsThereBeforeTheLastByteAndTheRoot) {
  const Delivery given = delivery();
  Dataset dataset = given.dataset();
  for (std::size_t i = 0; i < given.envelope.size(); ++i) {
    ASSERT_OK(dataset.put(i, ByteView(given.envelope).subspan(i, 1)));
    ASSERT_TRUE(nothing_there(dataset)) << i;
  }
  EXPECT_OK(dataset.open());
  Dataset cut = given.dataset();
  EXPECT_ERROR(deliver(cut, ByteView(given.envelope).first(given.envelope.size() - 1), 1000), Code::malformed, "whole envelope");
  EXPECT_TRUE(nothing_there(cut));
  Dataset none = given.dataset();
  EXPECT_ERROR(none.open(), Code::malformed, "whole envelope");
}

TEST(Dataset, EveryChangedByteDropsAllAndTheHostCanStartAgain) {
  const Delivery given = delivery();
  Dataset dataset = given.dataset();
  for (std::size_t i = 0; i < given.envelope.size(); i += i < 200 ? 1 : 61) {
    Bytes changed = given.envelope;
    changed[i] ^= std::byte{1};
    const Status status = deliver(dataset, changed, 1000);
    ASSERT_FALSE(status.ok()) << i;
    EXPECT_TRUE(status.error().code() == Code::binding || status.error().code() == Code::malformed) << i << ": " << status.error().message();
    EXPECT_TRUE(nothing_there(dataset)) << i;
    EXPECT_EQ(dataset.received(), 0U) << i;
  }
  EXPECT_OK(deliver(dataset, given.envelope, 1000));
  EXPECT_TRUE(equal(dataset.view().rows, given.plaintext));
}

TEST(Dataset, ChunksHaveTheirPlaceFileAndVersion) {
  const Delivery given = delivery(), newer = delivery(3 * kChunk + 100, 2);
  const auto chunk = [](const Bytes& envelope, std::size_t i) { return ByteView(envelope).subspan(crypto::kEnvelopeHeaderSize + i * kSealedChunk, kSealedChunk); };
  Bytes swapped = given.envelope, repeated = given.envelope, mixed = given.envelope;
  const auto put_chunk = [](Bytes& to, std::size_t i, ByteView bytes) { std::ranges::copy(bytes, to.begin() + static_cast<std::ptrdiff_t>(crypto::kEnvelopeHeaderSize + i * kSealedChunk)); };
  put_chunk(swapped, 0, chunk(given.envelope, 1));
  put_chunk(swapped, 1, chunk(given.envelope, 0));
  put_chunk(repeated, 1, chunk(given.envelope, 0));
  put_chunk(mixed, 1, chunk(newer.envelope, 1));
  for (const ByteView wrong : {ByteView(swapped), ByteView(repeated), ByteView(mixed), ByteView(newer.envelope)}) {
    Dataset dataset = given.dataset();
    EXPECT_ERROR(deliver(dataset, wrong, 5000), Code::binding, "envelope");
    EXPECT_TRUE(nothing_there(dataset));
  }
}

// An owner who sealed twice under one key, or a host that has an older sealing: every chunk authenticates, and it is not what was signed.
TEST(Dataset, AnotherSealingOfTheSameTableIsNotTheManifests) {
  Delivery given = delivery();
  test::FixedRandom random(99);
  const Bytes other = OrDie(crypto::seal_envelope(given.key, {jobs::envelope_object_id(given.manifest), 1}, given.plaintext, random, kChunk));
  Dataset dataset = given.dataset();
  EXPECT_ERROR(deliver(dataset, other, 1000), Code::binding, "ciphertext root");
  EXPECT_TRUE(nothing_there(dataset));
  EXPECT_OK(deliver(dataset, given.envelope, 1000));
}

TEST(Dataset, TakesBytesBeforeTheKeyUpToItsBound) {
  const Delivery given = delivery();
  for (const std::size_t early : {std::size_t{1}, std::size_t{80}, std::size_t{500}, 2 * kSealedChunk + 80, given.envelope.size()}) {
    Dataset dataset = given.dataset(false);
    ASSERT_OK(dataset.put(0, ByteView(given.envelope).first(early)));
    EXPECT_EQ(dataset.received(), early);
    EXPECT_EQ(dataset.state(), DatasetState::waiting_for_key);
    Bytes other(given.envelope.begin(), given.envelope.begin() + static_cast<std::ptrdiff_t>(early));
    other.back() ^= std::byte{1};
    EXPECT_ERROR(dataset.put(0, other), Code::binding, "other bytes");
    dataset.set_key(given.key.clone());
    ASSERT_OK(dataset.put(early, ByteView(given.envelope).subspan(early)));
    ASSERT_OK(dataset.open()) << early;
    EXPECT_TRUE(equal(dataset.view().rows, given.plaintext)) << early;
  }
  jobs::Manifest large = given.manifest;
  large.ciphertext_size = Dataset::kMaxCiphertext;
  Dataset dataset(large, jobs::SignedDocument());
  const Bytes part(4U << 20);
  for (std::uint64_t at = 0; at < Dataset::kMaxEarly; at += part.size()) ASSERT_OK(dataset.put(at, part));
  EXPECT_ERROR(dataset.put(Dataset::kMaxEarly, ByteView(part).first(1)), Code::refused, "released the key");
}

TEST(Dataset, AnotherKeyBeginsAnew) {
  const Delivery given = delivery();
  test::FixedRandom random(11);
  for (const std::size_t before : {std::size_t{50}, std::size_t{80}, std::size_t{81}, kSealedChunk + 80, given.envelope.size() - 1}) {
    Dataset dataset = given.dataset();
    ASSERT_OK(dataset.put(0, ByteView(given.envelope).first(before)));
    dataset.set_key(random.secret(32));
    EXPECT_EQ(dataset.received(), before < crypto::kEnvelopeHeaderSize ? before : 0U) << before;
    EXPECT_ERROR(deliver(dataset, given.envelope, 1000), Code::binding, "opening dataset hospital");
    EXPECT_TRUE(nothing_there(dataset)) << before;
    dataset.set_key(given.key.clone());
    EXPECT_OK(deliver(dataset, given.envelope, 1000)) << before;
    EXPECT_TRUE(equal(dataset.view().rows, given.plaintext)) << before;
  }
}

TEST(Dataset, RepeatedBytesAreComparedWhileTheyAreHereAndNeverTakenTwice) {
  const Delivery given = delivery();
  Dataset dataset = given.dataset();
  const std::size_t some = crypto::kEnvelopeHeaderSize + kSealedChunk + 50;
  ASSERT_OK(dataset.put(0, ByteView(given.envelope).first(some)));
  Bytes other = to_bytes(ByteView(given.envelope).first(some));
  other[some - 1] ^= std::byte{1};
  EXPECT_ERROR(dataset.put(0, other), Code::binding, "other bytes");
  other = to_bytes(ByteView(given.envelope).first(some));
  other[200] ^= std::byte{1};  // of a chunk that was right, and is not here any more
  EXPECT_OK(dataset.put(0, other));
  EXPECT_EQ(dataset.received(), some);
  EXPECT_OK(dataset.put(0, given.envelope));
  ASSERT_OK(dataset.open());
  EXPECT_TRUE(equal(dataset.view().rows, given.plaintext));
}

TEST(Dataset, TakesNoBytesOutsideOfItsManifest) {
  const Delivery given = delivery();
  Dataset dataset = given.dataset();
  EXPECT_ERROR(dataset.put(1, ByteView(given.envelope).first(1)), Code::refused, "expected offset 0");
  Bytes longer = given.envelope;
  longer.push_back(std::byte{0});
  EXPECT_ERROR(dataset.put(0, longer), Code::refused, "beyond the");
  ASSERT_OK(dataset.put(0, given.envelope));
  EXPECT_ERROR(dataset.put(given.envelope.size(), ByteView(longer).first(1)), Code::refused, "beyond the");
  // A manifest that says another size than the envelope has.
  for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{79}, std::uint64_t{81}, static_cast<std::uint64_t>(given.envelope.size() - 1)}) {
    jobs::Manifest wrong = given.manifest;
    wrong.ciphertext_size = size;
    Dataset other(wrong, jobs::SignedDocument());
    other.set_key(given.key.clone());
    EXPECT_FALSE(deliver(other, ByteView(given.envelope).first(static_cast<std::size_t>(size)), 1000).ok()) << size;
    EXPECT_TRUE(nothing_there(other));
  }
}

}  // namespace
}  // namespace redoubt::cleanroom
