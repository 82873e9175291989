#include "enclave/runtime/sealed_start.h"

namespace redoubt::runtime {
namespace {

constexpr std::size_t kMaxReason = 300;

// may_pass: it says nothing about the state, and must not cost the instance.
bool may_pass(const Error& error) { return error.code() == Code::unavailable || error.code() == Code::internal; }

Result<SealedStart> go_on(seal::Journal::Resumed resumed) {
  REDOUBT_TRY(InstanceKeys keys, InstanceKeys::decode(resumed.records.at(0).reveal()).context("sealed state"));
  if (keys.instance != resumed.instance) {
    return Error(Code::binding, "sealed state: expected instance " + resumed.instance.hex() + ", found " + keys.instance.hex());
  }
  resumed.records.erase(resumed.records.begin());
  SealedStart out{std::move(keys), std::move(resumed.records), std::move(resumed.journal), ""};
  out.statement = "sealed; goes on from epoch " + std::to_string(out.journal->epoch() - 1);
  if (resumed.dropped > 0) out.statement += ", without " + std::to_string(resumed.dropped) + " bytes that were never acknowledged";
  return out;
}

}  // namespace

Result<SealedStart> unsealed_start(crypto::Random& random, std::string_view why) {
  REDOUBT_TRY(InstanceKeys keys, InstanceKeys::generate(random));
  return SealedStart{std::move(keys), {}, nullptr, "not sealed: " + std::string(why.substr(0, kMaxReason))};
}

Result<SealedStart> sealed_start_anew(const seal::Journal::Options& options, seal::Sealer& sealer, crypto::Random& random, std::string_view why) {
  REDOUBT_TRY(InstanceKeys keys, InstanceKeys::generate(random));
  const SecretBytes first = keys.encode();
  auto journal = seal::Journal::create(options, keys.instance, sealer, random, first.reveal());
  if (!journal.ok() && may_pass(journal.error())) return journal.error();
  if (!journal.ok()) return unsealed_start(random, journal.error().message());
  return SealedStart{std::move(keys), {}, std::move(*journal), "sealed; a new instance: " + std::string(why.substr(0, kMaxReason))};
}

Result<SealedStart> sealed_start(const seal::Journal::Options& options, seal::Sealer& sealer, crypto::Random& random) {
  auto resumed = seal::Journal::resume(options, sealer, random);
  if (resumed.ok()) {
    auto start = go_on(std::move(*resumed));
    if (start.ok()) return start;
    return sealed_start_anew(options, sealer, random, start.error().message());
  }
  const Error& error = resumed.error();
  if (may_pass(error)) return error;
  return sealed_start_anew(options, sealer, random, error.code() == Code::not_found ? "there was no state" : error.message());
}

}  // namespace redoubt::runtime
