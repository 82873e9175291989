// collateral add, list, fetch: what vendors say of their platforms, kept for verifying offline.
#include <ostream>

#include "client/cli/any_evidence.h"
#include "client/sdk/collateral_fetch.h"
#include "client/sdk/collateral_store.h"

namespace redoubt::cli {
namespace {

struct CollateralOptions {
  std::vector<std::string> paths;
  bool allow_older = false;
  std::string file, fmspc, tee, authority, product;
};

std::string instant_text(Instant at) {
  constexpr std::int64_t kEnd = 253402300799;  // 9999-12-31
  return at.unix_seconds() < 0 || at.unix_seconds() > kEnd ? "-" : at.text();
}

std::string state_of(const Interval& validity, Instant now) {
  if (now < validity.begin) return "not yet valid";
  return validity.end < now ? "expired" : "valid";
}

json::Value item_json(const sdk::StoredCollateral& one, Instant now) {
  return json::Object{{"digest", one.digest.hex()},
                      {"from", instant_text(one.item.validity.begin)},
                      {"kind", verifier::kind_text(one.item.kind)},
                      {"state", state_of(one.item.validity, now)},
                      {"until", instant_text(one.item.validity.end)},
                      {"what", shown(one.item.what)}};
}

void print_items(Session& session, const std::vector<sdk::StoredCollateral>& items) {
  const Instant now = session.world().now();
  if (session.json()) {
    json::Array out;
    for (const auto& one : items) out.push_back(item_json(one, now));
    print_json(session.out(), json::Object{{"items", std::move(out)}});
    return;
  }
  Table table{{"digest", "kind", "what", "from", "until", "state"}, {}};
  for (const auto& one : items) {
    table.rows.push_back({one.digest.hex().substr(0, 16), std::string(verifier::kind_text(one.item.kind)), one.item.what, instant_text(one.item.validity.begin),
                          instant_text(one.item.validity.end), state_of(one.item.validity, now)});
  }
  print_table(session.out(), table);
}

sdk::CollateralStore store_of(Session& session) { return sdk::CollateralStore(session.state() / "collateral"); }

Status keep(Session& session, const std::vector<verifier::NamedFile>& files, bool allow_older) {
  session.next("keep the newer collateral; --allow-older only to judge the past");
  REDOUBT_TRY(const sdk::AddedCollateral added, store_of(session).add(files, allow_older));
  print_items(session, added.added);
  if (!session.json()) session.out() << added.added.size() << " added, " << added.known << " known already\n";
  for (const std::string& one : added.unverified) session.warn("kept, but its signer is not at hand, so its number is not remembered: " + shown(one));
  return {};
}

Status add(Session& session, const CollateralOptions& options) {
  REDOUBT_TRY(const auto files, read_folder(options.paths));
  return keep(session, files, options.allow_older);
}

Status list_collateral(Session& session) {
  REDOUBT_TRY(const auto items, store_of(session).list());
  print_items(session, items);
  return {};
}

// line_of: an AMD line by the option, or none.
std::optional<amd::Product> line_of(const std::string& option) {
  for (const amd::Product product : {amd::Product::milan, amd::Product::genoa, amd::Product::turin}) {
    std::string name(amd::product_text(product));
    name[0] = static_cast<char>(name[0] - 'A' + 'a');
    if (name == option) return product;
  }
  return std::nullopt;
}

Result<sdk::AnyWanted> wanted_of(const CollateralOptions& options) {
  if (!options.file.empty()) {
    REDOUBT_TRY(const Bytes evidence, read_evidence(options.file));
    return sdk::wanted_by(evidence, line_of(options.product));
  }
  if (options.fmspc.empty()) return Error(Code::usage, "collateral fetch: expected --for FILE, or --fmspc with --tee");
  sdk::CollateralWanted wanted;
  REDOUBT_TRY(wanted.fmspc, endorse::Fmspc::from_hex(options.fmspc, "--fmspc"));
  wanted.tee = options.tee == "sgx" ? endorse::Tee::sgx : endorse::Tee::tdx;
  wanted.authority = options.authority;
  return sdk::AnyWanted(std::move(wanted));
}

Status fetch(Session& session, const CollateralOptions& options) {
  session.next("name Evidence (--for FILE) or a family of Intel's (--fmspc HEX --tee tdx)");
  REDOUBT_TRY(const auto wanted, wanted_of(options));
  const auto* amd = std::get_if<sdk::AmdWanted>(&wanted);
  const std::string file = amd != nullptr ? "collateral-amd.json" : "collateral.json";
  session.next("write that file; nothing is ever fetched from an address that you did not give");
  REDOUBT_TRY(const auto service, sdk::CollateralService::load(session.config() / file));
  session.next("check the address and the pin in " + file + ", and that the service runs");
  REDOUBT_TRY(const auto files, amd != nullptr ? sdk::fetch_collateral(service, *amd) : sdk::fetch_collateral(service, std::get<sdk::CollateralWanted>(wanted)));
  if (amd != nullptr && amd->key == amd::KeyKind::vlek) session.warn("the VLEK's certificate is its cloud provider's to give: the guest gets it with the report");
  return keep(session, files, options.allow_older);
}

}  // namespace

void add_collateral_commands(Commands& commands) {
  CLI::App* noun = commands.app.add_subcommand("collateral", "what vendors say of their platforms")->require_subcommand(1)->fallthrough();
  Session& session = commands.session;
  const auto options = std::make_shared<CollateralOptions>();
  options->tee = "tdx";
  options->authority = "platform";
  CLI::App* keep_verb = add_verb(commands, noun, "add", "keep collateral from files, told apart by content; lower numbers than were seen are refused",
                                 {"redoubt collateral add ./collateral", "redoubt collateral add tcbinfo.json root.pem root.crl"},
                                 [&session, options] { return add(session, *options); });
  keep_verb->add_option("paths", options->paths, "folders or files")->required();
  add_verb(commands, noun, "list", "show what is kept, with the time in which it is valid", {"redoubt collateral list", "redoubt collateral list -o json"},
           [&session] { return list_collateral(session); });
  CLI::App* get = add_verb(commands, noun, "fetch",
                           "ask the service in CONFIG/collateral.json for Intel's collateral, or that in CONFIG/collateral-amd.json for AMD's, and keep it",
                           {"redoubt collateral fetch --for quote.bin", "redoubt collateral fetch --for report.bin --product milan",
                            "redoubt collateral fetch --fmspc 90c06f000000 --tee tdx"},
                           [&session, options] { return fetch(session, *options); });
  get->add_option("--for", options->file, "Evidence: a quote, an SEV-SNP report, or what holds one: a composite, a certificate");
  get->add_option("--product", options->product, "milan, genoa or turin: for SEV-SNP reports that do not say it")->check(CLI::IsMember({"milan", "genoa", "turin"}));
  get->add_option("--fmspc", options->fmspc, "platform family, hexadecimal");
  get->add_option("--tee", options->tee, "sgx or tdx")->check(CLI::IsMember({"sgx", "tdx"}));
  get->add_option("--ca", options->authority, "platform or processor: whose revocation list")->check(CLI::IsMember({"platform", "processor"}));
  for (CLI::App* verb : {keep_verb, get}) verb->add_flag("--allow-older", options->allow_older, "take numbers below the highest seen");
}

}  // namespace redoubt::cli
