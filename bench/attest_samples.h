// Samples of bench_attest: Evidence that appraise() accepts, with what it costs bare. Private to bench/.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "bench/bare.h"
#include "common/attest/appraise/appraisal.h"

namespace redoubt::bench {

struct Sample {
  std::string name;
  std::string signatures;        // those that must be verified, for people
  bool known = false;            // proof objects of earlier appraisals are given
  Bare bare;                     // the same signatures, as a C program would verify them
  appraise::Evidence evidence;
  appraise::Endorsements endorsements;
  appraise::Challenge challenge;
  std::shared_ptr<const appraise::PreparedPolicy> policy;  // prepared once, as a Relying Party does
  Instant now;

  Result<appraise::Appraisal> appraise() const { return appraise::appraise_prepared(evidence, endorsements, challenge, *policy, now); }
};

// samples: every row, made anew; ends the program when one cannot be made.
std::vector<Sample> samples();

struct Parse {
  std::string name;
  std::size_t size;
  std::function<bool()> call;
};
std::vector<Parse> parses();

}  // namespace redoubt::bench
