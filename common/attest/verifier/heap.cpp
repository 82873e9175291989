#include "common/attest/verifier/heap.h"

#include <set>

#include "common/attest/endorse/amd/leaf.h"
#include "common/attest/endorse/intel/qe_identity.h"
#include "common/attest/verifier/text.h"
#include "common/base/json.h"
#include "common/crypto/certificate_view.h"
#include "common/crypto/jwt.h"

namespace redoubt::verifier {
namespace {

constexpr std::size_t kMaxBlocks = 64;

Kind certificate_kind(const crypto::CertificateView& view) {
  const std::string_view subject = crypto::common_name(view.subject);
  const std::string_view issuer = crypto::common_name(view.issuer);
  if (view.self_issued()) return Kind::root;
  if (subject == "Intel SGX TCB Signing") return Kind::intel_signer;
  if (subject == "Intel SGX PCK Platform CA" || subject == "Intel SGX PCK Processor CA") return Kind::pck_authority;
  if (subject == "Intel SGX PCK Certificate") return Kind::pck_leaf;
  if (subject == "SEV-VCEK" || subject == "SEV-VLEK") return Kind::amd_leaf;
  if (subject.starts_with("SEV-") && issuer.starts_with("ARK-")) return Kind::amd_intermediate;
  return Kind::certificate;
}

class HeapReader {
 public:
  Status read(const NamedFile& file) {
    file_ = &file;
    const std::string_view text = trimmed(as_text(file.bytes));
    if (text.empty()) return wrong("the file is empty");
    if (text.front() == '{') return json(text);
    if (text.starts_with("-----BEGIN ")) return pem(text);
    if (file.bytes.front() == std::byte{0x30}) return der(file.bytes);
    if (file.bytes.size() > 1 && file.bytes[0] == std::byte{0x1f} && file.bytes[1] == std::byte{0x8b}) return wrong("looks like gzip: unpack it first");
    const bool hex = text.find_first_not_of("0123456789abcdefABCDEF\r\n") == std::string_view::npos;
    if (hex) return wrong("looks like hexadecimal: decode it first: xxd -r -p FILE");
    return wrong("expected TCB info, QE identity, a key set, certificates or a revocation list");
  }

  std::vector<Item> take() && { return std::move(items_); }

 private:
  Error wrong(const std::string& why) const { return Error(Code::malformed, "collateral: " + file_->name + ": " + why); }

  void add(Item item) {
    item.file = file_->name;
    const auto read = std::make_shared<Read>();
    read->bytes = item.bytes;
    read->digest = crypto::sha256(item.bytes);
    if (!seen_.insert(read->digest).second) return;
    // Read before, in a copy that may go: the same again from the bytes that stay.
    const std::string_view text = as_text(read->bytes);
    const auto take = [&](const auto& document) {
      if (!document.ok()) return;
      read->signed_text = document->signed_bytes;
      read->signature = to_bytes(document->signature.view());
    };
    if (item.kind == Kind::tcb_info) {
      take(endorse::parse_tcb_info(text));
    } else if (item.kind == Kind::qe_identity) {
      take(endorse::parse_qe_identity(text));
    } else if (item.kind == Kind::crl) {
      if (auto list = crypto::CrlView::parse(read->bytes); list.ok()) read->list = std::move(*list);
    } else if (item.kind != Kind::key_set) {
      if (auto view = crypto::CertificateView::parse(read->bytes); view.ok()) read->certificate = std::move(*view);
    }
    item.read = read;
    items_.push_back(std::move(item));
  }

  Status json(std::string_view text) {
    if (!few_members(text, kMaxJsonMembers)) return wrong("looks like JSON: more than " + std::to_string(kMaxJsonMembers) + " members");
    const auto value = json::parse(text);
    if (!value.ok()) return wrong("looks like JSON: " + value.error().message());
    const auto has = [&](std::string_view key) { return value->object() != nullptr && value->object()->contains(key); };
    if (has("tcbInfo")) return tcb_info(text);
    if (has("enclaveIdentity")) return qe_identity(text);
    if (has("keys")) return key_set(text);
    return wrong("JSON that is neither TCB info, QE identity nor a key set");
  }

  Status tcb_info(std::string_view text) {
    const auto parsed = endorse::parse_tcb_info(text);
    if (!parsed.ok()) return wrong("TCB info: " + parsed.error().message());
    const endorse::TcbInfo& info = parsed->info;
    Item item{.kind = Kind::tcb_info, .file = {}, .bytes = to_bytes(text), .what = {}, .validity = {info.issue_date, info.next_update}};
    item.tee = info.tee;
    item.fmspc = info.fmspc;
    item.evaluation_number = info.evaluation_number;
    item.what = "TCB info of " + std::string(endorse::tee_text(info.tee)) + " " + info.fmspc.hex() + ", evaluation number " + std::to_string(info.evaluation_number);
    add(std::move(item));
    return {};
  }

