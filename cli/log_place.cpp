#include "cli/log_place.hpp"

#include <filesystem>
#include <fstream>
#include <string_view>
#include <utility>

#include <sodium.h>

#include "cli/home.hpp"
#include "cli/output.hpp"
#include "cli/wire.hpp"
#include "config/encryption.hpp"
#include "config/loader.hpp"
#include "config/reference.hpp"
#include "core/log.hpp"
#include "wal/chain.hpp"
#include "wal/keyring.hpp"

namespace nexus::cli {
namespace {

core::result<std::string> from_hex(std::string_view digits) {
  std::string bytes(digits.size() / 2, '\0');
  std::size_t length = 0;
  const char* end = nullptr;
  const int code = ::sodium_hex2bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(),
                                    digits.data(), digits.size(), nullptr, &length, &end);
  if (code != 0 || end != digits.data() + digits.size()) {
    return core::error{core::errc::invalid_argument,
                       "--mac-key hex: needs an even number of hex digits and nothing else"};
  }
  return bytes;
}

core::result<std::string> mac_key_of(const std::string& reference) {
  constexpr std::string_view hex = "hex:";
  if (reference.starts_with(hex)) return from_hex(std::string_view(reference).substr(hex.size()));
  auto key = config::resolve_reference(reference);
  if (!key) return core::error{key.reason().code, "--mac-key: " + key.reason().text};
  if (key->empty()) {
    return core::error{
        core::errc::bad_config,
        reference.empty()
            ? "--integrity mac needs --mac-key: env:NAME, file:/path, hex:DIGITS or the key itself"
            : "--mac-key: there is nothing behind the reference"};
  }
  return std::string(key->reveal());
}

core::result<void> add_key(wal::encryption_options& to, const std::string& flag,
                           const std::string& reference) {
  auto bytes = config::read_reference(reference);
  if (!bytes) return core::error{bytes.reason().code, flag + ": " + bytes.reason().text};
  auto key = config::parse_encryption_key(*bytes);
  if (!key) {
    return core::error{key.reason().code,
                       flag + ": " + key.reason().text + "; a file is named as file:/path"};
  }
  to.keys.emplace_back(key->reveal());
  return {};
}

core::result<wal::options> options_of(const log_options& from) {
  wal::options to;
  to.directory = from.directory;
  to.accept_unsigned = !from.strict;
  if (from.integrity == "mac") {
    to.integrity = wal::integrity_mode::mac;
    auto key = mac_key_of(from.mac_key);
    if (!key) return key.reason();
    to.mac_key = *std::move(key);
  }
  to.encryption.enabled = !from.key_file.empty();
  to.encryption.with = wal::parse_cipher(from.cipher).value_or(wal::cipher::aes_256_gcm);
  if (to.encryption.enabled)
    if (auto added = add_key(to.encryption, "--key-file", from.key_file); !added)
      return added.reason();
  for (const auto& one : from.previous_key_files)
    if (auto added = add_key(to.encryption, "--previous-key-file", one); !added)
      return added.reason();
  to.log = core::make_stderr_logger(core::log_level::warn, core::log_format::text);
  return to;
}

core::result<log_place> place_of_home(const std::string& flag,
                                      const destinations::registry& types) {
  const auto home = home_directory(flag);
  if (!home) return home.reason();
  const auto loaded = config::load(*home, type_table(types));
  if (!loaded) return loaded.reason();
  const auto log = core::make_stderr_logger(core::log_level::warn, core::log_format::text);
  return log_place{wal_options(loaded->settings.wal, log), *home, access_to(loaded->settings)};
}

/// Who has the log's lock.
struct lock_holder {
  std::string name = "another process";
  bool is_server = false;  ///< the one of the home, for sure
};

lock_holder holder_of(const log_place& place) {
  std::ifstream lock(place.how.directory + "/lock");
  std::string pid;  // the log writes it there
  if (!(lock >> pid)) return {};
  const auto server = place.home.empty() ? std::nullopt : find_running(place.home);
  const bool is_server = server && std::to_string(server->pid) == pid;
  return {(is_server ? "the server of this home, process " : "process ") + pid, is_server};
}

}  // namespace

core::result<log_place> find_log(const log_options& how, const destinations::registry& types) {
  log_place place;
  if (how.directory.empty()) {
    auto found = place_of_home(how.home, types);
    if (!found) return found;
    place = *std::move(found);
  } else {
    auto options = options_of(how);
    if (!options) return options.reason();
    place.how = *std::move(options);
  }
  std::error_code trouble;
  if (!std::filesystem::is_directory(place.how.directory, trouble)) {
    return core::error{core::errc::not_found, "there is no log: " + place.how.directory +
                                                  " is not there, or is no directory"};
  }
  place.how.background_maintenance = false;
  place.how.on_progress = show_progress;
  return place;
}

core::result<log_place> find_log_to_change(const log_options& how,
                                           const destinations::registry& types) {
  auto place = find_log(how, types);
  if (!place || !place->home.empty() || place->how.integrity == wal::integrity_mode::mac)
    return place;
  const auto anchor = place->how.directory + "/" + std::string(wal::anchor_name);
  if (auto file = place->how.files->open_read(anchor);
      !file && file.reason().code == core::errc::not_found)
    return place;
  return core::error{core::errc::bad_config,
                     "the log in " + place->how.directory +
                         " is signed, and lines that are rewritten without its key would count as "
                         "changed: add --integrity mac --mac-key KEY, or say --home HOME instead "
                         "of --dir. Nothing was changed"};
}

int fail_to_open(const log_place& place, const core::error& why, const std::string& command) {
  if (why.code != core::errc::locked) return fail(why);
  const auto holder = holder_of(place);
  const std::string home = place.home.empty() ? "HOME" : place.home;
  std::string text = "the log in " + place.how.directory + " is in use by " + holder.name +
                     ", and only one program may change it. Nothing was changed.\n";
  text += holder.is_server ? "What to do: " : "If that is a server: ";
  text += "`nexus stop --home " + home + "`, then this command again, then `nexus start --home " +
          home + "`.";
  if (place.home.empty() && command.starts_with("dlq")) {
    text += "\nOr leave the server running and say --home HOME instead of --dir: then `nexus " +
            command + "` has the server do it.";
  }
  return fail(text);
}

}  // namespace nexus::cli
