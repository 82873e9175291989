#include "common/jobs/cleanroom/carry_over.h"

namespace redoubt::jobs {
namespace {

json::Value write_head(const CarriedHead& carried) {
  return json::Object{{"instance", carried.instance.hex()},
                      {"root", carried.head.root.hex()},
                      {"size", std::to_string(carried.head.size)}};
}

Result<CarriedHead> read_head(const json::Value& value) {
  json::ObjectReader reader(value, "head");
  CarriedHead carried;
  carried.instance = reader.hex<InstanceId>("instance");
  carried.head.root = reader.hex<receipt::TreeHash>("root");
  carried.head.size = reader.counter("size");
  REDOUBT_CHECK(reader.finish());
  if (carried.head.size == 0) return Error(Code::malformed, "head: expected at least one entry");
  return carried;
}

Status check_distinct(const CarryOver& statement) {
  std::vector<InstanceId> seen{statement.instance};
  for (const CarriedHead& carried : statement.heads) {
    if (std::ranges::find(seen, carried.instance) != seen.end()) {
      return Error(Code::malformed, "carry-over: instance " + carried.instance.hex() + " occurs twice");
    }
    seen.push_back(carried.instance);
  }
  return {};
}

}  // namespace

std::string CarryOver::canonical() const {
  json::Array items;
  for (const CarriedHead& carried : heads) items.push_back(write_head(carried));
  return json::canonical(json::Object{{"contract", contract.hex()},
                                      {"heads", std::move(items)},
                                      {"instance", instance.hex()},
                                      {"type", kCarryOverType}});
}

Result<CarryOver> CarryOver::parse(std::string_view text) {
  REDOUBT_TRY(const json::Value value, json::parse_signed(text, {.max_bytes = kMaxBytes, .max_depth = 3}).context("carry-over"));
  json::ObjectReader reader(value, "carry-over");
  CarryOver statement;
  reader.expect("type", kCarryOverType);
  statement.contract = reader.hex<ContractDigest>("contract");
  statement.instance = reader.hex<InstanceId>("instance");
  const json::Array& heads = reader.array("heads", kMaxLogs);
  REDOUBT_CHECK(reader.finish());
  if (heads.empty()) return Error(Code::malformed, "carry-over: expected at least one head");
  for (const json::Value& item : heads) {
    REDOUBT_TRY(const CarriedHead carried, read_head(item).context("carry-over"));
    statement.heads.push_back(carried);
  }
  REDOUBT_CHECK(check_distinct(statement));
  return statement;
}

crypto::Sha256Digest CarryOver::digest() const { return crypto::sha256(Fields(kCarryOverType).text(canonical()).view()); }

const CarriedHead* CarryOver::find(const InstanceId& old) const {
  const auto found = std::ranges::find(heads, old, &CarriedHead::instance);
  return found == heads.end() ? nullptr : &*found;
}

Status check_carry_over(const CarryOver& expected, const CarryOver& statement) {
  const auto differs = [](Code code, std::string_view what, const std::string& wanted, const std::string& found) {
    return Error(code, "carry-over: expected " + std::string(what) + " " + wanted + ", found " + found);
  };
  if (statement.contract != expected.contract) {
    return differs(Code::binding, "contract", expected.contract.hex(), statement.contract.hex());
  }
  if (statement.instance != expected.instance) {
    return differs(Code::binding, "instance", expected.instance.hex(), statement.instance.hex());
  }
  if (statement.heads.size() != expected.heads.size()) {
    return differs(Code::log_proof, "a number of old logs", std::to_string(expected.heads.size()), std::to_string(statement.heads.size()));
  }
  for (std::size_t i = 0; i < expected.heads.size(); ++i) {
    const CarriedHead& left = expected.heads[i];
    const CarriedHead& right = statement.heads[i];
    if (left.instance != right.instance) return differs(Code::binding, "old instance", left.instance.hex(), right.instance.hex());
    if (left.head.size != right.head.size) {
      return differs(Code::log_proof, "a size of the log of " + left.instance.hex(), std::to_string(left.head.size),
                     std::to_string(right.head.size));
    }
    if (left.head.root != right.head.root) {
      return differs(Code::log_proof, "root of the log of " + left.instance.hex(), left.head.root.hex(), right.head.root.hex());
    }
  }
  return {};
}

}  // namespace redoubt::jobs
