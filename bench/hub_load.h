// load: requests over kept TLS connections to one web server on this machine, from one thread, as many as it answers.
//
// For a comparison of two servers in one run: both get the same bytes in the same way. Each connection sends its next request when it has the
// answer to the one before. An answer must have a Content-Length. Any certificate is taken: both servers are ours.
#pragma once

#include <cstdint>
#include <string>

namespace redoubt::bench {

struct Load {
  std::uint16_t port = 0;
  int seconds = 10;
  int connections = 32;
  std::string method;
  std::string target;
  std::string key;     // of the API
  std::string bodies;  // file of one body a line, each sent once; empty: requests have none
};

// load prints one line of JSON: requests, seconds, rate, p50_ms, p99_ms, refused (answers that are not 2xx). 0, or 1 when the server is not there or
// does not speak as expected. It ends early when all bodies are sent.
int load(const Load& what);

}  // namespace redoubt::bench
