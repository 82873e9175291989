#include "common/attest/evidence/snp/authenticator.h"

#include "common/base/concat.h"

namespace redoubt::snp {
namespace {

using attest::CheckId;

constexpr std::size_t kNumberSize = 72;  // of r and of s in the report
constexpr std::size_t kFieldSize = 48;   // of P-384
constexpr std::size_t kAtR = kSignedSize;
constexpr std::size_t kAtS = kAtR + kNumberSize;

std::string hex_number(std::uint64_t value) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  do {
    out.insert(out.begin(), digits[value & 15U]);
    value >>= 4U;
  } while (value != 0);
  return "0x" + out;
}

std::optional<amd::KeyKind> kind_of(unsigned signing_key) {
  if (signing_key == 0) return amd::KeyKind::vcek;
  if (signing_key == 1) return amd::KeyKind::vlek;
  return std::nullopt;
}

std::string_view intermediate_text(amd::KeyKind kind) { return kind == amd::KeyKind::vcek ? "ASK" : "ASVK"; }

// What is wrong with the form: what was expected, and what was found.
struct Flaw {
  std::string expected, found;
};

std::optional<Flaw> flaw_of(const Report& report) {
  if (report.signature_algorithm != 1) {
    return Flaw{"signature algorithm 1 (ECDSA P-384 with SHA-384)", std::to_string(report.signature_algorithm)};
  }
  if (report.reserved_at) return Flaw{"zero in reserved bytes", "another value at offset " + std::to_string(*report.reserved_at)};
  if (!report.keys.reserved_zero()) return Flaw{"zero in bits 5 to 31 of the key flags", hex_number(report.keys.raw)};
  if (!report.policy.reserved_ok()) {
    return Flaw{"policy with bit 17 one and bits 26 to 63 zero", hex_number(report.policy.raw)};
  }
  return std::nullopt;
}

// big_endian turns a little-endian number of 72 bytes into the 48 of the field; false when it does not fit.
bool big_endian(ByteView little, std::span<std::byte> big) {
  std::reverse_copy(little.begin(), little.begin() + kFieldSize, big.begin());
  return std::ranges::all_of(little.subspan(kFieldSize), [](std::byte b) { return b == std::byte{0}; });
}

}  // namespace

SnpAuthenticator::SnpAuthenticator(const attest::Parsed<SnpEvidence>& parsed, const Inputs& inputs)
    : evidence_(parsed.value_), report_(evidence_.report), inputs_(inputs) {
  checks_.reserve(16);  // eight here; six of the policy and two of the claims follow
}

bool SnpAuthenticator::usable(const amd::VerifiedVcek& proof) const {
  const amd::VerifiedAmdChain& chain = proof.chain();
  return proof.validity().contains(inputs_.now) && equal(proof.der(), inputs_.leaf) &&
         equal(chain.intermediate(), inputs_.intermediate) && equal(chain.ark(), inputs_.ark) &&
         std::ranges::find(inputs_.anchors, chain.anchor()) != inputs_.anchors.end();
}

bool SnpAuthenticator::usable(const amd::VerifiedCrl& list) const {
  return list.validity().contains(inputs_.now) && equal(list.der(), inputs_.crl) && chain() != nullptr &&
         list.ark() == chain()->anchor().ark;
}

const amd::VerifiedAmdChain* SnpAuthenticator::chain() const {
  if (proof_) return &proof_->chain();
  return chain_ ? &*chain_ : nullptr;
}

void SnpAuthenticator::verify() {
  if (inputs_.verified_vcek != nullptr && usable(*inputs_.verified_vcek)) {
    proof_ = *inputs_.verified_vcek;
    leaf_ = &proof_->leaf();
    intermediate_ = amd::IntermediateName{chain()->product(), chain()->kind()};
    return;
  }
  // Kind and product are compared by the names alone, so that they are told apart from a signature or a validity that fails (N4).
  intermediate_ = amd::intermediate_name_of(inputs_.intermediate);
  auto leaf = amd::Leaf::parse(inputs_.leaf);
  if (leaf.ok()) {
    parsed_leaf_ = std::move(leaf).value();
    leaf_ = &*parsed_leaf_;
  } else {
    leaf_error_ = leaf.error();
  }
  auto chain = amd::verify_chain(inputs_.intermediate, inputs_.ark, inputs_.anchors, inputs_.now);
  if (!chain.ok()) {
    chain_error_ = chain.error();
    return;
  }
  chain_ = std::move(chain).value();
  auto proof = amd::verify_vcek(inputs_.leaf, *chain_, inputs_.now);
  if (!proof.ok()) {
    chain_error_ = proof.error();
    return;
  }
  proof_ = std::move(proof).value();
}

