// Certificates and revocation lists of TPM keys, as the folder tpm lists them.
//
// Their expectations are prose. A sentence is answered in its own words only when each clause of it was found to be so by a rule that
// would hold for any other certificate; where a clause is not so, the answer says what is. Sentences of another form are not decided.
#include "client/sdk/conformance/entry.h"
#include "common/attest/evidence/tpm/certificates.h"

namespace redoubt::conformance {
namespace {

// read_certificate: DER, perhaps padded, or the first of a PEM file.
Result<Bytes> read_certificate(const Entry& entry, std::string_view name) {
  REDOUBT_TRY(Bytes bytes, entry.read(name));
  if (as_text(bytes).find("-----BEGIN") == std::string_view::npos) return bytes;
  REDOUBT_TRY(const auto certificates, crypto::Certificate::parse_pem_bundle(as_text(bytes)));
  return to_bytes(certificates.front().der());
}

Result<Bytes> read_list(const Entry& entry) {
  REDOUBT_TRY(Bytes bytes, entry.file("crl"));
  if (!as_text(bytes).starts_with("-----BEGIN")) return bytes;
  REDOUBT_TRY(auto blocks, crypto::pem_decode(as_text(bytes), "X509 CRL", 1, crypto::CrlView::kMaxSize));
  return std::move(blocks.front());
}

// chain_status: the leaf through the listed certificates to the self-issued one among them, at the begin of its window.
Status chain_status(const Entry& entry, ByteView leaf) {
  const json::Value list = member_or_null(json::Value(entry.members), "chain");
  if (list.array() == nullptr) return Error(Code::usage, "case: no chain");
  std::vector<Bytes> between;
  std::vector<Bytes> anchors;
  for (const json::Value& name : *list.array()) {
    if (name.string() == nullptr) return Error(Code::usage, "case: expected names of files");
    REDOUBT_TRY(Bytes der, read_certificate(entry, *name.string()));
    REDOUBT_TRY(const auto view, crypto::CertificateView::parse(der));
    const bool root = view.self_issued();
    (root ? anchors : between).push_back(std::move(der));
  }
  REDOUBT_TRY(const Instant now, entry.at());
  const std::vector<ByteView> roots(anchors.begin(), anchors.end());
  const auto chain = tpm::verify_chain(leaf, between, roots, now, nullptr);
  return chain.ok() ? Status() : chain.error();
}

// odd_order: the members of some SET of the name do not stand in the order of X.690 section 11.6.
bool odd_order(ByteView name) {
  der::Reader outer(name, "name");
  der::Reader sets = outer.enter(der::Tag::sequence, "name");
  while (sets.ok() && !sets.at_end()) {
    der::Reader set = sets.enter(der::Tag::set, "name");
    ByteView last;
    while (set.ok() && !set.at_end()) {
      const ByteView one = set.any().whole;
      if (std::ranges::lexicographical_compare(one, last)) return true;
      last = one;
    }
  }
  return false;
}

std::string first_word(std::string_view text) { return std::string(text.substr(0, text.find(' '))); }

constexpr std::string_view kNot = "not so: ";

// Answers: for each form of sentence, the sentence when it is so, or what is not so. Nothing: a sentence of another form.
std::optional<std::string> about_chain(std::string_view said, const Entry& entry, ByteView leaf) {
  if (said != "chain verifies") return std::nullopt;
  const Status status = chain_status(entry, leaf);
  return status.ok() ? std::string(said) : std::string(kNot) + status.error().message();
}

std::optional<std::string> about_authority(std::string_view said, ByteView bytes) {
  if (said != "vendor CA certificate") return std::nullopt;
  // Some authorities of vendors are signed with SHA-1, which no chain of ours takes: what they are is asked of the lenient reader.
  const auto certificate = crypto::Certificate::parse_der(bytes);
  if (!certificate.ok()) return std::string(kNot) + certificate.error().message();
  return certificate->is_ca() ? std::string(said) : std::string(kNot) + "no CA";
}

// "self-issued NAME TPM root whose issuer has a SET in wrong order: strict DER parsers refuse it, OpenSSL reads it"
std::optional<std::string> about_order(std::string_view said, ByteView bytes) {
  constexpr std::string_view kBegin = "self-issued ";
  constexpr std::string_view kRest = " TPM root whose issuer has a SET in wrong order: strict DER parsers refuse it, OpenSSL reads it";
  if (!said.starts_with(kBegin) || !said.ends_with(kRest) || said.size() < kBegin.size() + kRest.size()) return std::nullopt;
  const std::string_view vendor = said.substr(kBegin.size(), said.size() - kBegin.size() - kRest.size());
  const auto view = crypto::CertificateView::parse(bytes);
  if (!view.ok()) return std::string(kNot) + view.error().message();
  const auto key = view->public_key();
  if (!view->self_issued() || !key.ok() || !key->verify(view->scheme, view->tbs, view->signature).ok()) return std::string(kNot) + "not its own issuer";
  if (crypto::name_text(view->issuer).find(vendor) == std::string::npos) return std::string(kNot) + crypto::name_text(view->issuer);
  if (!odd_order(view->issuer)) return std::string(kNot) + "every SET is in order";
  if (!crypto::Certificate::parse_der(bytes).ok()) return std::string(kNot) + "OpenSSL does not read it";
  return std::string(said);
}

// "NAME EK certificate followed by 0xFF padding, as read from NV: ..."
std::optional<std::string> about_padding(std::string_view said, ByteView bytes) {
  constexpr std::string_view kRest = ": take the length from the outer SEQUENCE, ignore nothing inside";
  const bool ones = said.find(" EK certificate followed by 0xFF padding, as read from NV") != std::string_view::npos;
  const bool zeros = said.find(" EK certificate followed by zero padding, as read from NV") != std::string_view::npos;
  if (!said.ends_with(kRest) || (!ones && !zeros)) return std::nullopt;
  const auto certificate = tpm::unpad(bytes);
  if (!certificate.ok()) return std::string(kNot) + certificate.error().message();
  if (certificate->size() == bytes.size() || bytes.back() != (ones ? std::byte{0xff} : std::byte{0})) return std::string(kNot) + "no such padding";
  const auto view = crypto::CertificateView::parse(*certificate);
  if (!view.ok()) return std::string(kNot) + view.error().message();
  const std::string vendor = first_word(said);
  if (crypto::name_text(view->issuer).find(vendor) == std::string::npos) return std::string(kNot) + crypto::name_text(view->issuer);
  return tpm::has_usage(*view, tpm::kEkUsage) ? std::string(said) : std::string(kNot) + "no EK certificate";
}

// revoked_in: of revoked certificates in the list, when it is signed by the certificate beside it whose name it gives.
Result<std::size_t> revoked_in(const Entry& entry) {
  REDOUBT_TRY(const Bytes bytes, read_list(entry));
  REDOUBT_TRY(const auto list, crypto::CrlView::parse(bytes));
  const std::filesystem::path folder = std::filesystem::path(entry.text("crl")).parent_path();
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(entry.folder / folder, error)) {
    if (file.path().extension() != ".pem") continue;
    const auto der = read_certificate(entry, (folder / file.path().filename()).string());
    if (!der.ok()) continue;
    const auto issuer = crypto::CertificateView::parse(*der);
    if (!issuer.ok() || !equal(issuer->subject, list.issuer)) continue;
    const auto key = issuer->public_key();
    if (key.ok() && crypto::check_crl_issued(list, *issuer, *key).ok()) return list.revoked_count;
  }
  return Error(Code::chain, "the list is not signed by a certificate beside it");
}

Result<Facts> list_facts(const Entry& entry) {
  const auto revoked = revoked_in(entry);
  if (!revoked.ok()) return Facts{{"verdict", std::string(kNot) + revoked.error().message()}};
  const std::string count = std::to_string(*revoked);
  return Facts{{"verdict", "CRL, " + count + " revoked"}, {"revoked", static_cast<std::int64_t>(*revoked)}};
}

}  // namespace

bool is_ek_chain(const Entry& entry) {
  return entry.has("crl") || (entry.has("leaf") && entry.has("origin") && !entry.has("report") && !entry.has("file"));
}

json::Object expected_of_ek_chain(const Entry& entry) {
  json::Object out;
  if (!entry.text("expect").empty()) out.emplace("verdict", entry.text("expect"));
  for (const char* stated : {"revoked", "length"}) {
    if (entry.has(stated)) out.emplace(stated, member_or_null(json::Value(entry.members), stated));
  }
  return out;
}

Result<Facts> ek_chain_facts(const Entry& entry) {
  if (entry.has("crl")) return list_facts(entry);
  const std::string_view said = entry.text("expect");
  REDOUBT_TRY(const Bytes file, entry.file("leaf"));
  REDOUBT_TRY(const Bytes bytes, read_certificate(entry, entry.text("leaf")));
  Facts facts{{"length", static_cast<std::int64_t>(file.size())}};
  for (const auto& answer : {about_chain(said, entry, bytes), about_authority(said, bytes), about_order(said, bytes), about_padding(said, bytes)}) {
    if (answer) facts.emplace("verdict", *answer);
  }
  return facts;
}

}  // namespace redoubt::conformance
