#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "config/lint_checks.hpp"
#include "config/reference.hpp"

namespace nexus::config {
namespace {

constexpr std::size_t key_size_least = 16;

/// What a key is for: it opens this server, makes its signatures, or something else has given it
/// out.
enum class purpose { token, signature, others };

/// A key in the files, or a reference to one.
struct placed_key {
  std::string path;  ///< as people say it: "source.api_key"
  std::string reference;
  location at;
  purpose use;
};

class key_list {
 public:
  explicit key_list(const value& document) : document_(document) {}

  /// A key, or a list of them.
  void add(const std::string& path, purpose use) {
    const value* found = document_.find(path);
    if (found == nullptr) return;
    if (found->kind != value_kind::array) return add(path, *found, use);
    for (const value& element : found->children) add(path, element, use);
  }
  void add(const std::string& path, const value& key, purpose use) {
    if (key.kind != value_kind::string || key.text.empty()) return;
    keys.push_back({path, key.text, key.key_at, use});
  }

  std::vector<placed_key> keys;

 private:
  const value& document_;
};

std::vector<placed_key> keys_of_daemon(const value& document) {
  key_list list(document);
  for (const char* path : {"daemon.admin_token", "daemon.mcp.api_key"})
    list.add(path, purpose::token);
  for (const char* path : {"daemon.wal.integrity.mac_key_file",
                           "daemon.audit.integrity.mac_key_file", "daemon.signing.key_file"})
    list.add(path, purpose::signature);
  for (const char* path :
       {"daemon.wal.encryption.key_file", "daemon.wal.encryption.previous_key_files",
        "daemon.audit.encryption.key_file", "daemon.embedding.api_key"})
    list.add(path, purpose::others);
  return list.keys;
}

std::vector<placed_key> keys_of_source(const value& document) {
  key_list list(document);
  list.add("source.api_key", purpose::token);
  list.add("source.api_keys", purpose::token);
  return list.keys;
}

std::vector<placed_key> keys_of_destination(const value& document, const type_table& types) {
  key_list list(document);
  const value* type = document.find("destination.type");
  const auto known = types.find(type == nullptr ? "" : type->text);
  if (known == types.end()) return {};
  for (const core::setting& key : known->second.keys) {
    const std::string path = "destination." + key.name;
    if (key.kind == core::setting_kind::secret) list.add(path, purpose::others);
    if (key.kind != core::setting_kind::secret_table) continue;
    const value* table = document.find(path);
    if (table == nullptr || table->kind != value_kind::table) continue;
    for (const value& member : table->children)
      list.add(path + '.' + member.key, member, purpose::others);
  }
  return list.keys;
}

/// Whether somebody else on this machine can read the file: the file lets him, and so does every
/// directory on the way.
bool readable_by_others(const std::string& path) {
  std::error_code failed;
  auto at = std::filesystem::canonical(path, failed);
  if (failed) return false;
  struct stat info {};
  if (::stat(at.c_str(), &info) != 0 || (info.st_mode & S_IROTH) == 0) return false;
  while (at.has_relative_path()) {
    at = at.parent_path();
    if (::stat(at.c_str(), &info) != 0 || (info.st_mode & S_IXOTH) == 0) return false;
  }
  return true;
}

/// Whether a key can come in a header, from which the white space around it is taken.
bool can_be_sent(std::string_view key) {
  const auto is_control = [](unsigned char c) { return c < ' ' || c == 0x7f; };
  return key.front() != ' ' && key.back() != ' ' &&
         std::none_of(key.begin(), key.end(), is_control);
}

class key_checks {
 public:
  key_checks(const lint_subject& all, std::vector<finding>& findings)
      : settings_(all.settings), findings_(findings) {}

  void check(const std::vector<placed_key>& keys) {
    for (const placed_key& key : keys) {
      check_place(key);
      check_text(key);
    }
  }

