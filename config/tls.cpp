#include "config/tls.hpp"

#include <optional>

#include "config/certificate.hpp"
#include "config/reference.hpp"

namespace nexus::config {
namespace {

constexpr std::string_view cert_path = "daemon.tls.cert_file";
constexpr std::string_view key_path = "daemon.tls.key_file";
constexpr std::string_view ca_path = "daemon.tls.client_ca_file";
constexpr std::string_view auth_path = "daemon.tls.client_auth";

/// The path behind a reference, empty if there is none; nothing if that was reported. In v0.1.2
/// `file:/p` names a file that holds the path; but who writes that mostly means the file itself,
/// and a PEM file is no path.
std::optional<std::string> path_of(fields& in, std::string_view path) {
  const value* given = in.find(path);
  if (given == nullptr) return std::string();
  if (given->kind != value_kind::string) return std::nullopt;
  auto found = resolve_reference(given->text);
  if (!found) {
    in.fail("unresolved_reference", path, std::string(path) + ": " + found.reason().text);
    return std::nullopt;
  }
  std::string text(found->reveal());
  if (text.find("-----BEGIN ") != std::string::npos && given->text.starts_with("file:"))
    text = given->text.substr(std::string_view("file:").size());
  if (text.empty()) return text;
  auto full = absolute_path(text);
  if (full) return *std::move(full);
  in.fail("bad_path", path, std::string(path) + ": " + full.reason().text);
  return std::nullopt;
}

/// The same where there must be one: that there is none is reported as `code`. Empty then.
std::string required_path(fields& in, std::string_view path, const char* code) {
  const auto found = path_of(in, path);
  if (!found || !found->empty()) return found.value_or("");
  const bool is_reference = !in.text(path).empty();
  in.fail(code, path,
          is_reference ? in.why_empty(path)
                       : std::string(path) +
                             " is needed while daemon.tls.enabled is true: the path of a PEM file, "
                             "or env:NAME");
  return {};
}

/// Nothing if there is no file, or if it cannot be read, which is reported as `code`.
std::optional<secret> contents(fields& in, std::string_view path, const char* code,
                               const std::string& file) {
  if (file.empty()) return std::nullopt;
  auto bytes = read_text_file(file);
  if (bytes) return secret(*std::move(bytes));
  in.fail(code, path, std::string(path) + ": " + bytes.reason().text);
  return std::nullopt;
}

void check_files(fields& in, const tls_config& of) {
  const auto cert = contents(in, cert_path, "tls_bad_cert", of.cert_file);
  const auto key = contents(in, key_path, "tls_bad_key", of.key_file);
  if (!cert) return;
  const auto read = read_certificate(cert->reveal());
  if (!read) {
    in.fail("tls_bad_cert", cert_path,
            std::string(cert_path) + ": " + of.cert_file + ": " + read.reason().text);
    return;
  }
  if (read->expired)
    in.warn("tls_expired_cert", cert_path,
            "the certificate in " + of.cert_file + " has expired: clients will refuse it");
  if (!key) return;
  if (auto fits = check_key_of(cert->reveal(), key->reveal()); !fits)
    in.fail("tls_bad_key", key_path,
            std::string(key_path) + ": " + of.key_file + ": " + fits.reason().text);
}

void check_clients(fields& in, const tls_config& of) {
  if (of.clients != client_auth::none && of.client_ca_file.empty())
    return in.fail("tls_missing_ca", auth_path,
                   std::string(auth_path) + " = \"" + in.word(auth_path) + "\" needs " +
                       std::string(ca_path) + ": whom the clients' certificates come from");
  if (of.client_ca_file.empty()) return;
  if (of.clients == client_auth::none)
    in.warn("tls_unused_ca", ca_path,
            std::string(ca_path) + " has no effect: no client is asked for a certificate. " +
                std::string(auth_path) + " can be require_and_verify or verify_if_given");
  const auto bytes = contents(in, ca_path, "tls_bad_ca", of.client_ca_file);
  if (!bytes) return;
  if (auto read = read_certificate(bytes->reveal()); !read)
    in.fail("tls_bad_ca", ca_path,
            std::string(ca_path) + ": " + of.client_ca_file + ": " + read.reason().text);
}

tls_version read_version(fields& in, std::string_view path, tls_version when_absent) {
  const std::string word = in.word(path);
  if (word.empty()) return when_absent;
  if (word == "1.0") return tls_version::v1_0;
  if (word == "1.1") return tls_version::v1_1;
  if (word == "1.2") return tls_version::v1_2;
  if (word == "1.3") return tls_version::v1_3;
  in.fail("unknown_value", path,
          std::string(path) + " is \"" + word + "\"; it can be 1.0, 1.1, 1.2 or 1.3");
  return when_absent;
}

void read_versions(fields& in, tls_config& out) {
  constexpr std::string_view least = "daemon.tls.min_version";
  constexpr std::string_view most = "daemon.tls.max_version";
  out.min_version = read_version(in, least, out.min_version);
  out.max_version = read_version(in, most, out.max_version);
  if (out.min_version > out.max_version)
    return in.fail("conflicting_keys", in.has(least) ? least : most,
                   "daemon.tls.min_version is above daemon.tls.max_version: no connection could "
                   "be made");
  if (out.min_version < tls_version::v1_2)
    in.warn("tls_old_version", least,
            "TLS 1.0 and 1.1 are broken, and the OpenSSL of Debian refuses them whatever stands "
            "here; 1.2 is the oldest that works");
}

client_auth read_client_auth(fields& in) {
  const std::string word = in.word(auth_path);
  if (word == "require_and_verify") return client_auth::required;
  if (word == "verify_if_given") return client_auth::if_given;
  if (!word.empty() && word != "no_client_cert")
    in.fail("unknown_value", auth_path,
            std::string(auth_path) + " is \"" + word +
                "\"; it can be no_client_cert, require_and_verify or verify_if_given");
  return client_auth::none;
}

}  // namespace

void read_tls(fields& in, tls_config& out, bool preset) {
  out.enabled = in.flag("daemon.tls.enabled", preset);
  read_versions(in, out);
  out.clients = read_client_auth(in);
  if (!out.enabled) return;
  out.cert_file = required_path(in, cert_path, "tls_missing_cert");
  out.key_file = required_path(in, key_path, "tls_missing_key");
  out.client_ca_file = path_of(in, ca_path).value_or("");
  check_files(in, out);
  check_clients(in, out);
}

}  // namespace nexus::config
