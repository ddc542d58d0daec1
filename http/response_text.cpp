#include "http/response_text.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <boost/beast/http/status.hpp>
#include <iterator>

namespace nexus::http {
namespace {

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  for (char c : value) {
    bool control = (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
    out += control ? ' ' : c;
  }
  out += "\r\n";
}

/// RFC 9110 section 6.4.1: these answers end with their header.
bool never_has_body(int status) {
  return status < 200 || status == 204 || status == 304;
}

}  // namespace

void append_response(std::string& out, const response& response, const response_framing& framing) {
  out.reserve(out.size() + 256 + response.body.size());
  if (append_head(out, response, framing)) out += response.body;
}

bool append_head(std::string& out, const response& response, const response_framing& framing) {
  auto reason = boost::beast::http::obsolete_reason(
      boost::beast::http::int_to_status(static_cast<unsigned>(response.status)));
  fmt::format_to(std::back_inserter(out), FMT_STRING("HTTP/1.1 {} {}\r\n"), response.status,
                 std::string_view(reason.data(), reason.size()));
  if (!framing.date.empty()) append_field(out, "Date", framing.date);
  for (const auto& [name, value] : response.headers) append_field(out, name, value);
  bool body = !never_has_body(response.status);
  if (body) {
    if (!response.content_type.empty()) append_field(out, "Content-Type", response.content_type);
    fmt::format_to(std::back_inserter(out), FMT_STRING("Content-Length: {}\r\n"),
                   response.body.size());
  }
  if (!framing.keep_alive) out += "Connection: close\r\n";
  if (framing.keep_alive && framing.http_1_0) out += "Connection: keep-alive\r\n";
  out += "\r\n";
  return body && !framing.head;
}

std::string http_date(std::time_t when) {
  return fmt::format("{:%a, %d %b %Y %H:%M:%S GMT}", fmt::gmtime(when));
}

}  // namespace nexus::http
