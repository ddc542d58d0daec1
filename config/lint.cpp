#include "config/lint.hpp"

#include "config/build.hpp"
#include "config/fields.hpp"
#include "config/files.hpp"
#include "config/reference.hpp"

namespace nexus::config {
namespace {

void check_bind(fields& in) {
  const std::string bind = in.text("daemon.bind");
  if (bind != "0.0.0.0" && bind != "::") return;
  in.warn("dangerous_bind", "daemon.bind",
          "daemon.bind = \"" + bind +
              "\" listens on every network, without TLS; use 127.0.0.1 "
              "and a proxy that does TLS");
}

void check_proxies(fields& in) {
  for (const std::string& cidr : in.list("daemon.trusted_proxies.cidrs")) {
    if (cidr != "0.0.0.0/0" && cidr != "::/0") continue;
    in.warn("unsafe_proxy_cidr", "daemon.trusted_proxies.cidrs",
            cidr + " trusts everybody: any client can claim any address; name your proxies only");
  }
}

void check_reference(fields& in, const std::string& path, const location& at,
                     const std::string& reference) {
  if (reference.empty() || !is_literal(reference)) return;
  in.warn("literal_key", at,
          path + " holds the key itself; env:NAME or file:/path keeps it out of this file");
}

void check_literal(fields& in, const std::string& path) {
  check_reference(in, path, in.where(path), in.text(path));
}

void check_literals(fields& in, const std::string& path) {
  for (const std::string& reference : in.list(path)) {
    check_reference(in, path, in.where(path), reference);
  }
}

void check_members(fields& in, const std::string& path) {
  const value* table = in.find(path);
  if (table == nullptr || table->kind != value_kind::table) return;
  for (const value& member : table->children) {
    if (member.kind != value_kind::string) continue;
    check_reference(in, path + '.' + member.key, member.key_at, member.text);
  }
}

void check_idempotency(fields& in) {
  if (in.flag("source.idempotency.enabled", false)) return;
  in.warn("missing_idempotency", "source.idempotency.enabled",
          "without [source.idempotency] enabled = true, a client that sends again after a lost "
          "answer makes a second entry");
}

void check_destination(fields& in, const type_table& types) {
  const auto type = types.find(in.text("destination.type"));
  if (type == types.end()) return;
  for (const core::setting& key : type->second.keys) {
    const std::string path = "destination." + key.name;
    if (key.kind == core::setting_kind::secret) check_literal(in, path);
    if (key.kind == core::setting_kind::secret_table) check_members(in, path);
  }
}

}  // namespace

std::vector<finding> lint(const std::string& home, const type_table& types) {
  std::vector<finding> findings;
  const auto full = absolute_path(home);
  if (!full.ok()) return {{severity::error, "bad_path", full.reason().text, {home}}};
  const file_set files = read_files(*full, findings);
  build(files, *full, types, findings);

  bool simple = false;
  if (files.daemon) {
    fields in(*files.daemon, findings);
    simple = in.word("daemon.mode") == "simple";
    check_bind(in);
    check_proxies(in);
    if (!simple) {
      check_literal(in, "daemon.admin_token");
      check_literal(in, "daemon.wal.integrity.mac_key_file");
      check_literal(in, "daemon.wal.encryption.key_file");
      check_literals(in, "daemon.wal.encryption.previous_key_files");
    }
  }
  for (const value& source : files.sources) {
    fields in(source, findings);
    check_idempotency(in);
    if (!simple) check_literal(in, "source.api_key");
  }
  for (const destination_file& destination : files.destinations) {
    if (simple || !destination.document) continue;
    fields in(*destination.document, findings);
    check_destination(in, types);
  }
  return findings;
}

}  // namespace nexus::config
