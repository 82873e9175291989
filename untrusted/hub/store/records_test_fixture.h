// Records: a test over one small hub's records, on each kind of database. For tests.
#pragma once

#include <gtest/gtest.h>

#include "untrusted/hub/store/backend_test_support.h"
#include "untrusted/hub/store/environments.h"
#include "untrusted/hub/store/queries.h"

namespace redoubt::hub {

template <class F>
F filled(int fill) {
  F out;
  out.array().fill(static_cast<std::byte>(fill));
  return out;
}

class Records : public BackendTest {
 protected:
  template <class F>
  auto write(F&& function) {
    return store->write("test", std::forward<F>(function));
  }
  void SetUp() override {
    BackendTest::SetUp();
    if (IsSkipped()) return;
    store = OrDie(Store::open(location(), kNow));
    EXPECT_OK(write([&](Transaction& t) -> Status {
      REDOUBT_CHECK(add_environment(t, {"env", "the contract", filled<ContractDigest>(1), EnvironmentState::active, kNow},
                                    {{"bob", filled<crypto::Ed25519PublicKey>(3)}, {"alice", filled<crypto::Ed25519PublicKey>(2)}}));
      return add_instance(t, instance);
    }));
  }

  std::unique_ptr<Store> store;
  Instance instance{filled<InstanceId>(4), "env", filled<BootId>(5), "the claims", InstanceState::running, kNow};
  Query query{"q1", "env", "alice", "SELECT \xc3\xa4", filled<crypto::Sha256Digest>(6), "a proposal", QueryState::proposed, "", kNow, kNow};
};

}  // namespace redoubt::hub
