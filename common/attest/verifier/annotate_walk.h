// Walk: the fields of a binary form, one after another; and what forms share that stand in others: quotes and SEV-SNP reports.
//
// For annotate alone: the form's own parser has accepted the bytes before, and each step stays inside them all the same. Private to
// this room.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "common/attest/evidence/dcap/quote.h"
#include "common/attest/verifier/annotate.h"

namespace redoubt::verifier {

enum class Show { hex, number, number_be, text };

struct Place {
  const char* name;
  std::size_t size;
  Show show = Show::hex;
};

// value_of: decoded; of long bytes the beginning and the length.
std::string value_of(ByteView bytes, Show show);

// Walk: fields one after another from the beginning; what the parser has accepted lies within the bytes.
class Walk {
 public:
  explicit Walk(ByteView bytes) : bytes_(bytes) {}

  void take(const std::string& name, std::size_t size, Show show = Show::hex) {
    size = std::min(size, bytes_.size() - at_);
    if (size == 0) return;
    fields_.push_back({at_, size, name, value_of(bytes_.subspan(at_, size), show)});
    at_ += size;
  }
  void take(const std::string& prefix, std::span<const Place> places) {
    for (const Place& place : places) take(prefix + place.name, place.size, place.show);
  }
  // until: a field of its own up to the view, which lies in the bytes; then nothing of the view is taken yet.
  void until(const std::string& name, const std::byte* where, Show show = Show::hex) { take(name, static_cast<std::size_t>(where - bytes_.data()) - at_, show); }
  void view(const std::string& name, ByteView view, Show show = Show::hex) { take(name, view.size(), show); }
  void rest(const std::string& name) { take(name, bytes_.size() - at_); }
  // big: the number that stands next, big-endian; nothing is taken.
  std::uint64_t big(std::size_t size) const {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = (value << 8U) | (at_ + i < bytes_.size() ? std::to_integer<std::uint64_t>(bytes_[at_ + i]) : 0);
    return value;
  }
  std::size_t position() const { return at_; }
  std::vector<Field> fields() && { return std::move(fields_); }

 private:
  ByteView bytes_;
  std::size_t at_ = 0;
  std::vector<Field> fields_;
};

// quote_fields, report_fields: every field of a DCAP quote, but for what follows the quote; every field of a SEV-SNP report.
void quote_fields(Walk& walk, const std::string& prefix, const dcap::RawQuote& raw);
void report_fields(Walk& walk, const std::string& prefix);

// Composites of Azure confidential VMs, and HCL reports by themselves.
Result<Annotated> annotate_composite(ByteView bytes, Format format);
Result<Annotated> annotate_hcl_report(ByteView bytes);

}  // namespace redoubt::verifier
