#include "engines/sql/texts.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "engines/sql/functions.h"
#include "engines/sql/patterns.h"

namespace redoubt::sql {
namespace {

using Kind = Expression::Kind;
using Extents = std::vector<Extent>;

constexpr double kMostBytesOfACharacter = 4;
constexpr double kFolded = 1.5;  // characters of two bytes in one case and three in the other
// What an entry of a list takes beside the text that it points to.
constexpr double kListEntry = 16;
// Steps of making an instruction of a regular expression, which is done for each row where the pattern is no constant.
constexpr double kCompiling = 64;
// A carried column is copied at most here and there (joins, windows), while what is computed stands in the printed text several times.
constexpr double kCarried = 1.0 / 16;

bool unknown(const Extent& extent) { return !std::isfinite(extent.bytes); }

Extent largest_extent(const Extents& all) {
  Extent out{0, 0, 0, 0};
  for (const Extent& extent : all) out = larger(out, extent);
  return out;
}

// behind: one text behind the other, which may be empty.
Extent behind(const Extent& a, const Extent& b) { return {a.bytes + b.bytes, a.runs + b.runs, a.runs + b.inner, kMostProgram}; }

// within: a part of a text, or the text in another case: no % comes to it, and none that stood at its end gets a follower.
Extent within(const Extent& text, double bytes) { return {bytes, std::min(text.runs, bytes), std::min(text.inner, bytes), kMostProgram}; }

// count_of: a constant number of characters; nothing for others, negative ones included, which mean all but so many.
std::optional<double> count_of(const Expression& e) {
  std::uint32_t number = 0;
  if (e.kind != Kind::constant || e.constant_type != Expression::ConstantType::integer) return std::nullopt;
  const char* end = e.text.data() + e.text.size();
  const auto parsed = std::from_chars(e.text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

// sought_bytes: the least length of what is looked for.
double sought_bytes(const Expression& e) {
  const auto text = literal_text(e);
  return text && !text->empty() ? static_cast<double>(text->size()) : 1;
}

Extent separated_extent(const Extents& in) {
  Extent out{0, 0, 0, 0};
  for (std::size_t i = 1; i < in.size(); ++i) {
    if (i > 1) out = behind(out, in[0]);
    out = behind(out, in[i]);
  }
  return out;
}

double replaced_bytes(const Expression& e, const Extents& in) {
  const double from = sought_bytes(e.children[1]);
  const double grown = std::max(0.0, in[2].bytes - from);
  return in[0].bytes + (grown == 0 ? 0 : std::floor(in[0].bytes / from) * grown);
}

bool written_list(const Expression& e) { return e.is_operation("LIST") || e.is_function("list_value"); }

Extent function_extent(const Expression& e, const Extents& in, const Extents& ordered) {
  const auto sum_of = [&] {
    double bytes = 0;
    for (const Extent& extent : in) bytes += extent.bytes;
    return bytes;
  };
  const TextRule rule = text_rule(e.text);
  if (rule == TextRule::fixed) return fixed_extent();
  if (in.empty()) return {};
  switch (rule) {
    case TextRule::plain: return std::ranges::any_of(in, unknown) ? Extent() : fixed_extent();
    case TextRule::first: case TextRule::part: return within(in[0], in[0].bytes);
    case TextRule::largest: return largest_extent(in);
    case TextRule::sum: {
      Extent out{0, 0, 0, 0};
      for (const Extent& extent : in) out = behind(out, extent);
      return out;
    }
    case TextRule::separated: return separated_extent(in);
    case TextRule::folded: return within(in[0], std::ceil(in[0].bytes * kFolded));
    case TextRule::cut: {
      const bool counted = e.text == "left" || e.text == "right" ? in.size() == 2 : in.size() == 3;
      const auto count = counted ? count_of(e.children.back()) : std::nullopt;
      return within(in[0], count ? std::min(in[0].bytes, *count * kMostBytesOfACharacter) : in[0].bytes);
    }
    case TextRule::replaced: return in.size() == 3 ? text_extent(replaced_bytes(e, in)) : Extent();
    case TextRule::formatted: return text_extent(64 + 16 * sum_of());
    case TextRule::one: return in.size() == 1 ? in[0] : Extent();
    case TextRule::one_of_two: return in.size() <= 2 ? larger(in[0], largest_extent(ordered)) : Extent();
    case TextRule::fixed: case TextRule::elements: case TextRule::unbounded: break;
  }
  return {};
}

// search_steps: looking for a text in another.
double search_steps(const Extents& in) { return in[0].bytes * (4 + in[1].bytes / 16); }

double matching_steps(const Expression& e, const Extents& in) {
  const auto like = like_of(e);
  if (!like) return 0;
  if (const auto regex = like->as_regex()) return in[0].bytes * regex_program(*regex);
  if (like->one_pass()) return search_steps(in);
  return like_steps(like->folded ? in[0].bytes * kFolded : in[0].bytes, like->extent().value_or(in[1]));
}

// steps_of: what a call of a function does beside what its arguments do.
double steps_of(const Expression& e, const Extents& in) {
  if (e.kind != Kind::function) return 0;
  double out = 0;
  for (const Extent& extent : in) out += extent.bytes;
  if (in.size() < 2) return out;
  if (e.text == "contains" || e.text == "replace" || e.text == "split_part") out += search_steps(in);
  if (e.text == "regexp_matches" || e.text == "regexp_full_match") out += (in[0].bytes + kCompiling) * in[1].program;
  return out + matching_steps(e, in);
}

// held_bytes: what computing a part holds in memory: numbers do not count.
double held_bytes(const Expression& e, const Extents& in, const Extent& out) {
  if (out.bytes <= kFixedText || e.kind == Kind::constant || e.kind == Kind::column) return 0;
  const bool pieces = e.kind == Kind::function && text_rule(e.text) == TextRule::part && in.size() >= 2;
  return out.bytes + (pieces ? kListEntry * (std::floor(in[0].bytes / sought_bytes(e.children[1])) + 1) : 0);
}

class Meter {
 public:
  Meter(const Columns& columns, Measured& out) : columns_(columns), out_(out) {}

  Extent walk(const Expression& e) {
    Extents in, ordered;
    for (const Expression& child : e.children) in.push_back(walk(child));
    for (const auto* list : {&e.filter, &e.partitions}) {
      for (const Expression& child : *list) walk(child);
    }
    for (const OrderItem& order : e.order_by) ordered.push_back(walk(order.expression));
    for (const OrderItem& order : e.window_order) walk(order.expression);
    // A list is of no use over rows of people, but the elements of one that is written out are.
    const bool elements = e.kind == Kind::function && text_rule(e.text) == TextRule::elements;
    const Extent out = elements ? elements_of(e) : own(e, in, ordered);
    if (out.bytes > kMaxValueSize && out_.too_long == nullptr && to_blame(e, in, out)) out_.too_long = &e;
    if (std::ranges::any_of(in, unknown) || unknown(out)) return out;
    const double steps = steps_of(e, in);
    if (steps > out_.most_steps) {
      out_.most_steps = steps;
      out_.dearest = &e;
    }
    out_.effort += {held_bytes(e, in, out), steps};
    return out;
  }

 private:
  // to_blame: where a length comes from. What has no rule is refused by its own name: lists by S1, functions that are on no list by S14.
  static bool to_blame(const Expression& e, const Extents& in, const Extent& out) {
    if (!unknown(out) || e.kind == Kind::column || e.kind == Kind::scalar) return true;
    const bool call = (e.kind == Kind::function || e.kind == Kind::window) && !in.empty();
    return call && text_rule(e.text) != TextRule::unbounded && std::ranges::none_of(in, unknown);
  }

  Extent elements_of(const Expression& e) {
    if (e.children.size() != 1 || !written_list(e.children[0])) return {};
    Extents in;
    for (const Expression& child : e.children[0].children) in.push_back(extent_of(child, columns_));
    return largest_extent(in);
  }

  Extent own(const Expression& e, const Extents& in, const Extents& ordered) const {
    if (const auto text = literal_text(e)) return literal_extent(*text);
    switch (e.kind) {
      case Kind::constant: {
        if (e.is_null()) return {0, 0, 0, 0};
        // A text that is not one plain literal is printed with more characters than it has.
        return text_extent(std::max(kFixedText, static_cast<double>(e.text.size())));
      }
      case Kind::column: return columns_[e.index].extent;
      case Kind::cast: return e.text == "VARCHAR" ? in[0] : fixed_extent();
      case Kind::case_when: {
        Extent out = in.back();
        for (std::size_t i = 1; i < in.size(); i += 2) out = larger(out, in[i]);
        return out;
      }
      case Kind::function: case Kind::window: return function_extent(e, in, ordered);
      case Kind::operation:
        if (e.text == "COALESCE") return largest_extent(in);
        return e.text == "LIST" || e.text == "ELEMENT" ? Extent() : fixed_extent();
      case Kind::scalar: return e.extent;
      case Kind::member: return fixed_extent();
      case Kind::star: case Kind::subquery: break;
    }
    return {};
  }

  const Columns& columns_;
  Measured& out_;
};

}  // namespace

Extent fixed_extent() { return text_extent(kFixedText); }

Extent text_extent(double bytes) { return {bytes, bytes, bytes, kMostProgram}; }

Extent larger(const Extent& a, const Extent& b) {
  return {std::max(a.bytes, b.bytes), std::max(a.runs, b.runs), std::max(a.inner, b.inner), std::max(a.program, b.program)};
}

Extent extent_of(const Expression& expression, const Columns& columns) { return measure(expression, columns).extent; }

Measured measure(const Expression& expression, const Columns& columns) {
  Measured out;
  out.extent = Meter(columns, out).walk(expression);
  if (expression.kind == Kind::column && out.extent.bytes > kFixedText) out.effort.bytes += out.extent.bytes * kCarried;
  return out;
}

}  // namespace redoubt::sql