  Status qe_identity(std::string_view text) {
    const auto parsed = endorse::parse_qe_identity(text);
    if (!parsed.ok()) return wrong("QE identity: " + parsed.error().message());
    const endorse::QeIdentity& identity = parsed->identity;
    Item item{.kind = Kind::qe_identity, .file = {}, .bytes = to_bytes(text), .what = {}, .validity = {identity.issue_date, identity.next_update}};
    item.tee = identity.tee;
    item.evaluation_number = identity.evaluation_number;
    item.what = "QE identity of " + std::string(endorse::tee_text(identity.tee)) + ", evaluation number " + std::to_string(identity.evaluation_number);
    add(std::move(item));
    return {};
  }

  Status key_set(std::string_view text) {
    const auto keys = crypto::parse_jwk_set(text);
    if (!keys.ok()) return wrong("key set: " + keys.error().message());
    add({.kind = Kind::key_set, .file = {}, .bytes = to_bytes(text), .what = "key set of " + std::to_string(keys->size()) + " keys",
         .validity = {Instant(INT64_MIN), Instant(INT64_MAX)}});
    return {};
  }

  // pem: the blocks in the order in which they stand; text between them is passed over.
  Status pem(std::string_view text) {
    constexpr std::string_view kBegin = "-----BEGIN ";
    std::size_t count = 0;
    for (std::size_t at = text.find(kBegin); at != std::string_view::npos; at = text.find(kBegin, at)) {
      if (++count > kMaxBlocks) return wrong("more than " + std::to_string(kMaxBlocks) + " PEM blocks");
      const std::size_t after = text.find("-----", at + kBegin.size());
      if (after == std::string_view::npos) return wrong("a PEM block that does not begin");
      const std::string label(text.substr(at + kBegin.size(), after - at - kBegin.size()));
      const std::string close = "-----END " + label + "-----";
      const std::size_t end = text.find(close, after);
      if (end == std::string_view::npos) return wrong("a PEM block without its end");
      if (label != "CERTIFICATE" && label != "X509 CRL") return wrong("PEM of \"" + label.substr(0, 40) + "\", expected certificates or revocation lists");
      const auto block = crypto::pem_decode(text.substr(at, end + close.size() - at), label, 1, crypto::CrlView::kMaxSize);
      if (!block.ok()) return wrong(block.error().message());
      REDOUBT_CHECK(der(block->front()));
      at = end + close.size();
    }
    return {};
  }

  Status der(const Bytes& bytes) {
    if (const auto view = crypto::CertificateView::parse(bytes); view.ok()) {
      add({.kind = certificate_kind(*view), .file = {}, .bytes = bytes, .what = crypto::name_text(view->subject), .validity = view->validity});
      return {};
    } else if (const auto crl = crypto::CrlView::parse(bytes); crl.ok()) {
      Item item{.kind = Kind::crl, .file = {}, .bytes = bytes, .what = {}, .validity = {crl->this_update, crl->next_update}};
      item.issuer = to_bytes(crl->issuer);
      if (crl->number) item.number = to_bytes(*crl->number);
      item.what = "revocation list of " + crypto::name_text(crl->issuer) + (item.number.empty() ? "" : ", number 0x" + hex_encode(item.number));
      add(std::move(item));
      return {};
    } else {
      return wrong("neither a certificate (" + view.error().message() + ") nor a revocation list (" + crl.error().message() + ")");
    }
  }

  const NamedFile* file_ = nullptr;
  std::vector<Item> items_;
  std::set<crypto::Sha256Digest> seen_;
};

}  // namespace

std::string_view kind_text(Kind kind) {
  switch (kind) {
    case Kind::tcb_info: return "tcb-info";
    case Kind::qe_identity: return "qe-identity";
    case Kind::intel_signer: return "tcb-signing-certificate";
    case Kind::pck_authority: return "pck-ca-certificate";
    case Kind::pck_leaf: return "pck-certificate";
    case Kind::amd_leaf: return "amd-key-certificate";
    case Kind::amd_intermediate: return "amd-ca-certificate";
    case Kind::root: return "root-certificate";
    case Kind::certificate: return "certificate";
    case Kind::crl: return "revocation-list";
    case Kind::key_set: return "key-set";
  }
  return "";
}

Result<std::vector<Item>> read_heap(std::span<const NamedFile> files) {
  if (files.size() > kMaxFiles) return Error(Code::malformed, "collateral: expected at most 4096 files, found " + std::to_string(files.size()));
  std::size_t total = 0;
  HeapReader reader;
  for (const NamedFile& file : files) {
    total += file.bytes.size();
    if (total > kMaxHeap) return Error(Code::malformed, "collateral: expected at most 64 MiB");
    REDOUBT_CHECK(reader.read(file));
  }
  return std::move(reader).take();
}

}  // namespace redoubt::verifier
