#include "destinations/postgres_fault.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "destinations/reason.hpp"

namespace nexus::destinations {

namespace {

template <std::size_t Size>
bool begins_with_one_of(std::string_view code, const std::array<std::string_view, Size>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return code.starts_with(prefix); });
}

// Connections, shutting down and starting up, resources, the server's disk: they keep everything
// out, whatever the entry.
constexpr std::array<std::string_view, 8> unreachable{"08",    "53",    "57P01", "57P02",
                                                      "57P03", "57P04", "57P05", "58"};
// Conflicts with other transactions, canceled, internal.
constexpr std::array<std::string_view, 5> transient{"40", "55", "57", "25P", "XX000"};
// Values, constraints, limits, what a trigger raised, what a view checks.
constexpr std::array<std::string_view, 5> permanent{"22", "23", "54", "P0", "44"};

/// The lines that say what went wrong, one for each server that was tried.
std::vector<std::string_view> failures(std::string_view message) {
  std::vector<std::string_view> lines;
  std::string_view first;
  while (!message.empty()) {
    const std::string_view line = message.substr(0, message.find('\n'));
    message.remove_prefix(std::min(line.size() + 1, message.size()));
    if (first.empty()) first = line;
    if (line.starts_with("connection to server ")) lines.push_back(line);
  }
  if (lines.empty()) lines.push_back(first);
  return lines;
}

/// Where the code stands in "…:  28P01: password …" (the word before it is translated); npos if
/// there is none.
std::size_t code_place(std::string_view line) {
  constexpr std::size_t size = 5;
  for (auto at = line.find(":  "); at != std::string_view::npos; at = line.find(":  ", at + 1)) {
    const std::string_view code = line.substr(at + 3, size);
    const auto valid = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); };
    if (code.size() == size && std::all_of(code.begin(), code.end(), valid) &&
        line.substr(at + 3 + size).starts_with(": ")) {
      return at + 3;
    }
  }
  return std::string_view::npos;
}

}  // namespace

core::error to_error(const postgres_fault& fault) {
  const bool mend =
      fault.kind == outcome_kind::config_fault || fault.kind == outcome_kind::permanent;
  return {mend ? core::errc::bad_config : core::errc::unreachable, fault.reason};
}

outcome_kind outcome_of_sqlstate(std::string_view code) noexcept {
  if (code.empty() || begins_with_one_of(code, unreachable)) return outcome_kind::unreachable;
  if (begins_with_one_of(code, transient)) return outcome_kind::transient;
  if (begins_with_one_of(code, permanent)) return outcome_kind::permanent;
  // A right, a name or the whole server is wrong, or a code is new to us: nothing is lost by
  // waiting for a person.
  return outcome_kind::config_fault;
}

std::string connect_sqlstate(std::string_view message) {
  const std::string_view last = failures(message).back();
  const std::size_t place = code_place(last);
  return place == std::string_view::npos ? std::string() : std::string(last.substr(place, 5));
}

std::string connect_reason(std::string_view message) {
  std::string text;
  for (const std::string_view line : failures(message)) {
    text += text.empty() ? "" : ", ";
    text += line;
  }
  return one_line(std::move(text));
}

}  // namespace nexus::destinations
