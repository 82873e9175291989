#include "common/attest/endorse/intel/tcb_info.h"

#include <algorithm>

#include "common/attest/endorse/intel/json_parts.h"

namespace redoubt::endorse {

namespace {

struct StatusName {
  TcbStatus status;
  std::string_view name;
};
constexpr StatusName kStatusNames[] = {
    {TcbStatus::up_to_date, "UpToDate"},
    {TcbStatus::sw_hardening_needed, "SWHardeningNeeded"},
    {TcbStatus::configuration_needed, "ConfigurationNeeded"},
    {TcbStatus::configuration_and_sw_hardening_needed, "ConfigurationAndSWHardeningNeeded"},
    {TcbStatus::out_of_date, "OutOfDate"},
    {TcbStatus::out_of_date_configuration_needed, "OutOfDateConfigurationNeeded"},
    {TcbStatus::revoked, "Revoked"},
    {TcbStatus::td_relaunch_advised, "TDRelaunchAdvised"},
    {TcbStatus::td_relaunch_advised_configuration_needed, "TDRelaunchAdvisedConfigurationNeeded"},
    {TcbStatus::not_supported, "NotSupported"},
};

constexpr TcbStatus kModuleStatuses[] = {TcbStatus::up_to_date, TcbStatus::out_of_date, TcbStatus::revoked};

std::uint8_t svn(json::Scanner& in) { return static_cast<std::uint8_t>(in.integer(0, 255)); }

// component_array: [{"svn": 3, ...}, ...], sixteen of them.
Components component_array(json::Scanner& in) {
  Components out{};
  std::size_t count = 0;
  in.array(out.size(), [&] {
    bool found = false;
    in.object([&](std::string_view name) {
      if (name != "svn") return in.skip();
      out[count] = svn(in);
      found = true;
    });
    in.require(found, "svn");
    ++count;
  });
  in.require(count == out.size(), "sixteen components");
  return out;
}

// component_index: of "sgxtcbcomp01svn" to "sgxtcbcomp16svn", from 0.
std::optional<std::size_t> component_index(std::string_view name) {
  if (name.size() != 15 || !name.starts_with("sgxtcbcomp") || !name.ends_with("svn")) return std::nullopt;
  const int index = (name[10] - '0') * 10 + (name[11] - '0');
  if (name[10] < '0' || name[10] > '1' || name[11] < '0' || name[11] > '9' || index < 1 || index > 16) return std::nullopt;
  return static_cast<std::size_t>(index - 1);
}

// The document says only at its end, or not at its begin, which version and TEE it has: so what stood in each level is noted.
struct SeenTcb {
  std::uint32_t flat = 0;  // bit per sgxtcbcompNNsvn
  bool sgx = false, tdx = false, pcesvn = false;
};

SeenTcb tcb(json::Scanner& in, TcbLevel& level) {
  SeenTcb seen;
  in.object([&](std::string_view name) {
    if (const auto index = component_index(name)) {
      level.sgx[*index] = svn(in);
      seen.flat |= 1U << *index;
    } else if (name == "sgxtcbcomponents") {
      level.sgx = component_array(in);
      seen.sgx = true;
    } else if (name == "tdxtcbcomponents") {
      level.tdx = component_array(in);
      seen.tdx = true;
    } else if (name == "pcesvn") {
      level.pcesvn = static_cast<std::uint16_t>(in.integer(0, 65535));
      seen.pcesvn = true;
    } else {
      in.skip();
    }
  });
  return seen;
}

struct Shapes {
  bool all_flat = true, all_sgx = true, all_tdx = true;
};

void tcb_levels(json::Scanner& in, std::vector<TcbLevel>& levels, Shapes& shapes) {
  levels.reserve(24);
  in.array(TcbInfo::kMaxLevels, [&] {
    TcbLevel& level = levels.emplace_back();
    SeenTcb seen;
    bool has_tcb = false;
    LevelParts parts;
    in.object([&](std::string_view name) {
      if (name == "tcb") {
        seen = tcb(in, level);
        has_tcb = true;
      } else if (!parts.read(in, name, level)) {
        in.skip();
      }
    });
    in.require(has_tcb, "tcb");
    in.require(!has_tcb || seen.pcesvn, "pcesvn");
    parts.require(in);
    shapes.all_flat = shapes.all_flat && seen.flat == 0xffffU && !seen.sgx && !seen.tdx;
    shapes.all_sgx = shapes.all_sgx && seen.sgx && seen.flat == 0;
    shapes.all_tdx = shapes.all_tdx && seen.tdx;
  });
}

// module_part reads a member of a TDX module; false if it is another.
struct ModuleParts {
  bool mrsigner = false, attributes = false, mask = false;

