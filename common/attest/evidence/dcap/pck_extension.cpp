#include "common/attest/evidence/dcap/pck_extension.h"

namespace redoubt::dcap {
namespace {

using der::Tag;

// Item numbers: the arc after 1.2.840.113741.1.13.1 (and after .2 or .7 within those two).
enum Item : unsigned { kPpid = 1, kTcb, kPceId, kFmspc, kType, kInstance, kConfiguration };
constexpr unsigned kPceSvn = 17;
constexpr unsigned kCpuSvn = 18;

// Items walks a SEQUENCE OF SEQUENCE {OID, value} whose OIDs are `prefix` and one more arc from 1 to `max`.
class Items {
 public:
  Items(der::Reader& outer, const der::Oid& prefix, unsigned max, std::string_view what)
      : outer_(outer), prefix_(prefix), max_(max), what_(what) {}

  // next gives the reader of one item, after its OID, or nothing at the end and after a failure.
  std::optional<der::Reader> next() {
    if (!outer_.ok() || outer_.at_end()) return std::nullopt;
    der::Reader item = outer_.enter(Tag::sequence, what_);
    const ByteView oid = item.oid();
    if (!item.ok()) return give_up(item.status().error().message());
    const std::size_t size = prefix_.view().size();
    const auto arc = oid.size() == size + 1 && equal(oid.first(size), prefix_.view()) ? std::to_integer<unsigned>(oid[size]) : 0U;
    if (arc < 1 || arc > max_) return give_up("expected a known oid, found " + der::oid_text(oid));
    if (has(arc)) return give_up("expected each oid once, found another " + der::oid_text(oid));
    seen_ |= 1U << arc;
    arc_ = arc;
    return item;
  }
  // close ends the item that next() gave.
  void close(der::Reader& item) {
    if (const Status status = item.finish(); !status.ok()) outer_.fail(status.error().message());
  }
  unsigned arc() const { return arc_; }
  bool has(unsigned arc) const { return (seen_ & (1U << arc)) != 0; }

 private:
  std::nullopt_t give_up(const std::string& message) {
    outer_.fail(message);
    return std::nullopt;
  }

