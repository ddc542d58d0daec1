#include "config/scaffold.hpp"

#include <unistd.h>

#include <array>
#include <filesystem>

#include "config/certificate.hpp"
#include "config/encryption.hpp"
#include "config/mode.hpp"
#include "config/reference.hpp"
#include "core/file.hpp"
#include "core/json_text.hpp"
#include "core/random.hpp"

namespace nexus::config {
namespace {

constexpr std::size_t key_bytes = 32;

// Mode "simple", because that is what a home with its keys in its files is; `nexus lint` then has
// nothing to say.
constexpr std::string_view daemon_text =
    R"(# Nexus: the settings of the program itself. Every key is optional except admin_token;
# docs/configuration.md explains them all. Check your changes with `nexus lint`.

[daemon]
# Where Nexus listens. 127.0.0.1 means: programs on this machine only.
bind = "127.0.0.1"
port = 8080

# Opens the administrator's pages. Keep it secret, or keep it elsewhere:
# "env:NAME" reads it from the environment, "file:/path" from a file.
admin_token = "@ADMIN@"

@MODE@

# debug, info, warn or error; as text or json.
log_level = "info"
log_format = "text"

# What was accepted is written here before the sender gets its answer.
# [daemon.wal]
# path = "/var/lib/nexus/wal"      # default: the folder wal beside this file
)";

constexpr std::string_view source_text =
    R"(# A source: a program that may send. One file each; the name of the file does not matter.

[source]
# Part of the address to send to: POST /inbound/default
name = "default"

# The sender shows this key: Authorization: Bearer <key>
api_key = "@DATA@"

can_write = true
can_read = true

# The name of a destination in ../destinations
target_destination = "sqlite"

# A payload that is sent again with the same Idempotency-Key is stored once.
[source.idempotency]
enabled = true
dedup_window_seconds = 300

# What to take from the JSON that arrives, for example
# {"message": {"role": "user", "content": "hi"}, "model": "m"}
[source.mapping]
content = "message.content"
role = "message.role"
model = "model"
)";

constexpr std::string_view destination_text = R"(# A destination: where entries are delivered to.

[destination]
name = "sqlite"
type = "sqlite"

# The database file. Default: memories.db in the home directory.
# db_path = "~/memories.db"
)";

std::string filled_in(std::string_view text, std::string_view mark, std::string_view with) {
  std::string out(text);
  return out.replace(out.find(mark), mark.size(), with);
}

/// All or nothing: a reader, and a crash, sees the old file or the new one.
core::result<void> write_file(core::file_system& files, const std::string& path,
                              std::string_view text) {
  const std::string draft = path + ".tmp";
  if (auto left = files.remove(draft); !left.ok() && left.reason().code != core::errc::not_found) {
    return left;
  }
  auto file = files.create(draft);
  if (!file.ok()) return std::move(file).reason();
  const std::string_view pieces[] = {text};
  if (auto written = (*file)->write_at(0, pieces); !written.ok()) return written;
  if (auto synced = (*file)->sync(); !synced.ok()) return synced;
  return files.rename(draft, path);
}

core::result<void> refuse_existing(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    std::error_code failed;
    if (std::filesystem::exists(std::filesystem::symlink_status(path, failed))) {
      return core::error{core::errc::invalid_argument,
                         path + " exists already; to replace it, and the keys in it, use --force"};
    }
  }
  return {};
}

struct draft {
  std::string directory;
  std::string name;
  std::string text;
};

core::result<void> write_all(const std::string& home, const std::vector<draft>& drafts) {
  core::file_system& files = core::posix_files();
  if (auto made = files.make_directory(home); !made.ok()) return made;
  for (const draft& file : drafts) {
    if (auto made = files.make_directory(file.directory); !made.ok()) return made;
    auto written = write_file(files, file.directory + '/' + file.name, file.text);
    if (!written.ok()) return written;
    if (auto synced = files.sync_directory(file.directory); !synced.ok()) return synced;
  }
  return files.sync_directory(home);
}

/// A key of a new home: the key itself, or a reference to the file that holds it.
struct placed_key {
  std::string key;
  std::string reference;  ///< as the text between a TOML string's quotes
};

/// As the text between a TOML string's quotes.
std::string quoted(const std::string& text) {
  std::string out;  // JSON's escapes are TOML's too
  core::json::append_quoted(out, text);
  return out.substr(1, out.size() - 2);
}