  bool read(json::Scanner& in, std::string_view name, TdxModule& out) {
    if (name == "mrsigner") {
      out.mrsigner = in.fixed_hex<SeamSigner>();
      mrsigner = true;
    } else if (name == "attributes") {
      out.attributes = in.fixed_hex<SeamAttributes>();
      attributes = true;
    } else if (name == "attributesMask") {
      out.attributes_mask = in.fixed_hex<SeamAttributes>();
      mask = true;
    } else {
      return false;
    }
    return true;
  }
  void require(json::Scanner& in) const {
    in.require(mrsigner, "mrsigner");
    in.require(attributes, "attributes");
    in.require(mask, "attributesMask");
  }
};

TdxModule tdx_module(json::Scanner& in) {
  TdxModule out;
  ModuleParts parts;
  in.object([&](std::string_view name) {
    if (!parts.read(in, name, out)) in.skip();
  });
  parts.require(in);
  return out;
}

// module_version: of an id "TDX_01", in either case.
std::uint8_t module_version(json::Scanner& in) {
  const std::string_view id = in.string(16);
  if (!in.ok()) return 0;
  std::string text(id);
  std::ranges::transform(text, text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (text.size() == 6 && text.starts_with("tdx_")) {
    if (const auto version = hex_decode(text.substr(4)); version.ok()) {
      return static_cast<std::uint8_t>(version.value().front());
    }
  }
  in.fail("expected a module id TDX_ with two hexadecimal digits");
  return 0;
}

void module_identities(json::Scanner& in, std::vector<TdxModuleIdentity>& modules) {
  in.array(TcbInfo::kMaxModules, [&] {
    TdxModuleIdentity module;
    ModuleParts parts;
    bool id = false;
    in.object([&](std::string_view name) {
      if (name == "id") {
        module.version = module_version(in);
        id = true;
      } else if (name == "tcbLevels") {
        isv_levels(in, TcbInfo::kMaxLevels, kModuleStatuses, module.levels);
      } else if (!parts.read(in, name, module)) {
        in.skip();
      }
    });
    in.require(id, "id");
    parts.require(in);
    in.require(!module.levels.empty(), "tcbLevels of a module");
    for (const TdxModuleIdentity& other : modules) {
      if (in.ok() && other.version == module.version) in.fail("a module id stands twice");
    }
    std::ranges::stable_sort(module.levels, std::ranges::greater(), &IsvLevel::isvsvn);
    modules.push_back(std::move(module));
  });
}

struct InfoParts {
  bool id = false, pce_id = false, fmspc = false, tcb_type = false, module = false, modules = false;
  Shapes shapes;
  DocumentParts document;
};

void read_info(json::Scanner& in, TcbInfo& info) {
  InfoParts parts;
  in.object([&](std::string_view name) {
    if (parts.document.read(in, name, info.version, info.issue_date, info.next_update, info.evaluation_number)) return;
    if (name == "id") {
      const std::string_view id = in.string(16);
      if (in.ok() && id != "SGX" && id != "TDX") in.fail("expected id SGX or TDX");
      info.tee = id == "TDX" ? Tee::tdx : Tee::sgx;
      parts.id = true;
    } else if (name == "fmspc") {
      info.fmspc = in.fixed_hex<Fmspc>();
      parts.fmspc = true;
    } else if (name == "pceId") {
      info.pce_id = in.fixed_hex<PceId>();
      parts.pce_id = true;
    } else if (name == "tcbType") {
      in.integer(0, 0);
      parts.tcb_type = true;
    } else if (name == "tdxModule") {
      info.tdx_module = tdx_module(in);
    } else if (name == "tdxModuleIdentities") {
      module_identities(in, info.modules);
    } else if (name == "tcbLevels") {
      tcb_levels(in, info.levels, parts.shapes);
    } else {
      in.skip();
    }
  });
  parts.document.require(in);
  in.require(parts.fmspc, "fmspc");
  in.require(parts.tcb_type, "tcbType");
  in.require(!info.levels.empty(), "tcbLevels");
  if (!in.ok()) return;
  if (info.version == 2) {
    if (parts.id || info.tdx_module || !info.modules.empty()) in.fail("version 2 speaks of SGX only, without an id");
    in.require(parts.shapes.all_flat, "sgxtcbcomp01svn to sgxtcbcomp16svn in each level");
  } else if (info.version == 3) {
    const bool tdx = info.tee == Tee::tdx;
    in.require(parts.id, "id");
    in.require(parts.pce_id, "pceId");
    in.require(parts.shapes.all_sgx, "sgxtcbcomponents in each level");
    in.require(!tdx || parts.shapes.all_tdx, "tdxtcbcomponents in each level");
    in.require(!tdx || info.tdx_module.has_value(), "tdxModule");
    if (in.ok() && !tdx && (info.tdx_module || !info.modules.empty())) in.fail("a TDX module in a document for SGX");
  } else {
    in.fail("expected version 2 or 3");
  }
}

// newer: the order in which levels are looked at, as the reference verifier sorts them.
bool newer(const TcbLevel& a, const TcbLevel& b) {
  if (a.sgx != b.sgx) return a.sgx > b.sgx;
  if (a.tdx != b.tdx) return a.tdx > b.tdx;
  return a.pcesvn > b.pcesvn;
}

}  // namespace

std::string_view tee_text(Tee tee) { return tee == Tee::tdx ? "TDX" : "SGX"; }

std::string_view status_text(TcbStatus status) {
  for (const StatusName& entry : kStatusNames) {
    if (entry.status == status) return entry.name;
  }
  return "NotSupported";
}

std::optional<TcbStatus> tcb_status_from_text(std::string_view text) {
  for (const StatusName& entry : kStatusNames) {
    if (entry.name == text) return entry.status;
  }
  return std::nullopt;
}

std::optional<TcbStatus> published_status(std::string_view text) {
  const auto status = tcb_status_from_text(text);
  if (status == TcbStatus::td_relaunch_advised || status == TcbStatus::td_relaunch_advised_configuration_needed ||
      status == TcbStatus::not_supported) {
    return std::nullopt;
  }
  return status;
}

std::optional<Instant> TcbInfo::newest_level_date() const {
  const auto newest = std::ranges::max_element(levels, {}, &TcbLevel::date);
  return newest == levels.end() ? std::nullopt : std::optional(newest->date);
}

const TdxModuleIdentity* TcbInfo::module(std::uint8_t module_version) const {
  const auto found = std::ranges::find(modules, module_version, &TdxModuleIdentity::version);
  return found == modules.end() ? nullptr : &*found;
}

Result<SignedTcbInfo> parse_tcb_info(std::string_view text) {
  SignedTcbInfo out;
  json::Scanner in(text, "TCB info", TcbInfo::kMaxSize);
  signed_document(in, "tcbInfo", out.signed_bytes, out.signature, [&] { read_info(in, out.info); });
  REDOUBT_CHECK(in.finish());
  std::ranges::stable_sort(out.info.levels, newer);
  return out;
}

}  // namespace redoubt::endorse
