#include "untrusted/hub/store/accounts.h"

namespace redoubt::hub {
namespace {

constexpr std::string_view kPrefix = "rdt_";
constexpr std::size_t kKeySize = 32;
constexpr std::size_t kPrefixSize = kPrefix.size() + 4;
constexpr Table kApiKeyTable{"api_keys", "id, subject, scopes, created, revoked, expires, last_used, prefix, made_by, replaces"};

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

// read_key reads the columns of kApiKeyTable, and nothing more of the row.
ApiKey read_key(sql::Row& row) {
  ApiKey key;
  key.id = row.text();
  key.subject = row.text();
  key.scopes = split(row.text());
  key.created = row.time();
  key.revoked = row.optional_time();
  key.expires = row.optional_time();
  key.last_used = row.optional_time();
  key.prefix = row.text();
  key.made_by = row.text();
  key.replaces = row.text();
  return key;
}

Result<ApiKey> parse_api_key(sql::Row& row) {
  ApiKey key = read_key(row);
  REDOUBT_CHECK(row.finish());
  return key;
}

Error not_valid() { return Error(Code::auth, "this API key is not valid"); }

}  // namespace

bool ApiKey::allows(std::string_view scope) const { return std::ranges::find(scopes, scope) != scopes.end(); }

Result<NewApiKey> create_api_key(Transaction& transaction, crypto::Random& random, std::string_view subject,
                                 std::vector<std::string> scopes, Instant now, const KeyLife& life) {
  REDOUBT_CHECK(check_id(subject, "subject"));
  if (life.expires && *life.expires <= now) return Error(Code::malformed, "expiry: expected a time that has not passed");
  std::ranges::sort(scopes);
  scopes.erase(std::unique(scopes.begin(), scopes.end()), scopes.end());
  if (scopes.size() > 32 || !std::ranges::all_of(scopes, valid_scope)) {
    return Error(Code::malformed, "scopes: expected at most 32, each 1 to 32 of [a-z:_-]");
  }
  if (!life.made_by.empty()) {
    const auto maker = get_api_key(transaction, life.made_by);
    if (!maker.ok() && maker.error().code() != Code::not_found) return maker.error();
    if (!maker.ok() || !maker->valid(now)) return not_valid();
  }
  NewApiKey out;
  ApiKey& record = out.record;
  record.id = "key-" + hex_encode(random.fixed<FixedBytes<struct ApiKeyIdTag, 8>>().view());
  record.subject = subject;
  record.scopes = std::move(scopes);
  record.created = now;
  record.expires = life.expires;
  record.made_by = life.made_by;
  record.replaces = life.replaces;
  const SecretBytes key = random.secret(kKeySize);
  std::string text = std::string(kPrefix) + base64url_encode(key.reveal());
  record.prefix = text.substr(0, kPrefixSize);
  out.text = SecretBytes::copy_of(as_bytes(text));
  wipe(std::as_writable_bytes(std::span(text.data(), text.size())));
  REDOUBT_CHECK(transaction.change_one(
      "INSERT INTO api_keys (id, sha256, subject, scopes, created, expires, prefix, made_by, replaces) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {sql::text(record.id), sql::blob(crypto::sha256(key.reveal()).view()), sql::text(subject), sql::text(join(record.scopes)), sql::time(now),
       sql::optional(life.expires, sql::time), sql::text(record.prefix), sql::text(life.made_by), sql::text(life.replaces)}));
  return out;
}

Result<crypto::Sha256Digest> key_digest(std::string_view text) {
  if (!text.starts_with(kPrefix) || text.size() > 128) return not_valid();
  auto decoded = base64url_decode(text.substr(kPrefix.size()));
  if (!decoded.ok() || decoded->size() != kKeySize) return not_valid();
  const auto digest = crypto::sha256(*decoded);
  wipe(*decoded);
  return digest;
}

