// URLs of HTTP destinations: checking them, and filling in an entry's fields. Pure.
#pragma once

#include <string>
#include <string_view>

#include "core/entry.hpp"
#include "core/result.hpp"

namespace nexus::destinations {

/// `scheme://host`, and the port unless it is the scheme's own: what may be shown of a URL, whose
/// query may hold a token. Error `bad_config`: it is not an absolute http or https URL, or has a
/// user name or a password in it.
core::result<std::string> url_origin(const std::string& url);

/// The host of a URL of any scheme, `host:port` where there is a port; empty if it has none.
std::string url_host(const std::string& url);

/// Percent-encoded, all but letters, digits and -._~
std::string url_escaped(const std::string& text);

/// A URL with the placeholders `{payload_id}`, `{source}` and `{subject}` after its host.
class url_template {
 public:
  /// Error `bad_config`: see url_origin; or another placeholder, or one in the host.
  static core::result<url_template> make(const std::string& text);

  /// With the entry's fields in it, percent-encoded. Error `invalid_argument` where a field is "."
  /// or "..", which would name another place.
  core::result<std::string> expand(const core::entry& entry) const;
  /// With `filler` for each placeholder.
  std::string expand(std::string_view filler) const;

  const std::string& origin() const noexcept { return origin_; }

 private:
  std::string text_;
  std::string origin_;
};

}  // namespace nexus::destinations
