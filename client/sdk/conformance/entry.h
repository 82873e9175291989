// Entry: one case of a vector file, with the folder that its paths are relative to. Private to this room.
#pragma once

#include <filesystem>
#include <map>
#include <optional>

#include "common/base/instant.h"
#include "common/base/json.h"

namespace redoubt::conformance {

// What is wrong with a case itself (no such file, an edit outside of it) is `usage`, so that nobody takes it for a refusal.
struct Entry {
  std::filesystem::path folder;
  json::Object members;          // of the case, with the overrides of a negative entry applied
  json::Array edits;             // to the bytes of the Evidence, or of the file that an edit names in "file"

  bool has(std::string_view key) const { return members.contains(std::string(key)); }
  // text: a member that is text, or an empty view.
  std::string_view text(std::string_view key) const;
  Result<Instant> at() const;    // member "at" (fractions of a second are cut), else the first of "window"
  // file: the bytes of the file that the member names.
  Result<Bytes> file(std::string_view key) const;
  // read: the bytes of that file, with the edits applied that name it: by its path, the end of its path, or `key`; those that name no
  // file too, where it is the Evidence.
  Result<Bytes> read(std::string_view name, std::string_view key = {}, bool evidence = false) const;
  // evidence: file(key) with the edits applied that name no file, too.
  Result<Bytes> evidence(std::string_view key) const;

 private:
  Result<Bytes> edited(Bytes bytes, std::string_view name, std::string_view key, bool evidence) const;
};

// unread_edit: the first edit of the entry that no form here describes, or nothing: an operation that is unknown, or prose.
std::optional<std::string> unread_edit(const json::Array& edits);
// first_certificate: the first of a PEM file, with whatever text stands before it, or DER as it is.
Result<Bytes> first_certificate(Bytes file);

// Facts: everything that an expectation may ask about a case, by the name that it asks with.
using Facts = json::Object;

// One function a platform. An Error other than `usage` means that the Evidence was refused before it could be judged: facts then hold
// nothing but the verdict "reject".
Result<Facts> dcap_facts(const Entry& entry);
Result<Facts> snp_facts(const Entry& entry);
Result<Facts> nitro_facts(const Entry& entry);
Result<Facts> uvm_facts(const Entry& entry);
Result<Facts> token_facts(const Entry& entry);
Result<Facts> certificate_facts(const Entry& entry);
Result<Facts> eventlog_facts(const Entry& entry);
Result<Facts> rtmr_facts(const Entry& entry);
Result<Facts> ima_facts(const Entry& entry);
Result<Facts> tpm_quote_facts(const Entry& entry);
Result<Facts> azure_facts(const Entry& entry);

// Of a quote whose fields are listed and that nothing else is expected of: the listed fields, and what the quote says of them.
json::Object expected_of_quote(const Entry& entry);
Result<Facts> quote_facts(const Entry& entry);

// is_ek_chain: an entry about a certificate or a list of TPM keys. expected_of_ek_chain: what it states, for these say it in prose, in
// "revoked" or not at all; ek_chain_facts answers the very words of the prose under "verdict" only when each of their clauses holds, and
// has no "verdict" for prose that it cannot decide.
bool is_ek_chain(const Entry& entry);
json::Object expected_of_ek_chain(const Entry& entry);
Result<Facts> ek_chain_facts(const Entry& entry);

// Book: the cases that other entries build on, by id.
using Book = std::map<std::string, json::Object, std::less<>>;

// choice_facts: of a pair in collateral_choice.json. Its expectation is a sentence: "verdict" is that sentence when each of its clauses
// holds (the lower collateral is refused with the higher number as the minimum and only then; both statuses are the listed ones), and
// otherwise what differs.
Result<Facts> choice_facts(const Entry& pair, const Book& book);

// is_token_forgery: a forgery of that id can be made here (token_forgeries.cpp). token_forgery_facts makes it of one of the genuine
// tokens and gives the verdict: "reject" only if the check that is there for it refused every variant.
bool is_token_forgery(std::string_view id);
Result<Facts> token_forgery_facts(std::string_view id, const std::vector<Entry>& cases);

// member_or_null: the member of an object, or JSON null.
json::Value member_or_null(const json::Value& object, std::string_view key);

}  // namespace redoubt::conformance
