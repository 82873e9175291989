// TCB info and QE identity that are read say what the tree parser reads in the same bytes, and the slice that is signed is the
// member itself: two readers never see two documents.
#include <cstdlib>

#include "common/attest/endorse/intel/qe_identity.h"
#include "common/attest/endorse/intel/tcb_info.h"
#include "common/base/json.h"

namespace {

using namespace redoubt;

void require(bool holds) {
  if (!holds) std::abort();
}

// same: the slice lies in the text, is read alone by the tree parser, and has these two members.
void same(std::string_view text, std::string_view name, std::string_view slice, unsigned version, std::uint32_t number) {
  require(slice.data() >= text.data() && slice.data() + slice.size() <= text.data() + text.size());
  const auto whole = json::parse(text);
  const auto inner = json::parse(slice);
  require(whole.ok() == inner.ok());  // both refuse numbers beyond double that nobody asked for
  if (!whole.ok()) return;
  require(whole->object()->at(std::string(name)) == *inner);
  require(*inner->object()->at("version").integer() == static_cast<std::int64_t>(version));
  require(*inner->object()->at("tcbEvaluationDataNumber").integer() == static_cast<std::int64_t>(number));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text(std::as_bytes(std::span(data, size)));
  if (const auto read = endorse::parse_tcb_info(text); read.ok()) {
    same(text, "tcbInfo", read->signed_bytes, read->info.version, read->info.evaluation_number);
    require(!read->info.levels.empty() && read->info.levels.size() <= endorse::TcbInfo::kMaxLevels);
    require((read->info.tee == endorse::Tee::tdx) == read->info.tdx_module.has_value());
  }
  if (const auto read = endorse::parse_qe_identity(text); read.ok()) {
    same(text, "enclaveIdentity", read->signed_bytes, read->identity.version, read->identity.evaluation_number);
    require(!read->identity.levels.empty());
  }
  return 0;
}
