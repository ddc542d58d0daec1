#include <cstdio>
#include <functional>
#include <string>
#include <utility>

#include <sodium.h>

#include "cli/commands.hpp"
#include "cli/output.hpp"
#include "config/reference.hpp"
#include "core/json_text.hpp"
#include "wal/inspect.hpp"

namespace nexus::cli {
namespace {

constexpr int exit_damaged = 1;
constexpr int exit_unreadable = 2;

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

core::result<std::string> resolve_key(const std::string& reference) {
  constexpr std::string_view hex = "hex:";
  if (reference.starts_with(hex)) return from_hex(std::string_view(reference).substr(hex.size()));
  auto key = config::resolve_reference(reference);
  if (!key) return key.reason();
  return std::string(key->reveal());
}

core::result<wal::inspection> inspect(const wal_options& how, wal::selection which,
                                      const std::function<void(std::string_view)>& emit) {
  wal::options log;
  log.directory = how.directory;
  if (how.integrity == "mac") log.integrity = wal::integrity_mode::mac;
  auto key = resolve_key(how.mac_key);
  if (!key) return key.reason();
  log.mac_key = std::move(*key);
  return wal::inspect(log, which, {}, emit);
}

wal::selection selection_of(const std::string& status) {
  if (status == "delivered") return wal::selection::delivered;
  if (status == "failed") return wal::selection::failed;
  return status == "all" ? wal::selection::all : wal::selection::pending;
}

/// `"name":number,` for every counter.
std::string counters_json(const wal::inspection& found) {
  const std::pair<const char*, std::uint64_t> all[] = {
      {"pending", found.pending},
      {"delivered", found.delivered},
      {"failed", found.failed},
      {"crc_failures", found.crc_failures},
      {"integrity_failures", found.integrity_failures},
      {"torn_lines", found.torn_lines},
      {"malformed_lines", found.malformed_lines},
      {"duplicates", found.duplicates},
      {"lines", found.lines},
      {"segments", found.segments}};
  std::string out;
  for (const auto& [name, number] : all) {
    out += (out.empty() ? "\"" : ",\"") + std::string(name) + "\":" + std::to_string(number);
  }
  return out;
}

std::string report_json(const wal::inspection& found) {
  std::string out = "{" + counters_json(found) + ",\"bytes\":" + std::to_string(found.bytes) +
                    ",\"status_lines\":" + std::to_string(found.status_lines) +
                    ",\"clean\":" + (found.first_damage ? "false" : "true");
  if (const auto& first = found.first_damage) {
    out += ",\"first_damage\":{\"segment\":";
    core::json::append_quoted(out, first->segment);
    out += ",\"line\":" + std::to_string(first->line) +
           ",\"offset\":" + std::to_string(first->offset) + ",\"what\":";
    core::json::append_quoted(out, first->what);
    out += "}";
  }
  return out + "}\n";
}

std::string report_text(const wal::inspection& found) {
  const auto n = [](std::uint64_t number) { return std::to_string(number); };
  std::string out =
      n(found.segments) + " segments, " + n(found.bytes) + " bytes, " + n(found.lines) +
      " lines\n" + "entries: " + n(found.pending) + " pending, " +
      (found.duplicates > 0 ? n(found.duplicates) + " duplicates of pending ones, " : "") +
      n(found.delivered) + " delivered, " + n(found.failed) + " failed for good; " +
      n(found.status_lines) + " status lines\n" + "damage: " + n(found.crc_failures) +
      " wrong CRCs, " + n(found.integrity_failures) + " wrong HMACs, " + n(found.torn_lines) +
      " torn lines, " + n(found.malformed_lines) + " malformed lines\n";
  if (const auto& first = found.first_damage) {
    return out + "first damage: " + first->segment + " line " + n(first->line) + ", at byte " +
           n(first->offset) + ": " + first->what + "\n";
  }
  return out + "clean\n";
}

}  // namespace

int command_wal_export(const wal_options& how) {
  const auto found = inspect(how, selection_of(how.status), [](std::string_view json) {
    std::fwrite(json.data(), 1, json.size(), stdout);
    std::fputc('\n', stdout);
  });
  if (!found) return fail(found.reason());
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    return fail("standard output does not take everything: the export is not complete");
  }
  std::fputs(("{" + counters_json(*found) + "}\n").c_str(), stderr);
  return 0;
}

int command_wal_verify(const wal_options& how) {
  const auto found = inspect(how, wal::selection::none, [](std::string_view) {});
  if (!found) {
    fail(found.reason());
    return exit_unreadable;
  }
  print(how.json ? report_json(*found) : report_text(*found));
  return found->first_damage ? exit_damaged : 0;
}

}  // namespace nexus::cli
