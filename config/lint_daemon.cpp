#include <algorithm>

#include "config/lint_checks.hpp"

namespace nexus::config {
namespace {

void check_bind(fields& in, const config& settings) {
  const std::string& bind = settings.bind;
  if (settings.tls.enabled || (bind != "0.0.0.0" && bind != "::")) return;
  in.warn("dangerous_bind", "daemon.bind",
          "daemon.bind = \"" + bind +
              "\" listens on every network, without TLS; switch on daemon.tls.enabled, or use "
              "127.0.0.1 and a proxy that does TLS");
}

void check_mode(fields& in, const config& settings) {
  if (settings.mode != "safe" || settings.tls.enabled) return;
  in.warn("safe_mode_tls_disabled", "daemon.tls.enabled",
          "mode \"safe\" without TLS: requests and keys cross the network in the clear, unless a "
          "proxy on this machine does TLS");
}

void check_proxies(fields& in, const config& settings) {
  constexpr std::string_view ranges = "daemon.trusted_proxies.cidrs";
  constexpr std::string_view headers = "daemon.trusted_proxies.forwarded_headers";
  for (const std::string& cidr : settings.trusted_proxy_cidrs) {
    if (cidr != "0.0.0.0/0" && cidr != "::/0") continue;
    in.warn("unsafe_proxy_cidr", ranges,
            cidr + " trusts everybody: any client can claim any address; name your proxies only");
  }
  const bool any_range = !settings.trusted_proxy_cidrs.empty();
  if (any_range == !settings.forwarded_headers.empty()) return;
  in.warn("incomplete_proxies", any_range ? ranges : headers,
          any_range ? std::string(ranges) + " has no effect without " + std::string(headers) +
                          ": for example [\"X-Forwarded-For\"]"
                    : std::string(headers) + " has no effect without " + std::string(ranges) +
                          ": which proxies are believed");
}

/// Whether a browser may send it: scheme://host:port in lower case and without the scheme's own
/// port, or null (the Fetch standard, section 3.2).
bool is_origin(std::string_view text) {
  if (text == "*" || text == "null") return true;
  const auto end_of_scheme = text.find("://");
  if (end_of_scheme == 0 || end_of_scheme == std::string_view::npos) return false;
  const auto scheme = text.substr(0, end_of_scheme);
  const auto host = text.substr(end_of_scheme + 3);
  const bool has_own_port = (scheme == "http" && host.ends_with(":80")) ||
                            (scheme == "https" && host.ends_with(":443"));
  return !host.empty() && !has_own_port &&
         host.find_first_of("/?#@*\\") == std::string_view::npos &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return c > ' ' && c < '\x7f' && !(c >= 'A' && c <= 'Z'); });
}

void check_origins(fields& in, const config& settings) {
  for (const std::string& origin : settings.cors_origins) {
    if (is_origin(origin)) continue;
    in.warn("unmatched_origin", "daemon.cors.allowed_origins",
            "no browser sends the origin \"" + origin +
                "\": it is scheme://host or scheme://host:port, in lower case, without a path and "
                "without the scheme's own port; for example https://app.example.com");
  }
}

void check_signing(fields& in) {
  if (!in.flag("daemon.signing.enabled", false)) return;
  in.warn("unsigned_config", "daemon.signing.enabled",
          "daemon.signing.enabled = true, but this version checks no signature: whoever can write "
          "to these files decides what is in them");
}

/// `where`: "daemon.wal" or "daemon.audit".
void check_mac_key(fields& in, const std::string& where, bool mac) {
  const std::string path = where + ".integrity.mac_key_file";
  if (mac || in.text(path).empty()) return;
  in.warn("unused_mac_key", path,
          path + " has no effect: " + where + ".integrity.mode is not \"mac\"");
}

/// Reports what the loader has not reported there already.
void require_key(fields& in, const std::string& path, const std::vector<finding>& found) {
  const std::string reference = in.text(path);
  const location at = in.where(path);
  const bool said = std::any_of(found.begin(), found.end(), [&](const finding& one) {
    return one.where.file == at.file && one.where.line == at.line &&
           one.where.column == at.column && one.level == severity::error;
  });
  if (reference.empty() && !said) in.fail("missing_keyfile", path, in.why_empty(path));
}

/// Two keys of one place: whoever can forge, or read, the one log can do so with the other.
void check_shared(fields& in, const std::string& key, const char* code) {
  const std::string wal = "daemon.wal." + key;
  const std::string audit = "daemon.audit." + key;
  if (in.text(wal).empty() || in.text(wal) != in.text(audit)) return;
  in.warn(code, audit, audit + " is the key of " + wal + ": give each log a key of its own");
}

void check_audit(fields& in, const std::vector<finding>& found) {
  if (!in.flag("daemon.audit.enabled", false)) return;
  const bool mac = in.word("daemon.audit.integrity.mode") == "mac";
  check_mac_key(in, "daemon.audit", mac);
  if (mac) require_key(in, "daemon.audit.integrity.mac_key_file", found);
  if (in.flag("daemon.audit.encryption.enabled", false))
    require_key(in, "daemon.audit.encryption.key_file", found);
  check_shared(in, "integrity.mac_key_file", "audit_shared_hmac_key");
  check_shared(in, "encryption.key_file", "audit_shared_encryption_key");
}

void check_sinks(fields& in) {
  const value* sinks = in.find("daemon.events.sinks");
  if (sinks == nullptr || !in.flag("daemon.events.enabled", false)) return;
  for (const value& sink : sinks->children) {
    const value* retries = sink.member("max_retries");
    if (retries == nullptr || retries->kind != value_kind::integer || retries->integer > 0)
      continue;
    in.warn("event_sink_no_retry", retries->key_at,
            "max_retries = " + retries->text +
                " does not mean none, but 3; an event that is lost at the first hitch would be "
                "lost for good");
  }
}

}  // namespace

void lint_rate(fields& in, std::string_view path) {
  const value* found = in.find(path);
  if (found == nullptr || found->kind != value_kind::integer) return;
  const std::string is = std::string(path) + " = " + found->text;
  if (found->integer <= 0)
    in.warn("unbounded_rate_limit", path, is + " does not lift the limit: it means the default");
  if (found->integer > rate_without_effect)
    in.warn("unbounded_rate_limit", path,
            is + " limits nothing: one client can take all that the server can do");
}

void lint_daemon(const lint_subject& all, std::vector<finding>& findings) {
  fields in(*all.files.daemon, findings);
  check_bind(in, all.settings);
  check_mode(in, all.settings);
  check_proxies(in, all.settings);
  check_origins(in, all.settings);
  check_signing(in);
  lint_rate(in, "daemon.rate_limit.global_requests_per_minute");
  check_mac_key(in, "daemon.wal", all.settings.wal.mac);
  check_audit(in, findings);
  check_sinks(in);
}

}  // namespace nexus::config
