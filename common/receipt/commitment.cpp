#include "common/receipt/commitment.h"

#include "common/base/writer.h"
#include "common/crypto/digest.h"

namespace redoubt::receipt {

Result<Salt> Salt::from(ByteView bytes) {
  if (bytes.size() != kSize) {
    return Error(Code::malformed, "salt: expected 32 bytes, found " + std::to_string(bytes.size()));
  }
  return Salt(SecretBytes::copy_of(bytes));
}

Salt Salt::leaf(std::string_view label, std::uint64_t index) const {
  const SecretBytes key = crypto::hkdf_extract(as_bytes("redoubt/salt/1"), bytes_.reveal());
  return Salt(crypto::hkdf_expand(key.reveal(), Fields("redoubt/leaf-salt/1").text(label).number(index).view(), kSize));
}

Commitment commit(std::string_view label, const Salt& salt, ByteView value) {
  // Hashed in pieces: a value may be a whole result, which need not be copied.
  Fields start("redoubt/commitment/1");
  start.text(label).field(salt.reveal());
  Writer size;
  size.u32be(static_cast<std::uint32_t>(value.size()));
  if (value.size() > 0xffffffffU) std::abort();
  return Commitment(crypto::Sha256().update(start.view()).update(size.view()).update(value).finish().array());
}

Status check_opening(const Commitment& commitment, const Opening& opening) {
  const Commitment found = commit(opening.label, opening.salt, opening.value);
  if (found == commitment) return {};
  return Error(Code::binding, "opening of \"" + opening.label + "\": expected " + commitment.hex() + ", found " + found.hex());
}

}  // namespace redoubt::receipt