  der::Reader& outer_;
  const der::Oid& prefix_;
  unsigned max_;
  std::string_view what_;
  std::uint32_t seen_ = 0;
  unsigned arc_ = 0;
};

constexpr der::Oid kTcbOid = der::oid("1.2.840.113741.1.13.1.2");
constexpr der::Oid kConfigurationOid = der::oid("1.2.840.113741.1.13.1.7");

template <class F>
F fixed(der::Reader& item, std::string_view what) {
  const ByteView content = item.octet_string();
  if (!item.ok()) return F();
  auto value = F::from(content, what);
  if (!value.ok()) {
    item.fail(value.error().message());
    return F();
  }
  return *value;
}

void read_tcb(der::Reader& item, PckExtension& out) {
  der::Reader list = item.enter(Tag::sequence, "tcb of the sgx extension");
  Items items(list, kTcbOid, kCpuSvn, "tcb component");
  while (auto entry = items.next()) {
    if (items.arc() <= out.component_svn.size()) {
      out.component_svn[items.arc() - 1] = static_cast<std::uint8_t>(entry->small(0xff));
    } else if (items.arc() == kPceSvn) {
      out.pce_svn = static_cast<std::uint16_t>(entry->small(0xffff));
    } else {
      out.cpu_svn = fixed<CertifiedCpuSvn>(*entry, "cpusvn");
    }
    items.close(*entry);
  }
  for (unsigned arc = 1; arc <= kCpuSvn; ++arc) {
    if (!items.has(arc)) list.fail("expected component " + std::to_string(arc) + ", found none");
  }
  if (const Status status = list.finish(); !status.ok()) item.fail(status.error().message());
}

PlatformConfiguration read_configuration(der::Reader& item) {
  PlatformConfiguration out;
  der::Reader list = item.enter(Tag::sequence, "configuration of the sgx extension");
  Items items(list, kConfigurationOid, 3, "configuration flag");
  while (auto entry = items.next()) {
    const bool value = entry->boolean();
    items.close(*entry);
    (items.arc() == 1 ? out.dynamic_platform : items.arc() == 2 ? out.cached_keys : out.smt_enabled) = value;
  }
  if (const Status status = list.finish(); !status.ok()) item.fail(status.error().message());
  return out;
}

SgxType read_type(der::Reader& item) {
  const ByteView value = item.content(Tag::enumerated);
  if (!item.ok()) return SgxType::standard;
  if (value.size() != 1 || std::to_integer<unsigned>(value[0]) > 2) {
    item.fail("sgx type: expected 0, 1 or 2, found " + hex_encode(value));
    return SgxType::standard;
  }
  return static_cast<SgxType>(value[0]);
}

json::Value flag(const std::optional<bool>& value) { return value ? json::Value(*value) : json::Value(); }

}  // namespace

std::string_view sgx_type_text(SgxType type) {
  switch (type) {
    case SgxType::standard: return "standard";
    case SgxType::scalable: return "scalable";
    case SgxType::scalable_with_integrity: return "scalable with integrity";
  }
  return "unknown";
}

Result<PckExtension> PckExtension::parse(ByteView value) {
  PckExtension out;
  der::Reader outer(value, "sgx extension");
  der::Reader list = outer.enter(Tag::sequence, "sgx extension");
  Items items(list, kOid, kConfiguration, "item of the sgx extension");
  while (auto item = items.next()) {
    switch (items.arc()) {
      case kPpid: out.ppid = fixed<Ppid>(*item, "ppid"); break;
      case kTcb: read_tcb(*item, out); break;
      case kPceId: out.pce_id = fixed<PceId>(*item, "pceid"); break;
      case kFmspc: out.fmspc = fixed<Fmspc>(*item, "fmspc"); break;
      case kType: out.type = read_type(*item); break;
      case kInstance: out.platform_instance_id = fixed<PlatformInstanceId>(*item, "platform instance id"); break;
      default: out.configuration = read_configuration(*item); break;
    }
    items.close(*item);
  }
  static constexpr std::string_view kNames[] = {"", "ppid", "tcb", "pceid", "fmspc", "sgx type"};
  for (unsigned arc = kPpid; arc <= kType; ++arc) {
    if (!items.has(arc)) list.fail("expected the " + std::string(kNames[arc]) + ", found none");
  }
  if (items.has(kInstance) != items.has(kConfiguration)) {
    list.fail("expected platform instance id and configuration together, found one of them");
  }
  REDOUBT_CHECK(list.finish());
  REDOUBT_CHECK(outer.finish());
  return out;
}

json::Value describe(const PckExtension& extension) {
  json::Object out;
  json::Array components;
  for (const std::uint8_t svn : extension.component_svn) components.emplace_back(std::int64_t{svn});
  out["ppid"] = extension.ppid.hex();
  out["sgx_tcb_comp_svn"] = std::move(components);
  out["pcesvn"] = std::int64_t{extension.pce_svn};
  out["cpusvn"] = extension.cpu_svn.hex();
  out["pceid"] = extension.pce_id.hex();
  out["fmspc"] = extension.fmspc.hex();
  out["sgx_type"] = sgx_type_text(extension.type);
  if (extension.platform_instance_id) out["platform_instance_id"] = extension.platform_instance_id->hex();
  if (const auto& configuration = extension.configuration) {
    json::Object flags;
    flags["dynamic_platform"] = flag(configuration->dynamic_platform);
    flags["cached_keys"] = flag(configuration->cached_keys);
    flags["smt_enabled"] = flag(configuration->smt_enabled);
    out["configuration"] = std::move(flags);
  }
  return out;
}

}  // namespace redoubt::dcap
