#include "enclave/runtime/sealed_start.h"

namespace redoubt::runtime {
namespace {

constexpr std::size_t kMaxReason = 300;

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
  // A platform that will not seal has said so before anything was kept, or right after: there is no state then, and none is promised.
  if (!journal.ok() && journal.error().code() == Code::refused) return unsealed_start(random, journal.error().message());
  if (!journal.ok()) return journal.error();
  return SealedStart{std::move(keys), {}, std::move(*journal), "sealed; a new instance: " + std::string(why.substr(0, kMaxReason))};
}

bool refuses_state(const Error& error) {
  switch (error.code()) {
    case Code::malformed:
    case Code::measurement:
    case Code::freshness:
    case Code::binding:
    case Code::chain:
    case Code::log_proof: return true;
    default: return false;
  }
}

Result<SealedStart> sealed_start(const seal::Journal::Options& options, seal::Sealer& sealer, crypto::Random& random) {
  std::error_code error;
  if (std::filesystem::exists(options.folder / seal::Journal::kAnewFile, error)) return sealed_start_anew(options, sealer, random, "its operator asked for one");
  auto resumed = seal::Journal::resume(options, sealer, random);
  if (resumed.ok() && !*resumed) return sealed_start_anew(options, sealer, random, "there was no state");
  auto start = resumed.ok() ? go_on(std::move(**resumed)) : Result<SealedStart>(resumed.error());
  if (start.ok() || !refuses_state(start.error())) return start;
  return sealed_start_anew(options, sealer, random, start.error().message());
}

}  // namespace redoubt::runtime
