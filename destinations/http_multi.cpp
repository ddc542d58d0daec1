#include "destinations/http_multi.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>
#include <utility>

#include <curl/curl.h>

#include "destinations/http_url.hpp"

namespace nexus::destinations {

namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

struct easy_closer {
  void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
};
struct list_freer {
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};
struct multi_closer {
  void operator()(CURLM* handle) const noexcept { curl_multi_cleanup(handle); }
};

/// curl's own set-up for the whole process; safe from any thread since 7.84.
void set_up_curl() {
  static const CURLcode done = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (done != CURLE_OK) std::abort();
}

milliseconds until(clock::time_point end) {
  return std::chrono::ceil<milliseconds>(end - clock::now());
}

/// An authority that was put into the file while we run is seen this much later.
constexpr long ca_cache_seconds = 60;

http_end end_of(CURLcode code) {
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
      return http_end::refused;
    case CURLE_URL_MALFORMAT:
      return http_end::bad_url;
    default:
      return http_end::unreachable;
  }
}

std::string one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == '\x7f') c = ' ';
  }
  constexpr std::size_t length_max = 200;
  if (text.size() > length_max) text.resize(length_max);
  return text;
}

}  // namespace

/// One request under way; its handle is used again for later ones.
struct http_multi::transfer {
  std::unique_ptr<CURL, easy_closer> easy;
  std::unique_ptr<curl_slist, list_freer> headers;
  http_request request;
  http_reply reply;
  bool has_head = false;  ///< The whole head of the final answer is there.
  std::size_t body_bytes = 0;
  std::array<char, CURL_ERROR_SIZE> message{};

  std::size_t on_header(std::string_view line) {
    if (has_head) return line.size();  // a trailer
    long status = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    has_head = status >= 200 && (line == "\r\n" || line == "\n");
    return line.size();
  }

  std::size_t on_body(std::string_view bytes) {
    const std::size_t room = http_body_kept - std::min(http_body_kept, reply.body.size());
    reply.body.append(bytes.substr(0, room));
    body_bytes += bytes.size();
    // Another number than was handed in ends the transfer.
    return body_bytes > http_body_read ? 0 : bytes.size();
  }
};

namespace {

template <class Transfer>
std::size_t write_header(char* bytes, std::size_t, std::size_t size, void* to) noexcept {
  return static_cast<Transfer*>(to)->on_header({bytes, size});
}

template <class Transfer>
std::size_t write_body(char* bytes, std::size_t, std::size_t size, void* to) noexcept {
  return static_cast<Transfer*>(to)->on_body({bytes, size});
}

}  // namespace

struct http_multi::engine {
  explicit engine(http_connections options) : how(std::move(options)) {
    set_up_curl();
    multi.reset(curl_multi_init());
    if (!multi) std::abort();
    const std::size_t count = std::max<std::size_t>(how.concurrency, 1);
    curl_multi_setopt(multi.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(count));
    for (std::size_t i = 0; i < count; ++i) {
      auto& made = *all.emplace_back(std::make_unique<transfer>());
      made.easy.reset(curl_easy_init());
      if (!made.easy) std::abort();
      set_up(made);
      idle.push_back(&made);
    }
  }

