// Parts that TCB info and QE identity have in common, read by a json::Scanner. For this room only.
#pragma once

#include <span>

#include "common/attest/endorse/intel/tcb_info.h"
#include "common/base/json_slice.h"

namespace redoubt::endorse {

// LevelParts: tcbDate, tcbStatus, advisoryIDs of one level. read is false for another member. An empty list of statuses: all that
// Intel publishes.
struct LevelParts {
  std::span<const TcbStatus> statuses = {};
  bool date = false, status = false;

  bool read(json::Scanner& in, std::string_view name, LevelFacts& out);
  void require(json::Scanner& in) const;
};

// isv_levels reads [{"tcb":{"isvsvn":6},"tcbDate":...,"tcbStatus":...,"advisoryIDs":[...]}, ...].
void isv_levels(json::Scanner& in, std::size_t max, std::span<const TcbStatus> statuses, std::vector<IsvLevel>& out);

// DocumentParts: version, issueDate, nextUpdate, tcbEvaluationDataNumber.
struct DocumentParts {
  bool version = false, issue_date = false, next_update = false, number = false;

  bool read(json::Scanner& in, std::string_view name, unsigned& version_out, Instant& issue_out, Instant& next_out,
            std::uint32_t& number_out);
  void require(json::Scanner& in) const;
};

// signed_document reads {"<name>": <body>, "signature": "<128 hex digits>"} and nothing else; `body` reads the value.
template <class F>
void signed_document(json::Scanner& in, std::string_view body_name, std::string_view& signed_bytes, JsonSignature& signature,
                     F&& body) {
  bool has_signature = false;
  in.object([&](std::string_view name) {
    if (name == body_name) {
      signed_bytes = in.slice(body);
    } else if (name == "signature") {
      signature = in.fixed_hex<JsonSignature>();
      has_signature = true;
    } else {
      in.fail("unknown member beside the signature");
    }
  });
  in.require(!signed_bytes.empty(), body_name);
  in.require(has_signature, "signature");
}

}  // namespace redoubt::endorse