  /// `path`: what people call the key at `at`, which stands in the file `name`.
  void check_file(const std::string& name, const std::string& path, const location& at) {
    if (!checked_files_.insert(name).second || !readable_by_others(name)) return;
    warn("readable_by_others", at,
         name + (path.empty() ? " holds keys" : ", where " + path + " is,") +
             " and everybody on this machine can read it; `chmod 600` it");
  }

  void warn(const char* code, const location& at, const std::string& message) {
    findings_.push_back({severity::warning, code, message, at});
  }

 private:
  void check_place(const placed_key& key) {
    constexpr std::string_view file = "file:";
    if (key.reference.starts_with(file))
      return check_file(key.reference.substr(file.size()), key.path, key.at);
    if (!is_literal(key.reference)) return;
    check_file(key.at.file, "", key.at);
    if (settings_.mode == "simple") return;
    warn("literal_key", key.at,
         key.path + " holds the key itself; env:NAME or file:/path keeps it out of this file");
  }

  void check_text(const placed_key& key) {
    if (key.use == purpose::others) return;
    const auto resolved = resolve_reference(key.reference);
    if (!resolved || resolved->empty()) return;
    if (key.use == purpose::token && !can_be_sent(resolved->reveal()))
      warn("unsendable_key", key.at,
           key.path +
               " has white space around it, or a control character in it: no client can "
               "send that, and the key opens nothing");
    check_length(key, resolved->reveal().size());
  }

  /// Short keys can be guessed: nothing slows down somebody who tries.
  void check_length(const placed_key& key, std::size_t size) {
    if (size >= key_size_least) return;
    warn("short_key", key.at,
         key.path + " has fewer than " + std::to_string(key_size_least) +
             " characters and can be guessed; `openssl rand -hex 32` makes one that cannot");
  }

  const config& settings_;
  std::vector<finding>& findings_;
  std::set<std::string> checked_files_;
};

bool same(const secret& a, const secret& b) {
  return !a.empty() && a.reveal() == b.reveal();
}

/// Keys that open more than they should, or one door twice. `keys` are those of the source.
void check_source_keys(const config& settings, const source_config& source,
                       const std::vector<placed_key>& keys, key_checks& to) {
  std::vector<secret> before;
  for (const placed_key& key : keys) {
    auto resolved = resolve_reference(key.reference);
    if (!resolved) continue;
    const secret& own = *resolved;
    const bool admin = same(own, settings.admin_token);
    if (admin || same(own, settings.mcp.api_key))
      to.warn("shared_key", key.at,
              "source \"" + source.name + "\" has the key of " +
                  (admin ? "the administrator" : "MCP clients") +
                  ", who would count as this source; give each a key of its own");
    if (std::any_of(before.begin(), before.end(), [&](const auto& one) { return same(one, own); }))
      to.warn("repeated_key", key.at,
              "source \"" + source.name + "\" has this key twice; one of them is enough");
    before.push_back(own);
  }
}

}  // namespace

void lint_keys(const lint_subject& all, std::vector<finding>& findings) {
  key_checks checks(all, findings);
  if (all.files.daemon) {
    const fields in(*all.files.daemon, findings);
    checks.check(keys_of_daemon(*all.files.daemon));
    const auto& tls = all.settings.tls;
    const location at = in.where("daemon.tls.key_file");
    if (!tls.key_file.empty()) checks.check_file(tls.key_file, "daemon.tls.key_file", at);
    if (same(all.settings.mcp.api_key, all.settings.admin_token))
      checks.warn("shared_key", in.where("daemon.mcp.api_key"),
                  "daemon.mcp.api_key is the administrator's token; give each a key of its own");
  }
  for (std::size_t i = 0; i < all.files.sources.size(); ++i) {
    const auto keys = keys_of_source(all.files.sources[i]);
    checks.check(keys);
    check_source_keys(all.settings, all.settings.sources[i], keys, checks);
  }
  for (const destination_file& file : all.files.destinations)
    if (file.document) checks.check(keys_of_destination(*file.document, all.types));
}

}  // namespace nexus::config