  /// What is the same for every request.
  void set_up(transfer& one) const {
    CURL* easy = one.easy.get();
    curl_easy_setopt(easy, CURLOPT_PRIVATE, &one);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, one.message.data());
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &write_header<transfer>);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &one);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &write_body<transfer>);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &one);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    // The answer of a proxy to CONNECT is none of the server's.
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    // A name server that does not answer must not hold up the end of a call.
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "nexus/" NEXUS_VERSION);
    // A field of the entry in the URL stays where it is, whatever it looks like.
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, ca_cache_seconds);
    if (!how.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, how.ca_file.c_str());
    if (!how.cert_file.empty()) curl_easy_setopt(easy, CURLOPT_SSLCERT, how.cert_file.c_str());
    if (!how.key_file.empty()) curl_easy_setopt(easy, CURLOPT_SSLKEY, how.key_file.c_str());
  }

  void begin(transfer& one, http_request request, milliseconds left) const {
    one.request = std::move(request);
    one.reply = {};
    one.has_head = false;
    one.body_bytes = 0;
    one.message.fill('\0');
    // curl would wait for a "100 Continue" before a large body otherwise.
    one.headers.reset(curl_slist_append(nullptr, "Expect:"));
    for (const auto& line : one.request.headers) {
      if (curl_slist_append(one.headers.get(), line.c_str()) == nullptr) std::abort();
    }
    CURL* easy = one.easy.get();
    const std::string& method = one.request.method;
    const bool has_body = method == "POST" || method == "PUT";
    if (has_body) {
      curl_easy_setopt(easy, CURLOPT_POST, 1L);
      curl_easy_setopt(easy, CURLOPT_POSTFIELDS, one.request.body.data());
      curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(one.request.body.size()));
    } else {
      curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
      curl_easy_setopt(easy, CURLOPT_NOBODY, method == "HEAD" ? 1L : 0L);
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method.c_str());
    curl_easy_setopt(easy, CURLOPT_URL, one.request.url.c_str());
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, one.headers.get());
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<long>(left.count(), 1)));
    if (curl_multi_add_handle(multi.get(), easy) != CURLM_OK) std::abort();
  }

  /// What became of a request that has ended with `code`.
  static void finish(transfer& one, CURLcode code) {
    CURL* easy = one.easy.get();
    http_reply& reply = one.reply;
    if (one.has_head) {
      reply.how = http_end::answered;
      long status = 0;
      curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
      reply.status = static_cast<int>(status);
      curl_off_t seconds = 0;
      curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &seconds);
      constexpr curl_off_t seconds_max = 365 * 24 * 3600;
      if (seconds > 0) reply.retry_after = std::chrono::seconds(std::min(seconds, seconds_max));
      const char* location = nullptr;
      curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &location);
      if (location != nullptr) reply.location_host = one_line(url_host(location));
      return;
    }
    if (code == CURLE_OK) code = CURLE_GOT_NOTHING;  // a head that is cut off passes for whole
    reply.how = end_of(code);
    if (code == CURLE_OPERATION_TIMEDOUT) {
      curl_off_t ready_to_send = 0;
      curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &ready_to_send);
      if (ready_to_send > 0) reply.how = http_end::timed_out;
    }
    long proxy_status = 0;
    curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
    if (proxy_status == 407) reply.how = http_end::refused;
    const std::string detail(one.message.data());
    reply.problem = one_line(detail.empty() ? curl_easy_strerror(code) : detail);
  }

  /// The next request that has ended, back among the idle ones; null if there is none.
  transfer* ended() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      transfer* one = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &one);
      finish(*one, message->data.result);
      curl_multi_remove_handle(multi.get(), one->easy.get());
      idle.push_back(one);
      return one;
    }
    return nullptr;
  }

  const http_connections how;
  std::unique_ptr<CURLM, multi_closer> multi;
  std::vector<std::unique_ptr<transfer>> all;  ///< Gone before `multi`, as curl wants it.
  std::vector<transfer*> idle;
};

http_multi::http_multi(http_connections how) : engine_(std::make_unique<engine>(std::move(how))) {}

http_multi::~http_multi() = default;

void http_multi::run(milliseconds timeout, const source& next, const sink& done) {
  const auto start = clock::now();
  const auto last_begin = start + timeout / 2;
  const auto end = start + timeout;
  bool has_more = true;
  for (;;) {
    while (has_more && !engine_->idle.empty()) {
      auto request = clock::now() < last_begin ? next() : std::nullopt;
      has_more = request.has_value();
      if (!has_more) break;
      transfer* one = engine_->idle.back();
      engine_->idle.pop_back();
      engine_->begin(*one, *std::move(request), until(end));
    }
    if (engine_->idle.size() == engine_->all.size()) return;
    int running = 0;
    if (curl_multi_perform(engine_->multi.get(), &running) != CURLM_OK) std::abort();
    const transfer* one = engine_->ended();
    const bool has_ended = one != nullptr;
    for (; one != nullptr; one = engine_->ended()) done(one->request.tag, one->reply);
    // The end comes by each transfer's own timeout.
    if (!has_ended) curl_multi_poll(engine_->multi.get(), nullptr, 0, 1000, nullptr);
  }
}

}  // namespace nexus::destinations
