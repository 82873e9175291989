// Attested sessions against plain TLS 1.3, P-256 throughout, one core, in memory, both ends in this process.
//
// Times are processor time of this thread, so that other load does not count; the quote's is wall time. Prints: plain handshakes a second; attested sessions a second with the EK chain remembered and not, without the time that the TPM
// takes for its quote, which is printed apart (a software TPM here; hardware TPMs take 100 to 500 ms); and the ratios. The
// Evidence is from a real software TPM and verified by the production appraiser.
#include <time.h>

#include <cstdio>

#include "tests/support/attested_program.h"

namespace {

using namespace redoubt;
using WallClock = std::chrono::steady_clock;

struct Clock {
  using duration = std::chrono::nanoseconds;
  static duration now() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  }
};

constexpr int kRounds = 5;
constexpr int kSessions = 200;

// Times its inner source.
class TimedSource final : public ratls::EvidenceSource {
 public:
  explicit TimedSource(ratls::EvidenceSource& inner) : inner_(inner) {}
  Result<appraise::Evidence> collect(ByteView statement) override {
    const auto start = Clock::now();
    const auto wall_start = WallClock::now();
    auto evidence = inner_.collect(statement);
    wall += WallClock::now() - wall_start;
    spent += Clock::now() - start;
    return evidence;
  }
  Clock::duration spent{};
  WallClock::duration wall{};

 private:
  ratls::EvidenceSource& inner_;
};

double microseconds(std::chrono::nanoseconds time, int count) {
  return std::chrono::duration<double, std::micro>(time).count() / count;
}

net::TlsPair handshake(const net::TlsContext& client, const net::TlsContext& server) {
  auto pair = OrDie(net::TlsPair::make(client, server));
  if (!pair.handshake().ok()) std::abort();
  return pair;
}

void session(test::AttestedProgram& program, ratls::AttesterSession::Instance& instance, const net::TlsContext& client,
             const ratls::RelyingPartySession::Context& context) {
  net::TlsPair pair = handshake(client, program.server_context);
  ratls::AttesterSession attester(instance, "bench");
  ratls::RelyingPartySession party(context);
  if (!attester.begin(test::channel_of(pair.server)).ok()) std::abort();
  const Bytes hello = OrDie(party.begin(test::channel_of(pair.client)));
  const auto evidence = OrDie(attester.receive(test::carry(pair, pair.client, pair.server, hello)));
  const auto proof = OrDie(party.receive(test::carry(pair, pair.server, pair.client, evidence.send)));
  const auto accepted = OrDie(attester.receive(test::carry(pair, pair.client, pair.server, proof.send)));
  const auto end = OrDie(party.receive(test::carry(pair, pair.server, pair.client, accepted.send)));
  if (!end.done) std::abort();
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

}  // namespace

int main() {
  test::AttestedProgram program{ContractDigest()};
  const auto client = OrDie(net::TlsContext::client(net::TrustExchange{}, {std::string(net::kAlpnExchange)}));
  const appraise::Policy policy = program.policy();
  const appraise::Endorsements endorsements = program.endorsements();
  const appraise::Appraiser remembering(policy, endorsements);
  TimedSource timed(*program.platform);
  ratls::AttesterSession::Instance instance{program.identity.claims, timed, program.challenges, program.quotes,
                                            program.instance.roster, test::system_now};
  const auto context = [&](ratls::Appraise appraise) {
    return ratls::RelyingPartySession::Context{std::move(appraise), ContractDigest(), program.participant, program.random, test::system_now};
  };
  const auto warm = context([&](const auto& evidence, const auto& challenge, Instant now) { return remembering.appraise(evidence, challenge, now); });
  const auto cold = context([&](const auto& evidence, const auto& challenge, Instant now) {
    return appraise::appraise(evidence, endorsements, challenge, policy, now);
  });

  std::vector<double> plain_us, warm_us, cold_us, quote_us;
  for (int round = 0; round < kRounds; ++round) {
    auto start = Clock::now();
    for (int i = 0; i < kSessions; ++i) (void)handshake(client, program.server_context);
    plain_us.push_back(microseconds(Clock::now() - start, kSessions));
    for (const bool is_warm : {true, false}) {
      timed.spent = {};
      timed.wall = {};
      start = Clock::now();
      for (int i = 0; i < kSessions; ++i) session(program, instance, client, is_warm ? warm : cold);
      (is_warm ? warm_us : cold_us).push_back(microseconds(Clock::now() - start - timed.spent, kSessions));
      quote_us.push_back(microseconds(timed.wall, kSessions));
    }
  }
  const double plain = median(plain_us);
  const double with_chain = median(warm_us);
  const double without = median(cold_us);
  std::printf("%-44s %10.1f us %10.0f /s\n", "plain TLS 1.3 handshake, P-256", plain, 1e6 / plain);
  std::printf("%-44s %10.1f us %10.0f /s\n", "attested session, EK chain remembered", with_chain, 1e6 / with_chain);
  std::printf("%-44s %10.1f us %10.0f /s\n", "attested session, EK chain verified anew", without, 1e6 / without);
  std::printf("%-44s %10.1f us\n", "quote of the software TPM, timed apart", median(quote_us));
  std::printf("ratio: verification and exchange to plain, chain remembered   %.2f\n", (with_chain - plain) / plain);
  std::printf("ratio: attested session to plain, chain remembered            %.2f\n", with_chain / plain);
  std::printf("ratio: attested session to plain, chain verified anew         %.2f\n", without / plain);
  return 0;
}
