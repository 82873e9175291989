#include "untrusted/hub/store/accounts.h"

#include "common/crypto/digest.h"

namespace redoubt::hub {
namespace {

constexpr std::string_view kPrefix = "rdt_";
constexpr std::size_t kKeySize = 32;
constexpr Table kTable{"api_keys", "id, subject, scopes, created, revoked"};

bool valid_scope(std::string_view scope) {
  return !scope.empty() && scope.size() <= 32 && std::ranges::all_of(scope, [](char c) {
    return (c >= 'a' && c <= 'z') || c == ':' || c == '_' || c == '-';
  });
}

std::string join(const std::vector<std::string>& scopes) {
  std::string out;
  for (const std::string& scope : scopes) out += (out.empty() ? "" : " ") + scope;
  return out;
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

Result<ApiKey> parse(sql::Row& row) {
  ApiKey key;
  key.id = row.text();
  key.subject = row.text();
  key.scopes = split(row.text());
  key.created = row.time();
  key.revoked = row.optional_time();
  REDOUBT_CHECK(row.finish());
  return key;
}

}  // namespace

bool ApiKey::allows(std::string_view scope) const { return std::ranges::find(scopes, scope) != scopes.end(); }

Result<NewApiKey> create_api_key(Transaction& transaction, crypto::Random& random, std::string_view subject,
                                 std::vector<std::string> scopes, Instant now) {
  REDOUBT_CHECK(check_id(subject, "subject"));
  std::ranges::sort(scopes);
  scopes.erase(std::unique(scopes.begin(), scopes.end()), scopes.end());
  if (scopes.size() > 32 || !std::ranges::all_of(scopes, valid_scope)) {
    return Error(Code::malformed, "scopes: expected at most 32, each 1 to 32 of [a-z:_-]");
  }
  NewApiKey out;
  out.record = {"key-" + hex_encode(random.fixed<FixedBytes<struct ApiKeyIdTag, 8>>().view()), std::string(subject),
                std::move(scopes), now, std::nullopt};
  const SecretBytes key = random.secret(kKeySize);
  std::string text = std::string(kPrefix) + base64url_encode(key.reveal());
  out.text = SecretBytes::copy_of(as_bytes(text));
  wipe(std::as_writable_bytes(std::span(text.data(), text.size())));
  REDOUBT_CHECK(transaction.change_one("INSERT INTO api_keys (id, sha256, subject, scopes, created) VALUES (?, ?, ?, ?, ?)",
                                   {sql::text(out.record.id), sql::blob(crypto::sha256(key.reveal()).view()),
                                    sql::text(subject), sql::text(join(out.record.scopes)), sql::time(now)}));
  return out;
}

Result<ApiKey> find_api_key(Transaction& transaction, std::string_view text) {
  const Error refused(Code::auth, "api key: unknown or revoked");
  if (!text.starts_with(kPrefix) || text.size() > 128) return refused;
  auto decoded = base64url_decode(text.substr(kPrefix.size()));
  if (!decoded.ok() || decoded->size() != kKeySize) return refused;
  const auto digest = crypto::sha256(*decoded);
  wipe(*decoded);
  // The look-up compares digests; what its timing tells of a digest is of no use for finding the key.
  REDOUBT_TRY(auto rows, transaction.query(select(kTable, "WHERE sha256 = ?"), {sql::blob(digest.view())}));
  if (rows.empty()) return refused;
  REDOUBT_TRY(ApiKey key, parse(rows.front()));
  if (key.revoked) return refused;
  return key;
}

Status revoke_api_key(Transaction& transaction, std::string_view id, Instant now) {
  REDOUBT_TRY(const auto changed, transaction.change("UPDATE api_keys SET revoked = coalesce(revoked, ?) WHERE id = ?",
                                                     {sql::time(now), sql::text(id)}));
  if (changed == 0) return Error(Code::not_found, "api key does not exist");
  return {};
}

Result<Page<ApiKey>> list_api_keys(Transaction& transaction, const PageRequest& page) {
  return read_page<ApiKey>(transaction, kTable, std::nullopt, page, parse);
}

}  // namespace redoubt::hub
