// Requests that no honest client sends: one table for the server by itself and for the whole
// program.
#pragma once

#include <string>
#include <vector>

namespace nexus::test {

struct hostile {
  std::string name;
  std::string bytes;
  int status;  ///< of the answer
};

/// `POST /x` to the host a; each of `fields` with its line end.
std::string post(const std::string& fields, const std::string& body = "");
/// The same with a body in chunks.
std::string chunked(const std::string& body);
/// That many fields.
std::string many_headers(int count);

/// Framing that two programs could read in two ways.
const std::vector<hostile>& smuggling_forms();
/// Malformed chunks, chunk extensions and trailers.
const std::vector<hostile>& bad_chunks();
/// What is not HTTP/1.
const std::vector<hostile>& garbage();
/// Headers and targets over the server's usual limits.
const std::vector<hostile>& oversized();

}  // namespace nexus::test
