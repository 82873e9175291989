// Requests that a server must not repair: each with the status that refuses it. One table for the parser's tests, the
// server's tests and the fuzz seeds. Sources: RFC 9112 sections 2.2, 3, 5, 6, 7.1, 11.2 and published smuggling variants.
#pragma once

#include <string>
#include <vector>

namespace redoubt::net::test {

struct HttpAttack {
  const char* name;
  std::string bytes;
  int status;
};

inline std::vector<HttpAttack> http_attacks() {
  using namespace std::string_literals;
  const std::string post = "POST /echo HTTP/1.1\r\nhost: a\r\n";
  const std::string get = "GET /health HTTP/1.1\r\nhost: a\r\n";
  const std::string tail = "5\r\nhello\r\n0\r\n\r\n";
  std::string many = get;
  for (int i = 0; i < 65; ++i) many += "x-" + std::to_string(i) + ": 1\r\n";
  return {
      {"content-length and chunked", post + "content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n" + tail, 400},
      {"chunked and content-length", post + "transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n" + tail, 400},
      {"two lengths that differ", post + "content-length: 5\r\ncontent-length: 6\r\n\r\nhello", 400},
      {"two lengths that agree", post + "content-length: 5\r\ncontent-length: 5\r\n\r\nhello", 400},
      {"a list of lengths", post + "content-length: 5, 5\r\n\r\nhello", 400},
      {"a length with a sign", post + "content-length: +5\r\n\r\nhello", 400},
      {"a negative length", post + "content-length: -5\r\n\r\nhello", 400},
      {"a hexadecimal length", post + "content-length: 0x5\r\n\r\nhello", 400},
      {"an empty length", post + "content-length: \r\n\r\nhello", 400},
      {"a length that overflows", post + "content-length: 18446744073709551621\r\n\r\nhello", 400},
      {"a length with a space inside", post + "content-length: 1 0\r\n\r\nhello", 400},
      {"two transfer-encodings", post + "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n" + tail, 400},
      {"gzip before chunked", post + "transfer-encoding: gzip, chunked\r\n\r\n" + tail, 501},
      {"chunked twice", post + "transfer-encoding: chunked, chunked\r\n\r\n" + tail, 501},
      {"chunked hidden in a word", post + "transfer-encoding: xchunked\r\n\r\n" + tail, 501},
      {"chunked after a vertical tab", post + "transfer-encoding: \x0b" "chunked\r\n\r\n" + tail, 400},
      {"space before the colon", post + "transfer-encoding : chunked\r\n\r\n" + tail, 400},
      {"folded line", get + "x-a: 1\r\n 2\r\n\r\n", 400},
      {"folded first header", "GET /health HTTP/1.1\r\n host: a\r\n\r\n", 400},
      {"bare line feed", "GET /health HTTP/1.1\nhost: a\n\r\n\r\n", 400},
      {"line feed inside a value", get + "x-a: 1\nx-b: 2\r\n\r\n", 400},
      {"bare carriage return", get + "x-a: 1\rx-b: 2\r\n\r\n", 400},
      {"nul in a value", get + "x-a: 1\0002\r\n\r\n"s, 400},
      {"nul in a name", get + "x\0a: 1\r\n\r\n"s, 400},
      {"delete character in a value", get + "x-a: \x7f\r\n\r\n", 400},
      {"header without a colon", get + "x-a\r\n\r\n", 400},
      {"header without a name", get + ": 1\r\n\r\n", 400},
      {"no host", "GET /health HTTP/1.1\r\n\r\n", 400},
      {"empty host", "GET /health HTTP/1.1\r\nhost:\r\n\r\n", 400},
      {"two hosts", get + "host: b\r\n\r\n", 400},
      {"host with a path", "GET /health HTTP/1.1\r\nhost: a/b\r\n\r\n", 400},
      {"two authorizations", get + "authorization: a\r\nauthorization: b\r\n\r\n", 400},
      {"absolute form", "GET http://a/health HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"authority form", "CONNECT a:443 HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"asterisk form", "OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"http 1.0", "GET /health HTTP/1.0\r\nhost: a\r\n\r\n", 505},
      {"http 2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"no version", "GET /health\r\nhost: a\r\n\r\n", 400},
      {"small letters in the version", "GET /health http/1.1\r\nhost: a\r\n\r\n", 400},
      {"two spaces", "GET  /health HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"tab for a space", "GET\t/health HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"space in the target", "GET /a b HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"bytes above 127 in the target", "GET /\xc3\xa4 HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"empty line first", "\r\nGET /health HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"dot segments", "GET /a/../health HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"encoded dot segments", "GET /a/%2e%2E/health HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"encoded slash", "GET /hello/a%2fb HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"double slash", "GET //health HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"encoded nul", "GET /hello/a%00 HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"fragment", "GET /health#x HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"unknown expectation", get + "expect: tea\r\n\r\n", 417},
      {"a long target", "GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nhost: a\r\n\r\n", 414},
      {"a huge header", get + "x-a: " + std::string(17'000, 'a') + "\r\n\r\n", 431},
      {"a head without end", get + "x-a: " + std::string(40'000, 'a'), 431},
      {"65 headers more", many + "\r\n", 431},
      {"chunk size that is no number", post + "transfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n", 400},
      {"negative chunk size", post + "transfer-encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n", 400},
      {"chunk size with 0x", post + "transfer-encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n", 400},
      {"chunk size that overflows", post + "transfer-encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n", 400},
      {"chunk larger than its size", post + "transfer-encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n", 400},
      {"chunk with a bare line feed", post + "transfer-encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n", 400},
      {"an endless chunk header", post + "transfer-encoding: chunked\r\n\r\n5;" + std::string(20'000, 'x'), 400},
      {"a body too large", "POST /small HTTP/1.1\r\nhost: a\r\ncontent-length: 11\r\n\r\nhello world", 413},
      {"chunks too large", "POST /small HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n", 413},
      {"not http at all", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"s, 400},
  };
}

}  // namespace redoubt::net::test
