// Line: how the tests on the host and the program in the guest talk: one line of text a message, words between spaces, bytes in
// hexadecimal ("-" where there are none). Both ends are tests, and end where the other one does not keep to it.
//
//   host                                            guest
//                                                   ready
//   load NAME [PARAMETER]...                        ok | error CODE TEXT
//   unload NAME                                     ok | error CODE TEXT
//   folder                                          ok IS_THERE ENTRIES      (of configfs-tsm)
//   make-entry                                      ok ERRNO
//   tsm LEVEL DISTURBED STATEMENT                   ok FORMAT EVIDENCE LEAF | error CODE TEXT
//   race ROUNDS STATEMENT                           ok COLLECTED UNAVAILABLE OTHERS FOREIGN_WRITES TEXT
//   tpm STATEMENT                                   ok FORMAT EVIDENCE - | error CODE TEXT
//   activate ID_OBJECT ENCRYPTED_SECRET             ok SECRET | error CODE TEXT
//   off                                             (ends)
// While the host waits for the answer to `tsm` and `race`, the guest asks for reports:
//   answer ERRNO OUTBLOB AUXBLOB                    ask LEVEL INBLOB
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/encoding.h"

namespace redoubt::test {

inline constexpr std::size_t kMaxLine = std::size_t{8} << 20;

inline std::string word(ByteView bytes) { return bytes.empty() ? "-" : hex_encode(bytes); }

inline Result<Bytes> bytes_of(const std::string& word) {
  if (word == "-") return Bytes();
  return hex_decode(word);
}

inline std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

// rest_of: the line behind its first `count` words.
inline std::string rest_of(const std::string& line, std::size_t count) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < count && at != std::string::npos; ++i) {
    at = line.find(' ', at);
    if (at != std::string::npos) ++at;
  }
  return at == std::string::npos ? "" : line.substr(at);
}

}  // namespace redoubt::test
