#include "cli/fetch.hpp"

#include <array>
#include <cstdlib>
#include <memory>

#include <curl/curl.h>

namespace nexus::cli {
namespace {

struct closer {
  void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
};
using easy_handle = std::unique_ptr<CURL, closer>;

easy_handle make_handle() {
  static const CURLcode set_up = curl_global_init(CURL_GLOBAL_DEFAULT);
  easy_handle easy(curl_easy_init());
  if (set_up != CURLE_OK || !easy) std::abort();
  return easy;
}

struct received_body {
  std::string bytes;
  std::size_t bytes_max;
};

/// Taking less than what came makes curl give up.
std::size_t take_body(char* bytes, std::size_t, std::size_t size, void* into) {
  auto& body = *static_cast<received_body*>(into);
  if (size > body.bytes_max - body.bytes.size()) return 0;
  body.bytes.append(bytes, size);
  return size;
}

/// Called about once a second; anything but 0 ends the transfer.
int wants_to_give_up(void* flag, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(flag)->load() ? 1 : 0;
}

/// Without what may be a secret: user, password and query.
std::string shown(const std::string& url) {
  std::string out = url.substr(0, url.find('?'));
  const auto authority = out.find("://");
  const auto begin = authority == std::string::npos ? 0 : authority + 3;
  const auto at = out.rfind('@', out.find('/', begin));
  if (at != std::string::npos && at >= begin) out.erase(begin, at + 1 - begin);
  return out;
}

core::error failure(const std::string& url, core::errc code, const std::string& why) {
  return {code, "GET " + shown(url) + ": " + why};
}

}  // namespace

core::result<std::string> fetch(const std::string& url, const fetch_limits& within) {
  const easy_handle handle = make_handle();
  CURL* easy = handle.get();
  const bool secure = url.starts_with("https://");
  received_body body{{}, within.body_bytes_max};
  std::array<char, CURL_ERROR_SIZE> detail{};
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(easy, CURLOPT_MAXREDIRS, 3L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT, static_cast<long>(within.timeout.count()));
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &take_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &body);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail.data());
  if (within.give_up != nullptr) {
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, &wants_to_give_up);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, within.give_up);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  }
  const CURLcode code = curl_easy_perform(easy);
  if (code == CURLE_WRITE_ERROR)
    return failure(url, core::errc::too_large,
                   "the answer is larger than " + std::to_string(within.body_bytes_max) + " bytes");
  if (code != CURLE_OK)
    return failure(url, core::errc::unreachable,
                   detail.front() != '\0' ? detail.data() : curl_easy_strerror(code));
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  if (status != 200)
    return failure(url, core::errc::unreachable, "status " + std::to_string(status));
  return std::move(body.bytes);
}

}  // namespace nexus::cli