void SnpAuthenticator::check_form() {
  if (auto flaw = flaw_of(report_)) {
    fail(CheckId::n1, Code::malformed, std::move(flaw->expected), std::move(flaw->found));
  } else {
    pass(CheckId::n1, "1184 bytes, version 2 to 5, signature algorithm 1, reserved bytes zero", concat("version ", report_.version));
  }
}

bool SnpAuthenticator::unreadable(CheckId id, std::string_view expected) {
  if (leaf_ != nullptr) return false;
  fail(id, leaf_error_ ? leaf_error_->code() : Code::malformed, std::string(expected),
       leaf_error_ ? leaf_error_->message() : "no endorsement key certificate");
  return true;
}

void SnpAuthenticator::check_key_kind() {
  const unsigned field = report_.keys.signing_key();
  const auto kind = kind_of(field);
  if (!kind) {
    return fail(CheckId::n2, Code::malformed, "signing key 0 (VCEK) or 1 (VLEK)",
                std::to_string(field) + (field == 7 ? " (none)" : ""));
  }
  if (*kind == amd::KeyKind::vcek && report_.keys.mask_chip_key()) {
    return fail(CheckId::n2, Code::binding, "a platform that lets the VCEK sign", "MASK_CHIP_KEY is one");
  }
  std::string expected = concat(amd::key_kind_text(*kind), " under an ", intermediate_text(*kind), ", as the report says");
  if (unreadable(CheckId::n2, expected)) return;
  if (!intermediate_->ok()) return fail(CheckId::n2, Code::malformed, expected, intermediate_->error().message());
  const amd::KeyKind between = (*intermediate_)->kind;
  std::string found = concat(amd::key_kind_text(leaf_->kind), " under an ", intermediate_text(between));
  if (leaf_->kind == *kind && between == *kind) {
    pass(CheckId::n2, std::move(expected), std::move(found));
  } else {
    fail(CheckId::n2, Code::binding, std::move(expected), std::move(found));
  }
}

void SnpAuthenticator::check_signature() {
  std::string expected = "ECDSA P-384 with SHA-384 over bytes 0 to 671 by the endorsement key";
  if (unreadable(CheckId::n3, expected)) return;
  const ByteView bytes = evidence_.bytes;
  std::array<std::byte, 2 * kFieldSize> signature{};
  const std::span<std::byte> out(signature);
  if (!big_endian(bytes.subspan(kAtR, kNumberSize), out.first(kFieldSize))) {
    return fail(CheckId::n3, Code::chain, expected, "r has more than 384 bits");
  }
  if (!big_endian(bytes.subspan(kAtS, kNumberSize), out.last(kFieldSize))) {
    return fail(CheckId::n3, Code::chain, expected, "s has more than 384 bits");
  }
  const Status status = leaf_->key.verify_raw(crypto::SignatureScheme::ecdsa_sha384, bytes.first(kSignedSize), signature);
  if (status.ok()) {
    pass(CheckId::n3, std::move(expected), "verified");
  } else {
    fail(CheckId::n3, Code::chain, expected, status.error().message());
  }
}

void SnpAuthenticator::check_chain() {
  std::string expected = concat("endorsement key under ASK or ASVK under a pinned ARK, valid at ", inputs_.now);
  if (proof_) {
    validity_ = proof_->validity();
    return pass(CheckId::n4, std::move(expected), concat(amd::ark_name(chain()->product()), ", valid until ", validity_.end));
  }
  // Without a proof there is the error of the chain, or that of the leaf under an accepted chain.
  fail(CheckId::n4, chain_error_ ? chain_error_->code() : Code::chain, expected, chain_error_ ? chain_error_->message() : "no proof");
}

void SnpAuthenticator::check_product() {
  if (unreadable(CheckId::n5, "one product")) return;
  const amd::Product product = leaf_->extensions.product;
  const std::string_view name = amd::product_text(product);
  std::string expected = concat(name, ", as the endorsement key's product name ", leaf_->extensions.product_name);
  if (leaf_->issuer_product != product) {
    return fail(CheckId::n5, Code::binding, expected, "its issuer is of " + std::string(amd::product_text(leaf_->issuer_product)));
  }
  if (!intermediate_->ok()) return fail(CheckId::n5, Code::malformed, expected, intermediate_->error().message());
  if ((*intermediate_)->product != product) {
    return fail(CheckId::n5, Code::binding, expected, "the chain is of " + std::string(amd::product_text((*intermediate_)->product)));
  }
  if (!report_.cpuid) {
    return pass(CheckId::n5, std::move(expected),
                concat("the chain is of ", name, "; a report of version 2 names no processor, so that the product is the certificate's word"));
  }
  const auto cpu = report_.product();
  const auto with_model = [&](std::string_view before, std::string_view of) {
    return concat(before, of, " (CPUID family ", hex_number(report_.cpuid->family), ", model ", hex_number(report_.cpuid->model), ")");
  };
  if (cpu != product) {
    return fail(CheckId::n5, Code::binding, expected, with_model("the report is of ", cpu ? amd::product_text(*cpu) : "no known product"));
  }
  pass(CheckId::n5, std::move(expected), with_model("", name));
}

