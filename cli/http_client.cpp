#include "cli/http_client.hpp"

#include <array>
#include <cstdlib>
#include <string_view>

#include <curl/curl.h>

#include "cli/home.hpp"

namespace nexus::cli {
namespace {

std::size_t append_body(char* bytes, std::size_t, std::size_t size, void* body) {
  static_cast<std::string*>(body)->append(bytes, size);
  return size;
}

/// Sees the empty line at the end of the head: curl takes a head that is cut off for a whole one.
std::size_t note_end_of_head(char* bytes, std::size_t, std::size_t size, void* whole) {
  if (std::string_view(bytes, size) == "\r\n") *static_cast<bool*>(whole) = true;
  return size;
}

/// curl would send a request once more where a kept-alive connection breaks before the answer, but
/// the first one may have been carried out.
int allow_once(void* sent, char*, char*, int, int) {
  return std::exchange(*static_cast<bool*>(sent), true) ? CURL_PREREQFUNC_ABORT
                                                        : CURL_PREREQFUNC_OK;
}

std::string problem_of(CURLcode code, const char* detail) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return "no answer in time";
    case CURLE_ABORTED_BY_CALLBACK:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
      return "it closed the connection before its answer";
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
      return "it does not have the key of the certificate in daemon.tls.cert_file: that was "
             "changed "
             "since the start, or somebody else listens there";
    default:
      return *detail != '\0' ? detail : curl_easy_strerror(code);
  }
}

/// Only the key counts: it cannot be imitated, and names and authorities would have to fit every
/// address that the server listens on.
void speak_tls(CURL* easy, const client_tls& how) {
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
  curl_easy_setopt(easy, CURLOPT_PINNEDPUBLICKEY, how.public_key_pin.c_str());
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  if (how.cert_file.empty()) return;
  curl_easy_setopt(easy, CURLOPT_SSLCERT, how.cert_file.c_str());
  curl_easy_setopt(easy, CURLOPT_SSLKEY, how.key_file.c_str());
}

}  // namespace

struct http_client::connection {
  connection() {
    static const CURLcode set_up = curl_global_init(CURL_GLOBAL_DEFAULT);
    easy.reset(curl_easy_init());
    if (set_up != CURLE_OK || !easy) std::abort();
  }

  struct closer {
    void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
  };
  using header_list = std::unique_ptr<curl_slist, closer>;

  static header_list headers_of(const request& what) {
    header_list list(curl_slist_append(nullptr, "Expect:"));  // no wait for "100 Continue"
    const auto add = [&](const std::string& line) {
      if (curl_slist_append(list.get(), line.c_str()) == nullptr) std::abort();
    };
    if (!what.token.empty()) add("Authorization: Bearer " + what.token);
    for (const auto& [name, value] : what.headers) add(name + ": " + value);
    return list;
  }

  std::unique_ptr<CURL, closer> easy;
  std::array<char, CURL_ERROR_SIZE> detail{};
};

http_client::http_client(std::string host, std::uint16_t port, std::chrono::seconds timeout,
                         std::optional<client_tls> tls)
    : connection_(std::make_unique<connection>()),
      authority_(address_text(host, port)),
      timeout_(timeout),
      tls_(std::move(tls)) {}

http_client::~http_client() = default;

core::result<http_answer> http_client::send(const request& what) {
  CURL* easy = connection_->easy.get();
  curl_easy_reset(easy);  // the connection stays
  const auto headers = connection::headers_of(what);
  const std::string scheme = tls_ ? "https" : "http";
  const std::string url = scheme + "://" + authority_ + what.target;
  http_answer answer;
  bool sent = false;
  bool has_head = false;
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, scheme.c_str());
  curl_easy_setopt(easy, CURLOPT_PROXY, "");  // it is on this machine
  if (tls_) speak_tls(easy, *tls_);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT, static_cast<long>(timeout_.count()));
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
  if (what.method != "GET") {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, what.body.data());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(what.body.size()));
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, what.method.c_str());
  }
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, &allow_once);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, &sent);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &note_end_of_head);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &has_head);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &append_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer.body);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, connection_->detail.data());
  connection_->detail.front() = '\0';
  CURLcode code = curl_easy_perform(easy);
  if (code == CURLE_OK && !has_head) code = CURLE_GOT_NOTHING;
  if (code != CURLE_OK) {
    return core::error{core::errc::unreachable,
                       authority_ + ": " + problem_of(code, connection_->detail.data())};
  }
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  return answer;
}

}  // namespace nexus::cli
