#include "enclave/collect/tsm/certificate_table.h"

#include "common/base/reader.h"
#include "common/crypto/certificate_view.h"

namespace redoubt::collect {
namespace {

using Guid = FixedBytes<struct GuidTag, 16>;

constexpr std::size_t kEntrySize = 24;

struct Known {
  std::string_view name;
  std::string_view guid;  // in the order of its digits
  Bytes CertificateTable::* member;
};
constexpr Known kKnown[] = {{"VCEK", "63da758de6644564adc5f4b93be8accd", &CertificateTable::vcek},
                            {"VLEK", "a8074bc2a25a483eaae639c045a0b8a1", &CertificateTable::vlek},
                            {"ASK", "4ab7b379bbac4fe4a02f05aef327c782", &CertificateTable::ask},
                            {"ARK", "c0b406a4a803495297433fb6014cd0ae", &CertificateTable::ark},
                            {"CRL", "92f81bc358114d3d97ffd19f88dc67ea", &CertificateTable::crl}};

// turned: the first three groups (4, 2 and 2 bytes) the other way round.
Guid turned(const Guid& guid) {
  Guid out = guid;
  std::reverse(out.array().begin(), out.array().begin() + 4);
  std::reverse(out.array().begin() + 4, out.array().begin() + 6);
  std::reverse(out.array().begin() + 6, out.array().begin() + 8);
  return out;
}

const Known* known(const Guid& guid) {
  const std::string straight = guid.hex();
  const std::string other = turned(guid).hex();
  const auto found = std::ranges::find_if(kKnown, [&](const Known& one) { return one.guid == straight || one.guid == other; });
  return found == std::end(kKnown) ? nullptr : found;
}

struct Entry {
  Guid guid;
  std::size_t offset = 0;
  std::size_t size = 0;
  std::size_t end() const { return offset + size; }
};

std::string entry_text(std::size_t index) { return "certificate table: entry " + std::to_string(index); }

Result<std::vector<Entry>> read_entries(ByteView bytes) {
  Reader reader(bytes, "certificate table");
  std::vector<Entry> entries;
  for (;;) {
    Entry entry;
    entry.guid = reader.fixed<Guid>();
    entry.offset = reader.u32le();
    entry.size = reader.u32le();
    REDOUBT_CHECK(reader.status());
    if (entry.guid == Guid()) {
      if (entry.offset != 0 || entry.size != 0) return Error(Code::malformed, entry_text(entries.size()) + ": expected zeros after the empty GUID, found others");
      return entries;
    }
    if (entries.size() == CertificateTable::kMaxEntries) {
      return Error(Code::malformed, "certificate table: expected at most " + std::to_string(CertificateTable::kMaxEntries) + " entries, found more");
    }
    entries.push_back(entry);
  }
}

// check_places: behind the entries, inside the table, none over another, nothing after the last.
Status check_places(const std::vector<Entry>& entries, std::size_t size) {
  const std::size_t first = (entries.size() + 1) * kEntrySize;
  std::size_t last = first;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Entry& one = entries[i];
    if (one.size == 0 || one.offset < first || one.end() > size) {
      return Error(Code::malformed, entry_text(i) + ": expected a place in bytes " + std::to_string(first) + " to " + std::to_string(size) + ", found " +
                                        std::to_string(one.size) + " bytes at " + std::to_string(one.offset));
    }
    for (std::size_t k = 0; k < i; ++k) {
      if (one.offset < entries[k].end() && entries[k].offset < one.end()) {
        return Error(Code::malformed, entry_text(i) + ": expected a place of its own, found that of entry " + std::to_string(k));
      }
    }
    last = std::max(last, one.end());
  }
  if (last != size) {
    return Error(Code::malformed, "certificate table: expected to end at byte " + std::to_string(last) + ", found " + std::to_string(size) + " bytes");
  }
  return {};
}

// certificate_der: one certificate, DER or PEM.
Result<Bytes> certificate_der(ByteView bytes) {
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  Bytes der;
  if (as_text(bytes).starts_with(kBegin)) {
    REDOUBT_TRY(std::vector<Bytes> blocks, crypto::pem_decode(as_text(bytes), "CERTIFICATE", 1));
    der = std::move(blocks.front());
  } else {
    der = to_bytes(bytes);
  }
  if (const auto view = crypto::CertificateView::parse(der); !view.ok()) return view.error();
  return der;
}

Result<Bytes> content(const Known& what, ByteView bytes) {
  if (what.member == &CertificateTable::crl) {
    REDOUBT_TRY(const auto list, crypto::CrlView::parse(bytes));
    return to_bytes(list.der);
  }
  return certificate_der(bytes);
}

}  // namespace

Result<CertificateTable> CertificateTable::parse(ByteView bytes) {
  CertificateTable table;
  if (bytes.empty()) return table;
  if (bytes.size() > kMaxSize) {
    return Error(Code::malformed, "certificate table: expected at most " + std::to_string(kMaxSize) + " bytes, found " + std::to_string(bytes.size()));
  }
  REDOUBT_TRY(const std::vector<Entry> entries, read_entries(bytes));
  REDOUBT_CHECK(check_places(entries, bytes.size()));
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Known* what = known(entries[i].guid);
    if (what == nullptr) {
      ++table.unknown_count;
      continue;
    }
    Bytes& member = table.*(what->member);
    const std::string name = entry_text(i) + " (" + std::string(what->name) + ")";
    if (!member.empty()) return Error(Code::malformed, name + ": expected once, found again");
    REDOUBT_TRY(member, content(*what, bytes.subspan(entries[i].offset, entries[i].size)).context(name));
  }
  return table;
}

}  // namespace redoubt::collect
