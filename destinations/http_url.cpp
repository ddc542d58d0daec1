#include "destinations/http_url.hpp"

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include <curl/curl.h>

namespace nexus::destinations {

namespace {

struct field {
  std::string_view placeholder;
  std::string core::entry::*member;
};

constexpr std::array<field, 3> fields{{
    {"{payload_id}", &core::entry::payload_id},
    {"{source}", &core::entry::source},
    {"{subject}", &core::entry::subject},
}};

core::error wrong(std::string text) {
  return {core::errc::bad_config, std::move(text)};
}

using curl_text = std::unique_ptr<char, decltype(&curl_free)>;

/// A URL taken apart; null if it is none.
std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parse(const std::string& url) {
  std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl_url(), &curl_url_cleanup);
  // Schemes that this curl cannot speak are parsed as well: they get their own complaint.
  if (parsed && curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), CURLU_NON_SUPPORT_SCHEME) !=
                    CURLUE_OK) {
    parsed.reset();
  }
  return parsed;
}

std::string part(CURLU* url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, flags) != CURLUE_OK) return {};
  return std::string(curl_text(text, &curl_free).get());
}

std::string host_of(CURLU* url) {
  const std::string port = part(url, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT);
  return part(url, CURLUPART_HOST) + (port.empty() ? "" : ":" + port);
}

/// Replaces each placeholder by what `value` says of its field; nothing if there is an unknown one.
std::optional<std::string> replace(std::string_view text,
                                   const std::function<std::string(const field&)>& value) {
  std::string out;
  while (!text.empty()) {
    const std::size_t brace = text.find_first_of("{}");
    out += text.substr(0, brace);
    if (brace == std::string_view::npos) break;
    text.remove_prefix(brace);
    const field* found = nullptr;
    for (const field& each : fields) {
      if (text.starts_with(each.placeholder)) found = &each;
    }
    if (found == nullptr) return std::nullopt;
    out += value(*found);
    text.remove_prefix(found->placeholder.size());
  }
  return out;
}

}  // namespace

std::string url_escaped(const std::string& text) {
  const curl_text spelled(curl_easy_escape(nullptr, text.c_str(), static_cast<int>(text.size())),
                          &curl_free);
  return spelled ? std::string(spelled.get()) : std::string();
}

core::result<std::string> url_origin(const std::string& url) {
  // curl would take one slash, or three, as well.
  const std::size_t slashes = url.find("://");
  const bool has_host = slashes != std::string::npos && url.find('/', slashes + 3) != slashes + 3;
  const auto parsed = parse(url);
  if (!parsed || !has_host) return wrong("it is not a URL as https://host/path is");
  const std::string scheme = part(parsed.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") return wrong("it does not begin with http or https");
  if (!part(parsed.get(), CURLUPART_USER).empty() ||
      !part(parsed.get(), CURLUPART_PASSWORD).empty()) {
    return wrong("it holds a user name or a password, which belong into a secret header");
  }
  return scheme + "://" + host_of(parsed.get());
}

std::string url_host(const std::string& url) {
  const auto parsed = parse(url);
  return parsed ? host_of(parsed.get()) : std::string();
}

core::result<url_template> url_template::make(const std::string& text) {
  const auto sample = replace(text, [](const field&) { return std::string("x"); });
  if (!sample) {
    return wrong("a brace in it does not belong to {payload_id}, {source} or {subject}");
  }
  auto origin = url_origin(*sample);
  if (!origin) return std::move(origin).reason();
  const std::size_t host = text.find("://") + 3;
  if (text.find('{') < text.find_first_of("/?#", host)) {
    return wrong("a placeholder stands in its host");
  }
  url_template made;
  made.text_ = text;
  made.origin_ = *std::move(origin);
  return made;
}

core::result<std::string> url_template::expand(const core::entry& entry) const {
  bool is_path = false;
  auto url = replace(text_, [&](const field& which) {
    const std::string& text = entry.*which.member;
    is_path = is_path || text == "." || text == "..";
    return url_escaped(text);
  });
  if (is_path) {
    return core::error{core::errc::invalid_argument,
                       "a field of the entry that stands in the URL is a path (. or ..)"};
  }
  return *std::move(url);
}

std::string url_template::expand(std::string_view filler) const {
  return *replace(text_, [&](const field&) { return std::string(filler); });
}

}  // namespace nexus::destinations