Result<ApiKey> find_api_key(Transaction& transaction, const crypto::Sha256Digest& digest, Instant now) {
  // The index finds candidates by digest, and what its timing tells of a digest is of no use for finding the key; whether one is
  // the key is decided in constant time.
  static const std::string kByDigest = "SELECT sha256, " + std::string(kApiKeyTable.columns) + " FROM api_keys WHERE sha256 = ?";
  REDOUBT_TRY(auto rows, transaction.query(kByDigest, {sql::blob(digest.view())}));
  for (sql::Row& row : rows) {
    const auto kept = row.fixed<crypto::Sha256Digest>();
    ApiKey key = read_key(row);
    REDOUBT_CHECK(row.finish());
    if (!constant_time_equal(kept.view(), digest.view())) continue;
    if (!key.valid(now)) return not_valid();
    return key;
  }
  return not_valid();
}

Result<ApiKey> find_api_key(Transaction& transaction, std::string_view text, Instant now) {
  REDOUBT_TRY(const auto digest, key_digest(text));
  return find_api_key(transaction, digest, now);
}

Result<ApiKey> get_api_key(Transaction& transaction, std::string_view id) {
  return read_one<ApiKey>(transaction, select(kApiKeyTable, "WHERE id = ?"), {sql::text(id)}, "api key", parse_api_key);
}

Status note_use(Transaction& transaction, std::string_view id, Instant now) {
  return transaction.change_one("UPDATE api_keys SET last_used = ? WHERE id = ?", {sql::time(now), sql::text(id)});
}

Result<std::uint64_t> live_keys(Transaction& transaction, std::string_view subject, Instant now) {
  REDOUBT_TRY(auto rows, transaction.query("SELECT count(*) FROM api_keys WHERE subject = ? AND revoked IS NULL AND (expires IS NULL OR expires > ?)",
                                           {sql::text(subject), sql::time(now)}));
  REDOUBT_TRY(sql::Row row, one(std::move(rows), "api keys"));
  const std::uint64_t count = row.count();
  REDOUBT_CHECK(row.finish());
  return count;
}

Result<std::vector<std::string>> revoke_api_key(Transaction& transaction, std::string_view id, Instant now) {
  REDOUBT_TRY(const ApiKey key, get_api_key(transaction, id));
  // `line`: the key and those whose place it took; `tree`: all that came of them. UNION drops what was met before, so that the walk ends
  // whatever the table holds.
  REDOUBT_TRY(auto rows, transaction.query("WITH RECURSIVE line(id) AS (SELECT api_keys.id FROM api_keys WHERE api_keys.id = ? UNION "
                                           "SELECT api_keys.replaces FROM line JOIN api_keys ON api_keys.id = line.id WHERE api_keys.replaces <> ''), "
                                           "tree(id) AS (SELECT line.id FROM line UNION "
                                           "SELECT api_keys.id FROM tree JOIN api_keys ON api_keys.made_by = tree.id OR api_keys.replaces = tree.id) "
                                           "UPDATE api_keys SET revoked = ? WHERE revoked IS NULL AND id IN (SELECT tree.id FROM tree) RETURNING id",
                                           {sql::text(key.id), sql::time(now)}));
  std::vector<std::string> out;
  for (sql::Row& row : rows) {
    out.push_back(row.text());
    REDOUBT_CHECK(row.finish());
  }
  std::ranges::sort(out);
  return out;
}

Status retire_api_key(Transaction& transaction, std::string_view id, Instant now) {
  return transaction.change_one("UPDATE api_keys SET revoked = coalesce(revoked, ?) WHERE id = ?", {sql::time(now), sql::text(id)}).context("api key");
}

Result<Page<ApiKey>> list_api_keys(Transaction& transaction, const PageRequest& page, std::optional<std::string_view> subject) {
  const auto filter = subject ? std::optional(Filter{"subject = ?", *subject}) : std::nullopt;
  return read_page<ApiKey>(transaction, kApiKeyTable, filter, page, parse_api_key);
}

}  // namespace redoubt::hub
