#include "common/attest/endorse/intel/json_parts.h"

#include <algorithm>

namespace redoubt::endorse {

bool LevelParts::read(json::Scanner& in, std::string_view name, LevelFacts& out) {
  if (name == "tcbDate") {
    out.date = in.instant();
    date = true;
  } else if (name == "tcbStatus") {
    const std::string_view text = in.string(64);
    const auto known = published_status(text);
    if (in.ok() && (!known || (!statuses.empty() && std::ranges::find(statuses, *known) == statuses.end()))) {
      in.fail("unknown tcbStatus \"" + std::string(text) + "\"");
    }
    out.status = known.value_or(TcbStatus::revoked);
    status = true;
  } else if (name == "advisoryIDs") {
    in.array(TcbInfo::kMaxAdvisories, [&] { out.advisories.emplace_back(in.string(64)); });
  } else {
    return false;
  }
  return true;
}

void LevelParts::require(json::Scanner& in) const {
  in.require(date, "tcbDate");
  in.require(status, "tcbStatus");
}

void isv_levels(json::Scanner& in, std::size_t max, std::span<const TcbStatus> statuses, std::vector<IsvLevel>& out) {
  in.array(max, [&] {
    IsvLevel level;
    LevelParts parts{.statuses = statuses};
    bool isvsvn = false;
    in.object([&](std::string_view name) {
      if (name == "tcb") {
        in.object([&](std::string_view part) {
          if (part != "isvsvn") return in.skip();
          level.isvsvn = static_cast<std::uint16_t>(in.integer(0, 65535));
          isvsvn = true;
        });
      } else if (!parts.read(in, name, level)) {
        in.skip();
      }
    });
    in.require(isvsvn, "isvsvn");
    parts.require(in);
    out.push_back(std::move(level));
  });
}

bool DocumentParts::read(json::Scanner& in, std::string_view name, unsigned& version_out, Instant& issue_out, Instant& next_out,
                         std::uint32_t& number_out) {
  if (name == "version") {
    version_out = static_cast<unsigned>(in.integer(0, 1000));
    version = true;
  } else if (name == "issueDate") {
    issue_out = in.instant();
    issue_date = true;
  } else if (name == "nextUpdate") {
    next_out = in.instant();
    next_update = true;
  } else if (name == "tcbEvaluationDataNumber") {
    number_out = static_cast<std::uint32_t>(in.integer(0, UINT32_MAX));
    number = true;
  } else {
    return false;
  }
  return true;
}

void DocumentParts::require(json::Scanner& in) const {
  in.require(version, "version");
  in.require(issue_date, "issueDate");
  in.require(next_update, "nextUpdate");
  in.require(number, "tcbEvaluationDataNumber");
}

}  // namespace redoubt::endorse