void SnpAuthenticator::check_tcb() {
  if (unreadable(CheckId::n6, "the TCB that the endorsement key was derived for")) return;
  const amd::LeafExtensions& leaf = leaf_->extensions;
  std::string expected = concat("of the endorsement key: ", amd::TcbText{leaf.tcb, leaf.product});
  std::string found = concat("reported: ", amd::TcbText{report_.reported_tcb, leaf.product});
  if (leaf.tcb == report_.reported_tcb) {
    pass(CheckId::n6, std::move(expected), std::move(found));
  } else {
    fail(CheckId::n6, Code::tcb, std::move(expected), std::move(found));
  }
}

void SnpAuthenticator::check_chip() {
  if (unreadable(CheckId::n7, "the chip that the endorsement key was issued for")) return;
  const amd::LeafExtensions& leaf = leaf_->extensions;
  if (!leaf.chip_id) {
    return pass(CheckId::n7, "a VLEK names its cloud provider, not a chip", leaf.csp_id);
  }
  if (report_.chip_id_masked()) {
    checks_.push_back(attest::not_applicable(
        CheckId::n7, "the platform masks the chip id; the VCEK is that of chip " + leaf.chip_id->hex() + "; the policy decides"));
    return;
  }
  if (*leaf.chip_id == report_.chip_id) {
    pass(CheckId::n7, leaf.chip_id->hex(), report_.chip_id.hex());
  } else {
    fail(CheckId::n7, Code::binding, leaf.chip_id->hex(), report_.chip_id.hex());
  }
}

void SnpAuthenticator::check_list(const amd::VerifiedCrl& list) {
  const std::string expected = "neither endorsement key nor intermediate on the list of " + list.validity().begin.text();
  if (list.revokes(chain()->intermediate_serial())) {
    return fail(CheckId::n13, Code::chain, expected, "the intermediate, serial " + hex_encode(chain()->intermediate_serial()));
  }
  if (unreadable(CheckId::n13, expected)) return;
  if (list.revokes(leaf_->serial)) {
    return fail(CheckId::n13, Code::chain, expected, "the endorsement key, serial " + hex_encode(leaf_->serial));
  }
  evidence_.endorsement.revocation_checked = true;
  validity_ = validity_.intersect(list.validity());
  pass(CheckId::n13, expected, "none of them; the next list is due at " + list.validity().end.text());
}

void SnpAuthenticator::check_revocation() {
  if (inputs_.crl.empty()) {
    checks_.push_back(attest::not_applicable(CheckId::n13, "no revocation list of AMD is at hand"));
    return;
  }
  const std::string expected = "a revocation list that the ARK of the chain signed, current at " + inputs_.now.text();
  if (chain() == nullptr) return fail(CheckId::n13, Code::chain, expected, "no accepted chain to verify the list with");
  if (inputs_.verified_crl != nullptr && usable(*inputs_.verified_crl)) return check_list(*inputs_.verified_crl);
  const auto list = amd::verify_crl(inputs_.crl, *chain(), inputs_.now);
  if (!list.ok()) return fail(CheckId::n13, list.error().code(), expected, list.error().message());
  check_list(*list);
}

Outcome SnpAuthenticator::run() {
  verify();
  check_form();
  check_key_kind();
  check_signature();
  check_chain();
  check_product();
  check_tcb();
  check_chip();
  check_revocation();

  Outcome outcome{std::move(checks_), std::nullopt, validity_};
  const bool accepted = std::ranges::none_of(
      outcome.checks, [](const attest::Check& check) { return check.outcome == attest::Outcome::failed; });
  if (accepted && proof_) {
    Endorsement& endorsement = evidence_.endorsement;
    endorsement.product = proof_->chain().product();
    endorsement.signing_key = leaf_->kind;
    endorsement.leaf = leaf_->extensions;
    endorsement.key = proof_->spki_digest();
    endorsement.anchor = proof_->chain().anchor().ark;
    outcome.authentic = attest::Authentic<SnpEvidence>(std::move(evidence_));
  }
  return outcome;
}

Outcome authenticate(const attest::Parsed<SnpEvidence>& parsed, const Inputs& inputs) {
  return SnpAuthenticator(parsed, inputs).run();
}

}  // namespace redoubt::snp
