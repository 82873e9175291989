#include "common/crypto/certificate_der.h"
#include "common/crypto/certificate_view.h"

namespace redoubt::crypto {
namespace {

using der::Tag;

constexpr std::size_t kMaxCrlNumber = 20;
constexpr std::size_t kMaxListExtensions = 8;
constexpr std::size_t kMaxEntryExtensions = 4;
constexpr auto kCrlNumber = der::oid("2.5.29.20");
// Extensions that change what the list speaks of. RFC 5280 wants them critical; whatever they say they are, a list that is not
// the whole list of its issuer is not read as one.
constexpr der::Oid kPartial[] = {der::oid("2.5.29.27"), der::oid("2.5.29.28"), der::oid("2.5.29.29")};

Error refused_extension(const ExtensionView& extension) {
  return Error(Code::malformed, "revocation list: extension " + der::oid_text(extension.oid) + " is not accepted");
}

bool is_accepted(const ExtensionView& extension) {
  for (const der::Oid& oid : kPartial) {
    if (extension.oid == oid) return false;
  }
  return !extension.critical;
}

// visit_extensions: each extension of the list in `outer`, at most `max`, each once; visit gives a Status.
template <class Visit>
Status visit_extensions(der::Reader list, std::size_t max, Visit visit) {
  std::array<ByteView, kMaxListExtensions> seen;
  std::size_t count = 0;
  while (list.ok() && !list.at_end()) {
    const ExtensionView extension = read_extension(list);
    REDOUBT_CHECK(list.status());
    if (count == max) return Error(Code::malformed, "revocation list: more than " + std::to_string(max) + " extensions");
    for (std::size_t i = 0; i < count; ++i) {
      if (equal(seen[i], extension.oid)) {
        return Error(Code::malformed, "revocation list: extension " + der::oid_text(extension.oid) + " stands there twice");
      }
    }
    seen[count++] = extension.oid;
    if (!is_accepted(extension)) return refused_extension(extension);
    REDOUBT_CHECK(visit(extension));
  }
  if (list.ok() && count == 0) list.fail("an empty list of extensions");
  return list.status();
}

Status read_list_extension(const ExtensionView& extension, CrlView& out) {
  if (extension.oid == kAuthorityKeyId) {
    REDOUBT_TRY(out.authority_key_id, read_authority_key_id(extension.value));
  } else if (extension.oid == kCrlNumber) {
    der::Reader reader(extension.value, "crl number");
    const ByteView number = reader.unsigned_integer();
    if (number.size() > kMaxCrlNumber) reader.fail("a number above 20 bytes");
    REDOUBT_CHECK(reader.finish());
    out.number = number;
  }
  return {};
}

Status read_entry(der::Reader& entries) {
  der::Reader entry = entries.enter(Tag::sequence, "revoked certificate");
  if (entry.unsigned_integer().size() > kMaxCrlNumber) entry.fail("a serial number above 20 bytes");
  (void)entry.time();
  if (entry.ok() && !entry.at_end()) {
    REDOUBT_CHECK(visit_extensions(entry.enter(Tag::sequence, "revoked certificate"), kMaxEntryExtensions,
                                   [](const ExtensionView&) { return Status(); }));
  }
  return entry.finish();
}

bool is_time(std::optional<Tag> tag) { return tag == Tag::utc_time || tag == Tag::generalized_time; }

}  // namespace

Result<CrlView> CrlView::parse(ByteView der) {
  REDOUBT_TRY(const SignedDer envelope, read_signed(der, kMaxSize, "revocation list"));
  CrlView out;
  out.der = der;
  out.tbs = envelope.tbs.whole;
  out.scheme = envelope.scheme;
  out.signature = envelope.signature;

  der::Reader tbs(envelope.tbs.content, "revocation list");
  if (tbs.small(1) != 1) tbs.fail("expected version 2");
  if (!equal(tbs.element(Tag::sequence).whole, envelope.algorithm)) tbs.fail("another signature algorithm inside than outside");
  out.issuer = read_name(tbs);
  out.this_update = tbs.time();
  // A list without an end could be replayed for ever.
  if (tbs.ok() && !is_time(tbs.peek())) tbs.fail("no next update");
  out.next_update = tbs.time();
  if (tbs.peek() == Tag::sequence) {
    out.entries_ = tbs.content(Tag::sequence);
    der::Reader entries(out.entries_, "revocation list");
    if (tbs.ok() && entries.at_end()) tbs.fail("an empty list of entries");  // RFC 5280 section 5.1.2.6
    while (entries.ok() && !entries.at_end()) {
      REDOUBT_CHECK(read_entry(entries));
      ++out.revoked_count;
    }
    REDOUBT_CHECK(entries.finish());
  }
  if (tbs.ok() && !tbs.at_end()) {
    der::Reader field = tbs.enter(der::context(0, true), "revocation list extensions");
    der::Reader list = field.enter(Tag::sequence, "revocation list extensions");
    REDOUBT_CHECK(field.finish());
    REDOUBT_CHECK(visit_extensions(std::move(list), kMaxListExtensions,
                                   [&](const ExtensionView& extension) { return read_list_extension(extension, out); }));
  }
  REDOUBT_CHECK(tbs.finish());
  return out;
}

bool CrlView::revokes(ByteView serial) const {
  while (serial.size() > 1 && serial[0] == std::byte{0}) serial = serial.subspan(1);
  der::Reader entries(entries_, "revocation list");
  while (entries.ok() && !entries.at_end()) {
    der::Reader entry(entries.content(Tag::sequence), "revoked certificate");
    if (equal(entry.unsigned_integer(), serial)) return true;
  }
  return false;
}

}  // namespace redoubt::crypto
