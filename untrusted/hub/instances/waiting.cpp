#include "untrusted/hub/instances/waiting.h"

#include <set>

namespace redoubt::hub {
namespace {

constexpr std::string_view kWaitingForKey = "waiting_for_key";

void add(std::string& text, const std::set<std::string>& names, std::string_view step) {
  if (names.empty()) return;
  text += text.empty() ? "waits for " : "; ";
  bool first = true;
  for (const std::string& name : names) {
    text += (first ? "" : ", ") + name;
    first = false;
  }
  text += ": " + std::string(step);
}

}  // namespace

std::string waiting_for(const RoomState& state, const jobs::Contract& contract, const jobs::Proposal& proposal,
                        const std::map<std::string, std::string>& owners) {
  std::set<std::string> verify;
  for (const jobs::Participant& participant : contract.participants) {
    if (std::ranges::find(state.joined, participant.name) == state.joined.end()) verify.insert(participant.name);
  }
  // Who has joined and not signed could not check the old log: verifying once more says why. New queries need it too: they are
  // compared with what the old log reserved.
  std::set<std::string> sign;
  if (proposal.terms.instance != state.instance || proposal.terms.level != jobs::PrivacyLevel::none) {
    for (const std::string& name : state.carry_over_missing) {
      if (!verify.contains(name)) sign.insert(name);
    }
  }
  std::set<std::string> release;
  for (const auto& manifest : proposal.terms.manifests) {
    const auto owner = owners.find(manifest.hex());
    const auto found = state.datasets.find(manifest.hex());
    if (owner != owners.end() && (found == state.datasets.end() || found->second == kWaitingForKey)) release.insert(owner->second);
  }
  std::string text;
  add(text, verify, "redoubt environment verify");
  add(text, sign, "redoubt environment verify, to sign the old log as carried over");
  add(text, release, "redoubt dataset release");
  return text;
}

}  // namespace redoubt::hub
