// Subjects of NATS: making them from a template and an entry, and matching them against the
// wildcards of a stream. Tokens are separated by dots; `*` stands for one token, `>` at the end for
// one or more.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/entry.hpp"

namespace nexus::destinations {

/// The longest value that a placeholder puts into a subject, in bytes; the rest is cut off. A line
/// of the protocol over 4096 bytes, subject included, makes a server drop the connection.
inline constexpr std::size_t subject_value_bytes_max = 128;

/// What is wrong with a template: a token is empty, holds white space or a wildcard, a placeholder
/// is unknown, the subject is reserved for the server ("$…"), or it is longer than 512 bytes.
std::optional<std::string> subject_template_fault(std::string_view text);

/// The subject for an entry: {source}, {subject}, {destination} and {actor_type} replaced by the
/// entry's values. In a value each byte that has a meaning in a subject (`.`, `*`, `>`, `$`, white
/// space, control characters) becomes `_`, and an empty value is `_`, so that an entry never
/// changes the number of tokens. UTF-8 stays.
std::string make_subject(std::string_view text, const core::entry& entry);

/// The wildcard for everything that a template makes: each token with a placeholder is `*`.
std::string template_wildcard(std::string_view text);

/// Whether some subject matches both; either may hold wildcards.
bool subjects_overlap(std::string_view a, std::string_view b);

}  // namespace nexus::destinations
