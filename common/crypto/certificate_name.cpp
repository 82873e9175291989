// name_text and common_name: distinguished names, for people.
#include "common/base/utf8.h"
#include "common/crypto/certificate_view.h"

namespace redoubt::crypto {
namespace {

using der::Tag;

constexpr auto kCommonName = der::oid("2.5.4.3");

struct AttributeName {
  der::Oid oid;
  std::string_view text;
};
// RFC 4519 section 2, and the attributes that TPM and platform certificates use besides.
constexpr AttributeName kAttributeNames[] = {
    {kCommonName, "CN"},           {der::oid("2.5.4.5"), "serialNumber"},
    {der::oid("2.5.4.6"), "C"},    {der::oid("2.5.4.7"), "L"},
    {der::oid("2.5.4.8"), "ST"},   {der::oid("2.5.4.9"), "street"},
    {der::oid("2.5.4.10"), "O"},   {der::oid("2.5.4.11"), "OU"},
    {der::oid("2.5.4.12"), "title"},
    {der::oid("0.9.2342.19200300.100.1.25"), "DC"},
};

bool is_text(Tag tag) {
  return tag == Tag::utf8_string || tag == Tag::printable_string || tag == Tag::ia5_string || tag == Tag::t61_string;
}

// append_value: text with the separators escaped and control characters as '?'; hexadecimal for what is no text.
void append_value(std::string& to, const der::Element& value) {
  const std::string_view text = as_text(value.content);
  if (!is_text(value.tag) || !valid_utf8(text)) {
    to += "#" + hex_encode(value.content);
    return;
  }
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == ',' || c == '+' || c == '=' || c == '\\' || c == '"') to.push_back('\\');
    to.push_back(code < 0x20 || code == 0x7f ? '?' : c);
  }
}

// for_each: calls visit(oid, value, first of its set) for each attribute; false when the name is not well formed.
template <class Visit>
bool for_each(ByteView name, Visit visit) {
  der::Reader outer(name, "name");
  der::Reader sets = outer.enter(Tag::sequence, "name");
  while (sets.ok() && !sets.at_end()) {
    der::Reader set = sets.enter(Tag::set, "name");
    for (bool first = true; set.ok() && !set.at_end(); first = false) {
      der::Reader attribute = set.enter(Tag::sequence, "attribute");
      const ByteView oid = attribute.oid();
      const der::Element value = attribute.any();
      if (!attribute.finish().ok()) return false;
      visit(oid, value, first);
    }
    if (!set.ok()) return false;
  }
  return sets.finish().ok() && outer.finish().ok();
}

}  // namespace

std::string name_text(ByteView name) {
  std::string text;
  const bool whole = for_each(name, [&](ByteView oid, const der::Element& value, bool first) {
    if (!text.empty()) text += first ? ", " : " + ";
    std::string_view known;
    for (const AttributeName& one : kAttributeNames) {
      if (oid == one.oid) known = one.text;
    }
    text += known.empty() ? der::oid_text(oid) : std::string(known);
    text += "=";
    append_value(text, value);
  });
  return whole ? text : "?";
}

std::string_view common_name(ByteView name) {
  std::string_view found;
  int count = 0;
  const bool whole = for_each(name, [&](ByteView oid, const der::Element& value, bool) {
    if (!(oid == kCommonName)) return;
    ++count;
    if (is_text(value.tag)) found = as_text(value.content);
  });
  return whole && count == 1 ? found : std::string_view();
}

}  // namespace redoubt::crypto
