#include "outgoing/http_calls.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <curl/curl.h>

namespace nexus::outgoing {
namespace {

struct closer {
  void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
  void operator()(CURLU* url) const noexcept { curl_url_cleanup(url); }
};
struct multi_closer {
  void operator()(CURLM* handle) const noexcept { curl_multi_cleanup(handle); }
};
struct text_closer {
  void operator()(char* text) const noexcept { curl_free(text); }
};

/// curl's own set-up for the whole process; safe from any thread since 7.84.
void set_up_curl() {
  static const CURLcode done = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (done != CURLE_OK) std::abort();
}

void add(std::unique_ptr<curl_slist, closer>& list, const std::string& line) {
  curl_slist* longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) std::abort();
  if (!list) list.reset(longer);
}

std::string one_line(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == '\x7f') c = ' ';
  constexpr std::size_t length_max = 200;
  if (text.size() > length_max) text.resize(length_max);
  return text;
}

}  // namespace

struct http_calls::transfer {
  http_call call;
  done_fn done;
  http_reply reply;
  std::size_t body_bytes_max = 0;
  bool has_head = false;  ///< curl takes a head that is cut off for a whole one
  std::array<char, CURL_ERROR_SIZE> message{};
  std::unique_ptr<curl_slist, closer> headers;
  std::unique_ptr<CURL, closer> easy;

  static std::size_t on_header(char* bytes, std::size_t, std::size_t size, void* to) noexcept {
    if (std::string_view(bytes, size) == "\r\n") static_cast<transfer*>(to)->has_head = true;
    return size;
  }

  static std::size_t on_body(char* bytes, std::size_t, std::size_t size, void* to) noexcept {
    auto& self = *static_cast<transfer*>(to);
    // Another number than was handed in ends the transfer.
    if (self.reply.body.size() + size > self.body_bytes_max) return 0;
    self.reply.body.append(bytes, size);
    return size;
  }

  void set_up() {
    easy.reset(curl_easy_init());
    if (!easy) std::abort();
    add(headers, "Content-Type: application/json");
    add(headers, "Expect:");  // no wait for "100 Continue" before a large body
    for (const auto& line : call.headers) add(headers, line);
    const auto set = [this](CURLoption option, auto value) {
      curl_easy_setopt(easy.get(), option, value);
    };
    set(CURLOPT_PRIVATE, this);
    set(CURLOPT_ERRORBUFFER, message.data());
    set(CURLOPT_HEADERFUNCTION, &on_header);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_WRITEFUNCTION, &on_body);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    // A name server that does not answer must not hold up the end of the program.
    set(CURLOPT_QUICK_EXIT, 1L);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    set(CURLOPT_USERAGENT, "nexus/" NEXUS_VERSION);
    set(CURLOPT_POSTFIELDS, call.body.data());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
    set(CURLOPT_URL, call.url.c_str());
    set(CURLOPT_HTTPHEADER, headers.get());
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<long>(call.timeout.count(), 1)));
  }

  void finish(CURLcode code) {
    if (code == CURLE_OK && !has_head) code = CURLE_GOT_NOTHING;
    if (code != CURLE_OK) {
      reply = {};
      const std::string detail(message.data());
      reply.problem = one_line(detail.empty() ? curl_easy_strerror(code) : detail);
      if (code == CURLE_WRITE_ERROR) reply.problem = "its answer is too long";
      return;
    }
    long status = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    reply.status = static_cast<int>(status);
    curl_off_t seconds = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_RETRY_AFTER, &seconds);
    if (seconds > 0) reply.retry_after = std::chrono::seconds(seconds);
  }
};

struct http_calls::engine {
  explicit engine(std::size_t bytes_max) : body_bytes_max(bytes_max) {
    set_up_curl();
    multi.reset(curl_multi_init());
    if (!multi) std::abort();
  }
  ~engine() {
    for (const auto& [easy, one] : all) curl_multi_remove_handle(multi.get(), easy);
  }

  std::unique_ptr<transfer> take(CURL* easy) {
    curl_multi_remove_handle(multi.get(), easy);
    auto found = all.extract(easy);
    return std::move(found.mapped());
  }

  const std::size_t body_bytes_max;
  std::unique_ptr<CURLM, multi_closer> multi;
  std::unordered_map<CURL*, std::unique_ptr<transfer>> all;
};

http_calls::http_calls(std::size_t body_bytes_max)
    : engine_(std::make_unique<engine>(body_bytes_max)) {}

http_calls::~http_calls() = default;

void http_calls::begin(http_call call, done_fn done) {
  auto made = std::make_unique<transfer>();
  made->call = std::move(call);
  made->done = std::move(done);
  made->body_bytes_max = engine_->body_bytes_max;
  made->set_up();
  CURL* easy = made->easy.get();
  if (curl_multi_add_handle(engine_->multi.get(), easy) != CURLM_OK) std::abort();
  engine_->all.emplace(easy, std::move(made));
}

std::size_t http_calls::size() const noexcept {
  return engine_->all.size();
}

void http_calls::run(std::chrono::milliseconds at_most) {
  CURLM* multi = engine_->multi.get();
  const auto perform = [&] {
    int running = 0;
    if (curl_multi_perform(multi, &running) != CURLM_OK) std::abort();
    bool has_ended = false;
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      const auto ended = engine_->take(message->easy_handle);
      ended->finish(code);
      ended->done(ended->reply);
      has_ended = true;
    }
    return has_ended;
  };
  if (perform()) return;
  constexpr std::chrono::milliseconds longest{60'000};
  const auto wait = std::clamp(at_most, std::chrono::milliseconds(0), longest);
  curl_multi_poll(multi, nullptr, 0, static_cast<int>(wait.count()), nullptr);
  perform();
}

void http_calls::wake() noexcept {
  curl_multi_wakeup(engine_->multi.get());
}

void http_calls::abandon() {
  while (!engine_->all.empty()) {
    const auto one = engine_->take(engine_->all.begin()->first);
    http_reply none;
    none.problem = "given up, the program is stopping";
    one->done(none);
  }
}

std::string host_of(const std::string& url) {
  set_up_curl();
  const std::unique_ptr<CURLU, closer> parsed(curl_url());
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return {};
  const auto part = [&](CURLUPart which) {
    char* text = nullptr;
    if (curl_url_get(parsed.get(), which, &text, 0) != CURLUE_OK) return std::string();
    return std::string(std::unique_ptr<char, text_closer>(text).get());
  };
  const std::string port = part(CURLUPART_PORT);
  return part(CURLUPART_HOST) + (port.empty() ? "" : ":" + port);
}

}  // namespace nexus::outgoing
