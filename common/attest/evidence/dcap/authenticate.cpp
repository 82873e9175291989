#include "common/attest/evidence/check_order.h"
#include "common/attest/evidence/dcap/authenticator.h"
#include "common/base/concat.h"
#include "common/crypto/unique_key.h"

namespace redoubt::dcap {
namespace {

using attest::CheckId;

constexpr auto kEcdsa = crypto::SignatureScheme::ecdsa_sha256;

constexpr CheckId kCollateralChecks[] = {CheckId::c1, CheckId::c2, CheckId::c3, CheckId::c4, CheckId::c5, CheckId::c6, CheckId::c7};
constexpr CheckId kTcbChecks[] = {CheckId::t1, CheckId::t2, CheckId::t3, CheckId::t4, CheckId::t5};

endorse::QeFacts qe_facts(const sgx::Report& report) {
  endorse::QeFacts out;
  for (std::size_t i = 0; i < out.miscselect.size; ++i) {
    out.miscselect.array()[i] = static_cast<std::byte>((report.misc_select >> (8 * i)) & 0xffU);
  }
  out.attributes = endorse::EnclaveAttributes(report.attributes.bytes());
  out.mrsigner = endorse::EnclaveSigner(report.mr_signer.array());
  out.isvprodid = report.isv_prod_id;
  out.isvsvn = report.isv_svn;
  return out;
}

endorse::Components components(const tdx::TcbSvn& svn) {
  endorse::Components out{};
  std::ranges::transform(svn.view(), out.begin(), [](std::byte value) { return std::to_integer<std::uint8_t>(value); });
  return out;
}

endorse::TdxFacts tdx_facts(const tdx::Report& report) {
  endorse::TdxFacts out;
  out.tee_tcb_svn = components(report.tee_tcb_svn);
  if (report.v15) out.tee_tcb_svn2 = components(report.v15->tee_tcb_svn2);
  out.mrsignerseam = endorse::SeamSigner(report.mr_signer_seam.array());
  for (std::size_t i = 0; i < out.seamattributes.size; ++i) {
    out.seamattributes.array()[i] = static_cast<std::byte>((report.seam_attributes >> (8 * i)) & 0xffU);
  }
  return out;
}

}  // namespace

void DcapAuthenticator::judge(CheckId id, std::string expected, std::string found, const Status& status) {
  if (status.ok()) {
    pass(id, std::move(expected), std::move(found));
  } else {
    fail(id, status.error().code(), std::move(expected), status.error().message());
  }
}

void DcapAuthenticator::check_form() {
  const Header& header = raw_.header;
  pass(CheckId::q1, "signature data that end with their last part",
       concat(raw_.signature_data_size(), " bytes of signature data in a quote of ", raw_.size()));
  pass(CheckId::q2, concat("a body of ", endorse::tee_text(header.tee), ", version ", header.version),
       concat("body type ", raw_.body_type, ", ", raw_.signed_bytes().size(), " signed bytes"));
  const auto signed_by = [](const VendorId& vendor) { return concat("ECDSA P-256, vendor ", Hex{vendor.view()}); };
  if (header.qe_vendor == kIntelQeVendor) {
    pass(CheckId::q3, signed_by(kIntelQeVendor), signed_by(header.qe_vendor));
  } else {
    fail(CheckId::q3, Code::chain, signed_by(kIntelQeVendor), signed_by(header.qe_vendor));
  }
  std::string type = certification_text(raw_.certification_type);
  if (raw_.certification_type >= 1 && raw_.certification_type <= kPckChain) {
    pass(CheckId::q4, "a type from 1 to 5", std::move(type));
  } else {
    fail(CheckId::q4, Code::malformed, "a type from 1 to 5", std::move(type));
  }
  pass(CheckId::q5, "nothing read after the quote",
       raw_.unsigned_size == 0 ? "no byte after the quote"
                               : concat(raw_.unsigned_size, " unsigned bytes after the quote, ", raw_.unsigned_zero ? "all zero" : "not all zero"));
}

void DcapAuthenticator::check_quote_signature() {
  constexpr const char* expected = "a signature over header and body by the attestation key, a point on P-256";
  const ByteView point = raw_.attestation_key();
  const auto key = crypto::UniqueKey::from_point(crypto::KeyKind::p256, point.first(32), point.last(32));
  if (!key.ok()) return fail(CheckId::s1, Code::chain, expected, key.error().message());
  judge(CheckId::s1, expected, "that signature", key->verify_raw(kEcdsa, {raw_.signed_bytes()}, raw_.signature()));
}

void DcapAuthenticator::check_key_binding() {
  // All 64 bytes: the digest alone would leave half of the report data to whoever made the enclave.
  const crypto::Sha256Digest digest = crypto::sha256({raw_.attestation_key(), raw_.qe_auth_data()});
  std::array<std::byte, 64> data{};
  std::ranges::copy(digest.view(), data.begin());
  std::string expected = concat(Hex{data});
  std::string found = raw_.qe_report.report_data.hex();
  if (equal(raw_.qe_report.report_data.view(), data)) {
    pass(CheckId::s2, std::move(expected), std::move(found));
  } else {
    fail(CheckId::s2, Code::chain, std::move(expected), std::move(found));
  }
}

Result<std::shared_ptr<const PckCertificates>> DcapAuthenticator::certificates() const {
  if (raw_.certification_type == kPckChain) return PckCertificates::from_pem(raw_.certification_data(), inputs_.collateral);
  if (!inputs_.pck_chain.empty()) return PckCertificates::from_der(inputs_.pck_chain);
  return Error(Code::chain, "PCK certificate needed: certification data of type " +
                                certification_text(raw_.certification_type) + " hold no chain");
}

void DcapAuthenticator::read_chain() {
  const VerifiedPckChain* known = inputs_.known_chain;
  if (known != nullptr && !known->usable(inputs_.roots, inputs_.now)) known = nullptr;
  if (known != nullptr && raw_.certification_type == kPckChain && known->covers_pem(raw_.certification_data())) {
    chain_ = *known;
  } else {
    auto read = certificates();
    if (!read.ok()) {
      unreadable_ = read.error();
      return;
    }
    certificates_ = std::move(read).value();
    if (known != nullptr && known->covers(*certificates_)) chain_ = *known;
  }
  if (chain_) {
    certificates_ = chain_->certificates();
    extension_ = chain_->extension();
  } else if (const auto& extension = certificates_->extension(); extension.ok()) {
    extension_ = *extension;
  }
}

void DcapAuthenticator::check_chain() {
  std::string expected = concat("PCK certificate, PCK CA and a pinned root, valid at ", inputs_.now);
  constexpr const char* expected_extension = "each item of the SGX extension once, in its form";
  if (unreadable_) {
    fail(CheckId::s4, unreadable_->code(), expected, unreadable_->message());
    fail(CheckId::s5, unreadable_->code(), expected_extension, "no PCK certificate");
    return;
  }
  if (!chain_) {
    std::vector<VerifiedAuthority> authorities;
    authorities.reserve(2);
    if (inputs_.known_chain != nullptr && inputs_.known_chain->usable(inputs_.roots, inputs_.now)) {
      authorities.emplace_back(*inputs_.known_chain);
    }
    if (collateral_ != nullptr) authorities.emplace_back(*collateral_);
    auto chain = verify_pck_chain(certificates_, inputs_.roots, inputs_.now, authorities);
    if (!chain.ok()) {
      // Which of the two checks it was.
      judge(CheckId::s4, expected, "that", check_pck_chain(*certificates_, inputs_.roots, inputs_.now, authorities));
      judge(CheckId::s5, expected_extension, "those", [&]() -> Status {
        if (const auto& extension = certificates_->extension(); !extension.ok()) return extension.error();
        return {};
      }());
      return;
    }
    chain_ = std::move(chain).value();
  }
  pass(CheckId::s4, std::move(expected),
       concat(authority_text(chain_->authority()), ", root key ", Hex{chain_->root_pin().view()}, ", valid ", chain_->validity().begin, " to ",
              chain_->validity().end));
  pass(CheckId::s5, expected_extension,
       concat("fmspc ", Hex{chain_->extension().fmspc.view()}, ", pceid ", Hex{chain_->extension().pce_id.view()}, ", pcesvn ",
              chain_->extension().pce_svn));
}

void DcapAuthenticator::check_qe_signature() {
  constexpr const char* expected = "a signature over the QE report by the PCK";
  if (certificates_ == nullptr) return fail(CheckId::s3, Code::chain, expected, "no PCK certificate");
  // A leaf that is not accepted still has a key.
  const auto key = chain_ ? Result(chain_->key()) : certificates_->leaf().public_key();
  judge(CheckId::s3, expected, "that signature",
        key.ok() ? key->verify_raw(kEcdsa, raw_.qe_report_bytes(), raw_.qe_signature()) : Status(key.error()));
}

void DcapAuthenticator::verify_collateral() {
  endorse::CollateralInputs inputs;
  inputs.roots = inputs_.roots;
  inputs.root_certificates = inputs_.root_certificates;
  inputs.now = inputs_.now;
  inputs.minimum_evaluation_number = inputs_.minimum_evaluation_number;
  endorse::PckLeaf leaf;
  if (certificates_ != nullptr && extension_) {
    leaf = {raw_.header.tee, &certificates_->leaf(), &certificates_->authority(), extension_->fmspc, extension_->pce_id};
    inputs.leaf = &leaf;
  }
  if (inputs_.collateral != nullptr) {
    // A proof changes no result: it counts as accepted exactly where its raw parts would be verified now, under these roots.
    const bool usable = std::ranges::find(inputs_.roots, inputs_.collateral->root()) != inputs_.roots.end() &&
                        inputs_.collateral->validity().contains(inputs_.now);
    if (usable) collateral_ = inputs_.collateral;
    endorse::recheck_collateral(*inputs_.collateral, inputs, checks_);
  } else if (inputs_.raw_collateral != nullptr) {
    endorse::CollateralOutcome outcome = endorse::verify_collateral(*inputs_.raw_collateral, inputs);
    std::ranges::move(outcome.checks, std::back_inserter(checks_));
    verified_ = std::move(outcome.verified);
    collateral_ = verified_.get();
  } else {
    for (const CheckId id : kCollateralChecks) checks_.push_back(attest::not_applicable(id, "no collateral given"));
  }
}

void DcapAuthenticator::check_tcb() {
  if (collateral_ == nullptr || !extension_) {
    const bool given = inputs_.collateral != nullptr || inputs_.raw_collateral != nullptr;
    const std::string_view why = !given                    ? "no collateral given"
                                 : collateral_ == nullptr ? "the collateral was not accepted"
                                                          : "no SGX extension to compare";
    for (const CheckId id : kTcbChecks) checks_.push_back(attest::not_applicable(id, std::string(why)));
    return;
  }
  endorse::PlatformTcb platform;
  platform.sgx = extension_->component_svn;
  platform.pcesvn = extension_->pce_svn;
  if (const auto* report = std::get_if<tdx::Report>(&raw_.body)) platform.tdx = tdx_facts(*report);
  platform.qe = qe_facts(raw_.qe_report);
  verdict_ = endorse::evaluate_tcb(platform, *collateral_, checks_);
}

Outcome DcapAuthenticator::run() {
  checks_.reserve(32);  // with room for those that the policy's room adds
  read_chain();
  verify_collateral();
  check_form();
  check_quote_signature();
  check_key_binding();
  check_chain();
  check_qe_signature();
  check_tcb();
  attest::sort_checks(checks_);  // each was made where what it needs was there

  Outcome outcome;
  outcome.checks = std::move(checks_);
  outcome.chain = chain_;
  outcome.tcb = verdict_;
  outcome.collateral = std::move(verified_);
  if (chain_) {
    outcome.validity = chain_->validity();
    if (collateral_ != nullptr) outcome.validity = outcome.validity.intersect(collateral_->validity());
  }
  const bool accepted = std::ranges::none_of(
      outcome.checks, [](const attest::Check& check) { return check.outcome == attest::Outcome::failed; });
  if (accepted && chain_) {
    outcome.authentic = attest::Authentic<Quote>(Quote{raw_, std::move(chain_), std::move(verdict_)});
  }
  return outcome;
}

}  // namespace redoubt::dcap