/// Draws a key; unless `in_place`, adds a file for it to `drafts`.
placed_key place_key(const std::string& home, const std::string& name, const std::string& prefix,
                     bool in_place, std::vector<draft>& drafts) {
  const std::string key = prefix + core::random_hex(key_bytes);
  if (in_place) return {key, key};
  drafts.push_back({home + "/keys", name, key + "\n"});
  return {key, quoted("file:" + home + "/keys/" + name)};
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

// `nexus lint` finds no fault with keys in the files in mode "simple" only.
std::string mode_text(const std::string& mode) {
  const bool in_place = mode == "simple";
  return std::string(in_place
                         ? "# simple: keys may stand in these files, and nothing is set behind "
                           "your back."
                         : "# Keys stand in files of their own, in the folder keys.") +
         "\nmode = \"" + mode + '"';
}

constexpr std::string_view safe_text = R"(
# Each line of the log carries a signature made with this key.
[daemon.wal.integrity]
mac_key_file = "@MAC@"

# The log is encrypted with this key. Keep a copy of it in another place: without it nobody can read
# the log any more.
[daemon.wal.encryption]
key_file = "@ENCRYPTION@"
cipher = "@CIPHER@"

# Clients speak TLS. Nobody but this machine has signed the certificate, so they must be given it:
# curl --cacert @CERTIFICATE@
[daemon.tls]
enabled = true
cert_file = "@CERTIFICATE@"
key_file = "@KEY@"
)";

std::string filled_in_everywhere(std::string text, std::string_view mark, std::string_view with) {
  for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += with.size())
    text.replace(at, mark.size(), with);
  return text;
}

/// What mode "safe" needs beside the rest of daemon.toml. Adds its keys and its certificate to
/// `drafts`.
core::result<std::string> make_safe(const std::string& home, std::vector<draft>& drafts) {
  const auto mac = place_key(home, "wal_mac", "", false, drafts);
  const auto encryption = place_key(home, "wal_encryption", "", false, drafts);
  auto tls = make_self_signed(host_name());
  if (!tls) return std::move(tls).reason();
  const std::string folder = home + "/tls";
  drafts.push_back({folder, "cert.pem", tls->certificate});
  drafts.push_back({folder, "key.pem", std::string(tls->key.reveal())});
  std::string text = filled_in(safe_text, "@MAC@", mac.reference);
  text = filled_in(text, "@ENCRYPTION@", encryption.reference);
  text = filled_in(text, "@CIPHER@", to_string(best_cipher()));
  text = filled_in_everywhere(text, "@CERTIFICATE@", quoted(folder + "/cert.pem"));
  return filled_in(text, "@KEY@", quoted(folder + "/key.pem"));
}

}  // namespace

core::result<scaffold> write_scaffold(const std::string& home, bool force,
                                      const std::string& mode) {
  if (mode.empty() || !find_mode(mode)) {
    return core::error{core::errc::invalid_argument,
                       "there is no mode \"" + mode + "\": simple, balanced, fast or safe"};
  }
  const auto full = absolute_path(home);
  if (!full.ok()) return full.reason();
  const bool in_place = mode == "simple";
  std::vector<draft> drafts;
  const auto admin = place_key(*full, "admin_token", "bfn_admin_", in_place, drafts);
  const auto data = place_key(*full, "default_api_key", "bfn_data_", in_place, drafts);
  std::string daemon = filled_in(daemon_text, "@ADMIN@", admin.reference);
  daemon = filled_in(daemon, "@MODE@", mode_text(mode));
  if (mode == "safe") {
    auto more = make_safe(*full, drafts);
    if (!more) return std::move(more).reason();
    daemon += *more;
  }
  // daemon.toml comes last: while it is missing, nothing starts on half a configuration.
  drafts.push_back({*full + "/destinations", "sqlite.toml", std::string(destination_text)});
  drafts.push_back(
      {*full + "/sources", "default.toml", filled_in(source_text, "@DATA@", data.reference)});
  drafts.push_back({*full, "daemon.toml", daemon});
  scaffold out{{}, secret(admin.key), secret(data.key), {}};
  if (mode == "safe") out.certificate = *full + "/tls/cert.pem";
  for (const draft& file : drafts) out.files.push_back(file.directory + '/' + file.name);
  if (!force) {
    if (auto absent = refuse_existing(out.files); !absent.ok()) return std::move(absent).reason();
  }
  if (auto written = write_all(*full, drafts); !written.ok()) return std::move(written).reason();
  return out;
}

}  // namespace nexus::config
