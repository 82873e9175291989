#include "client/corpus/corpus_file.h"

#include <map>

#include "common/base/json.h"
#include "common/jobs/cleanroom/ballot.h"

namespace redoubt::corpus {
namespace {

constexpr std::size_t kMaxId = 128;
constexpr std::size_t kMaxAfter = 64;
constexpr std::int64_t kMaxK = 1000;

const json::Value* member(const json::Value& value, std::string_view name) {
  if (value.object() == nullptr) return nullptr;
  const auto found = value.object()->find(name);
  return found == value.object()->end() || found->second.is_null() ? nullptr : &found->second;
}

// text_of: a member that is text; a problem is noted once.
std::string text_of(const json::Value& item, std::string_view name, std::string& problem) {
  const json::Value* value = member(item, name);
  if (value != nullptr && value->string() != nullptr) return *value->string();
  if (problem.empty()) problem = "expected \"" + std::string(name) + "\" as text";
  return {};
}

Expect expect_of(const json::Value& item, std::string& problem) {
  const json::Value* value = member(item, "expect");
  if (value == nullptr) return Expect::none;
  const std::string text = value->string() == nullptr ? "" : *value->string();
  if (text == "reject") return Expect::reject;
  if (text == "allow") return Expect::allow;
  if (text == "allow_suppressed") return Expect::allow_suppressed;
  if (problem.empty()) problem = "expect: expected reject, allow or allow_suppressed";
  return Expect::none;
}

// k_of: `otherwise` where there is none. One that cannot be read is a problem: the entry would be asked under another k than its label is for.
int k_of(const json::Value* value, int otherwise, std::string& problem) {
  if (value == nullptr) return otherwise;
  if (value->integer() != nullptr && *value->integer() >= 2 && *value->integer() <= kMaxK) return static_cast<int>(*value->integer());
  if (problem.empty()) problem = "k: expected a whole number from 2 to " + std::to_string(kMaxK);
  return otherwise;
}

std::optional<std::uint64_t> rows_of(const json::Value* value, std::string& problem) {
  if (value == nullptr) return std::nullopt;
  if (value->integer() != nullptr && *value->integer() >= 0) return static_cast<std::uint64_t>(*value->integer());
  if (problem.empty()) problem = "released_rows: expected a whole number";
  return std::nullopt;
}

// Defaults: what stands for a member that an entry has not.
struct Defaults {
  int k = 10;
  std::string problem;  // of every entry that needs them
};

Defaults read_defaults(const json::Value& corpus, int k) {
  Defaults out{k, ""};
  const json::Value* const defaults = member(corpus, "defaults");
  if (defaults == nullptr) return out;
  if (defaults->object() == nullptr) out.problem = "expected an object";
  out.k = k_of(member(*defaults, "k"), k, out.problem);
  if (!out.problem.empty()) out.problem = "defaults: " + out.problem;
  return out;
}

// read_after: ids, for whoever knows all entries.
std::vector<std::string> read_after(const json::Value& item, std::string& problem) {
  const json::Value* value = member(item, "after");
  if (value == nullptr) return {};
  auto ids = json::strings(*value, "after", kMaxAfter);
  if (ids.ok()) return std::move(*ids);
  if (problem.empty()) problem = "after: expected a list of at most " + std::to_string(kMaxAfter) + " ids";
  return {};
}

Entry read_entry(const json::Value& item, std::size_t number, const Defaults& defaults, std::vector<std::string>& after) {
  Entry entry;
  entry.id = "#" + std::to_string(number);
  entry.k = defaults.k;
  if (item.object() == nullptr) {
    entry.problem = "expected an object";
    return entry;
  }
  const json::Value* const id = member(item, "id");
  if (id != nullptr && id->string() != nullptr && !id->string()->empty() && id->string()->size() <= kMaxId) {
    entry.id = *id->string();
  } else if (id != nullptr && id->integer() != nullptr) {
    entry.id = std::to_string(*id->integer());
  } else {
    entry.problem = "expected \"id\" as text of 1 to " + std::to_string(kMaxId) + " bytes";
  }
  entry.expect = expect_of(item, entry.problem);
  entry.sql = text_of(item, "sql", entry.problem);
  if (entry.problem.empty() && (entry.sql.empty() || entry.sql.size() > jobs::Proposal::kMaxSql)) {
    entry.problem = "sql: expected 1 to " + std::to_string(jobs::Proposal::kMaxSql) + " bytes, found " + std::to_string(entry.sql.size());
  }
  entry.level = text_of(item, "privacy_level", entry.problem);
  entry.k = k_of(member(item, "k"), defaults.k, entry.problem);
  if (member(item, "k") == nullptr && entry.problem.empty()) entry.problem = defaults.problem;
  after = read_after(item, entry.problem);
  entry.released_rows = rows_of(member(item, "released_rows"), entry.problem);
  return entry;
}

}  // namespace

Result<Corpus> read_corpus(std::string_view text, int k) {
  REDOUBT_TRY(const json::Value value, json::parse(text, {.max_bytes = kMaxCorpus, .max_depth = 32}).context("corpus"));
  const json::Value* queries = value.array() != nullptr ? &value : member(value, "queries");
  if (queries == nullptr || queries->array() == nullptr) return Error(Code::malformed, "corpus: expected {\"queries\": [...]}");
  const json::Array& items = *queries->array();
  if (items.size() > kMaxEntries) {
    return Error(Code::malformed, "corpus: expected at most " + std::to_string(kMaxEntries) + " queries, found " + std::to_string(items.size()));
  }
  const Defaults defaults = read_defaults(value, k);
  Corpus corpus;
  std::map<std::string, std::size_t> places;
  std::vector<std::vector<std::string>> after(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    Entry& entry = corpus.entries.emplace_back(read_entry(items[i], i + 1, defaults, after[i]));
    if (!places.emplace(entry.id, i).second && entry.problem.empty()) entry.problem = "an earlier entry has the same id";
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    Entry& entry = corpus.entries[i];
    for (const std::string& id : after[i]) {
      const auto found = places.find(id);
      const bool known = found != places.end() && found->second != i && corpus.entries[found->second].problem.empty();
      if (known) {
        entry.after.push_back(found->second);
      } else if (entry.problem.empty()) {
        entry.problem = "after: no entry \"" + id.substr(0, kMaxId) + "\" that can be run";
      }
    }
  }
  return corpus;
}

}  // namespace redoubt::corpus
