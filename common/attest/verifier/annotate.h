// annotate: what each byte of a piece of Evidence is, for people. Nothing is believed and nothing is verified.
//
// Every byte of a binary form belongs to exactly one field, in the order of the bytes; a form that cannot be read is an error, as
// for the verifier. Of a token header and claims are shown instead, and of a certificate its extensions and the quote inside.
// Pure and thread-safe. Layouts: the headers of common/attest/evidence.
#pragma once

#include <string>
#include <vector>

#include "common/attest/verifier/detect.h"
#include "common/base/json.h"

namespace redoubt::verifier {

struct Field {
  std::size_t offset = 0;
  std::size_t length = 0;
  std::string name;   // "body.mrtd"
  std::string value;  // decoded; of long bytes the beginning and the length
};

struct Annotated {
  Format format{};
  std::vector<Field> fields;  // empty for a token
  json::Value description;    // what the form's own room tells
};

// annotate: `malformed` as detect() and the form's own parser have it.
Result<Annotated> annotate(ByteView evidence);

}  // namespace redoubt::verifier
