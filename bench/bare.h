// Bare: the yardstick of bench_attest: the signatures of a row, verified as a C program would that is written with care.
//
// The same messages, keys and signatures as in the row; EVP_DigestVerify with one context for all of them, signatures in DER,
// digests included. signatures() has every key parsed before; with_keys() also parses those that arrive with the row's Evidence
// and Endorsements (d2i_PUBKEY, once each), as a program must that sees them for the first time. Private to bench/.
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <vector>

#include "common/attest/endorse/intel/collateral.h"
#include "common/crypto/public_key.h"

namespace redoubt::bench {

class Bare {
 public:
  enum class Key { known, arrives };

  // add: `signature` in DER.
  void add(Key key, ByteView spki, crypto::HashKind hash, ByteView message, ByteView signature);
  // add_raw: r and s, big-endian, of equal length.
  void add_raw(Key key, ByteView spki, crypto::HashKind hash, ByteView message, ByteView signature);
  // add_chain: the signature of each certificate but the last, under the next one's key; `known` counts from the end.
  void add_chain(std::span<const Bytes> der, std::size_t known = 0);
  void add_crl(Key key, ByteView spki, ByteView der);

  bool signatures() const { return verify(false); }
  bool with_keys() const { return verify(true); }
  std::size_t size() const { return signatures_.size(); }

 private:
  struct PublicKey {
    Bytes spki;
    Key key;
    std::shared_ptr<EVP_PKEY> parsed;
  };
  struct Signature {
    std::size_t key;
    const EVP_MD* digest;
    Bytes message, signature;
  };
  bool verify(bool parse) const;

  std::vector<PublicKey> keys_;
  std::vector<Signature> signatures_;
};

}  // namespace redoubt::bench
