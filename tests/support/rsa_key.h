// RSA key pairs for tests. Making one takes longer than most tests: a build tree keeps those that its tests have made (in
// test_keys beside the programs), and a test program takes them in order, so that no two of its keys are the same.
#pragma once

struct evp_pkey_st;

namespace redoubt::test {

// rsa_key gives the next key pair of this length, a new one where the tree has none; the caller owns it (EVP_PKEY_free). Ends
// the test program when none can be made. Safe to call from several threads and programs at once.
evp_pkey_st* rsa_key(unsigned bits);

}  // namespace redoubt::test
