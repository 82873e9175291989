#include "untrusted/hub/store/secrets.h"

namespace redoubt::hub {

Result<SecretBytes> ensure_secret(Transaction& transaction, crypto::Random& random, std::string_view name) {
  constexpr std::size_t kSize = 32;
  const SecretBytes fresh = random.secret(kSize);
  REDOUBT_TRY(const auto made, transaction.change("INSERT INTO secrets (name, secret) VALUES (?, ?) ON CONFLICT (name) DO NOTHING",
                                                  {sql::text(name), sql::blob(fresh.reveal())}));
  static_cast<void>(made);
  REDOUBT_TRY(auto rows, transaction.query("SELECT secret FROM secrets WHERE name = ?", {sql::text(name)}));
  REDOUBT_TRY(sql::Row row, one(std::move(rows), "secret"));
  Bytes kept = row.blob();
  REDOUBT_CHECK(row.finish());
  if (kept.size() != kSize) return Error(Code::internal, "secret: expected 32 bytes, found " + std::to_string(kept.size()));
  SecretBytes out = SecretBytes::copy_of(kept);
  wipe(kept);
  return out;
}

}  // namespace redoubt::hub
