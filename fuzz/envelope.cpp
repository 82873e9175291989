// Arbitrary bytes as a file: the whole form and the stream agree, and nothing but our own file opens. Then the same bytes as
// a recipe: a sealed file, edited as they say, opens only if the edits cancelled out.
#include <algorithm>
#include <cstdlib>

#include "common/base/reader.h"
#include "common/crypto/digest.h"
#include "common/crypto/envelope.h"

namespace {

using namespace redoubt;
using namespace redoubt::crypto;

const EnvelopeSubject kSubject{"dataset/diagnoses", 3};

SecretBytes object_key() { return SecretBytes::copy_of(Bytes(32, std::byte{1})); }

Result<Bytes> open_stream(ByteView file, std::size_t piece) {
  Bytes out;
  const ChunkSink sink = [&](ByteView chunk) -> Status {
    append(out, chunk);
    return {};
  };
  REDOUBT_TRY(EnvelopeOpener opener, EnvelopeOpener::create(object_key(), kSubject));
  for (std::size_t at = 0; at < file.size(); at += piece) {
    REDOUBT_CHECK(opener.feed(file.subspan(at, std::min(piece, file.size() - at)), sink));
  }
  REDOUBT_CHECK(opener.finish(sink));
  return out;
}

// A salt that is the same in every run.
class FixedRandom final : public Random {
 public:
  void fill(std::span<std::byte> out) override { std::ranges::fill(out, std::byte{9}); }
};

void edit(Bytes& file, Reader& recipe) {
  const std::size_t unit = kEnvelopeMinChunk + kEnvelopeChunkOverhead;
  switch (recipe.u8() % 4) {
    case 0:
      if (!file.empty()) file[recipe.u16be() % file.size()] ^= static_cast<std::byte>(recipe.u8());
      break;
    case 1:
      file.resize(recipe.u16be() % (file.size() + 1));
      break;
    case 2: {  // one chunk over another
      const std::size_t from = kEnvelopeHeaderSize + recipe.u8() % 3 * unit;
      const std::size_t to = kEnvelopeHeaderSize + recipe.u8() % 3 * unit;
      const std::size_t end = std::max(from, to) + unit;
      if (end <= file.size()) std::copy_n(file.begin() + static_cast<std::ptrdiff_t>(from), unit,
                                          file.begin() + static_cast<std::ptrdiff_t>(to));
      break;
    }
    default:
      append(file, to_bytes(recipe.bytes(recipe.u8())));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input = std::as_bytes(std::span(data, size));
  const auto whole = open_envelope(object_key(), kSubject, input);
  const auto stream = open_stream(input, 1 + size / 3);
  if (whole.ok() != stream.ok() || (whole.ok() && *whole != *stream)) std::abort();

  static const Bytes kFile = [] {
    FixedRandom random;
    return seal_envelope(object_key(), kSubject, Bytes(2 * kEnvelopeMinChunk + 100), random, kEnvelopeMinChunk).value();
  }();
  Bytes file = kFile;
  Reader recipe(input, "recipe");
  for (int i = 0; i < 4 && recipe.ok() && recipe.remaining() > 0; ++i) edit(file, recipe);
  if (open_envelope(object_key(), kSubject, file).ok() != (file == kFile)) std::abort();
  return 0;
}
