#include "client/sdk/log_documents.h"

namespace redoubt::sdk {
namespace {

constexpr std::size_t kMaxPrevious = 1024;

json::Value write_documents(const std::vector<jobs::SignedDocument>& documents) {
  json::Array items;
  for (const jobs::SignedDocument& document : documents) items.push_back(document.to_json());
  return json::Value(std::move(items));
}

Result<std::vector<jobs::SignedDocument>> read_documents(const json::Array& items, std::size_t max_text) {
  std::vector<jobs::SignedDocument> out;
  for (const json::Value& item : items) {
    REDOUBT_TRY(out.emplace_back(), jobs::SignedDocument::from_json(item, max_text).context("log documents"));
  }
  return out;
}

}  // namespace

std::string LogDocuments::json() const {
  return json::pretty(json::Object{{"ballots", write_documents(ballots)},
                                   {"claims", claims.canonical()},
                                   {"manifests", write_documents(manifests)},
                                   {"previous", previous},
                                   {"proposals", write_documents(proposals)},
                                   {"type", kLogDocumentsType}});
}

Result<LogDocuments> LogDocuments::parse(std::string_view text) {
  REDOUBT_TRY(const json::Value value, json::parse(text, {.max_bytes = kMaxBytes, .max_depth = 3}).context("log documents"));
  json::ObjectReader reader(value, "log documents");
  reader.expect("type", kLogDocumentsType);
  const std::string claims = reader.string("claims");
  LogDocuments out;
  out.previous = reader.string("previous");
  const json::Array& manifests = reader.array("manifests", kMaxCount);
  const json::Array& proposals = reader.array("proposals", kMaxCount);
  const json::Array& ballots = reader.array("ballots", kMaxCount);
  REDOUBT_CHECK(reader.finish());
  if (out.previous.size() > kMaxPrevious) return Error(Code::malformed, "log documents: previous: expected the text of a head");
  REDOUBT_TRY(out.claims, attest::Claims::parse(claims).context("log documents"));
  REDOUBT_TRY(out.manifests, read_documents(manifests, jobs::Manifest::kMaxBytes));
  REDOUBT_TRY(out.proposals, read_documents(proposals, jobs::Proposal::kMaxBytes));
  REDOUBT_TRY(out.ballots, read_documents(ballots, jobs::Ballot::kMaxBytes));
  return out;
}

}  // namespace redoubt::sdk
