#include "common/attest/verifier/annotate_walk.h"

#include <algorithm>

#include "common/base/encoding.h"

namespace redoubt::verifier {
namespace {

constexpr Place kQuoteHeader[] = {{"version", 2, Show::number},  {"attestation_key_type", 2, Show::number}, {"tee_type", 4, Show::number},
                                  {"qe_svn_or_reserved", 2},     {"pce_svn_or_reserved", 2},                {"qe_vendor_id", 16},
                                  {"user_data", 20}};
constexpr Place kSgxReport[] = {{"cpusvn", 16},    {"miscselect", 4},  {"reserved_1", 12},          {"isvextprodid", 16},        {"attributes", 16},
                                {"mrenclave", 32}, {"reserved_2", 32}, {"mrsigner", 32},            {"reserved_3", 32},          {"configid", 64},
                                {"isvprodid", 2, Show::number},        {"isvsvn", 2, Show::number}, {"configsvn", 2, Show::number},
                                {"reserved_4", 42},                    {"isvfamilyid", 16},         {"report_data", 64}};
constexpr Place kTdReport[] = {{"tee_tcb_svn", 16},   {"mrseam", 48},        {"mrsignerseam", 48}, {"seamattributes", 8}, {"tdattributes", 8}, {"xfam", 8},
                               {"mrtd", 48},          {"mrconfigid", 48},    {"mrowner", 48},      {"mrownerconfig", 48}, {"rtmr0", 48},       {"rtmr1", 48},
                               {"rtmr2", 48},         {"rtmr3", 48},         {"report_data", 64}};
constexpr Place kTdReport15[] = {{"tee_tcb_svn2", 16}, {"mrservicetd", 48}};
constexpr Place kSnpReport[] = {
    {"version", 4, Show::number},         {"guest_svn", 4, Show::number},        {"policy", 8},               {"family_id", 16},          {"image_id", 16},
    {"vmpl", 4, Show::number},            {"signature_algorithm", 4, Show::number}, {"current_tcb", 8},       {"platform_info", 8},       {"key_flags", 4},
    {"reserved_1", 4},                    {"report_data", 64},                   {"measurement", 48},         {"host_data", 32},          {"id_key_digest", 48},
    {"author_key_digest", 48},            {"report_id", 32},                     {"report_id_ma", 32},        {"reported_tcb", 8},        {"cpuid_family_model_stepping", 3},
    {"reserved_2", 21},                   {"chip_id", 64},                       {"committed_tcb", 8},        {"current_build_minor_major", 4},
    {"committed_build_minor_major", 4},   {"launch_tcb", 8},                     {"launch_mitigations", 8},   {"current_mitigations", 8}, {"reserved_3", 152},
    {"signature_r", 72},                  {"signature_s", 72},                   {"reserved_4", 368}};

}  // namespace

std::string value_of(ByteView bytes, Show show) {
  constexpr std::size_t kShown = 64;
  if (show == Show::number || show == Show::number_be) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const std::size_t at = show == Show::number ? bytes.size() - 1 - i : i;
      value = (value << 8U) | std::to_integer<std::uint64_t>(bytes[at]);
    }
    return std::to_string(value);
  }
  if (show == Show::text) return std::string(as_text(bytes.first(std::min(bytes.size(), kShown)))) + (bytes.size() > kShown ? "..." : "");
  const bool zero = !bytes.empty() && std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
  if (zero && bytes.size() > 8) return "zero";
  if (bytes.size() <= kShown) return hex_encode(bytes);
  return hex_encode(bytes.first(32)) + "... (" + std::to_string(bytes.size()) + " bytes)";
}

void quote_fields(Walk& walk, const std::string& prefix, const dcap::RawQuote& raw) {
  walk.take(prefix + "header.", kQuoteHeader);
  if (raw.header.version == 5) {
    walk.take(prefix + "body_type", 2, Show::number);
    walk.take(prefix + "body_size", 4, Show::number);
  }
  if (const auto* td = std::get_if<tdx::Report>(&raw.body)) {
    walk.take(prefix + "body.", kTdReport);
    if (td->v15) walk.take(prefix + "body.", kTdReport15);
  } else {
    walk.take(prefix + "body.", kSgxReport);
  }
  walk.take(prefix + "signature_data_size", 4, Show::number);
  walk.take(prefix + "signature", 64);
  walk.take(prefix + "attestation_key", 64);
  if (raw.header.version >= 4) {
    walk.take(prefix + "certification_type", 2, Show::number);
    walk.take(prefix + "certification_size", 4, Show::number);
  }
  walk.take(prefix + "qe_report.", kSgxReport);
  walk.take(prefix + "qe_report_signature", 64);
  walk.take(prefix + "qe_authentication_size", 2, Show::number);
  walk.take(prefix + "qe_authentication_data", raw.qe_auth_data().size());
  walk.take(prefix + (raw.header.version >= 4 ? "inner_certification_type" : "certification_type"), 2, Show::number);
  walk.take(prefix + (raw.header.version >= 4 ? "inner_certification_size" : "certification_size"), 4, Show::number);
  const bool pem = raw.certification_type == dcap::kPckChain;
  walk.take(prefix + "certification_data", raw.certification_data().size(), pem ? Show::text : Show::hex);
}

void report_fields(Walk& walk, const std::string& prefix) { walk.take(prefix, kSnpReport); }

}  // namespace redoubt::verifier
