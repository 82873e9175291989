#include "common/attest/evidence/nitro/document.h"

#include "common/attest/evidence/nitro/authenticator.h"
#include "common/base/cbor_cursor.h"

namespace redoubt::nitro {
namespace {

constexpr std::string_view kDigest = "SHA384";
constexpr std::size_t kMaxMembers = 9;

// The members of the payload; each at most once.
enum Member : unsigned { kModuleId, kDigestName, kTimestamp, kPcrs, kCertificate, kCabundle, kPublicKey, kUserData, kNonce, kUnknown };
constexpr std::string_view kNames[] = {"module_id", "digest",     "timestamp", "pcrs", "certificate",
                                       "cabundle",  "public_key", "user_data", "nonce"};
constexpr unsigned kOptional = 1U << kPublicKey | 1U << kUserData | 1U << kNonce;

Member member_of(std::string_view name) {
  for (unsigned i = 0; i < kUnknown; ++i) {
    if (kNames[i] == name) return static_cast<Member>(i);
  }
  return kUnknown;
}

void read_pcrs(cbor::Cursor& cursor, NitroEvidence& out) {
  auto entries = cursor.map("pcrs", kPcrCount);
  std::size_t count = 0;
  for (; cursor.more(entries); ++count) {
    const std::uint64_t index = cursor.unsigned_integer();
    const ByteView value = cursor.bytes("pcr", 32, 64);
    if (!cursor.ok()) return;
    if (index >= kPcrCount) return cursor.fail("pcrs: expected an index from 0 to 31, found " + std::to_string(index));
    if (value.size() != 32 && value.size() != 48 && value.size() != 64) {
      return cursor.fail("pcrs: expected 32, 48 or 64 bytes, found " + std::to_string(value.size()));
    }
    if (out.pcrs[index]) return cursor.fail("pcrs: index " + std::to_string(index) + " stands twice");
    out.pcrs[index] = value;
  }
  if (count == 0) cursor.fail("pcrs: expected at least one");
}

void read_bundle(cbor::Cursor& cursor, NitroEvidence& out) {
  auto items = cursor.array("cabundle", kMaxBundle);
  while (cursor.more(items)) out.cabundle.push_back(cursor.bytes("cabundle", 1, kMaxCertificate));
  if (out.cabundle.empty()) cursor.fail("cabundle: expected at least one certificate");
}

// AWS writes null for what the enclave did not ask for.
std::optional<ByteView> read_optional(cbor::Cursor& cursor, std::string_view name, std::size_t min, std::size_t max) {
  if (cursor.null()) return std::nullopt;
  return cursor.bytes(name, min, max);
}

void read_member(cbor::Cursor& cursor, Member member, NitroEvidence& out) {
  switch (member) {
    case kModuleId: out.module_id = cursor.text("module_id", 1, kMaxModuleId); break;
    case kDigestName:
      if (const auto found = cursor.text("digest", 0, 32); cursor.ok() && found != kDigest) {
        cursor.fail("digest: expected SHA384, found " + std::string(found));
      }
      break;
    case kTimestamp:
      out.timestamp_ms = cursor.unsigned_integer();
      if (out.timestamp_ms == 0 || out.timestamp_ms > kMaxTimestampMs) {
        cursor.fail("timestamp: expected 1 to " + std::to_string(kMaxTimestampMs) + ", found " + std::to_string(out.timestamp_ms));
      }
      break;
    case kPcrs: read_pcrs(cursor, out); break;
    case kCertificate: out.certificate = cursor.bytes("certificate", 1, kMaxCertificate); break;
    case kCabundle: read_bundle(cursor, out); break;
    case kPublicKey: out.public_key = read_optional(cursor, "public_key", 0, kMaxPublicKey); break;
    case kUserData: out.user_data = read_optional(cursor, "user_data", 0, kMaxUserData); break;
    case kNonce: out.nonce = read_optional(cursor, "nonce", 0, kMaxUserData); break;
    case kUnknown: break;
  }
}

Status read_payload(ByteView payload, NitroEvidence& out) {
  cbor::Cursor cursor(payload, "nitro document", cbor::Lengths::any_container);
  auto members = cursor.map("document", kMaxMembers);
  unsigned seen = 0;
  while (cursor.more(members)) {
    const std::string_view name = cursor.text("key", 1, 32);
    if (!cursor.ok()) break;
    const Member member = member_of(name);
    if (name == "nitrotpm_pcrs") cursor.fail("a document of an instance's NitroTPM, not of an enclave");
    if (member == kUnknown) cursor.fail("unknown key " + std::string(name));
    if ((seen & 1U << member) != 0) cursor.fail(std::string(name) + " stands twice");
    seen |= 1U << member;
    if (cursor.ok()) read_member(cursor, member, out);
  }
  for (unsigned i = 0; i < kUnknown && cursor.ok(); ++i) {
    if (((seen | kOptional) & 1U << i) == 0) cursor.fail(std::string(kNames[i]) + " is absent");
  }
  return cursor.finish();
}

Status check_size(ByteView document) {
  if (document.size() <= kMaxDocument) return {};
  return Error(Code::malformed, "nitro document: expected at most " + std::to_string(kMaxDocument) + " bytes, found " +
                                    std::to_string(document.size()));
}

// read_document: its views are of `document`.
Result<NitroEvidence> read_document(ByteView document) {
  NitroEvidence out;
  REDOUBT_TRY(out.cose, crypto::CoseMessage::parse(document, crypto::CoseTag::optional).context("nitro document"));
  if (out.cose.unprotected_labels != 0) {
    return Error(Code::malformed, "nitro document: unprotected header: expected an empty map, found " +
                                      std::to_string(out.cose.unprotected_labels) + " labels");
  }
  REDOUBT_CHECK(read_payload(out.cose.payload, out));
  return out;
}

}  // namespace

bool NitroEvidence::debug() const {
  for (unsigned i = 0; i < 3; ++i) {
    if (!pcrs[i] || std::ranges::all_of(*pcrs[i], [](std::byte b) { return b == std::byte{0}; })) return true;
  }
  return false;
}

Result<attest::Parsed<NitroEvidence>> parse(ByteView document) {
  REDOUBT_CHECK(check_size(document));
  auto kept = std::make_shared<const Bytes>(to_bytes(document));
  REDOUBT_TRY(NitroEvidence out, read_document(*kept));
  out.kept = std::move(kept);
  return attest::Parsed<NitroEvidence>(std::move(out));
}

Result<attest::Parsed<NitroEvidence>> parse_in_place(ByteView document) {
  REDOUBT_CHECK(check_size(document));
  REDOUBT_TRY(NitroEvidence out, read_document(document));
  return attest::Parsed<NitroEvidence>(std::move(out));
}

json::Value describe(const attest::Parsed<NitroEvidence>& parsed) { return NitroAuthenticator::describe(parsed); }

}  // namespace redoubt::nitro
