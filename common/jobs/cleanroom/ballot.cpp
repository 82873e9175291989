#include "common/jobs/cleanroom/ballot.h"

namespace redoubt::jobs {
namespace {

constexpr std::size_t kMaxManifests = 64;
constexpr std::size_t kMaxRuleSet = 64;
constexpr std::string_view kApprove = "approve";
constexpr std::string_view kReject = "reject";

json::Value write_terms(const Terms& terms) {
  json::Array manifests;
  for (const ManifestDigest& digest : terms.manifests) manifests.emplace_back(digest.hex());
  json::Array recipients;
  for (const std::string& name : terms.recipients) recipients.emplace_back(name);
  const Noise noise = terms.noise.value_or(Noise{{}, 0, 0});
  return json::Object{{"contract", terms.contract.hex()},   {"delta", noise.loss.delta},
                      {"epsilon", noise.loss.epsilon},      {"groups_per_unit", noise.groups},
                      {"instance", terms.instance.hex()},   {"k", terms.k},
                      {"level", name_of(terms.level)},      {"manifests", std::move(manifests)},
                      {"program", terms.program.hex()},     {"query", terms.query.hex()},
                      {"recipients", std::move(recipients)}, {"rows_per_unit", noise.rows},
                      {"rule_set", terms.rule_set}};
}

// settle_noise: all four members say something at differential_privacy, and none of them at another level.
Status settle_noise(Noise noise, Terms& terms) {
  if (terms.level != PrivacyLevel::differential_privacy) {
    if (noise == Noise{{}, 0, 0}) return {};
    return Error(Code::malformed, "terms: epsilon, delta, groups and rows of a unit are for level differential_privacy");
  }
  REDOUBT_CHECK(noise.loss.check().context("terms"));
  if (noise.groups == 0 || noise.rows == 0) return Error(Code::malformed, "terms: expected 1 to 8 groups and 1 to 50 rows of a unit");
  terms.noise = std::move(noise);
  return {};
}

template <class Items>
Status check_sorted(const Items& items, std::string_view what) {
  if (std::ranges::adjacent_find(items, std::ranges::greater_equal()) == items.end()) return {};
  return Error(Code::malformed, "terms: " + std::string(what) + " must be sorted, each once");
}

Result<Terms> read_terms(const json::Value& value) {
  json::ObjectReader reader(value, "terms");
  Terms terms;
  terms.contract = reader.hex<ContractDigest>("contract");
  terms.instance = reader.hex<InstanceId>("instance");
  terms.query = reader.hex<QueryDigest>("query");
  const std::string level = reader.string("level");
  terms.k = static_cast<int>(reader.integer("k", 2, 1000));
  terms.program = reader.hex<appraise::ProgramDigest>("program");
  terms.rule_set = reader.nonempty("rule_set", kMaxRuleSet);
  Noise noise;
  noise.loss.delta = reader.string("delta");
  noise.loss.epsilon = reader.string("epsilon");
  noise.groups = static_cast<int>(reader.integer("groups_per_unit", 0, Noise::kMaxGroups));
  noise.rows = static_cast<int>(reader.integer("rows_per_unit", 0, Noise::kMaxRows));
  const json::Array& manifests = reader.array("manifests", kMaxManifests);
  const json::Array& recipients = reader.array("recipients", Contract::kMaxParticipants);
  REDOUBT_CHECK(reader.finish());
  REDOUBT_TRY(terms.level, parse_privacy_level(level));
  REDOUBT_CHECK(settle_noise(std::move(noise), terms));
  for (const json::Value& item : manifests) {
    if (item.string() == nullptr) return Error(Code::malformed, "terms: expected manifest digests in hexadecimal");
    REDOUBT_TRY(const auto digest, ManifestDigest::from_hex(*item.string(), "manifest"));
    terms.manifests.push_back(digest);
  }
  REDOUBT_TRY(terms.recipients, json::strings(json::Value(recipients), "recipients", Contract::kMaxParticipants));
  for (const std::string& name : terms.recipients) REDOUBT_CHECK(check_name(name, "recipient"));
  REDOUBT_CHECK(check_sorted(terms.manifests, "manifests"));
  REDOUBT_CHECK(check_sorted(terms.recipients, "recipients"));
  if (terms.recipients.empty()) return Error(Code::malformed, "terms: expected at least one recipient");
  return terms;
}

Status differs(std::string_view field, const std::string& expected, const std::string& found) {
  if (expected == found) return {};
  return Error(Code::binding, "terms differ in " + std::string(field) + ": expected " + expected + ", found " + found);
}

}  // namespace

QueryDigest query_digest(std::string_view sql) { return crypto::digest_of<QueryDigest>("redoubt/query/1", as_bytes(sql)); }

Bytes inputs_statement(const std::vector<ManifestDigest>& manifests) {
  Fields inputs("redoubt/inputs/1");
  for (const ManifestDigest& manifest : manifests) inputs.field(manifest.view());
  return to_bytes(inputs.view());
}

Bytes parameters_statement(PrivacyLevel level, int k, const std::optional<Noise>& noise) {
  Fields fields("redoubt/parameters/1");
  fields.text(name_of(level)).number(static_cast<std::uint64_t>(k));
  if (noise) {
    fields.text(noise->loss.epsilon).text(noise->loss.delta);
    fields.number(static_cast<std::uint64_t>(noise->groups)).number(static_cast<std::uint64_t>(noise->rows));
  }
  return to_bytes(fields.view());
}

std::string Proposal::canonical() const {
  return json::canonical(json::Object{{"expires", expires.text()},
                                      {"nonce", nonce.hex()},
                                      {"proposer", proposer},
                                      {"sql", sql},
                                      {"terms", write_terms(terms)},
                                      {"type", kProposalType}});
}

Result<Proposal> Proposal::parse(std::string_view text) {
  REDOUBT_TRY(const json::Value value, json::parse_signed(text, {.max_bytes = kMaxBytes, .max_depth = 4}).context("proposal"));
  json::ObjectReader reader(value, "proposal");
  Proposal proposal;
  reader.expect("type", kProposalType);
  const std::string expires = reader.string("expires");
  proposal.nonce = reader.hex<BallotNonce>("nonce");
  proposal.proposer = reader.string("proposer");
  proposal.sql = reader.nonempty("sql", kMaxSql);
  const json::Value& terms = reader.object("terms");
  REDOUBT_CHECK(reader.finish());
  REDOUBT_CHECK(check_name(proposal.proposer, "proposer"));
  REDOUBT_TRY(proposal.expires, Instant::parse(expires));
  REDOUBT_TRY(proposal.terms, read_terms(terms).context("proposal"));
  if (proposal.terms.query != query_digest(proposal.sql)) {
    return Error(Code::binding, "proposal: its terms hold the digest of another query text");
  }
  return proposal;
}

ProposalDigest Proposal::digest() const { return crypto::digest_of<ProposalDigest>(kProposalType, as_bytes(canonical())); }

std::string Ballot::canonical() const {
  json::Object out{{"decision", decision == Decision::approve ? kApprove : kReject},
                   {"expires", expires.text()},
                   {"expires_at_size", std::to_string(expires_at_size)},
                   {"head", json::Object{{"root", head.root.hex()}, {"size", std::to_string(head.size)}}},
                   {"nonce", nonce.hex()},
                   {"proposal", proposal.hex()},
                   {"terms", write_terms(terms)},
                   {"type", kBallotType},
                   {"voter", voter}};
  if (renews) out.emplace("renews", renews->hex());
  return json::canonical(json::Value(std::move(out)));
}

Result<Ballot> Ballot::parse(std::string_view text) {
  REDOUBT_TRY(const json::Value value, json::parse_signed(text, {.max_bytes = kMaxBytes, .max_depth = 4}).context("ballot"));
  json::ObjectReader reader(value, "ballot");
  Ballot ballot;
  reader.expect("type", kBallotType);
  const std::string decision = reader.string("decision");
  const std::string expires = reader.string("expires");
  ballot.expires_at_size = reader.counter("expires_at_size");
  const json::Value& head = reader.object("head");
  ballot.nonce = reader.hex<BallotNonce>("nonce");
  ballot.proposal = reader.hex<ProposalDigest>("proposal");
  const json::Value& terms = reader.object("terms");
  ballot.voter = reader.string("voter");
  if (reader.has("renews")) ballot.renews = reader.hex<receipt::ApprovalDigest>("renews");
  REDOUBT_CHECK(reader.finish());
  if (decision != kApprove && decision != kReject) {
    return Error(Code::malformed, "ballot: expected decision \"approve\" or \"reject\", found \"" + decision + "\"");
  }
  ballot.decision = decision == kApprove ? Decision::approve : Decision::reject;
  REDOUBT_CHECK(check_name(ballot.voter, "voter"));
  REDOUBT_TRY(ballot.expires, Instant::parse(expires));
  REDOUBT_TRY(ballot.terms, read_terms(terms).context("ballot"));
  json::ObjectReader head_reader(head, "head");
  ballot.head.root = head_reader.hex<receipt::TreeHash>("root");
  ballot.head.size = head_reader.counter("size");
  REDOUBT_CHECK(head_reader.finish().context("ballot"));
  return ballot;
}

bool renews(const Ballot& later, const Ballot& earlier, const receipt::ApprovalDigest& earlier_digest) {
  return later.renews == earlier_digest && later.voter == earlier.voter && later.proposal == earlier.proposal && earlier.decision == Decision::approve;
}

Status check_terms(const Terms& expected, const Terms& found) {
  const json::Value left = write_terms(expected);
  const json::Value right = write_terms(found);
  for (const auto& [name, value] : *left.object()) {
    REDOUBT_CHECK(differs(name, json::canonical(value), json::canonical(right.object()->at(name))));
  }
  return {};
}

}  // namespace redoubt::jobs
