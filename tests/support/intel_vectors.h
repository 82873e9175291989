// The shared vectors of Intel quotes and collateral, read for tests: cases, the facts of each quote, the files by name.
#pragma once

#include <string>

#include "common/attest/endorse/intel/tcb.h"
#include "common/base/json.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"

namespace redoubt::test {

// member: a string that must be there.
inline const std::string& member(const json::Object& object, std::string_view name) {
  const auto found = object.find(name);
  if (found == object.end() || found->second.string() == nullptr) {
    std::fprintf(stderr, "no string %s in the vectors\n", std::string(name).c_str());
    std::abort();
  }
  return *found->second.string();
}

class IntelVectors {
 public:
  IntelVectors() : folder_(*shared_dir() / "vectors" / "intel-dcap"), cases_(parse("cases.json")), quotes_(parse("quotes.json")) {}

  const json::Array& cases() const { return *cases_.array(); }
  // one_case: the case of that id.
  const json::Object& one_case(std::string_view id) const {
    for (const json::Value& item : cases()) {
      if (member(*item.object(), "id") == id) return *item.object();
    }
    std::abort();
  }
  json::Value parse(std::string_view file) const { return OrDie(json::parse(text(file))); }
  std::string text(std::string_view file) const { return read_text(folder_ / file); }
  Bytes bytes(std::string_view file) const { return read_file(folder_ / file); }

  // facts of the quote in that file.
  const json::Object& quote(std::string_view file) const {
    for (const auto& [name, facts] : *quotes_.object()) {
      if (member(*facts.object(), "file") == file) return *facts.object();
    }
    std::abort();
  }
  endorse::PlatformTcb platform(std::string_view file) const {
    const json::Object& facts = quote(file);
    const json::Object& pck = *facts.at("pck").object();
    const json::Object& qe = *facts.at("qe_report").object();
    const json::Object& body = *facts.at("body").object();
    endorse::PlatformTcb out;
    const json::Array& components = *pck.at("sgx_tcb_comp_svn").array();
    for (std::size_t i = 0; i < 16; ++i) out.sgx[i] = static_cast<std::uint8_t>(*components.at(i).integer());
    out.pcesvn = static_cast<std::uint16_t>(*pck.at("pcesvn").integer());
    out.qe.miscselect = fixed<endorse::MiscSelect>(qe, "miscselect");
    out.qe.attributes = fixed<endorse::EnclaveAttributes>(qe, "attributes");
    out.qe.mrsigner = fixed<endorse::EnclaveSigner>(qe, "mrsigner");
    out.qe.isvprodid = static_cast<std::uint16_t>(*qe.at("isvprodid").integer());
    out.qe.isvsvn = static_cast<std::uint16_t>(*qe.at("isvsvn").integer());
    if (body.contains("tee_tcb_svn")) {
      endorse::TdxFacts tdx;
      tdx.tee_tcb_svn = components_of(body, "tee_tcb_svn");
      if (body.contains("tee_tcb_svn2")) tdx.tee_tcb_svn2 = components_of(body, "tee_tcb_svn2");
      tdx.mrsignerseam = fixed<endorse::SeamSigner>(body, "mrsignerseam");
      tdx.seamattributes = fixed<endorse::SeamAttributes>(body, "seamattributes");
      out.tdx = tdx;
    }
    return out;
  }

  template <class F>
  static F fixed(const json::Object& object, std::string_view name) {
    return OrDie(F::from_hex(member(object, name), name));
  }

 private:
  static endorse::Components components_of(const json::Object& object, std::string_view name) {
    const Bytes bytes = OrDie(hex_decode(member(object, name)));
    endorse::Components out{};
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(bytes.at(i));
    return out;
  }

  std::filesystem::path folder_;
  json::Value cases_, quotes_;
};

}  // namespace redoubt::test
