// corpus_file: a corpus of labelled queries, as JSON {"queries": [{id, category, privacy_level, sql, expect, why, after, released_rows}, ...]}.
//
// Corpora come from anybody and grow: members that are not known here are left alone, and an entry that cannot be run, or whose label or k
// cannot be read, says why and stands beside the others. Only a text that is no corpus at all is an Error. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace redoubt::corpus {

inline constexpr std::size_t kMaxCorpus = 32U << 20;  // bytes
inline constexpr std::size_t kMaxEntries = 20'000;

// Expect: what the label says. none: the entry has no label, and is run all the same.
enum class Expect { none, reject, allow, allow_suppressed };

struct Entry {
  std::string id;  // "#3", its number from 1, when it names none
  std::string level;
  std::string sql;
  int k = 10;
  Expect expect = Expect::none;
  std::vector<std::size_t> after;  // entries to be run first, by their place in the corpus
  std::optional<std::uint64_t> released_rows;
  std::string problem;  // why it cannot be run; empty when it can
};

struct Corpus {
  std::vector<Entry> entries;
};

// read_corpus: `malformed` when there is no list of queries. k: the entry's own, else that of "defaults", else `k`.
Result<Corpus> read_corpus(std::string_view text, int k);

}  // namespace redoubt::corpus
