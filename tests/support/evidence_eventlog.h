// Event logs for tests, written event by event: any banks, the SHA-1 form, CCEL tables. Digests are those of the data unless a test
// says otherwise, so that a test changes exactly what it is about.
#pragma once

#include "common/attest/evidence/eventlog/event_log.h"
#include "common/base/writer.h"

namespace redoubt::test {

// LogBuilder: a crypto-agile log.
class LogBuilder {
 public:
  using Banks = std::vector<std::pair<std::uint16_t, std::uint16_t>>;  // algorithm, digest size

  explicit LogBuilder(Banks banks = {{eventlog::kSha256, 32}}) : banks_(std::move(banks)) {
    Writer spec;
    spec.bytes(as_bytes(std::string_view("Spec ID Event03\0", 16))).u32le(0).u8(0).u8(2).u8(0).u8(2);
    spec.u32le(static_cast<std::uint32_t>(banks_.size()));
    for (const auto& [id, size] : banks_) spec.u16le(id).u16le(size);
    spec.u8(0);
    log_.u32le(0).u32le(eventlog::kEvNoAction).bytes(Bytes(20)).u32le(static_cast<std::uint32_t>(spec.size())).bytes(spec.view());
  }

  LogBuilder& event(std::uint32_t index, std::uint32_t type, ByteView data) { return event(index, type, data, data); }
  // The digests are those of `measured`; of an algorithm that cannot be computed, 0xaa.
  LogBuilder& event(std::uint32_t index, std::uint32_t type, ByteView data, ByteView measured) {
    log_.u32le(index).u32le(type).u32le(static_cast<std::uint32_t>(banks_.size()));
    for (const auto& [id, size] : banks_) {
      log_.u16le(id);
      log_.bytes(eventlog::computable(id) && size == eventlog::known_size(id) ? to_bytes(eventlog::hash(id, measured).view())
                                                                              : Bytes(size, std::byte{0xaa}));
    }
    log_.u32le(static_cast<std::uint32_t>(data.size())).bytes(data);
    return *this;
  }
  LogBuilder& separators(std::uint32_t first, std::uint32_t last) {
    for (std::uint32_t index = first; index <= last; ++index) event(index, eventlog::kEvSeparator, Bytes(4));
    return *this;
  }
  LogBuilder& raw(ByteView bytes) {
    log_.bytes(bytes);
    return *this;
  }
  ByteView view() const { return log_.view(); }
  Bytes bytes() const { return to_bytes(log_.view()); }

 private:
  Banks banks_;
  Writer log_;
};

// Sha1LogBuilder: the older form, without a header.
class Sha1LogBuilder {
 public:
  Sha1LogBuilder& event(std::uint32_t pcr, std::uint32_t type, ByteView data) {
    log_.u32le(pcr).u32le(type).bytes(eventlog::hash(eventlog::kSha1, data).view());
    log_.u32le(static_cast<std::uint32_t>(data.size())).bytes(data);
    return *this;
  }
  ByteView view() const { return log_.view(); }

 private:
  Writer log_;
};

// uefi_variable: UEFI_VARIABLE_DATA of EFI_GLOBAL_VARIABLE, or of the GUID in memory order.
inline Bytes uefi_variable(std::string_view name, ByteView data,
                           std::string_view guid = "61dfe48bca93d211aa0d00e098032b8c") {
  Writer writer;
  writer.bytes(hex_decode(guid).value()).u64le(name.size()).u64le(data.size());
  for (const char c : name) writer.u16le(static_cast<std::uint16_t>(c));
  return writer.bytes(data).take();
}

}  // namespace redoubt::test
