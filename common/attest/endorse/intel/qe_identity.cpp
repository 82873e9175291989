#include "common/attest/endorse/intel/qe_identity.h"

#include "common/attest/endorse/intel/json_parts.h"

namespace redoubt::endorse {

namespace {

constexpr TcbStatus kEnclaveStatuses[] = {TcbStatus::up_to_date, TcbStatus::configuration_needed, TcbStatus::out_of_date,
                                          TcbStatus::out_of_date_configuration_needed, TcbStatus::revoked};

struct IdentityParts {
  DocumentParts document;
  bool id = false, miscselect = false, miscselect_mask = false, attributes = false, attributes_mask = false, mrsigner = false,
       isvprodid = false;
};

// enclave_part reads what identifies the enclave; false if it is another member.
bool enclave_part(json::Scanner& in, std::string_view name, QeIdentity& out, IdentityParts& parts) {
  if (name == "miscselect") {
    out.miscselect = in.fixed_hex<MiscSelect>();
    parts.miscselect = true;
  } else if (name == "miscselectMask") {
    out.miscselect_mask = in.fixed_hex<MiscSelect>();
    parts.miscselect_mask = true;
  } else if (name == "attributes") {
    out.attributes = in.fixed_hex<EnclaveAttributes>();
    parts.attributes = true;
  } else if (name == "attributesMask") {
    out.attributes_mask = in.fixed_hex<EnclaveAttributes>();
    parts.attributes_mask = true;
  } else if (name == "mrsigner") {
    out.mrsigner = in.fixed_hex<EnclaveSigner>();
    parts.mrsigner = true;
  } else if (name == "isvprodid") {
    out.isvprodid = static_cast<std::uint16_t>(in.integer(0, 65535));
    parts.isvprodid = true;
  } else {
    return false;
  }
  return true;
}

void read_identity(json::Scanner& in, QeIdentity& out) {
  IdentityParts parts;
  in.object([&](std::string_view name) {
    if (parts.document.read(in, name, out.version, out.issue_date, out.next_update, out.evaluation_number)) return;
    if (enclave_part(in, name, out, parts)) return;
    if (name == "id") {
      const std::string_view id = in.string(16);
      if (in.ok() && id != "QE" && id != "TD_QE") in.fail("expected id QE or TD_QE");
      out.tee = id == "TD_QE" ? Tee::tdx : Tee::sgx;
      parts.id = true;
    } else if (name == "tcbLevels") {
      isv_levels(in, QeIdentity::kMaxLevels, kEnclaveStatuses, out.levels);
    } else {
      in.skip();
    }
  });
  parts.document.require(in);
  in.require(parts.id, "id");
  in.require(parts.miscselect, "miscselect");
  in.require(parts.miscselect_mask, "miscselectMask");
  in.require(parts.attributes, "attributes");
  in.require(parts.attributes_mask, "attributesMask");
  in.require(parts.mrsigner, "mrsigner");
  in.require(parts.isvprodid, "isvprodid");
  in.require(!out.levels.empty(), "tcbLevels");
  if (in.ok() && out.version != 2) in.fail("expected version 2");
}

}  // namespace

Result<SignedQeIdentity> parse_qe_identity(std::string_view text) {
  SignedQeIdentity out;
  json::Scanner in(text, "QE identity", QeIdentity::kMaxSize);
  signed_document(in, "enclaveIdentity", out.signed_bytes, out.signature, [&] { read_identity(in, out.identity); });
  REDOUBT_CHECK(in.finish());
  return out;
}

}  // namespace redoubt::endorse
